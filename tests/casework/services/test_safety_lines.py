"""The lines are there, true to their rules, and each rule is shown catching a bad one."""

import re
import tomllib
from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest

from casework.model.disclosure_screen import UNREADABLE_TIERS, load_disclosure_screen
from casework.model.disclosures import CALM, TIER_OF, Category, Evidence, ScreenResult
from casework.model.errors import SettingsInvalid
from casework.model.messages import Channel
from casework.services.safety_lines import (
    KINDS,
    SAFETY_LINES_FILE,
    SafetyLineEntry,
    find_safety_line,
    load_safety_lines,
)

LINES = load_safety_lines()
NUMBERS = tomllib.loads(SAFETY_LINES_FILE.read_text(encoding="utf-8"))["numbers"]
GSM_7 = frozenset(
    "@\u00a3$\u00a5\u00e8\u00e9\u00f9\u00ec\u00f2\u00c7\n\u00d8\u00f8\r\u00c5\u00e5_\u00c6\u00e6\u00df\u00c9"
    " !\"#\u00a4%&'()*+,-./0123456789:;<=>?"
    "\u00a1ABCDEFGHIJKLMNOPQRSTUVWXYZ\u00c4\u00d6\u00d1\u00dc\u00a7\u00bfabcdefghijklmnopqrstuvwxyz\u00e4\u00f6\u00f1\u00fc\u00e0"
)
GIVES_IT_AWAY = re.compile(
    r"\b(police|officer|abus\w*|rap(?:e|ed|ist)|court|suspect|domestic|detective|crime|assault\w*|victim)\b",
    re.I,
)
NOT_OUR_WORDS = re.compile(
    r"\b(why|unfortunately|please|sorry|incident|alleged\w*|claim\w*|commit suicide|confidential|promise)\b|!",
    re.I,
)
SAYS_WHEN_OR_THAT_SOMEONE_COMES = re.compile(
    r"\b(will (?:call|ring|come|attend|visit|arrive)|on (?:the|their) way to you|within \w+ (?:minute|hour)s?"
    r"|\d+ minutes|shortly|soon as|straight away|keep you safe|you are safe)\b",
    re.I,
)
SILENT_SOLUTION = ("mobile", "listen", "cough or tap", "press 55 when")


def numbers_in(text: str) -> set[str]:
    spaced = {number for number in NUMBERS if " " in number and number in text}
    for number in spaced:
        text = text.replace(number, "")
    return spaced | set(re.findall(r"\d+", text))


def has_half_a_silent_solution(text: str) -> bool:
    return "55" in numbers_in(text) and not all(part in text.lower() for part in SILENT_SOLUTION)


def has_a_number_without_a_source(text: str, entry: SafetyLineEntry) -> bool:
    return any(
        not set(NUMBERS.get(number, {}).get("source", ())) & set(entry.source) for number in numbers_in(text)
    )


def faults_of(kind: str, entry: SafetyLineEntry) -> set[str]:
    tier_1 = kind in {category.value for category, tier in TIER_OF.items() if tier == 1}
    texts = (entry.sms, entry.web)
    faults = {
        "too long for two texts": len(entry.sms) > 306,
        "not GSM-7": not set(entry.sms) <= GSM_7,
        "gives the subject away": bool(GIVES_IT_AWAY.search(entry.sms)),
        "word we do not use": any(NOT_OUR_WORDS.search(text) for text in texts),
        "promise we may not keep": any(SAYS_WHEN_OR_THAT_SOMEONE_COMES.search(text) for text in texts),
        "no person named": not all(re.search(r"\b[Aa] person will (?:read|look)", text) for text in texts),
        "tier 1 does not start with 999": tier_1
        and not all("999" in re.split(r"[.:]", text)[0] for text in texts),
        "half a silent solution": any(map(has_half_a_silent_solution, texts)),
        "no such source": not all(re.fullmatch(r"S_[A-Z0-9_]+", source) for source in entry.source)
        or not entry.source,
        "number without a source": any(has_a_number_without_a_source(text, entry) for text in texts),
        "review is too far off": entry.review_by > date(2027, 2, 21),
    }
    return {fault for fault, found in faults.items() if found}


@pytest.mark.parametrize("kind", KINDS)
def test_a_safety_line_keeps_every_rule(kind: str) -> None:
    assert faults_of(kind, LINES[kind]) == set()


