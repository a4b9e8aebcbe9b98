"""The provider lets go of each message, or somebody is told: over real sockets, with every way it may refuse.

Red when: a 404 is tried again (`..._in_the_end`); the alarm is counted from the last try (`..._an_alarm`); words of
what is held are asked for (`..._held_...`); `_leave_out_unkept` leaves out nothing (`..._does_not_come_back`).
"""

from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import aiohttp
import pytest
import pytest_asyncio
import sqlalchemy as sa

from casework.adapters.storage.database import Database
from casework.adapters.storage.keeping_tables import provider_redaction as queue
from casework.adapters.storage.tables import alarm, inbox, outbox
from casework.model.holds import HoldReason
from casework.model.messages import Channel, InboundMessage
from casework.model.retention import load_retention
from casework.services import erasure, holds, provider_redaction
from casework.services.provider_redaction import Redacting, get_pause
from casework.services.sweeps import Listed, _leave_out_unkept
from channels.twilio_redaction import TwilioForgetting
from channels.twilio_transport import TwilioSettings
from tests.channels.provider_stand_ins import (
    ACCOUNT_SID,
    HANDSET,
    SERVICE,
    TOKEN,
    Sandbox,
    listening_service,
    running_sandbox,
)
from tests.support.builders import an_sms
from tests.support.clock import SetClock
from tests.support.keeping import Keeper, a_conversation
from tests.support.line import Line, Row


@pytest_asyncio.fixture
async def sandbox(tmp_path: Path) -> AsyncIterator[Sandbox]:
    async with (
        listening_service() as service,
        running_sandbox(tmp_path / "provider", service_url=service.url) as sandbox,
    ):
        yield sandbox


@pytest.fixture
def line(database: Database, clock: SetClock) -> Line:
    return Line(database=database, clock=clock)


@pytest.fixture
def redacting(line: Line, sandbox: Sandbox) -> Redacting:
    settings = TwilioSettings(
        account_sid=ACCOUNT_SID, auth_token=TOKEN, sms_from=SERVICE, api_url=sandbox.url
    )
    providers = {"twilio": TwilioForgetting(settings)}
    return Redacting(store=line.database, clock=line.clock, rules=load_retention(), providers=providers)


async def write(
    line: Line, sandbox: Sandbox, words: str = "he has my address", **sent: object
) -> tuple[str, str]:
    """A message as the provider has it and as we do, answered; its conversation and its sid."""
    given = await sandbox.send(body=words, **sent)
    message = an_sms(
        words, provider_message_id=given["sid"], external_id=HANDSET, received_at=line.clock.now()
    )
    received = line.receive_again(message)
    await line.answer_all()
    await line.deliver_all()
    # The stand-in that sent the answer is no provider: nothing of it is there.
    line.database.write_now(
        lambda tx: tx.connection.execute(sa.update(outbox).values(provider_message_id=None))
    )
    return received.conversation_id, given["sid"]


async def look(sandbox: Sandbox, sid: str) -> dict[str, object] | None:
    path = f"{sandbox.url}/2010-04-01/Accounts/{ACCOUNT_SID}/Messages/{sid}.json"
    headers = {"Authorization": aiohttp.encode_basic_auth(ACCOUNT_SID, TOKEN)}
    async with sandbox.session.get(path, headers=headers) as answer:
        return None if answer.status == 404 else await answer.json()


async def run(redacting: Redacting) -> None:
    """Everything that is due now."""
    redacting.next_at = None
    while await provider_redaction.forget_next(redacting):
        pass


def only(line: Line) -> Row:
    return line.row(queue)


async def test_words_and_files_leave_the_provider_two_days_after_the_answer(
    line: Line, sandbox: Sandbox, redacting: Redacting
) -> None:
    _, sid = await write(line, sandbox, media=["photo"])
    await run(redacting)
    assert line.rows(queue) == []

    line.clock.advance(hours=49)
    await run(redacting)

    found = await look(sandbox, sid)
    assert found is not None
    assert (found["body"], found["num_media"]) == ("", "0")
    assert (only(line).status, only(line).act) == ("done", "redact")
    assert line.row(inbox).text == "he has my address"


@pytest.mark.parametrize(("faults", "tries"), [(["500"], 2), (["429:7", "500", "500"], 4), ([], 1)])
async def test_whatever_it_answers_first_it_lets_go_in_the_end(
    line: Line, sandbox: Sandbox, redacting: Redacting, faults: list[str], tries: int
) -> None:
    _, sid = await write(line, sandbox)
    for fault in faults:
        await sandbox.add_fault(fault, to=sid)
    line.clock.advance(hours=49)
    for _ in range(len(faults) + 1):
        await run(redacting)
        line.clock.advance(hours=3)

    assert (only(line).status, only(line).attempts) == ("done", tries)
    found = await look(sandbox, sid)
    assert found is not None
    assert found["body"] == ""


