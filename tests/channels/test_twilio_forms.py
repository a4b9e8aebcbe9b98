"""Twilio's forms: every field of a message that is used, and nothing lost for a field that is odd.

Red when: media of any address is kept, the number is taken before the WhatsApp id, an id that is a number is believed,
a field given twice refuses the message, or a 35-character MessageSid is taken.
"""

from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from casework.model.messages import Channel, InboundMedia, InboundMessage
from channels.sandbox.webhooks import encode_form
from channels.twilio_forms import FormInvalid, ProviderStatus, parse_inbound_sms, parse_status
from tests.channels.provider_stand_ins import ACCOUNT_SID, HANDSET, SERVICE

NOW = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)
MEDIA = f"https://api.twilio.com/2010-04-01/Accounts/{ACCOUNT_SID}/Messages/MM1/Media/ME1"
WHATSAPP = "whatsapp:" + HANDSET
SCOPED_ID = "GB.1A2B3C4D5E"
FIELDS = {
    "MessageSid": "SM" + "a" * 32,
    "AccountSid": ACCOUNT_SID,
    "From": HANDSET,
    "To": SERVICE,
    "Body": "Any news",
    "NumMedia": "0",
}


def a_form(**changes: str | None) -> bytes:
    return encode_form([(name, value) for name, value in {**FIELDS, **changes}.items() if value is not None])


def parse(body: bytes, **values: Any) -> InboundMessage:
    return parse_inbound_sms(body, account_sid=ACCOUNT_SID, received_at=NOW, **values)


def test_an_sms_form_becomes_an_inbound_message() -> None:
    body = a_form()

    assert parse(body) == InboundMessage(
        channel=Channel.SMS,
        provider_message_id="SM" + "a" * 32,
        external_id=HANDSET,
        text="Any news",
        received_at=NOW,
        raw=body,
    )


# --- who wrote -------------------------------------------------------------------------------------


def test_bsuid_without_phone() -> None:
    """A username hides the number: Twilio then names the business-scoped id in From as well."""
    hidden = parse(a_form(From=f"whatsapp:{SCOPED_ID}", ExternalUserId=f"whatsapp:{SCOPED_ID}"))
    named_once = parse(a_form(From=f"whatsapp:{SCOPED_ID}"))

    assert (hidden.channel, hidden.external_id) == (Channel.WHATSAPP, SCOPED_ID)
    assert "phone" not in hidden.details
    assert named_once.external_id == SCOPED_ID


def test_the_whatsapp_id_comes_first_and_the_number_is_only_noted() -> None:
    before = parse(a_form(From=WHATSAPP))
    both = parse(a_form(From=WHATSAPP, ExternalUserId=f"whatsapp:{SCOPED_ID}", WaId=HANDSET[1:]))

    assert (before.external_id, dict(before.details)) == (HANDSET, {})
    assert (both.external_id, dict(both.details)) == (SCOPED_ID, {"phone": HANDSET})


@pytest.mark.parametrize(
    "named",
    [
        "+447700900002",
        "447700900002",
        "",
        " ",
        "whatsapp:",
        "GB.",
        ".1A",
        "GB1A2B",
        "GB.\x00",
        "GB." + "1" * 200,
        "é.1",
    ],
)
def test_what_is_no_whatsapp_id_never_stands_for_a_writer(named: str) -> None:
    """An id that is somebody else's number would open that person's conversation."""
    assert parse(a_form(From=WHATSAPP, ExternalUserId=f"whatsapp:{named}")).external_id == HANDSET


def test_a_text_message_has_no_whatsapp_id() -> None:
    assert parse(a_form(ExternalUserId=f"whatsapp:{SCOPED_ID}")).external_id == HANDSET


# --- what came with it -----------------------------------------------------------------------------


