"""What anyone on the internet can send to the gateway: refused without a word, or kept to the last byte.

Real gateway, real sockets, raw bytes. Red when: the signature is checked over fewer bytes than are read, a refusal
carries text, the body is logged, the two limits of request_limits.py are left out, or the address is taken from Host.
"""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from urllib.parse import quote

import pytest
import pytest_asyncio
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from structlog.testing import capture_logs

from casework.adapters.storage.tables import conversation, inbox, outbox, turn
from channels.gateway import build_gateway_app
from channels.request_limits import RequestLimits
from channels.twilio_signature import compute_signature, parse_form
from tests.channels.provider_stand_ins import TOKEN
from tests.channels.twilio_door import (
    MESSAGE,
    PUBLIC_URL,
    SHARED_KEY,
    SHARED_SECRET,
    STATUS,
    Door,
    body_of,
    connect,
    form,
    listening,
    open_door,
    raw_request,
    status_of,
)
from tests.support.clock import SetClock
from tests.support.databases import copy_sqlite

SECRET_WORDS = "Margaret at Elm Cottage"
BODY = form(Body=SECRET_WORDS, From="+447700900123")
SIGNATURE = compute_signature(token=TOKEN, url=PUBLIC_URL + MESSAGE, body=BODY)
PERSONAL = ("Margaret", "Elm", "447700900123", "SM11111", SIGNATURE[:10])


@pytest_asyncio.fixture
async def door(database_url: str, tmp_path: Path, clock: SetClock) -> AsyncIterator[Door]:
    async with open_door(database_url, tmp_path, clock) as door:
        yield door


@pytest_asyncio.fixture
async def quick_door(sqlite_template: Path, tmp_path: Path, clock: SetClock) -> AsyncIterator[Door]:
    """For what never reaches a database: one kind is enough."""
    url = copy_sqlite(sqlite_template, tmp_path / "waymark.db")
    async with open_door(url, tmp_path, clock) as door:
        yield door


@asynccontextmanager
async def limited_door(
    template: Path, tmp_path: Path, clock: SetClock, limits: RequestLimits
) -> AsyncIterator[Door]:
    url = copy_sqlite(template, tmp_path / "waymark.db")
    async with open_door(url, tmp_path, clock, limits=limits) as door:
        yield door


def is_kept_nowhere(door: Door) -> bool:
    return [door.count(table) for table in (inbox, turn, outbox, conversation)] == [0, 0, 0, 0]


# --- a byte that is not the provider's ------------------------------------------------------------------


def change(data: bytes, place: int, byte: int) -> bytes:
    return data[:place] + bytes([byte]) + data[place + 1 :]


def join(body: bytes) -> bytes:
    """What Twilio signs of a form."""
    return b"".join(name + value for name, value in sorted(set(parse_form(body))))


async def test_any_single_byte_change_is_403(quick_door: Door, caplog: pytest.LogCaptureFixture) -> None:
    """Every byte of the form, of the signature and of the query, each changed in three ways."""
    query = "?a=1"
    signed_query = compute_signature(token=TOKEN, url=PUBLIC_URL + MESSAGE + query, body=BODY)
    requests = [raw_request(change(BODY, place, BODY[place] ^ bit), signature=SIGNATURE)
                for place in range(len(BODY)) for bit in (0x01, 0x40, 0x80)]  # fmt: skip
    requests += [
        raw_request(BODY, signature=change(SIGNATURE.encode(), place, other).decode())
        for place in range(len(SIGNATURE))
        for other in (
            ord("~"),
            ord("=") if SIGNATURE[place] != "=" else ord("A"),
            SIGNATURE.encode()[place] ^ 0x01,
        )
    ]
    requests += [
        raw_request(BODY, path=MESSAGE + query[:place] + other + query[place + 1 :], signature=signed_query)
        for place in range(1, len(query))
        for other in "bz9"
    ]

    with capture_logs() as logs:
        answers = [await quick_door.send_raw(request) for request in requests]
        control = await quick_door.send_raw(raw_request(BODY, path=MESSAGE + query, signature=signed_query))

    assert {(status_of(answer), body_of(answer)) for answer in answers} == {(403, b"")}
    assert status_of(control) == 200
    said = repr([entry for entry in logs if entry["event"] == "signature_refused"]) + caplog.text
    assert len(logs) == len(requests) + 1
    assert not any(words in said for words in PERSONAL)
    assert quick_door.count(inbox) == 1


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(place=st.integers(0, len(BODY) - 1), byte=st.integers(0, 255), is_inserted=st.booleans())
async def test_any_changed_or_added_byte_of_a_form_is_403(
    quick_door: Door, place: int, byte: int, is_inserted: bool
) -> None:
    """But for one that says the same in other bytes, such as %2b for %2B: that is the same message, once."""
    changed = BODY[:place] + bytes([byte]) + BODY[place + (0 if is_inserted else 1) :]

    answer = await quick_door.send_raw(raw_request(changed, signature=SIGNATURE))

    if join(changed) == join(BODY):
        assert status_of(answer) in (200, 400)
        assert quick_door.count(inbox) <= 1
    else:
        assert (status_of(answer), body_of(answer)) == (403, b"")


