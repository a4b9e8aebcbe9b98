"""Each rule for words that a victim may receive is shown a text that breaks it, and what is said today breaks none.

Red when: a rule is taken out of `content_lint`; WARNINGS gets one of the rules that refuse.
"""

from datetime import date, timedelta
from typing import Any

import pytest

from casework.adapters.content_base import load_base_texts
from casework.model.content_lint import (
    WARNINGS,
    LintedText,
    LintFinding,
    Rule,
    fill,
    find_gaps,
    find_number,
    lint,
    lint_entry,
)
from casework.services.contents import check
from casework.services.service_texts import load_service_texts

TODAY = date(2026, 11, 23)
NEXT_MONTH = TODAY + timedelta(days=30)
KNOWN = frozenset({"116 123"})
GOOD = {"web": "You can ask us what happens next.", "sms": "You can ask us."}
ENTRY = {
    "phone": "0808 157 0100",
    "hours": "Mon to Fri, 9am to 5pm",
    "for_whom": "anyone harmed by crime",
    "reach": "call 0808 157 0100 free, or write to them online",
    "cost": "free",
}
BASE = load_base_texts()


def find_rules(forms: dict[str, str], base: dict[str, str] | None = None, **values: Any) -> set[Rule]:
    given: dict[str, Any] = {
        "source": "A page",
        "review_by": NEXT_MONTH,
        "longest": {"day": "x" * 20},
        "usual": {"day": "1 May"},
    }
    text = LintedText(forms=forms, base=base or GOOD, **(given | values))
    return {each.rule for each in lint(text, today=TODAY, known_numbers=KNOWN)}


def test_good_words_have_no_fault() -> None:
    assert find_rules(GOOD) == set()


@pytest.mark.parametrize("name", sorted(name for name, text in BASE.items() if text.source))
def test_what_the_release_says_could_be_published_as_it_is(name: str) -> None:
    text = BASE[name]

    found = check(
        text,
        text.forms,
        source=text.source,
        review_by=text.review_by,
        today=TODAY,
        texts=load_service_texts(),
    )

    assert found == ()


@pytest.mark.parametrize(
    ("words", "rule"),
    [
        ("Ask {officer_name}.", Rule.UNKNOWN_GAP),
        ("Ask {0}.", Rule.BRACES),
        ("Ask {officer.name}.", Rule.BRACES),
        (" - ", Rule.EMPTY),
        ("Please ask us.", Rule.NEVER_SAID),
        ("Unfortunately we do not know.", Rule.NEVER_SAID),
        ("Ask us!", Rule.LOUD),
        ("An officer will call you.", Rule.PROMISE),
        ("You can ask after the trial.", Rule.WAITING),
        ("We tell you in 5 working days.", Rule.HALF_A_DEADLINE),
        ("You can ask us. " * 30, Rule.TOO_LONG),
        (
            "You can ask us \N{LEFT DOUBLE QUOTATION MARK}now\N{RIGHT DOUBLE QUOTATION MARK}.",
            Rule.OTHER_LETTERS,
        ),
        (
            "Institutional accountability necessitates considerable organisational transparency.",
            Rule.TOO_HARD,
        ),
        ("You can ask " + "and ask " * 12 + "us what it is.", Rule.LONG_SENTENCE),
        ("Call 0808 157 0100 or write to us.", Rule.STRANGE_NUMBER),
        ("Call 116 123.", Rule.CALL_ALONE),
    ],
)
def test_each_rule_notices_the_words_that_break_it(words: str, rule: Rule) -> None:
    assert rule in find_rules({**GOOD, "sms": words})


@pytest.mark.parametrize(
    ("values", "rule"),
    [
        ({"source": "  "}, Rule.NO_SOURCE),
        ({"review_by": None}, Rule.REVIEW),
        ({"review_by": TODAY - timedelta(days=1)}, Rule.REVIEW),
        ({"review_by": TODAY + timedelta(days=367)}, Rule.REVIEW),
    ],
)
def test_words_without_a_source_or_a_day_within_a_year_are_refused(
    values: dict[str, Any], rule: Rule
) -> None:
    assert find_rules(GOOD, **values) == {rule}


