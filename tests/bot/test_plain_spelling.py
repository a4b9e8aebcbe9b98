"""Text-speak becomes ordinary words, and every character of them knows where it came from."""

import time
import tomllib

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from bot.components.plain_spelling import TABLES, respell, respell_with_offsets

ANY_TEXT = st.text(alphabet=st.characters(), max_size=200)
SMS_TEXT = st.text(alphabet="abu24rlnt8 '.,!?\u2019\U0001f52aAI", max_size=60)


@pytest.mark.parametrize(
    ("text", "plain"),
    [
        ("", ""),
        ("   \n ", ""),
        ("Hello There", "hello there"),
        ("u cnt dnt wiv cos", "you can't don't with because"),
        ("gonna gna ring 2moro b4 9", "going to going to ring tomorrow before 9"),
        ("rn tbh", "right now to be honest"),
        ("soooooo scared", "soo scared"),
        ("plzzzz", "please"),
        ("what!!!!! now????", "what!! now??"),
        ("1000000", "1000000"),
        ("dont", "don't"),
        ("don't", "don't"),
        ("don\u2019t", "don't"),
        ("DON`T", "don't"),
        ("im ok, ive told him", "i'm ok, i've told him"),
        ("his ill will", "his ill will"),
        ("he'll and hell", "he'll and hell"),
        ("\u201chello\u201d", '"hello"'),
        ("l8r m8, gr8", "later mate, great"),
        ("h3lp he will k1ll me", "help he will kill me"),
        ("SW1A 1AA and AB12 CDE", "sw1a 1aa and ab12 cde"),
        ("43240012345", "43240012345"),
        ("sum1 every1 no1", "someone everyone no one"),
        ("h.e.l.p me", "help me"),
        ("he came home.he hit me", "he came home. he hit me"),
        ("wait...what", "wait.. what"),
        ("at 10.30 he paid \u00a312.50", "at 10.30 he paid \u00a312.50"),
        ("see www.gov.uk or me@force.police.uk", "see www.gov.uk or me@force.police.uk"),
        ("want 2 talk 2 u", "want to talk to you"),
        ("waiting 4 an answer", "waiting for an answer"),
        ("its been 2 weeks", "its been 2 weeks"),
        ("i have 4 kids and have 2 go", "i have 4 kids and have to go"),
        ("4", "4"),
        ("on floor 4 with 2 others", "on floor 4 with 2 others"),
        ("22 and 44 to add", "22 and 44 to add"),
        ("come at 4", "come at 4"),
        ("me & him @ home", "me and him at home"),
        ("my b/f", "my boyfriend"),
        ("he has a \U0001f52a", "he has a knife"),
        ("\U0001f62d\U0001f62d\U0001f62d", "crying"),
        ("\U0001f3e0\U0001f525", "house fire"),
        ("\U0001f44d\U0001f3fd ok", "yes ok"),
        ("\u2764\ufe0f", "love"),
        ("\U0001f98a", "fox"),
        ("caf\u00e9", "cafe"),
        ("he\u200blp", "help"),
        ("\uff48\uff45\uff4c\uff50", "help"),
        ("\ud800", ""),
        ("\u0160t\u011bp\u00e1n", "stepan"),
        ("\u0645\u0631\u062d\u0628\u0627", "\u0645\u0631\u062d\u0628\u0627"),
    ],
)
def test_a_text_in_ordinary_words(text: str, plain: str) -> None:
    assert respell(text) == plain


def test_a_word_is_traced_to_where_it_was_written() -> None:
    text = "OK u  cnt \U0001f52a h.e.l.p"
    plain, places = respell_with_offsets(text)
    assert plain == "ok you can't knife help"

    def source(word: str) -> str:
        start = plain.index(word)
        return text[places[start] : places[start + len(word) - 1] + 1]

    words = {"you": "u", "can't": "cnt", "knife": "\U0001f52a", "help": "h.e.l.p", "ok": "OK"}
    assert {word: source(word) for word in words} == words


@given(st.one_of(ANY_TEXT, SMS_TEXT))
@example("\u0130\u0130 u")
@settings(max_examples=500)
def test_whatever_is_written_has_offsets_that_rise_and_stay_inside(text: str) -> None:
    plain, places = respell_with_offsets(text)
    assert len(plain) == len(places)
    assert places == sorted(places)
    assert all(0 <= place < len(text) for place in places)
    assert plain == respell(text) == plain.strip(" ")
    assert "  " not in plain


@given(st.text(alphabet="abcdefghijklmnopqrstuvwxyz' ", max_size=80))
def test_capitals_and_curly_quotes_make_no_difference(text: str) -> None:
    assert respell(text) == respell(text.upper()) == respell(text.replace("'", "\u2019"))


def test_no_spelling_stands_in_both_tables() -> None:
    screen, more = (tomllib.loads(table.read_text(encoding="utf-8")) for table in TABLES)
    assert {part: set(screen[part]) & set(more[part]) for part in ("words", "signs")} == {
        "words": set(),
        "signs": set(),
    }


@pytest.mark.slow
@pytest.mark.parametrize("part", ["a", "a.", "2 ", "u ", "!", "'", "\U0001f52a", "a1", "home.he", " "])
def test_twice_the_text_takes_about_twice_the_time(part: str) -> None:
    assert cost(part, 200_000) < 3.2 * cost(part, 100_000) + 0.02


def cost(part: str, length: int) -> float:
    text = (part * length)[:length]
    costs = []
    for _ in range(3):
        started = time.process_time()
        respell(text)
        costs.append(time.process_time() - started)
    return min(costs)
