"""The arithmetic of `./waymark bench web`, and its open pages against the real web chat.

Red when: what a page lacks is not counted as missed; what it was sent twice is not counted; an order that is not the
service's is taken for right; the frame of a message that never came is left out of the judgement.
"""

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest
import sqlalchemy as sa
from aiohttp import web

from casework.adapters.storage.tables import conversation, inbox, outbox
from casework.adapters.storage.transaction import SqlTransaction
from casework.model.messages import Channel, OutboxStatus
from launcher.bench_rasa import BenchFailed
from launcher.bench_webchat import Heard, Replies, Weight, compare, drive, render_heard, run_bench_web
from tests.channels.provider_stand_ins import serving
from tests.channels.webchat_site import WebchatSite, run_webchat
from tests.support.builders import an_outbound

WELL = Heard(
    pages=2,
    sent=3,
    shown=6,
    told=9,
    cut=1,
    missed=0,
    repeated=0,
    out_of_order=0,
    told_again=0,
    refused=0,
    p50_ms=1,
    p95_ms=2,
)
LIGHT = Weight(first_load=30 * 1024, requests=6, chat=15_360, shown=10, others=())


@pytest.mark.parametrize(
    ("held", "missed", "repeated", "out_of_order"),
    [
        (["in-1", "out-1", "out-2"], 0, 0, 0),
        (["in-1", "out-2"], 1, 0, 0),
        (["in-1", "out-1", "out-1", "out-2"], 0, 1, 0),
        (["in-1", "out-2", "out-1"], 0, 0, 2),
        ([], 3, 0, 0),
    ],
)
def test_what_a_page_held_is_compared_with_what_there_is(
    held: list[str], missed: int, repeated: int, out_of_order: int
) -> None:
    assert compare(held, ["in-1", "out-1", "out-2"]) == (missed, repeated, out_of_order)


@pytest.mark.parametrize("wrong", ["missed", "out_of_order", "refused", "repeated", "told_again"])
def test_one_of_anything_wrong_is_a_shortfall_and_printed_as_one(wrong: str) -> None:
    assert WELL.is_well
    bad = replace(WELL, **{wrong: 1})

    assert not bad.is_well
    assert "NOT held" in "\n".join(render_heard(bad))


def test_the_limits_of_waiting_and_weight() -> None:
    quick = Replies(waits_ms=(*[100.0] * 95, *[900.0] * 5), unanswered=0)
    assert quick.is_well
    assert not replace(quick, unanswered=1).is_well
    assert not replace(quick, waits_ms=(*[100.0] * 94, *[301.0] * 6)).is_well
    assert LIGHT.is_well
    assert not replace(LIGHT, chat=15_370).is_well
    assert not replace(LIGHT, first_load=30 * 1024 + 1).is_well
    assert not replace(LIGHT, others=("elsewhere.example",)).is_well


def test_too_few_messages_are_refused() -> None:
    with pytest.raises(BenchFailed, match="Fewer than 100"):
        run_bench_web(Path("."), messages=99, seconds=1)


async def test_open_pages_miss_nothing_while_their_streams_are_cut(tmp_path: Path) -> None:
    async with run_webchat(tmp_path) as site:
        with answering(site):
            heard = await drive(site.url, pages=6, chatting=3, seconds=8)
        rows = site.rows(inbox)

    assert heard.is_well, heard
    assert heard.sent == len(rows)
    assert heard.shown == 2 * heard.sent
    assert heard.cut > 0


async def test_a_reply_no_page_was_told_of_is_missed() -> None:
    """The must-fail twin: a service whose streams never tell, and of which a fresh page shows the reply."""
    app = web.Application()
    app.router.add_post("/start", _show)
    app.router.add_post("/m", _show)
    app.router.add_get("/m", _show_all)
    app.router.add_get("/m/events", _tell_nothing)
    async with serving(app) as url:
        heard = await drive(url, pages=1, chatting=0, seconds=0, patience_seconds=0.2)

    assert (heard.sent, heard.missed) == (1, 1)
    assert not heard.is_well


async def _show(_request: web.Request) -> web.Response:
    return web.Response(text='<ol><li id="in-1" class="message you"></ol>')


async def _show_all(_request: web.Request) -> web.Response:
    return web.Response(text='<li id="in-1" class="message you"><li id="out-1" class="message assistant">')


async def _tell_nothing(request: web.Request) -> web.StreamResponse:
    response = web.StreamResponse()
    await response.prepare(request)
    await asyncio.Event().wait()
    return response


@contextmanager
def answering(site: WebchatSite) -> Iterator[None]:
    """Somebody who answers each message once, as the worker would leave it."""
    stop = threading.Event()

    def work() -> None:
        while not stop.wait(0.02):
            site.service.database.write_now(_answer_all)

    thread = threading.Thread(target=work)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()


def _answer_all(tx: SqlTransaction) -> None:
    joined = inbox.join(conversation, conversation.c.id == inbox.c.conversation_id)
    answered = sa.exists().where(outbox.c.dedupe_key == sa.literal("in-") + sa.cast(inbox.c.id, sa.String))
    rows = tx.connection.execute(
        sa.select(inbox.c.id, conversation.c.id.label("of"), conversation.c.external_id)
        .select_from(joined)
        .where(~answered)
        .order_by(inbox.c.id)
    )
    for row in rows.all():
        message = an_outbound(
            row.of, "A text.", channel=Channel.WEBCHAT, to=row.external_id, dedupe_key=f"in-{row.id}"
        )
        tx.outbox.record(message, decision="test", status=OutboxStatus.SENT)
