"""Every text a victim can receive keeps every wording rule, and each rule is shown a text that breaks it."""

from datetime import UTC, date, datetime, timedelta

import pytest

from tests.support.reading_grade import count_syllables, grade
from tests.support.wording import HARDEST_GRADE, RULES, Text, find_faults, read_numbers, read_texts

TEXTS = read_texts()
TODAY = datetime.now(UTC).date()

# Owned by the safety lines: one paragraph of 291 characters.
KNOWN_FAULTS: dict[tuple[str, str], set[str]] = {}

GOOD = Text(
    name="utter_example",
    form="sms",
    words="Call 101, or write here. You have a right to be told within 5 working days, or 1 with enhanced rights.",
    choices=("A person",),
    source="Victims' Code 2021",
    review_by=TODAY + timedelta(days=90),
)


def with_words(words: str, form: str = "web") -> Text:
    return Text(name="utter_example", form=form, words=words, source=GOOD.source, review_by=GOOD.review_by)


@pytest.mark.parametrize("text", TEXTS, ids=lambda text: f"{text.name}-{text.form}")
def test_every_text_keeps_the_rules(text: Text) -> None:
    # Today is the real day: a text past its review date must not go on being sent.
    assert find_faults(text, today=TODAY) == KNOWN_FAULTS.get((text.name, text.form), set())


def test_a_good_text_breaks_no_rule() -> None:
    assert find_faults(GOOD, today=TODAY) == set()


@pytest.mark.parametrize(
    ("rule", "bad"),
    [
        (
            "harder to read than age 11",
            with_words("Notification obligations necessitate consideration of applicable procedures."),
        ),
        ("sentence too long", with_words("we see " * 13 + ".")),
        ("too long", with_words("x. " * 103, "sms")),
        ("too long", with_words("Your officer is {officer_name}. " * 5, "sms")),
        ("too long", with_words("a " * 141)),
        ("too long", with_words("a\n\nb\n\nc\n\nd")),
        ("a letter text messages do not have", with_words("We\u2019re here.", "sms")),
        ("word never said", with_words("Unfortunately we can not.")),
        ("word never said", with_words("Why did you go there?")),
        ("word never said", with_words("You should have told us.")),
        ("exclamation mark", with_words("Thank you!")),
        ("promise", with_words("An officer will call you.")),
        ("promise", with_words("He is not allowed to contact you.")),
        ("advises waiting", with_words("Wait for the trial to end.")),
        ("advises waiting", with_words("Apply after the trial.")),
        (
            "number, right or deadline without a source",
            Text(name="x", form="web", words="You have a right to it."),
        ),
        ("number, right or deadline without a source", Text(name="x", form="web", words="It is 3 months.")),
        (
            "past its review date, or reviewed too late",
            Text(name="x", form="web", words="a", review_by=date(2026, 1, 1)),
        ),
        (
            "past its review date, or reviewed too late",
            Text(name="x", form="web", words="a", review_by=TODAY + timedelta(days=400)),
        ),
        ("telephone number without a source", with_words("Text 0300 000 0000 or write here.")),
        ("telephone number without a source", with_words("Text 61016 or write here.")),
        ("a call as the only way", with_words("Call 101 to ask.")),
        ("deadline without the enhanced one", with_words("They should tell you within 5 working days.")),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_text_that_breaks_a_rule_is_caught(rule: str, bad: Text) -> None:
    assert rule in find_faults(bad, today=TODAY)


def test_every_rule_has_been_shown_a_text_that_breaks_it() -> None:
    [marks] = [
        mark for mark in test_a_text_that_breaks_a_rule_is_caught.pytestmark if mark.name == "parametrize"
    ]
    assert {rule for rule, _ in marks.args[1]} == set(RULES)


def test_every_kind_of_text_is_read() -> None:
    names = {text.name for text in TEXTS}
    for name in (
        "utter_greet",
        "utter_right_6",
        "immediate_danger",
        "holding",
        "utter_support_service_always.victim_support",
    ):
        assert name in names
    assert {text.form for text in TEXTS} == {"sms", "web"}
    assert "116 123" in read_numbers() and "0800 000 0000" not in read_numbers()


def test_the_texts_taken_together_are_read_at_age_nine() -> None:
    grades = [grade(text.filled()) for text in TEXTS]
    assert sum(grades) / len(grades) <= 4.0 and max(grades) <= HARDEST_GRADE


@pytest.mark.parametrize(
    ("word", "syllables"),
    [
        *(("crimes", 1), ("asked", 1), ("hours", 1), ("scheme", 1), ("due", 1), ("999", 1)),
        *(("wanted", 2), ("people", 2), ("trial", 2), ("statement", 2), ("going", 2), ("changes", 2)),
        *(("officer", 3), ("evidence", 3), ("violence", 3), ("serious", 3), ("area", 3), ("victim's", 2)),
        *(("prosecutor", 4), ("compensation", 4), ("investigation", 5)),
    ],
)
def test_syllables_are_counted_as_spoken(word: str, syllables: int) -> None:
    assert count_syllables(word) == syllables


def test_the_grade_is_that_of_flesch_and_kincaid() -> None:
    # 7 words, 2 sentences, 9 syllables.
    assert grade("The officer has it. Call us now.") == pytest.approx(0.39 * 3.5 + 11.8 * 9 / 7 - 15.59)
