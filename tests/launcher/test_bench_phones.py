"""The phones of `./waymark bench end-to-end`: which reply is whose, what an overload looks like, and a small real run.

Red when, each tried once: a reply after the phone wrote again counts for the earlier message; what was not answered is
left out of the waits; only the whole run's 95th percentile is asked and not its last third's.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from urllib.parse import parse_qs

import pytest
from aiohttp import ClientSession, encode_basic_auth, web

from channels.sandbox.app import build_sandbox_app
from channels.sandbox.record import Direction, Record
from channels.sandbox.settings import SandboxSettings
from channels.twilio_signature import SIGNATURE_HEADER, check_signature
from launcher.bench_end_to_end import LARGEST_P95_MS, find_highest, is_borne
from launcher.bench_phones import (
    DRAIN_SECONDS,
    FIRST_PHONE,
    MOST_PHONES,
    Provider,
    Waits,
    Written,
    choose_phones,
    drive,
    match_replies,
    read_replies,
    sign_script,
    summarise,
)
from launcher.bench_rasa import BenchFailed
from launcher.bench_turn import SCRIPT
from tests.channels.provider_stand_ins import serving

ROOT = Path(__file__).parents[2]
TOKEN, ACCOUNT, NUMBER = "0123456789abcdef0123456789abcdef", "AC" + "0" * 32, "+447700900999"
LOGIN = {"Authorization": encode_basic_auth(ACCOUNT, TOKEN)}
PHONES = ("+447700900100", "+447700900101")
BORNE = Waits(
    rate=10, count=100, errors=0, unanswered=0, p50_ms=50, p95_ms=90, p99_ms=99, last_p95_ms=90, late_ms=1
)


def a_provider(url: str = "http://127.0.0.1/x", data_dir: str = "") -> Provider:
    return Provider(url=url, signed_url=url, token=TOKEN, account_sid=ACCOUNT, to=NUMBER, data_dir=data_dir)


def written(phone: str, due: float, **values: float) -> Written:
    return Written(**{"phone": phone, "due": due, "late": 0.0, "status": 200, **values})  # type: ignore[arg-type]


def test_a_reply_belongs_to_what_its_phone_wrote_last() -> None:
    asked = [
        written(PHONES[0], 0.0),
        written(PHONES[1], 1.0),
        written(PHONES[0], 10.0),
        written(PHONES[1], 11.0),
    ]
    replies = {PHONES[0]: [0.5, 0.7, 12.0], PHONES[1]: [11.5]}

    matched = match_replies(asked, replies)

    assert [each.replied for each in matched] == [0.5, None, 12.0, 11.5]
    assert [each.waited_ms for each in matched] == [500.0, None, 2000.0, 500.0]


def test_what_was_not_answered_counts_with_the_longest_wait() -> None:
    """Of 40 messages 37 wait 100 ms; one is refused and three never answered."""
    asked = [written(PHONES[0], float(n), replied=n + 0.1) for n in range(37)]
    asked += [replace(written(PHONES[1], float(n)), status=503 if n == 37 else 200) for n in range(37, 40)]

    waits = summarise(10, asked)

    assert (waits.count, waits.errors, waits.unanswered) == (40, 1, 3)
    assert waits.p50_ms == pytest.approx(100)
    assert waits.p95_ms == pytest.approx(DRAIN_SECONDS * 1000)
    with pytest.raises(BenchFailed, match="Not one of 1"):
        summarise(10, asked[-1:])


def test_a_backlog_that_grows_is_seen_in_the_last_third() -> None:
    """One in twenty-five waits long, all of them at the end."""
    asked = [written(PHONES[0], float(n), replied=n + (2.0 if n >= 96 else 0.1)) for n in range(100)]

    waits = summarise(10, asked)

    assert waits.p95_ms <= LARGEST_P95_MS < waits.last_p95_ms
    assert not is_borne(waits)


@pytest.mark.parametrize(
    "worse", [{"errors": 1}, {"last_p95_ms": 1001.0}, {"p95_ms": 1001.0}, {"unanswered": 1}], ids=str
)
def test_a_rate_is_borne_when_all_are_taken_and_answered_in_time(worse: dict[str, float]) -> None:
    assert is_borne(BORNE)
    assert not is_borne(replace(BORNE, **worse))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("bears", "rates"), [(8.5, [10, 8]), (10, [10, 12.5]), (16, [10, 12.5, 15.625, 19.53125])]
)
async def test_the_rate_goes_up_while_it_is_borne_and_else_down(bears: float, rates: list[float]) -> None:
    async def run(rate: float) -> Waits:
        return replace(BORNE, rate=rate, unanswered=int(rate > bears))

    steps = await find_highest(run, await run(10))

    assert [each.rate for each in steps] == rates
    assert max(each.rate for each in steps if is_borne(each)) == max(rate for rate in rates if rate <= bears)


async def test_nothing_is_looked_for_below_a_message_a_second() -> None:
    async def run(rate: float) -> Waits:
        return replace(BORNE, rate=rate, unanswered=1)

    steps = await find_highest(run, await run(2))

    assert not any(is_borne(each) for each in steps)
    assert all(each.rate >= 1 for each in steps)


def test_every_message_is_signed_and_a_phone_follows_the_script() -> None:
    provider = a_provider()
    messages = sign_script(provider, PHONES, 8, turn=3)

    forms = [parse_qs(message.body.decode()) for message in messages]
    for message in messages:
        check_signature(tokens=[TOKEN], url=provider.signed_url, body=message.body, header=message.signature)
    for number, phone in enumerate(PHONES):
        said = [form["Body"][0] for form in forms if form["From"][0] == phone]
        assert said == [SCRIPT[(3 + number + turn) % len(SCRIPT)] for turn in range(4)]
    assert len({form["MessageSid"][0] for form in forms}) == 8


@pytest.mark.parametrize(("rate", "count"), [(0.01, 1), (10, 100), (500, MOST_PHONES)])
def test_the_numbers_are_ones_kept_for_drama_with_no_invented_case(rate: float, count: int) -> None:
    phones = choose_phones(rate)

    assert len(set(phones)) == count
    assert all(phone.startswith("+447700900") and int(phone[-3:]) >= FIRST_PHONE for phone in phones)
    assert all(len(phone) == 13 for phone in phones)


def test_a_reply_is_counted_once_from_when_it_came(tmp_path: Path) -> None:
    record = Record(tmp_path)
    record.add(
        direction=Direction.OUTBOUND, handset=PHONES[0], from_=NUMBER, to=PHONES[0], body="x", status="queued"
    )
    start = a_provider(data_dir=str(tmp_path)).record.stat().st_size
    asked = record.add(
        direction=Direction.INBOUND,
        handset=PHONES[0],
        from_=PHONES[0],
        to=NUMBER,
        body="x",
        status="received",
    )
    reply = record.add(
        direction=Direction.OUTBOUND, handset=PHONES[0], from_=NUMBER, to=PHONES[0], body="x", status="queued"
    )
    record.change(reply.sid, status="delivered")
    record.close()

    found = read_replies(a_provider(data_dir=str(tmp_path)).record, after=start)

    assert found == {PHONES[0]: [reply.created.timestamp()]}
    assert asked.sid != reply.sid


@asynccontextmanager
async def answering(data_dir: Path) -> AsyncIterator[Provider]:
    """A service that answers at once by way of a real sandbox provider."""
    settings = SandboxSettings(
        account_sid=ACCOUNT,
        auth_token=TOKEN,
        webhook_url="http://127.0.0.1:9/x",
        data_dir=data_dir,
        status_delay_seconds=0.0,
    )
    async with serving(build_sandbox_app(settings)) as sandbox, ClientSession() as http:

        async def take(request: web.Request) -> web.Response:
            body = await request.read()
            url = str(request.url)
            check_signature(tokens=[TOKEN], url=url, body=body, header=request.headers[SIGNATURE_HEADER])
            sent = {"To": parse_qs(body.decode())["From"][0], "From": NUMBER, "Body": "hello"}
            path = f"{sandbox}/2010-04-01/Accounts/{ACCOUNT}/Messages.json"
            async with http.post(path, data=sent, headers=LOGIN) as answer:
                assert answer.status == 201
            return web.Response(status=204)

        app = web.Application()
        app.router.add_post("/x", take)
        async with serving(app) as service:
            yield a_provider(url=f"{service}/x", data_dir=str(data_dir))


async def test_a_run_against_a_real_provider_counts_every_reply(tmp_path: Path) -> None:
    async with answering(tmp_path) as provider:
        waits = await asyncio.wait_for(drive(ROOT, provider, rate=40, count=20), 60)

    assert (waits.count, waits.errors, waits.unanswered) == (20, 0, 0)
    assert 0 < waits.p50_ms <= waits.p95_ms <= waits.p99_ms
