"""A keyword is the whole text or nothing at all.

Red when: `find` looks for a word anywhere in the text, or `fold_whole` drops punctuation inside it (both seen red in
every property below).
"""

import re
import string
import unicodedata
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from casework.model.disclosure_screen import load_disclosure_screen
from casework.model.disclosures import Band
from casework.model.errors import SettingsInvalid
from casework.model.keywords import KEYWORDS_FILE, Keyword, fold_whole, is_lone_digit, load_keywords
from tests.support.builders import an_sms

KEYWORDS = load_keywords()
# Written a second time, from sms_whatsapp.md section 4 and Twilio's page on opting out.
EXPECTED = {
    "EXIT": Keyword.EXIT,
    "X": Keyword.EXIT,
    "END": Keyword.EXIT,
    "QUIT": Keyword.EXIT,
    "CANCEL": Keyword.EXIT,
    "BYE": Keyword.EXIT,
    "STOP": Keyword.STOP,
    "STOPALL": Keyword.STOP,
    "UNSUBSCRIBE": Keyword.STOP,
    "OPTOUT": Keyword.STOP,
    "REVOKE": Keyword.STOP,
    "START": Keyword.START,
    "UNSTOP": Keyword.START,
    "YES": Keyword.YES,
    "HELP": Keyword.HELP,
    "INFO": Keyword.HELP,
    "999": Keyword.HELP,
    "SOS": Keyword.HELP,
    "HUMAN": Keyword.HUMAN,
    "PERSON": Keyword.HUMAN,
    "AGENT": Keyword.HUMAN,
    "OFFICER": Keyword.HUMAN,
    "0": Keyword.HUMAN,
    "MENU": Keyword.MENU,
    "BACK": Keyword.MENU,
}
# What Twilio blocks a sender on by itself (twilio.com/docs/messaging/tutorials/advanced-opt-out).
TWILIO_BLOCKS_ON = ("STOP", "STOPALL", "UNSUBSCRIBE", "OPTOUT", "REVOKE", "END", "QUIT", "CANCEL")
WORDS = sorted(EXPECTED)
DRESSES = (
    "{}",
    " {}  ",
    "\n{}\r\n",
    "{}.",
    "{}!",
    "{}!!!",
    "{} .",
    "{}...",
    "{}\u2026",
    "\u200b{}",
    "{}\u00a0",
    "/{}",
)

letters = st.text(alphabet=st.characters(categories=["L", "N"]), min_size=1, max_size=12)
between = st.sampled_from([" ", ", ", " - ", "\n", ". ", "! ", "/", "' "])


@pytest.mark.parametrize("word", WORDS)
def test_a_word_is_found_however_it_is_dressed(word: str) -> None:
    for dress in DRESSES:
        for written in (word, word.lower(), word.title()):
            assert KEYWORDS.find(dress.format(written)) is EXPECTED[word], dress


def test_no_other_word_is_a_keyword() -> None:
    assert {word.upper() for word in KEYWORDS.words} == set(EXPECTED)


@pytest.mark.parametrize("word", TWILIO_BLOCKS_ON)
def test_every_word_the_provider_blocks_on_is_ours_too(word: str) -> None:
    assert KEYWORDS.find(word) in (Keyword.STOP, Keyword.EXIT)


@pytest.mark.parametrize(
    "text",
    [
        "STOP he is here",
        "please stop texting me, i will end it",
        "stop it",
        "end it",
        "i want to quit",
        "help me",
        "info please",
        "I need a person",
        "stop stop",
        "s t o p",
        "st.op",
        "stop?he",
        "1 person",
        "00",
        "9999",
        "x x",
        "stop 🙏",
        "",
        "   ",
        "!!!",
        "//stop",
        "stopping",
        "nonstop",
        "EXIT\n\nhe came back",
    ],
)
def test_a_sentence_is_a_message(text: str) -> None:
    assert KEYWORDS.find(text) is None


