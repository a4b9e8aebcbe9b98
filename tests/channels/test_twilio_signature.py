"""Twilio's own validator is the oracle; every byte of a signed request counts."""

from urllib.parse import quote_plus

import pytest
from hypothesis import given
from hypothesis import strategies as st
from multidict import MultiDict
from twilio.request_validator import RequestValidator

from casework.model.errors import SettingsInvalid, SignatureInvalid
from channels.twilio_signature import check_signature, check_tokens, compute_signature, parse_form

TOKEN = "0123456789abcdef0123456789abcdef"
OTHER_TOKEN = "fedcba9876543210fedcba9876543210"
URL = "https://waymark.example.org/webhooks/twilio/message"
BODY = b"AccountSid=AC1&Body=Hello+there&From=%2B447700900001&FromCity=&MessageSid=SM1"

texts = st.text(st.characters(blacklist_categories=["Cs"]), max_size=20)
forms = st.lists(st.tuples(texts, texts), max_size=8)
urls = st.sampled_from(
    [
        URL,
        "https://waymark.example.org:8443/webhooks/twilio/message",
        "http://127.0.0.1:8080/webhooks/twilio/message?a=1&b=%20",
        "http://waymark.example.org/",
        "https://waymark.example.org/hook?bodySHA256=abc",
    ]
)


def encode(form: list[tuple[str, str]]) -> bytes:
    return "&".join(f"{quote_plus(name)}={quote_plus(value)}" for name, value in form).encode()


def is_accepted(
    *, url: str = URL, body: bytes = BODY, header: str | None, tokens: tuple[str, ...] = (TOKEN,)
) -> bool:
    try:
        check_signature(tokens=tokens, url=url, body=body, header=header)
    except SignatureInvalid:
        return False
    return True


@given(form=forms, url=urls)
def test_what_twilio_signs_is_accepted_and_signed_the_same(form: list[tuple[str, str]], url: str) -> None:
    header = RequestValidator(TOKEN).compute_signature(url, MultiDict(form))

    assert compute_signature(token=TOKEN, url=url, body=encode(form)) == header
    assert is_accepted(url=url, body=encode(form), header=header)


@given(form=forms, signed_form=forms, url=urls, signed_url=urls)
def test_the_verdict_is_that_of_twilios_own_validator(
    form: list[tuple[str, str]], signed_form: list[tuple[str, str]], url: str, signed_url: str
) -> None:
    oracle = RequestValidator(TOKEN)
    header = oracle.compute_signature(signed_url, MultiDict(signed_form))

    assert is_accepted(url=url, body=encode(form), header=header) is oracle.validate(
        url, MultiDict(form), header
    )


@given(form=forms)
def test_the_port_may_be_named_or_not_as_in_twilios_library(form: list[tuple[str, str]]) -> None:
    signed_with_port = RequestValidator(TOKEN).compute_signature(
        "https://waymark.example.org:443/hook", MultiDict(form)
    )

    assert is_accepted(url="https://waymark.example.org/hook", body=encode(form), header=signed_with_port)


@given(position=st.integers(0, len(BODY) - 1), byte=st.integers(0, 255))
def test_any_single_byte_change_of_the_body_is_refused(position: int, byte: int) -> None:
    header = compute_signature(token=TOKEN, url=URL, body=BODY)
    changed = BODY[:position] + bytes([byte]) + BODY[position + 1 :]
    if set(parse_form(changed)) == set(parse_form(BODY)):
        return  # such as %2b for %2B: other bytes, the same form

    # Names and values are joined without a mark; only a form that joins to the same text can pass.
    joined = b"".join(name + value for name, value in sorted(set(parse_form(changed))))
    same_text = joined == b"".join(name + value for name, value in sorted(set(parse_form(BODY))))
    assert is_accepted(body=changed, header=header) is same_text


@given(position=st.integers(0, 27), letter=st.characters())
def test_any_single_character_change_of_the_header_is_refused(position: int, letter: str) -> None:
    header = compute_signature(token=TOKEN, url=URL, body=BODY)
    changed = header[:position] + letter + header[position + 1 :]

    assert is_accepted(header=changed) is (changed == header)


