"""Whoever tries codes and references wears out only themselves."""

import itertools
import sys
from typing import Any

import pytest

from casework.adapters.storage.tables import audit, desk_item, outbox, throttle
from casework.model.messages import Channel
from casework.model.standings import Standing
from casework.model.throttles import Tried, load_limits
from casework.services import throttles
from casework.services.invites import ByWayOf, issue_invite, open_invite
from casework.services.prove import confirm_code, count_strangers, refuse_code, request_code
from tests.support.builders import REFERENCE, VICTIM, a_case
from tests.support.line import Line

UNKNOWN = "43269999999"
FULL = {"sqlite": (1000, 10_000), "postgresql": (100, 500)}


@pytest.fixture
def line(line: Line) -> Line:
    line.add_cases(a_case())
    return line


def ask(line: Line, conversation_id: str, reference: str = REFERENCE) -> None:
    line.database.write_now(lambda tx: request_code(tx, conversation_id, reference))


def give(line: Line, conversation_id: str, code: str) -> bool:
    return line.database.write_now(lambda tx: confirm_code(tx, conversation_id, code, codes=line.codes))


async def ask_and_issue(line: Line, external_id: str, **values: Any) -> str:
    conversation_id = line.open(external_id, values.pop("channel", Channel.SMS))
    ask(line, conversation_id, **values)
    await line.issue_codes()
    return conversation_id


async def link(line: Line, external_id: str = VICTIM, channel: Channel = Channel.SMS) -> str:
    conversation_id = await ask_and_issue(line, external_id, channel=channel)
    assert give(line, conversation_id, line.codes.issued[-1])
    return conversation_id


def find(line: Line, conversation_id: str) -> tuple[Standing, str | None]:
    return line.database.read_now(lambda tx: tx.standings.find(conversation_id))


async def test_attacker_cannot_lock_out_victim(line: Line, capsys: pytest.CaptureFixture[str]) -> None:
    senders, tries = FULL[line.database.engine.dialect.name]
    bound = await link(line, "the victim's own browser", Channel.WEBCHAT)
    lit_up_before = len(line.rows(outbox))

    await attack(line, senders, tries)

    assert find(line, bound) == (Standing.LINKED, REFERENCE)
    lit_up = len(line.rows(outbox)) - lit_up_before
    assert lit_up <= load_limits()[Tried.CODE_SENDS_OF_CASE].most
    of_record = await ask_and_issue(line, VICTIM)
    assert len(line.rows(outbox)) == lit_up_before + lit_up + 1
    assert give(line, of_record, line.codes.issued[-1])
    assert opens_new_invite(line)
    with capsys.disabled():
        sys.stdout.write(
            f"\n{line.database.engine.dialect.name}: {tries} hostile tries from {senders} senders made the phone "
            f"light up {lit_up} times; the victim still reads, gets a code and opens a new invite"
        )


async def attack(line: Line, senders: int, tries: int) -> None:
    """References and wrong codes in turn, a hundred tries a transaction, the worker in between."""
    strangers = [line.open(f"+4477009{number:05d}") for number in range(senders)]
    turns = itertools.cycle(strangers)
    for batch in range(0, tries, 100):

        def try_hundred(tx: Any, *, first: int = batch) -> None:
            for number in range(first, first + 100):
                stranger = next(turns)
                # Each sender asks in its first turn and guesses in those that follow.
                if number // senders % 5 == 0:
                    request_code(tx, stranger, REFERENCE if number % 3 else UNKNOWN)
                else:
                    refuse_code(tx, stranger)

        line.database.write_now(try_hundred)
        await line.issue_codes()


def opens_new_invite(line: Line) -> bool:
    def use(tx: Any) -> bool:
        issued = issue_invite(tx, REFERENCE, by="officer", by_way_of=ByWayOf.LINK)
        conversation = tx.conversations.open(Channel.WEBCHAT, "a new browser")
        return open_invite(tx, issued.token, conversation, codes=line.codes) is not None

    return line.database.write_now(use)