def test_media_only_and_location() -> None:
    photo = parse(
        a_form(
            Body=None,
            NumMedia="2",
            MediaUrl0=MEDIA,
            MediaContentType0="image/JPEG",
            MediaUrl1=MEDIA.replace("ME1", "ME2"),
        )
    )
    place = parse(
        a_form(
            Body=None, From=WHATSAPP, Latitude="51.5", Longitude="-0.1", Label="The Swan", Address="1 High St"
        )
    )
    bare_place = parse(a_form(Body="", From=WHATSAPP, MessageType="location"))

    assert (photo.text, photo.media_count, photo.is_readable) == ("", 2, True)
    assert photo.media == (
        InboundMedia(source=MEDIA, stated_type="image/jpeg"),
        InboundMedia(source=MEDIA.replace("ME1", "ME2"), stated_type=""),
    )
    assert (place.text, place.has_location) == ("", True)
    assert dict(place.details) == {"latitude": "51.5", "longitude": "-0.1", "place": "The Swan, 1 High St"}
    assert bare_place.has_location


def test_ten_pictures_are_listed_and_no_more() -> None:
    listed = {f"MediaUrl{number}": f"{MEDIA}{number}" for number in range(12)}

    message = parse(a_form(NumMedia="12", **listed))

    assert (len(message.media), message.media_count) == (10, 12)


SANDBOX = "http://127.0.0.1:8083"


@pytest.mark.parametrize(
    ("source", "api_url", "is_listed"),
    [
        (MEDIA, "https://api.twilio.com", True),
        (MEDIA.replace("api.", "api.dublin.ie1."), "https://api.twilio.com", True),
        (MEDIA, "https://api.dublin.ie1.twilio.com", True),
        (MEDIA.replace("https", "http"), "https://api.twilio.com", False),
        (MEDIA.replace("api.twilio.com", "media.example.org"), "https://api.twilio.com", False),
        (MEDIA.replace("api.twilio.com", "api.twilio.com.example.org"), "https://api.twilio.com", False),
        (MEDIA.replace("api.twilio.com", "apitwilio.com"), "https://api.twilio.com", False),
        (MEDIA.replace("api.twilio.com", "api.twilio.com:8443"), "https://api.twilio.com", False),
        (MEDIA.replace("api.twilio.com", "somebody@api.twilio.com"), "https://api.twilio.com", False),
        ("file:///etc/passwd", "https://api.twilio.com", False),
        ("http://127.0.0.1:8083/m/1", "https://api.twilio.com", False),
        ("http://[", "https://api.twilio.com", False),
        (SANDBOX + "/m/1", SANDBOX, True),
        ("http://127.0.0.1:9999/m/1", SANDBOX, False),
        ("http://localhost:8083/m/1", SANDBOX, False),
        (MEDIA, SANDBOX, False),
        ("https://provider.example.org/m/1", "https://provider.example.org", True),
        ("http://provider.example.org/m/1", "http://provider.example.org", False),
    ],
)
def test_only_the_providers_own_address_is_fetched_from(source: str, api_url: str, is_listed: bool) -> None:
    """The fetch shows our credentials. A picture that is not listed is still counted, and its form is kept."""
    message = parse(a_form(NumMedia="1", MediaUrl0=source), api_url=api_url)

    assert (len(message.media), message.media_count) == (int(is_listed), 1)


def test_forwarding_answers_and_the_writers_own_name_are_noted() -> None:
    details = parse(
        a_form(
            From=WHATSAPP,
            Forwarded="true",
            FrequentlyForwarded="false",
            OriginalRepliedMessageSid="SM" + "b" * 32,
            ProfileName="<b>Robin</b>",
        )
    ).details

    assert dict(details) == {"forwarded": True, "answers": "SM" + "b" * 32, "profile_name": "<b>Robin</b>"}


@pytest.mark.parametrize(
    ("fields", "choice", "text"),
    [
        ({"Body": "My case", "ButtonText": "My case", "ButtonPayload": "tok.1"}, "tok.1", "My case"),
        ({"Body": None, "ButtonText": "My case", "ButtonPayload": "tok.1"}, "tok.1", "My case"),
        ({"Body": "", "ListTitle": "My rights", "ListId": "tok.2"}, "tok.2", "My rights"),
        ({"Body": "My case", "ButtonText": "My case"}, None, "My case"),
        ({"Body": "hello", "ButtonPayload": "x" * 500}, None, "hello"),
        ({"Body": "hello", "ButtonPayload": "\x00"}, None, "hello"),
    ],
)
def test_what_a_button_or_row_sends_back_is_kept_to_be_looked_up(
    fields: dict[str, str | None], choice: str | None, text: str
) -> None:
    message = parse(a_form(From=WHATSAPP, **fields))

    assert (message.choice, message.text) == (choice, text)


