"""Values that are told rather than written: sign by sign, in parts, by a feast or in another language.

Red when, tried once: the finders of plates, told codes or web addresses are left out of the mask.
"""

import pytest

from casework.model.masking.name_slips import is_slip
from tests.casework.model.masking_cases import hidden


@pytest.mark.parametrize(
    ("text", "kind", "values"),
    [
        ("its tilly full stop sham at example dot org", "email", ["tilly full stop sham at example dot org"]),
        ("go to w w w dot example dot org slash form", "url", ["w w w dot example dot org slash form"]),
        ("the plate began ZZ and ended 9QX", "vehicle", ["ZZ", "9QX"]),
        ("car was a white fiesta, last three letters QZX", "vehicle", ["QZX"]),
        ("my code is Q for Quebec twice, then 4 1", "number", ["Q for Quebec twice, then 4 1"]),
        ("born the fourth of the sixth eighty two", "birth_date", ["the fourth of the sixth eighty two"]),
        ("my mum was born 7 maja 1985", "birth_date", ["7 maja 1985"]),
        ("I was eighty on the fifth of June", "birth_date", ["the fifth of June"]),
        ("add me on insta, its mock.man.zz", "handle", ["mock.man.zz"]),
        ("theyre at 14 Heron Fold", "address", ["14 Heron Fold"]),
    ],
)
def test_what_is_told_in_another_way_is_hidden(text: str, kind: str, values: list[str]) -> None:
    assert hidden(text) == [(kind, value) for value in values]


@pytest.mark.parametrize(
    "text",
    [
        "we met on 7 May 2026 at court 3",
        "the hearing is 2026-10-12",
        "got 3 kids 2 dogs and a gr8 view m8",
        "i paid 40 quid for 2 of 3",
        "the number plate fell off the car",
    ],
)
def test_what_only_sounds_like_it_stays(text: str) -> None:
    assert hidden(text) == []


@pytest.mark.parametrize(
    ("word", "name"), [("viktor", "wiktor"), ("kyran", "kieran"), ("chaudry", "chowdhury")]
)
def test_a_name_is_known_by_its_sound(word: str, name: str) -> None:
    assert is_slip(word, name, is_listed=False)
