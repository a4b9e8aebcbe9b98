"""What is refused before it is taught: by its form, by what is left of it, by being another text again.

Red when, each tried once: a refusal's line in `check` is taken out; `find_near_copies` compares with the first alone;
`five_words` goes across a masked value; a pattern is taken out of INVENTED.
"""

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from casework.model.masking import CaseValues, Layer, MaskKind
from casework.model.masking.masker import load_masker
from casework.model.masking.surrogates import make_surrogate
from casework.model.masking.views import Found
from casework.model.teaching_masks import find_personal, is_invented
from casework.model.teaching_texts import (
    LONGEST,
    check,
    find_copies_within,
    find_near_copies,
    five_words,
    letter_groups,
)

REAL = {
    MaskKind.PERSON: "Kieran Walsh",
    MaskKind.OFFICER: "PC Walsh",
    MaskKind.PHONE: "07911 123456",
    MaskKind.EMAIL: "k.walsh@mail.test",
    MaskKind.URL: "https://chat.test/room",
    MaskKind.POSTCODE: "LS1 4AP",
    MaskKind.ADDRESS: "17 Acacia Road",
    MaskKind.PLACE: "Leeds",
    MaskKind.NINO: "AB 12 34 56 C",
    MaskKind.VEHICLE: "LK19 XYZ",
    MaskKind.NHS: "943 476 5919",
    MaskKind.BIRTH_DATE: "14/03/1988",
    MaskKind.REFERENCE: "43/1234567/25",
    MaskKind.NUMBER: "83726151",
    MaskKind.ACCOUNT: "4929123412341234",
    MaskKind.HANDLE: "@kwalsh",
}
MASKER = load_masker(key=b"k" * 32, towns="")


@pytest.mark.parametrize(
    ("text", "codes"),
    [
        ("any news on my case", []),
        ("two\nlines are how people write", []),
        ("ok 👍🏽 \u200d thanks", []),
        ("it cost $20 {roughly}", []),
        ("a ${HOME} of my own", ["variable"]),
        ("/restart", ["command"]),
        ("  /greet", ["command"]),
        ("either/or", []),
        ("he came [tomorrow](date)", ["entity"]),
        ('he came [then] {"entity": "date"}', ["entity"]),
        ("[note] he came", []),
        ("he came [a][b]", ["entity"]),
        ("bell \x07", ["control"]),
        ("tab\there", ["control"]),
        ("he \u202eemac", ["control"]),
        ("half \ud83d", ["control"]),
        ("a" * (LONGEST + 1), ["too_long"]),
        ("?!", ["empty"]),
        ("", ["empty"]),
        ("/${x}\x00", ["variable", "command", "control"]),
    ],
)
def test_a_text_rasa_would_read_another_way_is_refused(text: str, codes: list[str]) -> None:
    assert check(text) == codes


def test_a_text_that_is_nothing_but_masked_values_is_empty() -> None:
    assert check("07700 900123, Brama", masked=[(14, 19), (0, 12)]) == ["empty"]
    assert check("07700 900123 rang", masked=[(0, 12)]) == []


@given(st.text())
def test_any_text_has_an_answer(text: str) -> None:
    assert check(text) == check(text)
    assert letter_groups(text)


def test_a_near_copy_is_found_among_many_in_a_moment() -> None:
    known = [f"message {number} about something that happened {number * 7}" for number in range(20_000)]
    offered = ["any news on my van that went missing??", "nothing like it was ever said", known[77] + "!"]
    started = time.process_time()
    found = find_near_copies(offered, [*known, "any news on my van that went missing"])

    assert {place: other[:7] for place, other in found.items()} == {0: "any new", 2: "message"}
    # 48,000 texts in seconds; generous, for machines that are busy.
    assert time.process_time() - started < 5


def test_short_texts_are_copies_only_when_they_are_the_same() -> None:
    assert find_near_copies(["ok", "ok ta"], ["OK.", "okay"]) == {0: "OK."}


def test_of_copies_among_themselves_the_first_stays() -> None:
    one, two = "any news on my van that went missing", "any news on my van that went missing??"

    assert find_copies_within([one, "who rings me about court", two, one]) == {2: 0, 3: 0}


def test_five_words_never_run_across_a_masked_value() -> None:
    text = "he told me Brama would come to my house again"
    assert "he told me brama would" in five_words(text)
    assert five_words(text, masked=[(11, 16)]) == {
        "would come to my house",
        "come to my house again",
    }


@pytest.mark.parametrize("kind", sorted(REAL))
@pytest.mark.parametrize("style", ["as it is", "lower", "upper"])
def test_every_value_the_masking_invents_is_known_as_invented(kind: MaskKind, style: str) -> None:
    raw = {"as it is": REAL[kind], "lower": REAL[kind].lower(), "upper": REAL[kind].upper()}[style]
    for number in range(60):
        found = Found(0, len(raw), kind, Layer.SHAPE, key=(f"value{number}",))
        made = make_surrogate(found, raw, key=b"k" * 32, of="c1", forbidden=frozenset())
        assert is_invented(made), made
    assert not is_invented(raw)


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("ring me on 07700 900123 or brama@example.org", []),
        ("ring me on 07911 123456", ["phone"]),
        ("i live at ZZ99 3AB", []),
        ("i live at LS1 4AP", ["postcode"]),
        ("my ref is 43/260990123/26", []),
        ("it is o double seven nine double one one two three four five six", ["phone"]),
        ("any news", []),
    ],
)
def test_what_still_looks_like_somebody_s_is_told_by_its_kind(text: str, left: list[str]) -> None:
    assert find_personal(text, MASKER.mask(text, CaseValues(), of="c1")) == left


def test_what_the_case_knows_of_them_is_personal_wherever_it_stands() -> None:
    text = "tell kieran i called"
    masked = MASKER.mask(text, CaseValues(names=("Kieran Walsh",)), of="c1")

    assert find_personal(text, masked) == ["person"]
