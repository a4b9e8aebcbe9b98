"""Twilio's own validator is the oracle where it is right; where it fails open, ours refuses.

Red when: `keep_blank_values` is lost (parse_form skips pieces without a value), the address is taken from the request,
`check_tokens` is dropped from `check_signature`, an unknown key falls back to the auth tokens, or SHA-1 is used
whatever the settings say.
"""

import random
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from urllib.parse import quote_plus

import pytest
from hypothesis import given
from hypothesis import strategies as st
from multidict import CIMultiDict, MultiDict
from twilio.request_validator import HMAC_SHA256, RequestValidator, get_signature_algorithm

from casework.model.errors import SettingsInvalid, SignatureInvalid
from channels.twilio_signature import (
    SIGNATURE_HEADER,
    SIGNATURE_SETTINGS_HEADER,
    WebhookUnsigned,
    check_shared_keys,
    check_signature,
    check_tokens,
    check_webhook,
    compute_signature,
    parse_form,
)

TOKEN = "0123456789abcdef0123456789abcdef"
OTHER_TOKEN = "fedcba9876543210fedcba9876543210"
URL = "https://waymark.example.org/webhooks/twilio/message"
SHARED_KEY = "webhooks_sharedkey_1"
SHARED_SECRET = "c0ffee00c0ffee00c0ffee00c0ffee00"
SHARED_KEYS = {SHARED_KEY: SHARED_SECRET}
SHA256_SETTINGS = f"key={SHARED_KEY},algorithm={HMAC_SHA256}"
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
    *,
    url: str = URL,
    body: bytes = BODY,
    header: str | None,
    tokens: tuple[str, ...] = (TOKEN,),
    settings_header: str | None = None,
    shared_keys: Mapping[str, str] = SHARED_KEYS,
) -> bool:
    try:
        check_signature(
            tokens=tokens,
            url=url,
            body=body,
            header=header,
            shared_keys=shared_keys,
            settings_header=settings_header,
        )
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


# --- the table of the reference notes on the channels, section 2, one row a situation -----------------

SIGNED = compute_signature(token=TOKEN, url=URL, body=BODY)
SIGNED_BY_SHARED_KEY = compute_signature(token=SHARED_SECRET, url=URL, body=BODY, algorithm=HMAC_SHA256)
WITH_PORT, WITH_OTHER_PORT = (URL.replace("example.org", f"example.org:{port}") for port in (443, 8443))
QUERY = URL + "?a=1&b=%2F"
JSON_URL = URL + "?bodySHA256=" + "0" * 64
FORGED = RequestValidator("").compute_signature(URL, MultiDict())


@dataclass(frozen=True, kw_only=True)
class Row:
    """A request of the table, our verdict, and what Twilio's validator says of it: a verdict or an exception."""

    situation: str
    ours: bool
    twilios: bool | type[Exception]
    url: str = URL
    body: bytes = BODY
    header: str | None = SIGNED
    token: str = TOKEN
    settings_header: str | None = None