@given(word=st.sampled_from(WORDS), other=letters, gap=between, is_first=st.booleans())
def test_a_keyword_with_any_other_word_is_none(word: str, other: str, gap: str, is_first: bool) -> None:
    text = f"{word}{gap}{other}" if is_first else f"{other}{gap}{word}"

    assert KEYWORDS.find(text) is None


@given(text=st.one_of(st.text(), st.text(alphabet=string.printable), st.sampled_from(WORDS)))
def test_whatever_is_found_was_one_word_of_the_list(text: str) -> None:
    """Counted another way: split into words as Unicode has them, marks and zero-width signs taken out."""
    found = KEYWORDS.find(text)
    if found is None:
        return
    plain = unicodedata.normalize("NFKC", text).casefold()
    bare = "".join(sign for sign in plain if unicodedata.category(sign) not in ("Cf", "Mn", "Me"))
    [word] = re.findall(r"[^\W_]+", bare)
    assert EXPECTED[word.upper()] is found


@given(text=st.text())
def test_folding_never_fails_and_folds_no_further(text: str) -> None:
    folded = fold_whole(text)

    assert fold_whole(folded) == folded


@pytest.mark.parametrize(
    "text", ["2", "2.", "2)", " 2 ", "two", "Two.", "TWO", "2\ufe0f\u20e3", "\uff12", "2!"]
)
def test_a_number_is_read_in_every_form(text: str) -> None:
    assert KEYWORDS.find_number(text) == 2


@pytest.mark.parametrize("number", range(1, 10))
def test_one_to_nine_are_numbers(number: int) -> None:
    name = ("one", "two", "three", "four", "five", "six", "seven", "eight", "nine")[number - 1]

    assert KEYWORDS.find_number(str(number)) == KEYWORDS.find_number(name) == number


@pytest.mark.parametrize(
    "text", ["1 of them hit me", "12", "0", "10", "1 2", "1.5", "-1", "ten", "first", "2 days", ""]
)
def test_anything_else_is_no_number(text: str) -> None:
    assert KEYWORDS.find_number(text) is None


def test_only_a_sign_is_a_lone_digit() -> None:
    assert is_lone_digit("3)")
    assert not is_lone_digit("three")
    assert not is_lone_digit("33")


@given(number=st.integers(1, 9), other=letters, gap=between, is_first=st.booleans())
def test_a_number_with_any_other_word_is_none(number: int, other: str, gap: str, is_first: bool) -> None:
    text = f"{number}{gap}{other}" if is_first else f"{other}{gap}{number}"

    assert KEYWORDS.find_number(text) is None


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ('"bye"', '"bye", "stop"'),  # two meanings
        ('"bye"', '"bye now"'),  # never the whole text
        ('"bye"', '"Bye"'),  # folds to something else
        ("[help]", "[halp]"),
        ("[numbers]", "[digits]"),
        ('asks = "hello"\n', "asks = 3\n"),
        ("review_by = 2027-05-21", 'review_by = "soon"'),
    ],
)
def test_a_damaged_list_is_refused_at_the_start(tmp_path: Path, old: str, new: str) -> None:
    damaged = tmp_path / "keywords.toml"
    damaged.write_text(KEYWORDS_FILE.read_text(encoding="utf-8").replace(old, new, 1), encoding="utf-8")

    with pytest.raises(SettingsInvalid, match=re.escape("keywords.toml")):
        load_keywords(damaged)


def test_the_packaged_screen_leaves_the_closing_words_calm_and_no_sentence_with_them() -> None:
    """Red when a rule takes "stop" for a cry, or `he is here` is no danger beside it."""
    screen = load_disclosure_screen()
    closing = [word for word in WORDS if EXPECTED[word] in (Keyword.EXIT, Keyword.STOP, Keyword.START)]

    assert {screen.screen(an_sms(word)).band for word in closing} == {Band.GREEN}
    assert screen.screen(an_sms("STOP he is here")).band is Band.RED
    assert screen.screen(an_sms("HELP")).band is Band.RED
