"""Ready-made replies and the tone list keep the house's wording: both are words that reach a victim through a person.

Red when: a reply of canned_replies.toml gets a letter no plain phone has, a third text, "someone will call you", a
number without a source, or no review date; when an entry of tone.toml finds a ready-made reply.
"""

import re
import tomllib
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest

from casework.model.sms_segments import GSM_7, GSM_7_EXTENDED, count_segments
from casework.services.canned_replies import TEMPLATE, count_texts_of, load_template
from casework.services.conversation_ports import CannedReply
from console.desk.reply_tone import TONE_FILE, find_tone
from tests.support.reading_grade import grade, split_sentences
from tests.support.wording import (
    EMERGENCY,
    HARDEST_GRADE,
    LONGEST_REVIEW,
    LONGEST_SENTENCE_WORDS,
    MOST_SEGMENTS,
    NEVER_SAID,
    PHONE,
    PROMISES,
    read_numbers,
)

REPLIES = load_template()
FACTS: dict[str, Any] = tomllib.loads(TEMPLATE.read_text(encoding="utf-8"))
TONE: dict[str, Any] = tomllib.loads(TONE_FILE.read_text(encoding="utf-8"))
LONGEST_NAME = "Robin Test-Detective-With-A-Long-Name"
# Someone else may read the screen (docs/wording.md, "Neutral").
NOT_NEUTRAL = re.compile(
    r"police|crime|detective|officer|victim|abuse|assault|rape|court|witness|\b101\b", re.I
)
# Nobody knows when: a day is said only where it is a row of the promise ledger.
TIMES = re.compile(
    r"\b(?:soon|shortly|tomorrow|tonight|within|by (?:today|the end)|in a (?:moment|minute)"
    r"|\d+ (?:minute|hour|day)s?)\b",
    re.I,
)
EACH = pytest.mark.parametrize("reply", REPLIES, ids=lambda reply: reply.name)


@EACH
def test_a_reply_uses_only_the_phones_alphabet_and_fits_in_two_texts(reply: CannedReply) -> None:
    assert set(reply.say(LONGEST_NAME)) <= GSM_7 | GSM_7_EXTENDED
    assert count_segments(reply.say(LONGEST_NAME)) <= MOST_SEGMENTS
    assert count_texts_of(reply) <= MOST_SEGMENTS


@EACH
def test_a_reply_is_easy_to_read(reply: CannedReply) -> None:
    said = reply.say("Sam")

    assert grade(said) <= HARDEST_GRADE
    assert max(len(sentence) for sentence in split_sentences(said)) <= LONGEST_SENTENCE_WORDS


@EACH
def test_a_reply_says_nothing_the_house_never_says_and_promises_no_time(reply: CannedReply) -> None:
    said = reply.say("Sam")

    for never in (NEVER_SAID, PROMISES, NOT_NEUTRAL, TIMES):
        assert never.search(said) is None, never.pattern
    assert "!" not in said


@EACH
def test_the_desk_itself_finds_no_fault_with_its_own_replies(reply: CannedReply) -> None:
    assert find_tone(reply.say("Sam Price")) == ()


@EACH
def test_every_number_in_a_reply_has_a_source(reply: CannedReply) -> None:
    assert {found for found in PHONE.findall(reply.text) if found not in EMERGENCY} <= read_numbers()


@EACH
def test_every_reply_names_its_source_and_a_review_no_further_than_a_year(reply: CannedReply) -> None:
    facts = FACTS[reply.name]

    assert facts["source"].strip()
    assert isinstance(facts["review_by"], date)
    # A date of the file against the newest date of the file: no test depends on today.
    assert facts["review_by"] - min(
        each["review_by"] for each in FACTS.values()
    ) <= LONGEST_REVIEW - timedelta(days=1)


def test_silent_solution_words_are_told_with_the_number_they_belong_to() -> None:
    """55 alone is a number that reaches nobody: it is pressed after 999, on a mobile."""
    for reply in REPLIES:
        if "55" in reply.text:
            assert re.search(r"999\..*mobile.*press 55", reply.text), reply.name


@pytest.mark.parametrize("name", sorted(TONE))
def test_every_word_of_the_tone_list_is_found_and_says_what_to_write_instead(name: str) -> None:
    entry = TONE[name]

    assert entry["says"].strip()
    assert entry["instead"].strip()
    assert len(entry["words"]) == len(set(entry["words"]))
    for words in entry["words"]:
        assert [hit.says for hit in find_tone(f"So {words}, then.")].count(entry["says"]) == 1, words


def test_the_tone_list_names_where_it_comes_from() -> None:
    assert "# Sources: " in Path(TONE_FILE).read_text(encoding="utf-8")


def test_what_to_write_instead_is_itself_free_of_what_it_warns_of() -> None:
    for name, entry in TONE.items():
        own = [hit for hit in find_tone(entry["instead"]) if hit.says == entry["says"]]

        # "Ask what happened, not why": it has to name the word.
        assert own == [] or name == "blame"