TABLE = [
    Row(situation="as it was sent", ours=True, twilios=True),
    Row(
        situation="a proxy ended TLS and the app saw http",
        ours=False,
        twilios=False,
        url=URL.replace("https", "http"),
    ),
    Row(situation="port 443 named", ours=True, twilios=True, url=WITH_PORT),
    Row(situation="port 8443 named, signed without", ours=True, twilios=True, url=WITH_OTHER_PORT),
    Row(
        situation="an IPv6 literal with a port: not to be used",
        ours=False,
        twilios=False,
        url="https://[::1]:8443/hook",
        header=compute_signature(token=TOKEN, url="https://[::1]/hook", body=BODY),
    ),
    Row(situation="a slash was added", ours=False, twilios=False, url=URL + "/"),
    Row(situation="a query was added", ours=False, twilios=False, url=URL + "?a=1"),
    Row(
        situation="a query was put in another order",
        ours=False,
        twilios=False,
        url=URL + "?b=%2F&a=1",
        header=compute_signature(token=TOKEN, url=QUERY, body=BODY),
    ),
    Row(
        situation="a query was encoded anew",
        ours=False,
        twilios=False,
        url=URL + "?a=1&b=/",
        header=compute_signature(token=TOKEN, url=QUERY, body=BODY),
    ),
    Row(
        situation="a blank value was dropped",
        ours=False,
        twilios=False,
        body=BODY.replace(b"&FromCity=", b""),
    ),
    Row(
        situation="a blank value is there",
        ours=True,
        twilios=True,
        body=BODY + b"&ToCity=",
        header=compute_signature(token=TOKEN, url=URL, body=BODY + b"&ToCity="),
    ),
    Row(
        situation="JSON, its form empty, its hash in the address: nothing checks the body",
        ours=False,
        twilios=True,
        url=JSON_URL,
        body=b'{"Body": "anything at all"}',
        header=compute_signature(token=TOKEN, url=JSON_URL, body=b""),
    ),
    Row(situation="no signature header", ours=False, twilios=TypeError, header=None),
    Row(situation="an empty signature header", ours=False, twilios=False, header=""),
    Row(
        situation="an empty token, and a forger who knows it",
        ours=False,
        twilios=True,
        body=b"",
        header=FORGED,
        token="",
    ),
    Row(
        situation="an unknown algorithm",
        ours=False,
        twilios=False,
        settings_header=f"key={SHARED_KEY},algorithm=HMAC_MD5",
    ),
    Row(
        situation="an unknown key",
        ours=False,
        twilios=False,
        settings_header=f"key=another,algorithm={HMAC_SHA256}",
        header=compute_signature(token=TOKEN, url=URL, body=BODY, algorithm="HMAC_SHA256"),
        token=SHARED_SECRET,
    ),
    Row(
        situation="signed by the SharedKey it names",
        ours=True,
        twilios=True,
        header=SIGNED_BY_SHARED_KEY,
        settings_header=SHA256_SETTINGS,
        token=SHARED_SECRET,
    ),
    Row(
        situation="signed by an auth token, and it names a SharedKey",
        ours=False,
        twilios=False,
        settings_header=SHA256_SETTINGS,
        token=SHARED_SECRET,
    ),
    Row(
        situation="signed by a SharedKey, its settings taken away",
        ours=False,
        twilios=False,
        header=SIGNED_BY_SHARED_KEY,
    ),
    Row(
        situation="settings that name no algorithm: an auth token signed",
        ours=True,
        twilios=True,
        settings_header=f"key={SHARED_KEY}",
    ),
    Row(
        situation="names and values are joined without a mark: the same signature for another form",
        ours=True,
        twilios=True,
        body=b"AccountSid=AC1&Body=Hello+there&From=%2B447700900001&FromCity=&Messag=eSidSM1",
    ),
    Row(
        situation="a value repeated is signed once",
        ours=True,
        twilios=True,
        body=BODY + b"&MessageSid=SM1",
    ),
    Row(situation="a field was added", ours=False, twilios=False, body=BODY + b"&Extra=1"),
    Row(situation="the body was emptied", ours=False, twilios=False, body=b""),
    Row(
        situation="replayed: the scheme has no time, so the row's id says it is a copy",
        ours=True,
        twilios=True,
    ),
]


@pytest.mark.parametrize("row", TABLE, ids=lambda row: row.situation)
def test_signature_table(row: Row) -> None:
    assert ask_twilio(row) == row.twilios
    if not row.token:
        with pytest.raises(SettingsInvalid):
            is_accepted(url=row.url, body=row.body, header=row.header, tokens=("",))
        return
    verdict = is_accepted(url=row.url, body=row.body, header=row.header, settings_header=row.settings_header)
    assert verdict is row.ours


def ask_twilio(row: Row) -> bool | type[Exception]:
    """As a service does that reads the form with a framework: JSON has no form fields."""
    is_json = row.body.startswith(b"{")
    form = [] if is_json else [(name.decode(), value.decode()) for name, value in parse_form(row.body)]
    try:
        return bool(
            RequestValidator(row.token).validate(
                row.url, MultiDict(form), row.header, get_signature_algorithm(row.settings_header)
            )
        )
    except TypeError:
        return TypeError


# --- ten thousand requests, and Twilio's validator beside ours ------------------------------------------

NAMES = ["AccountSid", "Body", "From", "FromCity", "MessageSid", "NumMedia", "To", "Élan", "a b", "x=y", "&"]
VALUES = [
    "",
    "0",
    "Hello there",
    "+447700900001",
    "ŵythnos",
    "😀",
    "a&b=c",
    "%2B",
    " ",
    "line\nbreak",
    "\x00",
]
FAILS_OPEN = {
    "empty token": "its signature can be computed by anyone",
    "json": "a body that is no form is not looked at when its hash is in the address",
}
REQUESTS = 10_000


@dataclass(frozen=True, kw_only=True)
class Generated:
    url: str
    form: list[tuple[str, str]]
    header: str | None
    token: str
    settings_header: str | None
    kind: str
    body: bytes = field(default=b"")


