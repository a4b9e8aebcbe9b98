"""The wording rules, over every text the assistant can say. Each rule is shown a text that breaks it."""

import re
from datetime import date
from typing import Any

import pytest

from tests.actions.asking import get_responses
from tests.bot.training_examples import read_examples

GSM7 = set(
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?¡ABCDEFGHIJKLMNOPQRSTUVWXYZ"
    "ÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
)
GSM7_COUNTED_TWICE = set("^{}\\[~]|€")
LONGEST = 306
NEVER_SAID = (
    *(
        "why",
        "unfortunately",
        "please",
        "sorry",
        "incident",
        "alleged",
        "allegedly",
        "claim",
        "claims",
        "oops",
    ),
    *("invalid", "filed", "undetected", "nfa", "retracted", "uncooperative", "user", "ticket", "chatbot"),
)
# The longest each gap is filled with.
FILLED = {
    "recorded_on": "30 September 2026",
    "next_update_due": "30 September 2026",
    "officer_name": "Detective Constable Alexandria Example-Testington",
    "collar_number": "CX123456",
    "officer_contact": "101 extension 1234567, example.officer@example.org",
    "name": "Rape and Sexual Abuse Support Line",
    "phone": "08 08 16 89 111",
    "hours": "Monday to Thursday, 10am to 8.30pm; Friday, 10am to 4.30pm",
    "for_whom": "anyone who finds it hard to cope and would rather text",
}


def find_faults(response: dict[str, Any]) -> list[str]:
    """What is wrong with one variation of a response; empty when nothing is."""
    text = response["text"].format(**FILLED)
    choices = [button["title"] for button in response.get("buttons", [])]
    # As an SMS: the text, then "Reply 1 This 2 That".
    whole = " ".join([text, *(["Reply"] if choices else []), *(f"{n} {c}" for n, c in enumerate(choices, 1))])
    faults = [f"not GSM-7: {char!r}" for char in sorted(set(whole) - GSM7 - GSM7_COUNTED_TWICE)]
    length = len(whole) + sum(char in GSM7_COUNTED_TWICE for char in whole)
    if length > LONGEST:
        faults.append(f"{length} characters")
    words = set(re.findall(r"[a-z']+", text.lower()))
    faults += [f"never said: {word}" for word in NEVER_SAID if word in words]
    if "!" in text:
        faults.append("exclamation mark")
    if _needs_source(response["text"]) and not _has_source(response):
        faults.append("a number, right or deadline without source and review_by")
    return faults


def _needs_source(text: str) -> bool:
    return bool(re.search(r"\b\d", text)) or "right" in text.lower().split()


def _has_source(response: dict[str, Any]) -> bool:
    facts = response.get("metadata") or {}
    return bool(facts.get("source")) and bool(date.fromisoformat(str(facts.get("review_by"))))


VARIATIONS = [(name, variation) for name, variations in get_responses().items() for variation in variations]


@pytest.mark.parametrize(("name", "variation"), VARIATIONS, ids=[name for name, _ in VARIATIONS])
def test_every_text_keeps_the_wording_rules(name: str, variation: dict[str, Any]) -> None:
    assert find_faults(variation) == []


@pytest.mark.parametrize(
    ("broken", "fault"),
    [
        ("We\u2019re looking into it.", "not GSM-7"),
        ("x" * 307, "307 characters"),
        ("[" * 154, "308 characters"),
        ("Please wait.", "never said: please"),
        ("Thank you!", "exclamation mark"),
        ("Call 101.", "without source"),
    ],
)
def test_the_rules_catch_a_text_that_breaks_them(broken: str, fault: str) -> None:
    assert any(fault in found for found in find_faults({"text": broken}))


def test_one_channel_has_one_wording_so_that_a_replayed_turn_says_the_same() -> None:
    for name, variations in get_responses().items():
        channels = [variation.get("channel") for variation in variations]
        assert len(channels) == len(set(channels)) and None in channels, name


def test_no_text_is_past_its_review_date() -> None:
    for name, variation in VARIATIONS:
        review_by = (variation.get("metadata") or {}).get("review_by")
        assert review_by is None or date.fromisoformat(review_by) > date(2026, 11, 21), name


def test_every_choice_is_an_example_of_some_intent() -> None:
    titles = {button["title"].lower() for _, one in VARIATIONS for button in one.get("buttons", [])}
    examples = {example.lower() for lines in read_examples().values() for example in lines}
    assert titles <= examples, titles - examples