GOOD = LINES["immediate_danger"]


@pytest.mark.parametrize(
    ("fault", "bad"),
    [
        ("too long for two texts", replace(GOOD, sms=GOOD.sms + " a" * 150)),
        ("not GSM-7", replace(GOOD, sms=GOOD.sms + " don\u2019t")),
        ("gives the subject away", replace(GOOD, sms=GOOD.sms + " The police will see it.")),
        ("word we do not use", replace(GOOD, web=GOOD.web + " Please wait.")),
        ("promise we may not keep", replace(GOOD, web=GOOD.web + " Someone will call within ten minutes.")),
        ("no person named", replace(GOOD, sms=GOOD.sms.replace("A person will read this.", ""))),
        ("tier 1 does not start with 999", replace(GOOD, sms="Thank you. " + GOOD.sms)),
        ("half a silent solution", replace(GOOD, sms=GOOD.sms.replace("on a mobile", ""))),
        ("no such source", replace(GOOD, source=("somewhere",))),
        ("number without a source", replace(GOOD, web=GOOD.web + " Or call 0300 123 4567.")),
        ("number without a source", replace(GOOD, source=("S_APP_CALL",))),
        ("review is too far off", replace(GOOD, review_by=date(2028, 1, 1))),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_line_that_breaks_a_rule_is_caught(fault: str, bad: SafetyLineEntry) -> None:
    assert fault in faults_of("immediate_danger", bad)


def test_every_number_has_a_source_and_a_review_date() -> None:
    for number, facts in NUMBERS.items():
        assert facts["source"] and facts["review_by"] <= date(2027, 2, 21), number


def test_a_missing_entry_stops_the_start(tmp_path: Path) -> None:
    text = SAFETY_LINES_FILE.read_text(encoding="utf-8").replace("[strangulation]", "[strangulated]")
    path = tmp_path / "safety_lines.toml"
    path.write_text(text, encoding="utf-8")

    with pytest.raises(SettingsInvalid, match="no entry for strangulation"):
        load_safety_lines(path)


@pytest.mark.parametrize("field", ["sms", "web", "source", "review_by"])
def test_an_entry_with_a_part_missing_stops_the_start(tmp_path: Path, field: str) -> None:
    head, tail = SAFETY_LINES_FILE.read_text(encoding="utf-8").split("[modern_slavery]")
    path = tmp_path / "safety_lines.toml"
    path.write_text(
        f"{head}[modern_slavery]{re.sub(rf'(?m)^{field} = .*$', '', tail, count=1)}", encoding="utf-8"
    )

    with pytest.raises(SettingsInvalid, match="modern_slavery"):
        load_safety_lines(path)


@pytest.mark.parametrize("channel", list(Channel))
@pytest.mark.parametrize("category", list(Category))
def test_every_category_is_answered_on_every_channel(category: Category, channel: Channel) -> None:
    line = find_safety_line(ScreenResult(urgent=True, tier=TIER_OF[category], category=category), channel)

    form = "web" if channel is Channel.WEBCHAT else "sms"
    assert line.template_name == f"safety.{category}.{form}"
    assert line.text == getattr(LINES[category], form)


@pytest.mark.parametrize("kind", list(UNREADABLE_TIERS))
def test_every_kind_of_unreadable_message_has_its_own_line(kind: str) -> None:
    result = ScreenResult(urgent=True, tier=2, evidence=(Evidence(rule=kind, start=0, end=0),))

    assert find_safety_line(result, Channel.SMS).template_name == f"safety.{kind}.sms"


def test_an_unreadable_verdict_without_evidence_still_gets_a_line() -> None:
    assert (
        find_safety_line(ScreenResult(urgent=True, tier=2), Channel.SMS).template_name
        == "safety.screen_failed.sms"
    )


def test_a_calm_message_is_refused() -> None:
    with pytest.raises(ValueError, match="calm"):
        find_safety_line(CALM, Channel.SMS)


def test_what_the_screen_says_can_always_be_answered() -> None:
    screen = load_disclosure_screen()

    for text in (
        "hes outside now",
        "",
        "\U0001f62d",
        "\u043f\u043e\u043c\u043e\u0449\u044c",
        "hello " * 3000,
    ):
        assert find_safety_line(screen.screen_text(text), Channel.SMS).text