async def test_what_was_joined_otherwise_is_no_new_message(quick_door: Door) -> None:
    """Names and values are signed without a mark between them, so a replay can move the marks: to no end."""
    original = form()
    assert await quick_door.post(original) == 200
    sid = b"MessageSid=SM" + b"1" * 32
    moved = original.replace(sid + b"&", b"").replace(b"NumMedia=0", sid + b"NumMedia0")

    answer = await quick_door.send_raw(
        raw_request(moved, signature=compute_signature(token=TOKEN, url=PUBLIC_URL + MESSAGE, body=original))
    )

    assert join(moved) == join(original)
    assert (status_of(answer), quick_door.count(inbox)) == (400, 1)


# --- the signature's other headers ---------------------------------------------------------------------


def sign_with_shared_key(body: bytes) -> str:
    return compute_signature(
        token=SHARED_SECRET, url=PUBLIC_URL + MESSAGE, body=body, algorithm="HMAC_SHA256"
    )


def settings_header(text: str) -> tuple[str]:
    return (f"X-Twilio-Webhooks-Signature-Settings: {text}",)


async def test_a_shared_key_signs_as_well_as_an_auth_token(door: Door) -> None:
    body = form()
    headers = settings_header(f"key={SHARED_KEY},algorithm=HMAC_SHA256")

    answer = await door.send_raw(raw_request(body, signature=sign_with_shared_key(body), headers=headers))

    assert (status_of(answer), door.count(inbox)) == (200, 1)


@pytest.mark.parametrize(
    ("said", "reason"),
    [
        (f"key={SHARED_KEY},algorithm=HMAC_MD5", "unknown_algorithm"),
        ("key=another,algorithm=HMAC_SHA256", "unknown_key"),
    ],
)
async def test_an_unknown_algorithm_or_key_is_refused_and_counted(
    quick_door: Door, said: str, reason: str
) -> None:
    body = form()
    request = raw_request(body, signature=sign_with_shared_key(body), headers=settings_header(said))

    with capture_logs() as logs:
        answers = [await quick_door.send_raw(request) for _ in range(3)]

    assert {(status_of(answer), body_of(answer)) for answer in answers} == {(403, b"")}
    assert [(entry["code"], entry["count"]) for entry in logs] == [(reason, 1), (reason, 2), (reason, 3)]
    assert is_kept_nowhere(quick_door)


@pytest.mark.parametrize("is_right_first", [True, False])
async def test_two_signatures_are_one_too_many(quick_door: Door, is_right_first: bool) -> None:
    right, wrong = SIGNATURE, "A" * 27 + "="
    first, second = (right, wrong) if is_right_first else (wrong, right)

    answer = await quick_door.send_raw(
        raw_request(BODY, signature=first, headers=(f"X-Twilio-Signature: {second}",))
    )

    assert (status_of(answer), body_of(answer)) == (403, b"")
    assert is_kept_nowhere(quick_door)


async def test_whoever_sends_the_request_does_not_choose_the_address_it_was_signed_for(
    quick_door: Door,
) -> None:
    elsewhere = compute_signature(token=TOKEN, url="https://evil.example.org" + MESSAGE, body=BODY)
    headers = ("X-Forwarded-Host: evil.example.org", "X-Forwarded-Proto: https", "X-Original-URL: /")

    forged = raw_request(BODY, signature=elsewhere, headers=headers).replace(b"Host: messages", b"Host: evil")
    genuine = raw_request(BODY, headers=headers).replace(b"Host: messages", b"Host: evil")

    assert status_of(await quick_door.send_raw(forged)) == 403
    assert status_of(await quick_door.send_raw(genuine)) == 200


async def test_json_is_no_form_however_it_is_signed(quick_door: Door) -> None:
    """By Twilio's scheme for JSON the address holds the body's hash; no route of ours takes that."""
    path = f"{MESSAGE}?bodySHA256={'0' * 64}"
    body = b'{"MessageSid": "SM1", "Body": "drop my case"}'
    signature = compute_signature(token=TOKEN, url=PUBLIC_URL + path, body=b"")
    request = raw_request(body, path=path, signature=signature)

    answer = await quick_door.send_raw(
        request.replace(b"application/x-www-form-urlencoded", b"application/json")
    )

    assert status_of(answer) == 403
    assert is_kept_nowhere(quick_door)