# --- each throttle, and whom it leaves alone --------------------------------------------------------


async def test_a_bound_device_asks_for_codes_as_often_as_it_likes(line: Line) -> None:
    bound = await link(line, "browser", Channel.WEBCHAT)
    line.clock.advance(minutes=1)

    for _ in range(12):
        ask(line, bound)
    await line.issue_codes()

    assert len(line.rows(outbox)) == 13


async def test_a_device_bound_to_one_case_is_a_stranger_to_every_other(line: Line) -> None:
    others = [f"4326005000{number}" for number in range(8)]
    line.add_cases(*(a_case(crime_reference=other, contact_mobile="+447700900444") for other in others))
    bound = await link(line, "browser", Channel.WEBCHAT)

    for other in others:
        ask(line, bound, other)
    await line.issue_codes()

    # The first code was its own case's, before it was bound.
    assert len([row for row in line.rows(outbox) if row.to == "+447700900444"]) == 4


async def test_the_contact_of_record_gets_a_code_however_often_it_asked(line: Line) -> None:
    for _ in range(30):
        await ask_and_issue(line, VICTIM)

    assert len(line.rows(outbox)) == 30
    assert not line.rows(throttle)


async def test_the_contact_of_record_may_mistype_as_often_as_it_likes(line: Line) -> None:
    for _ in range(30):
        of_record = await ask_and_issue(line, VICTIM)
        for _ in range(5):
            give(line, of_record, "nonsense")
    of_record = await ask_and_issue(line, VICTIM)

    assert give(line, of_record, line.codes.issued[-1])


async def test_after_five_wrong_codes_a_sender_waits_an_hour_for_that_case_then_two(line: Line) -> None:
    stranger = line.open("+447700900777")

    async def sends_after(hours: float) -> bool:
        line.clock.advance(hours=hours)
        before = len(line.rows(outbox))
        ask(line, stranger)
        await line.issue_codes()
        return len(line.rows(outbox)) > before

    async def guess_five_times() -> None:
        for _ in range(5):
            give(line, stranger, "nonsense")

    assert await sends_after(0)
    await guess_five_times()
    assert not await sends_after(0.9)
    assert await sends_after(0.2)
    await guess_five_times()
    assert not await sends_after(1.9)
    assert await sends_after(0.2)


async def test_a_right_code_given_while_it_cools_is_refused_in_the_same_way(line: Line) -> None:
    stranger = await ask_and_issue(line, "+447700900777")
    pair = (REFERENCE, stranger)
    for _ in range(5):
        line.database.write_now(lambda tx: throttles.count(tx, Tried.WRONG_CODES_OF_SENDER_AND_CASE, *pair))

    assert not give(line, stranger, line.codes.issued[-1])


async def test_a_sender_that_cools_for_one_case_may_prove_another(line: Line) -> None:
    line.add_cases(a_case(crime_reference="43260050000", contact_mobile="+447700900444"))
    stranger = await ask_and_issue(line, "+447700900777")
    for _ in range(5):
        give(line, stranger, "nonsense")

    ask(line, stranger, "43260050000")
    await line.issue_codes()

    assert give(line, stranger, line.codes.issued[-1])


async def wear_out(line: Line, tries: int) -> None:
    """Wrong codes against codes that were really sent: three a day, five tries each."""
    numbers = itertools.count(1)
    stranger, left = "", 0
    for _ in range(tries):
        if left == 0:
            if len(line.rows(outbox)) % 3 == 0:
                line.clock.advance(hours=25)
            stranger, left = await ask_and_issue(line, f"+44770095{next(numbers):04d}"), 5
        give(line, stranger, "nonsense")
        left -= 1


async def test_a_hundred_wrong_codes_in_a_row_close_them_to_strangers_and_tell_the_officer(
    line: Line,
) -> None:
    await wear_out(line, 99)
    assert line.rows(desk_item) == []
    await wear_out(line, 1)
    line.clock.advance(hours=25)
    before = len(line.rows(outbox))

    await ask_and_issue(line, "+447700900778")

    assert len(line.rows(outbox)) == before
    item = line.row(desk_item)
    assert (item.reason, item.conversation_id) == ("codes_off", line.open(VICTIM))
    await ask_and_issue(line, VICTIM)
    assert len(line.rows(outbox)) == before + 1


