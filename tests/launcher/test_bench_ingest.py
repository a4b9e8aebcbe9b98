"""The arithmetic of `./waymark bench ingest`, its open loop, and a small run of it against the real service.

Red when: times are counted from the moment of sending (a stall is then one slow message and not hundreds), errors are
not counted, or what was never answered is left out.
"""

import asyncio
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import pytest
import sqlalchemy as sa
from aiohttp import web

from casework.adapters.storage.database import create_engine
from casework.adapters.storage.tables import inbox
from channels.twilio_signature import check_signature
from launcher.bench_ingest import (
    Figures,
    Posted,
    check_empty,
    find_percentile,
    is_unchanged,
    measure,
    post_all,
    render,
    run_bench_ingest,
    sign_messages,
    summarise,
)
from launcher.bench_rasa import BenchFailed, run_driver
from tests.channels.provider_stand_ins import serving

ROOT = Path(__file__).parents[2]
TOKEN = "0123456789abcdef0123456789abcdef"
SIGNING = {"url": "http://127.0.0.1/x", "token": TOKEN, "account_sid": "AC1", "to": "+447700900900"}
HELD = Figures(name="x", count=100, errors=0, p50_ms=5, p99_ms=100, max_ms=120, late_ms=1)


def test_a_sample_made_by_hand_gives_the_figures_worked_out_by_hand() -> None:
    """Of 200 messages, one every 10 ms: 195 wait 4 ms, three 50 ms, one 300 ms, one is never acknowledged (15 s)."""
    waits = [0.004] * 195 + [0.05] * 3 + [0.3] + [15.0]
    posted = [
        Posted(due=n / 100, sent=n / 100 + 0.001, answered=n / 100 + wait, status=200 if wait < 15 else 0)
        for n, wait in enumerate(waits)
    ]

    figures = summarise("by hand", posted)

    assert (figures.count, figures.errors) == (200, 1)
    assert figures.p50_ms == pytest.approx(4.0)
    assert figures.p99_ms == pytest.approx(50.0)  # the 198th of 200
    assert figures.max_ms == pytest.approx(15_000)
    assert figures.late_ms == pytest.approx(1.0)
    assert not figures.is_well
    assert "p99    50.0 ms" in render(figures)


@pytest.mark.parametrize(
    ("percent", "count", "rank"),
    [(50, 1, 1), (99, 1, 1), (50, 10, 5), (99, 100, 99), (99, 101, 100), (99, 6000, 5940)],
)
def test_a_percentile_is_a_value_that_was_measured(percent: int, count: int, rank: int) -> None:
    assert find_percentile(list(range(1, count + 1)), percent) == rank


@pytest.mark.parametrize("status", [0, 302, 400, 403, 429, 500, 503])
def test_anything_but_accepted_is_an_error(status: int) -> None:
    assert summarise("x", [Posted(due=0, sent=0, answered=0.001, status=status)]).errors == 1


def test_the_limits() -> None:
    assert HELD.is_well
    assert not replace(HELD, p99_ms=200.1).is_well
    assert not replace(HELD, errors=1).is_well
    assert is_unchanged(HELD, replace(HELD, p99_ms=110.0))
    assert not is_unchanged(HELD, replace(HELD, p99_ms=110.1))
    assert is_unchanged(HELD, replace(HELD, p99_ms=50.0))  # quicker is no complaint
    assert is_unchanged(replace(HELD, p99_ms=4.0), replace(HELD, p99_ms=5.9))
    assert not is_unchanged(replace(HELD, p99_ms=4.0), replace(HELD, p99_ms=6.1))


def test_every_message_is_another_one_and_signed() -> None:
    messages = sign_messages(300, **SIGNING)

    assert len({message.body for message in messages}) == 300
    for message in messages[::50]:
        check_signature(tokens=[TOKEN], url=SIGNING["url"], body=message.body, header=message.signature)


async def test_a_gateway_that_stalls_is_charged_for_every_message_it_kept_waiting() -> None:
    """Of 40 messages, 20 ms apart, the first is held until the last has been sent; a closed loop would see one wait.

    The gateway lets one in at a time, as a process does whose loop is blocked.
    """
    door, seen, is_last_in = asyncio.Lock(), [0], asyncio.Event()

    async def acknowledge(request: web.Request) -> web.Response:
        await request.read()
        seen[0] += 1
        if seen[0] == 40:
            is_last_in.set()
        async with door:
            await is_last_in.wait()
        return web.Response(status=200)

    app = web.Application()
    app.router.add_post("/x", acknowledge)
    async with serving(app) as url:
        posted = await post_all(f"{url}/x", sign_messages(40, **SIGNING), rate=50)

    assert [each.status for each in posted] == [200] * 40
    due = [each.due for each in posted]
    assert [later - earlier for earlier, later in pairwise(due)] == pytest.approx([0.02] * 39)
    released = min(each.answered for each in posted)
    assert released >= due[-1]
    waited = [each.answered - each.due for each in posted]
    assert all(waited[n] >= due[-1] - due[n] for n in range(40))


def test_too_few_messages_and_none_at_all_are_refused() -> None:
    with pytest.raises(BenchFailed, match="99th"):
        run_bench_ingest(ROOT, rate=10, seconds=5)
    with pytest.raises(BenchFailed):
        summarise("x", [])


def test_a_database_that_is_in_use_is_refused(database_url: str) -> None:
    check_empty(database_url)
    engine = create_engine(database_url)
    with engine.begin() as connection:
        connection.exec_driver_sql(
            "INSERT INTO conversation (id, channel, external_id, epoch, created_at) "
            "VALUES ('c', 'sms', '+447700900001', 0, '2026-11-21 12:00:00')"
        )
    engine.dispose()

    with pytest.raises(BenchFailed, match="empty"):
        check_empty(database_url)


@pytest.mark.slow
@pytest.mark.journey
@pytest.mark.timeout(1500)
async def test_two_seconds_against_the_real_service_lose_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("TWILIO_ACCOUNT_SID", "WAYMARK_DATABASE_URL"):
        monkeypatch.delenv(name, raising=False)

    figures = await measure(ROOT, None, rate=20, seconds=2, keep=tmp_path)

    engine = create_engine(f"sqlite:///{tmp_path}/waymark.db")
    with engine.connect().execution_options(waymark_read=True) as connection:
        stored = connection.execute(sa.select(sa.func.count()).select_from(inbox)).scalar_one()
    engine.dispose()
    assert (figures.name, figures.count, figures.errors) == ("Rasa dead", 40, 0)
    assert stored == 40 + 50  # the warm-up is stored and not measured
    assert 0 < figures.p50_ms <= figures.p99_ms <= figures.max_ms


async def test_a_driver_that_fails_has_measured_nothing() -> None:
    """Red when: its code is not looked at."""
    with pytest.raises(BenchFailed, match="ended with code 1"):
        await run_driver(ROOT, "launcher.no_driver_of_that_name", {})