@pytest.mark.parametrize(
    ("kind", "noted"), [("STOP", "STOP"), ("help", "HELP"), ("START", "START"), ("NO", None)]
)
def test_what_the_provider_did_about_a_keyword_is_noted(kind: str, noted: str | None) -> None:
    assert parse(a_form(Body="stop", OptOutType=kind)).details.get("opt_out") == noted


def test_a_code_that_twilio_took_away_is_not_a_readable_message() -> None:
    message = parse(a_form(Body="", ErrorCode="30038"))

    assert (message.is_readable, dict(message.details)) == (False, {"redacted": True})
    assert parse(a_form(ErrorCode="30003")).is_readable


OPTIONAL = [
    "NumMedia",
    "Forwarded",
    "Latitude",
    "ProfileName",
    "OptOutType",
    "ButtonPayload",
    "ExternalUserId",
    "Other",
]


@pytest.mark.parametrize("name", OPTIONAL)
def test_an_optional_field_given_twice_costs_no_message(name: str) -> None:
    body = a_form(From=WHATSAPP) + f"&{name}=1&{name}=2".encode()

    message = parse(body)

    assert (message.text, message.external_id, dict(message.details)) == ("Any news", HANDSET, {})


# --- what cannot be read ---------------------------------------------------------------------------


@pytest.mark.parametrize("number", ["", "many", "-1", "٣", "9" * 5000, "1.0"])
def test_a_media_count_that_is_no_number_is_none(number: str) -> None:
    assert parse(a_form(NumMedia=number)).media_count == 0


@pytest.mark.parametrize(
    ("sent", "read"),
    [
        (b"%FFhelp", "\ufffdhelp"),
        (b"%ED%A0%80", "\ufffd" * 3),
        (b"help%00me", "help\ufffdme"),
        (b"\xe9", "\ufffd"),
    ],
)
def test_text_that_cannot_be_read_is_kept_and_marked(sent: bytes, read: str) -> None:
    body = a_form(Body=None) + b"&Body=" + sent

    message = parse(body)

    assert (message.text, message.is_readable, message.raw) == (read, False, body)


@given(text=st.text(st.characters(blacklist_categories=["Cs"], blacklist_characters="\0"), max_size=1600))
def test_every_readable_text_arrives_as_it_was_written(text: str) -> None:
    message = parse(a_form(Body=text))

    assert (message.text, message.is_readable) == (text, True)


@given(body=st.binary(max_size=300))
def test_no_body_crashes_the_door(body: bytes) -> None:
    try:
        message = parse(a_form(Body=None) + b"&" + body)
    except FormInvalid:
        return
    assert message.text.encode() is not None and "\0" not in message.text + message.external_id


@pytest.mark.parametrize(
    "body",
    [
        b"",
        a_form(MessageSid=None),
        a_form(MessageSid=" "),
        a_form(MessageSid="SM" + "a" * 32 + "NumMedia0"),
        a_form(MessageSid="SM" + "a" * 31),
        a_form(From="+" + "4" * 128),
        a_form(Body="hello") + b"&Body=other",
        a_form(From=None),
        a_form(From="+44\0"),
        a_form(AccountSid=None),
        a_form(AccountSid="AC" + "1" * 32),
        a_form() + b"&From=%2B447700900002",
        a_form() + b"&MessageSid=SM2",
        a_form(From=None) + b"&From=%FF",
    ],
)
def test_a_form_without_one_message_one_writer_and_our_account_is_refused(body: bytes) -> None:
    with pytest.raises(FormInvalid):
        parse(body)


def test_a_status_form_is_read() -> None:
    body = encode_form([("MessageSid", "SM1"), ("MessageStatus", "Undelivered"), ("ErrorCode", "30003")])

    assert parse_status(body) == ProviderStatus(
        provider_message_id="SM1", status="undelivered", error_code=30003
    )
    with pytest.raises(FormInvalid):
        parse_status(b"MessageStatus=sent")
    with pytest.raises(FormInvalid):
        parse_status(body + b"&AccountSid=AC1", account_sid=ACCOUNT_SID)
    assert parse_status(body, account_sid=ACCOUNT_SID).status == "undelivered"