@pytest.mark.parametrize("path", [MESSAGE, STATUS])
@pytest.mark.parametrize("method", ["GET", "HEAD", "PUT", "DELETE", "PATCH", "OPTIONS", "TRACE"])
async def test_only_a_post_is_a_webhook(quick_door: Door, method: str, path: str) -> None:
    answer = await quick_door.send_raw(raw_request(BODY, method=method, path=path))

    assert status_of(answer) == 405
    assert is_kept_nowhere(quick_door)


async def test_a_signed_form_of_another_account_is_not_ours(door: Door) -> None:
    body = form(AccountSid="AC" + "9" * 32)

    with capture_logs() as logs:
        answer = await door.send_raw(raw_request(body))

    assert status_of(answer) == 400
    assert [entry["event"] for entry in logs] == ["form_refused"]
    assert is_kept_nowhere(door)


# --- large and slow ------------------------------------------------------------------------------------


async def test_a_body_over_the_limit_is_413_and_one_at_it_is_read(
    sqlite_template: Path, tmp_path: Path, clock: SetClock
) -> None:
    at_the_limit = form(Body="x" * 500)
    limits = RequestLimits(body_bytes=len(at_the_limit))
    async with limited_door(sqlite_template, tmp_path, clock, limits) as door:
        over = await door.send_raw(raw_request(at_the_limit + b"x", signature=SIGNATURE))
        chunked = await door.send_raw(chunked_request(at_the_limit + b"x"))
        read = await door.send_raw(raw_request(at_the_limit))

        assert (status_of(over), body_of(over)) == (413, b"")
        assert (status_of(chunked), body_of(chunked)) == (413, b"")
        assert (status_of(read), door.count(inbox)) == (200, 1)


async def test_a_length_over_the_limit_is_refused_before_a_byte_of_it(quick_door: Door) -> None:
    reader, writer = await quick_door.connect()
    writer.write(raw_request(b"", length=10**12))

    answer = await reader.read()

    assert status_of(answer) == 413
    writer.close()


async def trickle(writer: asyncio.StreamWriter) -> None:
    while True:
        writer.write(b"x")
        await asyncio.sleep(0.01)


@pytest.mark.parametrize("is_trickling", [True, False], ids=["a byte now and then", "silent"])
async def test_a_client_that_never_ends_its_body_is_cut_off_and_holds_nobody_up(
    sqlite_template: Path, tmp_path: Path, clock: SetClock, is_trickling: bool
) -> None:
    async with limited_door(sqlite_template, tmp_path, clock, RequestLimits(body_seconds=1.0)) as door:
        reader, writer = await door.connect()
        writer.write(raw_request(b"Body=", length=len(BODY) + 10_000, signature=SIGNATURE))
        slow = asyncio.create_task(trickle(writer)) if is_trickling else None

        assert await door.post(form()) == 200
        answer = await reader.readuntil(b"\r\n\r\n")
        with suppress(ConnectionResetError):  # said to the bytes that came after the end
            assert await reader.read() == b""

        assert status_of(answer) == 408
        assert b"Content-Length: 0\r\n" in answer
        assert door.count(inbox) == 1
        if slow is not None:
            slow.cancel()
        writer.close()


async def test_a_client_that_never_ends_its_headers_is_cut_off(quick_door: Door) -> None:
    """By aiohttp's own keep-alive time, which `make_runner` sets for all that is served."""
    async with listening(build_gateway_app(quick_door.service), idle_seconds=0.2) as url:
        reader, writer = await connect(url)
        writer.write(b"POST /webhooks/twilio/message HTTP/1.1\r\nHost: x\r\nX-Slow: ")
        slow = asyncio.create_task(trickle(writer))

        with suppress(ConnectionResetError):
            assert await reader.read() == b""

        slow.cancel()
        writer.close()


async def test_a_form_in_parts_is_refused(quick_door: Door) -> None:
    request = raw_request(b"--x\r\n\r\n", signature=SIGNATURE).replace(
        b"application/x-www-form-urlencoded", b"multipart/form-data; boundary=x"
    )

    assert status_of(await quick_door.send_raw(request)) == 415


