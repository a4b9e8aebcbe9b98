"""How many texts a message costs, against a second opinion: the library `smsutil`.

Red when: an extension character counts one, a character of two units is split across two texts, a text that is
just full is called over-full, or U+001B is called a letter of the phone's alphabet (each was tried).
"""

import random

import pytest
import smsutil
from hypothesis import given
from hypothesis import strategies as st

from casework.model.sms_segments import GSM_7, GSM_7_EXTENDED, count_segments

PLAIN = sorted(GSM_7)
DOUBLE = sorted(GSM_7_EXTENDED)
WIDE = [*"ŵŷâêîôûçłЖ中", "\u2019", "\u2014", "\u00a0", "\u0301", "\u200d"]
# Two UTF-16 units each; the last is a face of three, joined.
PAIRS = ["\U0001f600", "\U0001d11e", "\U00010000", "\U0010ffff", "\U0001f468\u200d\U0001f469"]
EDGES = (0, 1, 66, 67, 68, 69, 70, 71, 133, 134, 135, 152, 153, 154, 159, 160, 161, 305, 306, 307, 459, 460)
ALPHABETS = ([*PLAIN], [*PLAIN, *DOUBLE], [*PLAIN, *WIDE], [*PLAIN, *WIDE, *PAIRS], PAIRS, DOUBLE, WIDE)


def ask_oracle(text: str) -> int:
    return len(smsutil.split(text).parts)


def a_text(dice: random.Random) -> str:
    """Letters of one of the alphabets, mostly about as many as where a text ends, with a wide one put anywhere."""
    alphabet = dice.choice(ALPHABETS)
    length = max(0, dice.choice(EDGES) + dice.randint(-2, 2)) if dice.random() < 0.8 else dice.randint(0, 700)
    letters = [dice.choice(alphabet) for _ in range(length)]
    for _ in range(dice.choice((0, 0, 1, 3))):
        place = dice.choice(EDGES) if dice.random() < 0.5 else dice.randint(0, len(letters))
        letters.insert(min(place, len(letters)), dice.choice(DOUBLE + PAIRS + WIDE))
    return "".join(letters)


def test_segments_oracle() -> None:
    dice = random.Random(20261122)
    texts = [a_text(dice) for _ in range(10_000)]

    differing = [text for text in texts if count_segments(text) != ask_oracle(text)]

    assert differing == []
    # The texts are of every kind, or the agreement would say little.
    assert {min(count_segments(text), 5) for text in texts} == {1, 2, 3, 4, 5}
    assert 2_000 < sum(set(text) <= GSM_7 | GSM_7_EXTENDED for text in texts) < 8_000


@given(
    st.lists(
        st.one_of(st.sampled_from(PLAIN + DOUBLE + WIDE + PAIRS), st.characters(exclude_categories=["Cs"]))
    )
)
def test_any_text_is_counted_as_the_oracle_counts_it(letters: list[str]) -> None:
    # U+001B is where the two differ, and smsutil is wrong: see below.
    text = "".join(letters).replace("\x1b", "")

    assert count_segments(text) == ask_oracle(text)


def test_the_escape_is_no_letter_whatever_the_oracle_says() -> None:
    """3GPP TS 23.038 6.2.1: 0x1B announces the extension table; nothing stands for U+001B, so the text goes as UCS-2.

    smsutil has it in its alphabet and counts 100 letters with one as a single text.
    """
    text = "\x1b" + "a" * 99

    assert (count_segments(text), ask_oracle(text)) == (2, 1)


@pytest.mark.parametrize(
    ("text", "segments"),
    [
        ("", 1),
        ("a" * 160, 1),
        ("a" * 161, 2),
        ("a" * 306, 2),
        ("a" * 307, 3),
        ("a" * 154 + "€€€", 1),
        ("a" * 155 + "€€€", 2),
        # The euro sign would be cut in two, so the first text ends a letter early.
        ("a" * 152 + "€" + "a" * 152, 3),
        ("ŵ" * 70, 1),
        ("ŵ" * 71, 2),
        ("ŵ" * 134, 2),
        ("ŵ" * 135, 3),
        ("\U0001f600" * 35, 1),
        ("ŵ" * 66 + "\U0001f600" + "ŵ" * 66, 3),
        # sms_whatsapp.md section 2: one circumflex makes 87 letters two texts.
        (
            "Diolch am ysgrifennu. Bydd rhywun yn darllen eich neges cyn hir ac yn ateb yn ôl yma i chi."[
                :87
            ],
            2,
        ),
    ],
    ids=lambda value: value if isinstance(value, int) else f"{len(value)}-{value[-3:]!a}",
)
def test_where_a_text_ends(text: str, segments: int) -> None:
    assert (count_segments(text), ask_oracle(text)) == (segments, segments)
