"""The service's fixed texts fit their channel, name their source, and keep the house's manner."""

import re
import string
from datetime import date
from typing import Any

import pytest

from casework.model.messages import Channel
from casework.services.service_texts import load_service_texts

TEXTS: dict[str, Any] = load_service_texts().texts
FORMS = [(name, form) for name in TEXTS for form in ("sms", "web")]
VALUES = {
    "code": "123456",
    "name": "Robin Test-Detective-With-A-Long-Name",
    "choices": "Yes, No",
    "link": f"https://{'messages.'.rjust(48, 'x')}example.org/i/{'x' * 32}",
    "word": "4BDGH7",
    "token": "x" * 32,
    "day": "Wednesday 30 September",
    "cost": "Texts to us cost your usual rate.",
    "item": "0123abcd",
}
GSM_7 = set(
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?"
    "¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
)
NEVER_SAID = re.compile(
    r"\b(?:why|unfortunately|please|sorry|incident|alleged|claim\w*|victim|within \d+|soon|shortly)\b|!", re.I
)


@pytest.mark.parametrize(("name", "form"), FORMS)
def test_every_text_can_be_filled_for_every_form(name: str, form: str) -> None:
    wanted = {field for _, field, _, _ in string.Formatter().parse(TEXTS[name][form]) if field}

    assert wanted <= set(VALUES)
    assert TEXTS[name][form].format(**VALUES)


@pytest.mark.parametrize("name", TEXTS)
def test_a_text_message_uses_only_the_phones_alphabet_and_fits_in_two(name: str) -> None:
    text = TEXTS[name]["sms"].format(**VALUES)

    assert set(text) <= GSM_7
    assert len(text) <= 306


@pytest.mark.parametrize(("name", "form"), FORMS)
def test_no_text_says_what_the_house_never_says(name: str, form: str) -> None:
    assert NEVER_SAID.search(TEXTS[name][form]) is None


@pytest.mark.parametrize("name", TEXTS)
def test_every_text_names_its_source_and_its_review_date(name: str) -> None:
    entry = TEXTS[name]

    assert entry["source"].strip()
    assert isinstance(entry["review_by"], date)
    assert "signed_off" in entry


def test_the_text_of_a_code_names_neither_the_police_nor_a_crime() -> None:
    for form in ("sms", "web"):
        assert (
            re.search(r"police|crime|case|report|999|101|officer", TEXTS["one_time_code"][form], re.I) is None
        )


def test_what_stays_of_a_code_has_no_room_for_the_code() -> None:
    assert "{" not in TEXTS["one_time_code_sent"]["sms"] + TEXTS["one_time_code_sent"]["web"]


def test_web_chat_gets_the_web_form_and_every_other_channel_the_short_one() -> None:
    texts = load_service_texts()

    said = {channel: texts.render("holding", channel) for channel in Channel}

    assert said.pop(Channel.WEBCHAT) == TEXTS["holding"]["web"]
    assert set(said.values()) == {TEXTS["holding"]["sms"]}


def test_a_name_with_braces_is_only_a_name() -> None:
    said = load_service_texts().render("person_joined", Channel.WEBCHAT, name="{code} Test")

    assert "{code} Test" in said


def test_a_text_nobody_wrote_is_an_error() -> None:
    with pytest.raises(KeyError):
        load_service_texts().render("no_such_text", Channel.SMS)


def test_a_value_left_out_is_an_error() -> None:
    with pytest.raises(KeyError):
        load_service_texts().render("one_time_code", Channel.SMS)