async def test_what_it_has_no_more_is_done(line: Line, sandbox: Sandbox, redacting: Redacting) -> None:
    line.receive("from another account")
    await line.answer_all()
    line.clock.advance(hours=49)

    await run(redacting)

    assert {row.status for row in line.rows(queue)} == {"gone"}


async def test_what_has_not_finished_there_is_asked_later(line: Line, tmp_path: Path) -> None:
    async with (
        listening_service() as service,
        running_sandbox(tmp_path / "slow", service_url=service.url, status_delay_seconds=60.0) as slow,
    ):
        sid = await _send(slow)
        forgetting = TwilioForgetting(
            TwilioSettings(account_sid=ACCOUNT_SID, auth_token=TOKEN, sms_from=SERVICE, api_url=slow.url)
        )
        answered = await forgetting.forget(sid, deletes=False)

    assert (answered.came_of_it, answered.fault) == (provider_redaction.LetGo.LATER, "409:20009")


async def _send(slow: Sandbox) -> str:
    headers = {"Authorization": aiohttp.encode_basic_auth(ACCOUNT_SID, TOKEN)}
    form = {"To": HANDSET, "From": SERVICE, "Body": "We have your message."}
    path = f"{slow.url}/2010-04-01/Accounts/{ACCOUNT_SID}/Messages.json"
    async with slow.session.post(path, data=form, headers=headers) as answer:
        sid: str = (await answer.json())["sid"]
        return sid


async def test_what_is_not_let_go_of_within_a_day_is_an_alarm_until_it_is(
    line: Line, sandbox: Sandbox, redacting: Redacting
) -> None:
    _, sid = await write(line, sandbox)
    await sandbox.add_fault("500", to=sid, count=50)
    line.clock.advance(hours=49)
    for _ in range(12):
        await run(redacting)
        line.clock.advance(hours=3)

    [sounding] = line.rows(alarm)
    assert (sounding.kind, sounding.detail, sounding.ended_at) == ("provider_keeps_words", "1 messages", None)
    async with sandbox.session.delete(f"{sandbox.url}/sandbox/faults"):
        line.clock.advance(hours=7)
    await run(redacting)
    await run(redacting)
    assert only(line).status == "done"
    assert line.row(alarm).ended_at is not None


async def test_the_words_of_what_is_held_stay_there_until_it_is_lifted(
    line: Line, sandbox: Sandbox, redacting: Redacting
) -> None:
    conversation_id, sid = await write(line, sandbox)
    hold_id = line.database.write_now(
        lambda tx: holds.place(
            tx,
            a_conversation(conversation_id),
            HoldReason.COMPLAINT,
            why="a complaint runs",
            review_on=tx.now.date() + timedelta(days=9),
            by="alex",
        )
    )
    line.clock.advance(hours=99)
    await run(redacting)
    found = await look(sandbox, sid)
    assert found is not None
    assert found["body"] == "he has my address"
    assert line.rows(alarm) == []

    line.database.write_now(lambda tx: holds.lift(tx, hold_id, why="it is over", by="alex"))
    await run(redacting)
    assert only(line).status == "done"


async def test_what_is_erased_here_leaves_the_provider_and_does_not_come_back(
    line: Line, sandbox: Sandbox, redacting: Redacting
) -> None:
    conversation_id, sid = await write(line, sandbox, media=["photo"])
    keeper = Keeper(database=line.database, clock=line.clock)
    keeper.ask(a_conversation(conversation_id))
    while await erasure.erase_next(keeper.erasing):
        pass
    listed = Listed(inbound=[_as_listed(sid)], outbound=[])

    left = line.database.read_now(lambda tx: _leave_out_unkept(tx, listed))
    await run(redacting)

    assert list(left.inbound) == []
    assert await look(sandbox, sid) is None
    assert (only(line).status, only(line).act) == ("done", "delete")


def _as_listed(sid: str) -> InboundMessage:
    return an_sms("", provider_message_id=sid, channel=Channel.SMS)


async def test_an_account_that_is_not_there_is_asked_later_and_told(line: Line, redacting: Redacting) -> None:
    redacting.providers = {}
    line.receive("no account any more")
    await line.answer_all()
    line.clock.advance(hours=49)
    await run(redacting)
    assert {(row.status, row.fault) for row in line.rows(queue)} == {("waiting", "no_account")}


def test_pauses_grow_up_to_six_hours() -> None:
    pauses = [get_pause(attempts) for attempts in range(1, 60)]

    assert pauses[0] == timedelta(minutes=1)
    assert pauses == sorted(pauses)
    assert pauses[-1] == timedelta(hours=6)