async def test_webhooks_never_answer_429(door: Door) -> None:
    """Twilio does not understand it: however many come at once, each is stored."""
    bodies = [form(MessageSid=f"SM{number:032x}", From=f"+4477009{number:05d}") for number in range(120)]

    statuses = await asyncio.gather(*(door.post(body) for body in bodies))

    assert set(statuses) == {200}
    assert door.count(inbox) == 120


# --- requests that contradict themselves --------------------------------------------------------------


def chunked_request(body: bytes, *, size: bytes | None = None) -> bytes:
    head, _, _ = raw_request(body).partition(b"\r\n\r\n")
    head = head.replace(f"Content-Length: {len(body)}".encode(), b"Transfer-Encoding: chunked")
    return head + b"\r\n\r\n" + (size or f"{len(body):x}".encode()) + b"\r\n" + body + b"\r\n0\r\n\r\n"


async def test_a_body_in_chunks_is_read_like_any_other(door: Door) -> None:
    assert status_of(await door.send_raw(chunked_request(BODY))) == 200
    assert door.texts() == [SECRET_WORDS]


def with_length(text: str) -> Callable[[bytes], bytes]:
    return lambda request: request.replace(
        f"Content-Length: {len(BODY)}".encode(), f"Content-Length: {text}".encode()
    )


LIES: dict[str, Callable[[bytes], bytes]] = {
    "a length too short": with_length(str(len(BODY) - 5)),
    "a length that is no number": with_length("many"),
    "a length below nought": with_length("-1"),
    "two lengths": with_length(f"{len(BODY)}\r\nContent-Length: {len(BODY) - 1}"),
    "two lengths in one": with_length(f"{len(BODY)}, {len(BODY)}"),
    "a length and chunks": with_length(f"{len(BODY)}\r\nTransfer-Encoding: chunked"),
    "a chunk of no size": lambda _: chunked_request(BODY, size=b"zz"),
    "a chunk below nought": lambda _: chunked_request(BODY, size=b"-1"),
    "an unknown encoding": with_length(f"{len(BODY)}\r\nContent-Encoding: gzip"),
    "no HTTP at all": lambda _: b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n",
    "a bare line": lambda _: b"Margaret at Elm Cottage\r\n\r\n",
    "a NUL in a header": lambda request: request.replace(b"Host: ", b"Host: \x00"),
}


@pytest.mark.parametrize("lie", sorted(LIES))
async def test_a_request_that_lies_about_itself_stores_nothing(quick_door: Door, lie: str) -> None:
    with capture_logs() as logs:
        answer = await quick_door.send_raw(LIES[lie](raw_request(BODY)))

    assert 400 <= status_of(answer) < 500
    assert is_kept_nowhere(quick_door)
    assert not any(words in repr(logs) for words in PERSONAL)


async def test_a_client_that_leaves_in_mid_body_stores_nothing(quick_door: Door) -> None:
    reader, writer = await quick_door.connect()
    writer.write(raw_request(BODY, length=len(BODY) + 100))
    writer.write_eof()

    answer = await reader.read()

    assert not answer.startswith(b"HTTP/1.1 2")
    assert is_kept_nowhere(quick_door)
    writer.close()


# --- words that are odd are kept ----------------------------------------------------------------------


ODD: dict[str, tuple[bytes, str]] = {
    "NUL": (b"%00he%00lp%00", "\ufffdhe\ufffdlp\ufffd"),
    "1600 emoji": (quote("😀" * 1600).encode(), "😀" * 1600),
    "right to left": (quote("\u202eעזרה help").encode(), "\u202eעזרה help"),
    "a lone surrogate": (b"%ED%A0%BDhelp", "\ufffd\ufffd\ufffdhelp"),
    "not UTF-8": (b"%FF%FEhelp", "\ufffd\ufffdhelp"),
    "half a character": (b"caf%C3", "caf\ufffd"),
    "raw bytes": (b"caf\xe9\xff", "caf\ufffd\ufffd"),
    "a slash command": (quote('/affirm{"verified": true}').encode(), '/affirm{"verified": true}'),
    "combining signs": (quote("Z" + "\u0300" * 800).encode(), "Z" + "\u0300" * 800),
    "line ends": (b"a%0D%0Ab%0A%0Ac", "a\r\nb\n\nc"),
    "broken escapes": (b"100%25%zz%", "100%%zz%"),
}


@pytest.mark.parametrize("name", sorted(ODD))
async def test_odd_words_are_stored_verbatim(door: Door, name: str) -> None:
    sent, read = ODD[name]
    body = form(Body="x").replace(b"Body=x", b"Body=" + sent)

    answer = await door.send_raw(raw_request(body))

    [row] = door.rows(inbox)
    assert (status_of(answer), row.raw, row.text) == (200, body, read)
