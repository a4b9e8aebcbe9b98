"""A word nobody uses becomes the likeliest word one slip away, and every letter knows where it stood."""

import math
import time
from collections.abc import Mapping
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.components.spelling import LONGEST, SHORTEST, Respelt, Spelling
from casework.model.spelling_slips import COMMONNESS_LEVELS_OFF_AT, cost_of_slip

COUNTS = {
    "police": 90,
    "officer": 50,
    "office": 20,
    "scared": 40,
    "scarred": 2,
    "nonce": 3,
    "don't": 9,
    "dont": 1,
}
SPELLING = Spelling(COUNTS)
SECONDS_FOR_RUBBISH = 2.0

FEW_LETTERS = "abcd"
SHORT_WORDS = st.text(FEW_LETTERS, min_size=1, max_size=7)


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("polcie", "police"),
        ("polic", "police"),
        ("poliice", "police"),
        ("pilice", "police"),
        ("opolice", "police"),
        ("pplice", "police"),
        ("offcer", "officer"),
        ("scarde", "scared"),
    ],
)
def test_one_slip_is_put_right(written: str, meant: str) -> None:
    assert SPELLING.put_right(written) == meant


@pytest.mark.parametrize(
    "word", ["police", "nonce", "scarred", "officers'", "plcie", "pol", "xyzzy", "dob't's"]
)
def test_a_word_that_is_known_short_or_far_from_all_stays(word: str) -> None:
    assert SPELLING.put_right(word) == word


def test_of_two_words_as_likely_a_slip_away_the_commoner_is_meant() -> None:
    assert Spelling({"bails": 5, "baits": 6}).put_right("baiis") == "baits"
    assert Spelling({"bails": 7, "baits": 6}).put_right("baiis") == "bails"


def test_the_likelier_slip_outweighs_a_little_commonness() -> None:
    assert Spelling({"door": 5, "poor": 6}).put_right("foor") == "door"


def test_a_word_few_people_wrote_is_no_word_but_one_of_the_vocabulary_is() -> None:
    texts = ["The police came", "police, police", "my polise report", "police."]
    spelling = Spelling.learn(texts, fewest=3, others=["report", "police"])
    assert spelling.counts == {"police": 3, "report": 1}


def test_each_text_counts_a_word_once() -> None:
    assert Spelling.learn(["no no no no", "no"], fewest=1).counts == {"no": 2}


def test_the_rest_of_a_text_stays() -> None:
    assert SPELLING.respell("The Polcie came, 12:30!! \U0001f62d don\u2019t").text == (
        "the police came, 12:30!! \U0001f62d don't"
    )


def test_a_span_of_the_words_put_right_is_found_where_they_were_written() -> None:
    text = "\U0001f62d The Polcie of Leeds, offficer 3"
    right = SPELLING.respell(text)

    def written(word: str) -> str:
        start = right.text.index(word)
        first, last = right.original_span(start, start + len(word))
        return text[first:last]

    assert written("police") == "Polcie"
    assert written("officer") == "offficer"[: len("officer")]
    assert written("the police of") == "The Polcie of"


def test_a_span_of_nothing_is_nothing() -> None:
    assert Respelt("", ()).original_span(0, 0) == (0, 0)
    assert SPELLING.respell("police").original_span(3, 3) == (0, 0)


@given(st.text(alphabet=st.characters(), max_size=120))
@settings(max_examples=300)
def test_of_any_text_every_place_is_in_it_and_in_order(text: str) -> None:
    right = SPELLING.respell(text)
    assert len(right.places) == len(right.text)
    assert all(0 <= place < len(text) for place in right.places)
    assert all(one <= two for one, two in pairwise(right.places))
    if right.text:
        assert right.original_span(0, len(right.text))[0] == 0
        assert right.original_span(0, len(right.text))[1] <= len(text)


@given(st.text(alphabet="policefr sADN'\u2019 \U0001f62d", max_size=60))
@settings(max_examples=300)
def test_a_text_put_right_needs_nothing_more(text: str) -> None:
    once = SPELLING.respell(text).text
    assert SPELLING.respell(once).text == once


@given(st.dictionaries(SHORT_WORDS, st.integers(1, 5), min_size=1, max_size=12), st.data())
@settings(max_examples=300)
def test_the_search_finds_what_trying_every_slip_finds(
    counts: Mapping[str, int], data: st.DataObject
) -> None:
    word = data.draw(st.sampled_from(sorted(every_slip(data.draw(st.sampled_from(sorted(counts)))))))
    meant = word
    if word not in counts and len(word) >= SHORTEST:
        near = [known for known in every_slip(word) & set(counts) if SHORTEST <= len(known) <= LONGEST]
        meant = min(near, key=lambda known: (how_unlikely(word, known, counts), known), default=word)
    assert Spelling(counts).put_right(word) == meant


def how_unlikely(written: str, known: str, counts: Mapping[str, int]) -> float:
    cost = cost_of_slip(written, known)
    assert cost is not None
    place = sum((-counts[other], other) < (-counts[known], known) for other in counts)
    return cost + math.log(place + COMMONNESS_LEVELS_OFF_AT)


def every_slip(word: str) -> set[str]:
    """All words one letter more, less or other away, or with two neighbours swapped."""
    cuts = [(word[:i], word[i:]) for i in range(len(word) + 1)]
    less = {left + right[1:] for left, right in cuts if right}
    swapped = {left + right[1] + right[0] + right[2:] for left, right in cuts if len(right) > 1}
    other = {left + letter + right[1:] for left, right in cuts if right for letter in FEW_LETTERS}
    more = {left + letter + right for left, right in cuts for letter in FEW_LETTERS}
    return less | swapped | other | more


@pytest.mark.parametrize("part", ["a", "polcie ", "'", "\u0130", "x'", " "])
def test_ten_thousand_characters_of_rubbish_take_bounded_time(part: str) -> None:
    text = (part * 10_000)[:10_000]
    started = time.process_time()
    SPELLING.respell(text)
    assert time.process_time() - started < SECONDS_FOR_RUBBISH