@pytest.mark.parametrize("by", ["a right code", "an invite"])
async def test_a_proof_begins_the_count_of_a_case_anew(line: Line, by: str) -> None:
    await wear_out(line, 99)
    if by == "an invite":
        assert opens_new_invite(line)
    else:
        await link(line)
    await wear_out(line, 1)

    assert line.rows(desk_item) == []
    kept = line.row(throttle, bucket=f"wrong_codes_of_case:{REFERENCE}")
    assert kept.count == 1


async def test_guessing_at_a_decoy_closes_nothing(line: Line) -> None:
    for number in range(200):
        stranger = line.open(f"+4477009{number:05d}")
        ask(line, stranger, UNKNOWN)
    await line.issue_codes()
    for number in range(200):
        give(line, line.open(f"+4477009{number:05d}"), "nonsense")

    assert not [row for row in line.rows(throttle) if row.bucket.startswith("wrong_codes_of_case")]
    assert not line.rows(desk_item)


async def test_very_many_unknown_references_are_told_to_supervisors_once_and_stop_nothing(line: Line) -> None:
    most = load_limits()[Tried.UNKNOWN_REFERENCES].most
    for number in range(most + 20):
        ask(line, line.open(f"+4477009{number:05d}"), UNKNOWN)
    await line.issue_codes()

    assert [row.reason for row in line.rows(desk_item)] == ["references_guessed"]
    of_record = await ask_and_issue(line, VICTIM)
    assert give(line, of_record, line.codes.issued[-1])


async def test_up_to_the_limit_nobody_is_told(line: Line) -> None:
    for number in range(load_limits()[Tried.UNKNOWN_REFERENCES].most):
        ask(line, line.open(f"+4477009{number:05d}"), UNKNOWN)
    await line.issue_codes()

    assert line.rows(desk_item) == []


async def test_a_throttle_survives_a_restart(line: Line) -> None:
    for number in range(5):
        ask(line, line.open("+447700900777"), f"4326999999{number}")
    await line.issue_codes()
    line.database.engine.dispose()

    ask(line, line.open("+447700900777"))
    await line.issue_codes()

    assert line.rows(outbox) == []


async def test_old_buckets_are_forgotten_and_those_of_a_case_are_not(line: Line) -> None:
    await wear_out(line, 5)
    line.clock.advance(days=20)

    await ask_and_issue(line, "+447700900778", reference=UNKNOWN)

    kinds = {row.bucket.split(":")[0] for row in line.rows(throttle)}
    assert kinds == {"wrong_codes_of_case", "references_of_sender", "unknown_references"}


# --- what the officer sees of it ----------------------------------------------------------------------


async def test_strangers_who_tried_a_reference_are_counted_for_the_officer(line: Line) -> None:
    await ask_and_issue(line, VICTIM)
    await link(line, "the victim's browser", Channel.WEBCHAT)
    for number in range(3):
        for _ in range(2):
            await ask_and_issue(line, f"+44770090080{number}")
    await ask_and_issue(line, "+447700900899", reference=UNKNOWN)

    assert line.database.read_now(lambda tx: count_strangers(tx, REFERENCE)) == 3
    line.clock.advance(days=31)
    assert line.database.read_now(lambda tx: count_strangers(tx, REFERENCE)) == 0


async def test_nothing_of_a_throttle_is_said_or_filed_to_the_asker(line: Line) -> None:
    """A closed sender's rows are those of an open one."""
    rows = []
    for number in range(7):
        stranger = await ask_and_issue(line, "+447700900777", reference=f"4326999999{number}")
        rows.append(len(line.rows(audit, conversation_id=stranger)))

    assert [later - earlier for earlier, later in itertools.pairwise(rows)] == [1] * 6
    assert not line.outgoing(stranger)
