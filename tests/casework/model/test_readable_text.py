"""Folding never fails and every word still knows where it stood."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from casework.model.readable_text import TextReader
from casework.model.spelling_slips import Spelling

READER = TextReader(
    text_speak={"gona": ("going", "to"), "hlp": ("help",)},
    signs={"\U0001f52a": "knife"},
    spelling=Spelling({"strangled", "knife"}, {"strange"}),
)
ANY_TEXT = st.text(alphabet=st.characters(), max_size=120)


def words_of(text: str) -> list[str]:
    return [word.text for word in READER.read(text).words]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("He\u2019s HERE", ["hes", "here"]),
        ("heeeelp", ["help"]),
        ("he\u200blp", ["help"]),
        ("h\x00e\x00l\x00p", ["help"]),
        ("gonna k1ll", ["going", "to", "kil"]),
        ("\uff48\uff45\uff4c\uff50", ["help"]),
        ("h\u0435lp", ["help"]),
        ("caf\u00e9", ["cafe"]),
        ("\U0001f52a", ["knife"]),
        ("he strangeld her", ["he", "strangled", "her"]),
        ("a strange man", ["a", "strange", "man"]),
        ("43240012345 SW1A 1AA", ["43240012345", "sw1a", "1aa"]),
        ("\ud800", []),
        ("", []),
    ],
)
def test_the_many_ways_of_typing_a_word_fold_to_one(text: str, words: list[str]) -> None:
    assert words_of(text) == words


@pytest.mark.parametrize(
    ("text", "word"), [("k.i.l.l", "kil"), ("h e l p", "help"), ("str-angled", "strangled"), ("k!ll", "kil")]
)
def test_a_word_split_by_punctuation_is_put_together(text: str, word: str) -> None:
    rejoined = READER.read_rejoined(text)

    assert rejoined is not None
    assert [w.text for w in rejoined.words] == [word]
    assert rejoined.original_span(0, len(rejoined.joined)) == (0, len(text))


def test_a_text_with_no_split_words_is_read_once() -> None:
    assert READER.read_rejoined("he is here") is None


@given(ANY_TEXT)
@settings(max_examples=400)
def test_any_text_is_read_and_every_word_points_into_it(text: str) -> None:
    for reading in (READER.read(text), READER.read_rejoined(text)):
        for word in reading.words if reading else ():
            assert 0 <= word.start < word.end <= len(text)
        starts = [word.start for word in reading.words] if reading else []
        assert starts == sorted(starts)


@given(ANY_TEXT)
@settings(max_examples=300)
def test_the_original_slice_of_a_word_reads_as_that_word_again(text: str) -> None:
    for word in READER.read(text).words:
        assert word.text in words_of(text[word.start : word.end])


@given(ANY_TEXT, st.integers(0, 1000))
def test_offsets_move_with_the_part_that_was_read(text: str, offset: int) -> None:
    plain, moved = READER.read(text), READER.read(text, offset=offset)

    assert [(w.text, w.start + offset, w.end + offset) for w in plain.words] == [
        (w.text, w.start, w.end) for w in moved.words
    ]


@given(
    st.lists(
        st.sampled_from(["he", "put", "hands", "gonna", "neck!", "\u2019s", "\u200b", "k.i.l.l"]), min_size=1
    ).map(" ".join),
    st.data(),
)
def test_a_match_span_covers_whole_words_of_the_original(text: str, data: st.DataObject) -> None:
    reading = READER.read(text)
    if not reading.words:
        return
    start = data.draw(st.integers(0, len(reading.joined) - 1))
    end = data.draw(st.integers(start + 1, len(reading.joined)))

    first, last = reading.original_span(start, end)

    assert first in {word.start for word in reading.words}
    assert last in {word.end for word in reading.words}
    assert first < last