def generate(dice: random.Random) -> Generated:
    """A signed request of either scheme, most of them then changed in one way; `kind` names the way."""
    form = [(dice.choice(NAMES), dice.choice(VALUES)) for _ in range(dice.randint(0, 8))]
    url = dice.choice(
        [
            URL,
            WITH_PORT,
            WITH_OTHER_PORT,
            QUERY,
            URL.replace("https", "http"),
            JSON_URL,
            URL + "/",
            "https://h.example",
        ]
    )
    is_shared = dice.random() < 0.5
    token, algorithm = (SHARED_SECRET, "HMAC_SHA256") if is_shared else (TOKEN, "HMAC_SHA1")
    settings_header = (
        dice.choice([SHA256_SETTINGS, f"algorithm=hmac_sha256, key={SHARED_KEY}"]) if is_shared else None
    )
    header = RequestValidator(token).compute_signature(url, MultiDict(form), algorithm)
    made = Generated(
        url=url, form=form, header=header, token=token, settings_header=settings_header, kind="as signed"
    )
    return dice.choice(CHANGES)(made, dice)


def _change_value(made: Generated, dice: random.Random) -> Generated:
    if not made.form:
        return replace(made, form=[("Body", "new")], kind="value changed")
    place = dice.randrange(len(made.form))
    form = [*made.form]
    form[place] = (form[place][0], form[place][1] + dice.choice(["x", " ", "é"]))
    return replace(made, form=form, kind="value changed")


def _repeat_field(made: Generated, dice: random.Random) -> Generated:
    return replace(made, form=[*made.form, *made.form[:1]], kind="field repeated")


def _shuffle(made: Generated, dice: random.Random) -> Generated:
    return replace(made, form=dice.sample(made.form, len(made.form)), kind="fields in another order")


def _drop_blanks(made: Generated, dice: random.Random) -> Generated:
    return replace(made, form=[(name, value) for name, value in made.form if value], kind="blanks dropped")


def _change_url(made: Generated, dice: random.Random) -> Generated:
    url = dice.choice(
        [made.url + "/", made.url + "?x=1", made.url.replace("http", "httq", 1), WITH_PORT, URL]
    )
    return replace(made, url=url, kind="address changed")


def _change_header(made: Generated, dice: random.Random) -> Generated:
    assert made.header is not None
    place = dice.randrange(len(made.header))
    letter = dice.choice("ABCabc019+/=")
    return replace(
        made, header=made.header[:place] + letter + made.header[place + 1 :], kind="signature changed"
    )


def _name_no_algorithm(made: Generated, dice: random.Random) -> Generated:
    # An auth token's signature then, whatever else the settings say.
    header = RequestValidator(TOKEN).compute_signature(made.url, MultiDict(made.form))
    settings = dice.choice(["", f"key={SHARED_KEY}", "key=another", "algorithm=,key=x"])
    return replace(made, header=header, token=TOKEN, settings_header=settings, kind="no algorithm named")


def _name_odd_algorithm(made: Generated, dice: random.Random) -> Generated:
    settings = f"key={SHARED_KEY},algorithm={dice.choice(['HMAC_MD5', 'NONE', 'HMAC_SHA512', 'é'])}"
    return replace(made, settings_header=settings, kind="unknown algorithm")


def _swap_scheme(made: Generated, dice: random.Random) -> Generated:
    if made.settings_header is None:
        return replace(made, settings_header=SHA256_SETTINGS, token=SHARED_SECRET, kind="scheme swapped")
    return replace(made, settings_header=None, token=TOKEN, kind="scheme swapped")


def _leave_header_out(made: Generated, dice: random.Random) -> Generated:
    return replace(made, header=None, kind="no header")


def _post_json(made: Generated, dice: random.Random) -> Generated:
    header = RequestValidator(made.token).compute_signature(
        JSON_URL, {}, get_signature_algorithm(made.settings_header)
    )
    return replace(made, url=JSON_URL, form=[], body=b'{"a": 1}', header=header, kind="json")


def _use_empty_token(made: Generated, dice: random.Random) -> Generated:
    header = RequestValidator("").compute_signature(made.url, MultiDict(made.form))
    return replace(made, header=header, token="", settings_header=None, kind="empty token")


CHANGES = [
    lambda made, dice: made,
    lambda made, dice: made,
    _change_value,
    _repeat_field,
    _shuffle,
    _drop_blanks,
    _change_url,
    _change_header,
    _name_no_algorithm,
    _name_odd_algorithm,
    _swap_scheme,
    _leave_header_out,
    _post_json,
    _use_empty_token,
]


