"""What leaves by SMS has plain quotes, dashes and spaces, and every letter it was written with.

Red when: a curly quote is left as it is, ŵ becomes w, ʼ becomes ', or the text is not composed again at the end.
"""

import sys
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from casework.model.gsm_text import count_texts, normalise_for_sms
from casework.model.sms_segments import GSM_7, GSM_7_EXTENDED, count_segments

EVERY_CHARACTER = [chr(code) for code in range(sys.maxunicode + 1) if not 0xD800 <= code < 0xE000]


@pytest.mark.parametrize(
    ("written", "leaves"),
    [
        ("We\u2019re \u201chere\u201d", 'We\'re "here"'),
        ("a \u2013 b \u2014 c \u2212 d", "a - b - c - d"),
        ("Wait\u2026", "Wait..."),
        ("10\u00a0am\u202fto\u20092\u3000pm", "10 am to 2 pm"),
        ("\u2022 one\u2028\u25cf two\r\n\u00b7 three", "- one\n- two\n- three"),
        ("a\tb`c\u00b4", "a b'c'"),
        ("soft\u00adhyphen\u200b\ufeff", "softhyphen"),
        ("e\u0301 and w\u0302", "é and ŵ"),
        ("e\u200b\u0301", "é"),
        (
            "Llŷr Siôn-Ŵyn, François, Łukasz, Hawaiʻi, Oʼneil",
            "Llŷr Siôn-Ŵyn, François, Łukasz, Hawaiʻi, Oʼneil",
        ),
        ("\U0001f468\u200d\U0001f469", "\U0001f468\u200d\U0001f469"),
    ],
)
def test_only_signs_are_made_plain(written: str, leaves: str) -> None:
    assert normalise_for_sms(written) == leaves


def test_no_letter_no_mark_and_no_digit_of_any_script_is_exchanged() -> None:
    changed = [
        character
        for character in EVERY_CHARACTER
        if unicodedata.category(character)[0] in "LMN"
        and normalise_for_sms(character) != unicodedata.normalize("NFC", character)
    ]

    assert changed == []


def test_every_letter_of_the_phones_alphabet_stays_as_it_is() -> None:
    alphabet = (GSM_7 | GSM_7_EXTENDED) - {"\r"}

    assert {letter for letter in alphabet if normalise_for_sms(letter) != letter} == set()


@given(st.text())
def test_twice_is_the_same_as_once(text: str) -> None:
    once = normalise_for_sms(text)

    assert normalise_for_sms(once) == once


@given(st.text())
def test_a_text_is_counted_as_it_leaves(text: str) -> None:
    assert count_texts(text) == count_segments(normalise_for_sms(text))


def test_one_curly_quote_costs_nothing_and_one_welsh_letter_costs_what_it_costs() -> None:
    assert count_texts("It\u2019s here. " + "a" * 140) == 1
    assert count_texts("D\u0175r. " + "a" * 140) == 3