@given(position=st.integers(0, len(URL) - 1), letter=st.sampled_from("abcXYZ019-_"))
def test_any_single_character_change_of_the_address_is_refused(position: int, letter: str) -> None:
    header = compute_signature(token=TOKEN, url=URL, body=BODY)
    changed = URL[:position] + letter + URL[position + 1 :]

    assert is_accepted(url=changed, header=header) is (changed.lower() == URL and changed[5:] == URL[5:])


@pytest.mark.parametrize(
    ("situation", "url", "body"),
    [
        ("a proxy ended TLS and the app built an http address", URL.replace("https", "http"), BODY),
        ("a slash was added", URL + "/", BODY),
        ("a query was added", URL + "?a=1", BODY),
        ("a blank value was dropped", URL, BODY.replace(b"&FromCity=", b"")),
        ("a field was added", URL, BODY + b"&Extra=1"),
        ("the body was emptied", URL, b""),
    ],
)
def test_signature_table(situation: str, url: str, body: bytes) -> None:
    header = compute_signature(token=TOKEN, url=URL, body=BODY)

    assert is_accepted(header=header)
    assert not is_accepted(url=url, body=body, header=header), situation


def test_a_query_is_signed_in_the_order_it_was_sent() -> None:
    header = compute_signature(token=TOKEN, url=URL + "?a=1&b=2", body=BODY)

    assert is_accepted(url=URL + "?a=1&b=2", header=header)
    assert not is_accepted(url=URL + "?b=2&a=1", header=header)


@pytest.mark.parametrize("header", [None, "", " ", "é", "\udcff", "wrong"])
def test_a_missing_empty_or_odd_header_is_refused(header: str | None) -> None:
    assert not is_accepted(header=header)


@pytest.mark.parametrize("value", [b"%FF%FE", b"%ED%A0%80", b"%00", b"\xff\xfe", b"%E2%28", b"100%", b"%zz"])
def test_bytes_that_are_not_text_still_verify(value: bytes) -> None:
    body = BODY + b"&Odd=" + value
    header = compute_signature(token=TOKEN, url=URL, body=body)

    assert is_accepted(body=body, header=header)
    assert not is_accepted(body=body + b"%00", header=header)


def test_an_address_that_is_not_text_is_refused_and_does_not_crash() -> None:
    assert not is_accepted(url=URL + "/\udcff", header="wrong")


def test_a_field_repeated_with_the_same_value_is_signed_once_as_twilio_does() -> None:
    header = RequestValidator(TOKEN).compute_signature(URL, MultiDict([("a", "1"), ("a", "1"), ("a", "2")]))

    assert is_accepted(body=b"a=1&a=1&a=2", header=header)
    assert is_accepted(body=b"a=2&a=1", header=header)
    assert not is_accepted(body=b"a=1", header=header)


def test_the_old_and_the_new_token_are_both_accepted_while_one_is_rotated() -> None:
    old = compute_signature(token=OTHER_TOKEN, url=URL, body=BODY)

    assert is_accepted(header=old, tokens=(TOKEN, OTHER_TOKEN))
    assert not is_accepted(header=old, tokens=(TOKEN,))


@pytest.mark.parametrize("tokens", [(), ("",), (" " * 40,), ("short",), (TOKEN, ""), (TOKEN[:-1],)])
def test_an_empty_or_short_token_is_refused_at_start_and_at_every_check(tokens: tuple[str, ...]) -> None:
    forged = RequestValidator("").compute_signature(URL, MultiDict())

    with pytest.raises(SettingsInvalid, match="TWILIO_AUTH_TOKEN"):
        check_tokens(tokens)
    with pytest.raises(SettingsInvalid):
        check_signature(tokens=tokens, url=URL, body=b"", header=forged)


def test_no_token_is_named_in_a_refusal() -> None:
    with pytest.raises(SettingsInvalid) as refusal:
        check_tokens(["short-but-secret"])

    assert "short-but-secret" not in str(refusal.value)
