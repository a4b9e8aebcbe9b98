"""Names in pet forms, misheard, cut short, in initials, and those no list has.

Red when, each tried once: pet forms are not read, other vowels or a cut name are no slip, initials stay, or a word
with a capital that nobody knows is left.
"""

import pytest

from casework.model.masking import CaseValues, Layer, MaskKind
from casework.model.masking.lexicon import load_lexicon
from casework.model.masking.name_slips import is_slip
from tests.casework.model.masking_cases import hidden, mask

CASE = CaseValues(names=("Kieran Doyle", "Fatoumata Bains", "Quorra Tamsett"))


@pytest.mark.parametrize("value", ["kez", "Kyran", "Keiron", "fatou", "Fats", "Baines", "K.D.", "tamsett q"])
def test_a_name_of_the_case_is_hidden_in_every_form(value: str) -> None:
    masks = mask(f"so it is {value}", CASE).masks

    assert [(one.kind, one.layer, one.start) for one in masks] == [(MaskKind.PERSON, Layer.CASE, 9)]
    assert masks[0].end - masks[0].start == len(value)


@pytest.mark.parametrize(
    ("word", "name", "is_one"),
    [
        ("harps", "harpreet", True),
        ("farkuharson", "farquharson", True),
        ("chaudry", "chowdhury", True),
        ("thistelwod", "thistlewood", True),
        ("tomorrow", "thomas", False),
        ("kit", "kieran", False),
    ],
)
def test_a_slip_is_borne_and_another_word_is_none(word: str, name: str, *, is_one: bool) -> None:
    assert is_slip(word, name, is_listed=False) is is_one


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("my ex krzystofer was there", "krzystofer"),
        ("it was the manager, Winterby Osgodthorpe, who saw", "Winterby Osgodthorpe"),
        ("their kid bradlee threw it", "bradlee"),
        ("the girl Siobhán Ní Bhriain saw it", "Siobhán Ní Bhriain"),
        ("so T. Okonjowska rang", "T. Okonjowska"),
    ],
)
def test_a_name_no_list_has_is_seen_by_how_it_stands(text: str, value: str) -> None:
    assert hidden(text) == [("person", value)]


@pytest.mark.parametrize(
    "text",
    [
        "I bought a Samsung from Argos and paid with PayPal",
        "can a Polish interpreter come on Tuesday",
        "my mum bakes and my dad fixes vans",
        "I spoke to Victim Support and the CPS",
    ],
)
def test_firms_languages_and_ordinary_words_stay(text: str) -> None:
    assert hidden(text) == []


def test_no_word_of_the_lists_is_written_with_a_capital_or_a_gap() -> None:
    lexicon = load_lexicon()
    words = {
        *lexicon.first_names,
        *lexicon.surnames,
        *lexicon.short_forms,
        *lexicon.known_words,
        *lexicon.public,
    }

    assert [word for word in sorted(words) if word != word.lower() or not word.isalnum()] == []
