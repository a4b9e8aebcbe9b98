"""A fake is the same for the same value in one conversation, says nothing of it, and looks invented.

Red when, each tried once: the conversation is no part of the key, or a fake that is a value of the case is taken.
"""

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from casework.model.masking import CaseValues, Layer, MaskKind
from casework.model.masking.lexicon import load_lexicon
from casework.model.masking.places import parse_towns
from casework.model.masking.surrogates import NAMES, PLACES, holds_any, make_surrogate
from casework.model.masking.views import Found, fold
from tests.casework.model.masking_cases import TOWNS, mask

KEY = b"k" * 32


def fake(
    raw: str,
    kind: MaskKind = MaskKind.PERSON,
    *,
    of: str = "c1",
    key: bytes = KEY,
    forbidden: frozenset[str] = frozenset(),
) -> str:
    found = Found(0, len(raw), kind, Layer.CASE)
    return make_surrogate(found, raw, key=key, of=of, forbidden=forbidden)


def test_there_are_256_names_and_none_is_anybodys_or_a_word() -> None:
    lexicon, towns = load_lexicon(), parse_towns(TOWNS.read_text("utf-8"))
    taken = {*lexicon.first_names, *towns.plain, *towns.guarded, *towns.hidden}

    assert len(set(NAMES)) == 256
    assert [
        name for name in (*NAMES, *PLACES) if name.lower() in taken or name.lower() in lexicon.plain_words
    ] == []


def test_a_fake_hangs_on_the_value_the_conversation_and_the_key_alone() -> None:
    assert fake("Kieran") == fake("Kieran")
    each = itertools.product(range(8), "ab", (b"a", b"b"))
    several = [fake(f"Name{number}", of=of, key=key) for number, of, key in each]
    assert len(set(several)) > 20


def test_the_style_of_the_value_is_kept() -> None:
    assert fake("kieran").islower()
    assert fake("KIERAN").isupper()
    assert fake("Kieran").istitle()


@pytest.mark.parametrize("kind", sorted(MaskKind))
def test_no_fake_is_the_value_or_another_that_is_known(kind: MaskKind) -> None:
    value = fake("Something 12 34 56", kind)

    assert fold(fake(value, kind, forbidden=frozenset({fold(value)}))) != fold(value)


def test_where_every_fake_is_known_nothing_is_said() -> None:
    every = frozenset(name.lower() for name in NAMES)

    assert fake("Kieran", forbidden=every) == "withheld"


@given(st.sampled_from(NAMES), st.text(max_size=8))
def test_somebody_who_is_called_like_a_fake_is_hidden_too(name: str, of: str) -> None:
    text = mask(f"its {name.lower()} here", CaseValues(names=(name,)), of=of).text

    assert not holds_any(text, {name.lower()})