def test_a_number_for_danger_stays_where_it_was_and_a_gap_may_go() -> None:
    base = {"web": "In danger? Call 999. You hear by {day}."}

    assert find_rules({"web": "You hear from us."}, base) == {Rule.LOST_EMERGENCY, Rule.LOST_GAP}
    assert find_rules({"web": "In danger? Call 999 now."}, base) == {Rule.LOST_GAP}


def test_the_day_that_a_page_says_beside_the_words_stays_at_their_beginning() -> None:
    base = {"web": "As recorded on {recorded_on}: It is with us."}

    assert Rule.LOST_LEAD in find_rules({"web": "It is with us since {recorded_on}."}, base)


def test_a_text_with_no_short_form_is_measured_as_a_text_message_too() -> None:
    long = "You can ask us. " * 25
    assert Rule.TOO_LONG in find_rules({"web": long.strip()}, {"web": "Ask."})


def test_buttons_are_counted_into_the_text_message() -> None:
    words = {**GOOD, "sms": "You can ask us. " * 18}

    assert find_rules(words) == set()
    assert find_rules(words, choices="Reply 1 A person 2 Another one") == {Rule.TOO_LONG}


def test_a_form_more_or_less_than_the_release_has_is_refused() -> None:
    assert find_rules({"web": GOOD["web"]}) == {Rule.OTHER_FORMS}


@pytest.mark.parametrize(
    ("field", "words", "rule"),
    [
        ("phone", "ask them", Rule.NO_NUMBER),
        ("phone", "0808 157 0101", Rule.OLD_NUMBER),
        ("phone", "", Rule.EMPTY),
        ("hours", "every day!", Rule.LOUD),
        ("for_whom", "anyone {name}", Rule.BRACES),
        ("reach", "call" * 100, Rule.TOO_LONG),
        ("cost", "10p", Rule.COST),
        ("for_whom", "anyone who alleged it", Rule.NEVER_SAID),
        ("hours", "9am \N{EN DASH} 5pm \N{SNOWMAN}", Rule.OTHER_LETTERS),
    ],
)
def test_each_rule_of_an_entry_notices_the_field_that_breaks_it(field: str, words: str, rule: Rule) -> None:
    found = find_entry_faults({**ENTRY, field: words})

    assert rule in {each.rule for each in found}


def test_a_new_number_is_told_as_one_to_check_and_nothing_refuses_it() -> None:
    new = {**ENTRY, "phone": "0808 157 0101", "reach": "call 0808 157 0101 free, or write online"}

    assert [(each.rule, each.is_refused) for each in find_entry_faults(new)] == [(Rule.STRANGE_NUMBER, False)]
    assert find_entry_faults(ENTRY) == ()
    assert find_number("111, then option 2") == "111"


def find_entry_faults(fields: dict[str, str]) -> tuple[LintFinding, ...]:
    text = LintedText(forms=fields, base=ENTRY, source="A page", review_by=NEXT_MONTH)
    return lint_entry(text, today=TODAY)


def test_what_is_refused_comes_first_and_what_warns_is_no_refusal() -> None:
    text = LintedText(
        forms={"web": "Please call 0808 157 0100."},
        base={"web": "Ask."},
        source="A page",
        review_by=NEXT_MONTH,
    )

    found = lint(text, today=TODAY, known_numbers=KNOWN)

    assert [each.is_refused for each in found] == [True, False, False]
    assert {each.rule for each in found if not each.is_refused} <= WARNINGS


def test_only_plain_gaps_are_filled() -> None:
    assert fill("{a} {b.c} {0}", {"a": "x"}) == "x {b.c} {0}"
    assert find_gaps("{a} {b.c}") == {"a"}
    with pytest.raises(KeyError):
        fill("{a}", {})