def test_ten_thousand_generated_requests_get_twilios_verdict_where_it_is_right() -> None:
    """Where the package fails open (FAILS_OPEN) ours refuses, and where it crashes (no header) as well."""
    dice = random.Random(20261122)
    seen: Counter[tuple[str, bool]] = Counter()
    for _ in range(REQUESTS):
        made = generate(dice)
        verdict = judge(made)
        try:
            twilios = RequestValidator(made.token).validate(
                made.url, MultiDict(made.form), made.header, get_signature_algorithm(made.settings_header)
            )
        except TypeError:
            assert made.kind == "no header"
            twilios = False
        if made.kind in FAILS_OPEN:
            assert (twilios, verdict) == (True, False), made
        else:
            assert verdict is twilios, made
        seen[made.kind, verdict] += 1

    # The generator makes enough of each, and of both verdicts.
    kinds = Counter({kind: 0 for kind, _ in seen})
    for (kind, _), count in seen.items():
        kinds[kind] += count
    assert min(kinds.values()) >= 100
    assert len(kinds) >= len(CHANGES) - 1
    accepted = sum(count for (_, verdict), count in seen.items() if verdict)
    assert REQUESTS // 4 < accepted < REQUESTS * 3 // 4


def judge(made: Generated) -> bool:
    tokens = (made.token,) if made.kind == "empty token" else (OTHER_TOKEN, TOKEN)
    try:
        return is_accepted(
            url=made.url,
            body=made.body or encode(made.form),
            header=made.header,
            settings_header=made.settings_header,
            tokens=tokens,
        )
    except SettingsInvalid:
        return False


# --- the SharedKey and its header ---------------------------------------------------------------------


@pytest.mark.parametrize(
    ("settings_header", "reason"),
    [
        (f"key={SHARED_KEY},algorithm=HMAC_MD5", "unknown_algorithm"),
        (f"key={SHARED_KEY},algorithm=", "wrong"),
        ("key=another,algorithm=HMAC_SHA256", "unknown_key"),
        ("key=,algorithm=HMAC_SHA256", "unknown_key"),
        ("algorithm=HMAC_SHA256", "unknown_key"),
        (f"key=another,key={SHARED_KEY},algorithm=HMAC_SHA256", "header_twice"),
        (f"key={SHARED_KEY},algorithm=HMAC_SHA1,algorithm=HMAC_SHA256", "header_twice"),
        (SHA256_SETTINGS + ",", "accepted"),
        (f"key={SHARED_KEY.upper()},algorithm=HMAC_SHA256", "unknown_key"),
        (f" algorithm = hmac_sha256 , key = {SHARED_KEY} ", "accepted"),
    ],
)
def test_what_the_settings_of_a_signature_may_say(settings_header: str, reason: str) -> None:
    try:
        check_signature(
            tokens=(TOKEN,),
            url=URL,
            body=BODY,
            header=SIGNED_BY_SHARED_KEY,
            shared_keys=SHARED_KEYS,
            settings_header=settings_header,
        )
    except WebhookUnsigned as refusal:
        assert refusal.reason == reason
    else:
        assert reason == "accepted"


@pytest.mark.parametrize("name", [SIGNATURE_HEADER, SIGNATURE_SETTINGS_HEADER])
def test_a_signature_header_given_twice_is_refused_whichever_is_right(name: str) -> None:
    headers = CIMultiDict(
        {SIGNATURE_HEADER: SIGNED_BY_SHARED_KEY, SIGNATURE_SETTINGS_HEADER: SHA256_SETTINGS}
    )
    check_webhook(tokens=(TOKEN,), shared_keys=SHARED_KEYS, url=URL, body=BODY, headers=headers)

    headers.add(name.lower(), headers[name])

    with pytest.raises(WebhookUnsigned) as refusal:
        check_webhook(tokens=(TOKEN,), shared_keys=SHARED_KEYS, url=URL, body=BODY, headers=headers)
    assert refusal.value.reason == "header_twice"


@pytest.mark.parametrize("keys", [{"k": ""}, {"k": "short"}, {"": SHARED_SECRET}])
def test_a_shared_key_that_anyone_could_guess_is_refused(keys: dict[str, str]) -> None:
    with pytest.raises(SettingsInvalid, match="WAYMARK_TWILIO_SHARED_KEYS"):
        check_shared_keys(keys)


def test_a_shared_key_that_anyone_could_guess_signs_nothing() -> None:
    forged = compute_signature(token="", url=URL, body=BODY, algorithm=HMAC_SHA256)

    with pytest.raises(SettingsInvalid):
        is_accepted(header=forged, shared_keys={SHARED_KEY: ""}, settings_header=SHA256_SETTINGS)


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
