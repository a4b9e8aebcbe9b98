"""A code proves a link to a case; asking for one teaches nothing and locks nobody out."""

import re
from collections import Counter

import pytest

from casework.adapters.storage.tables import audit, code_request, metadata, outbox, standing
from casework.model.messages import Channel
from casework.model.standings import Standing
from casework.model.throttles import Tried, load_limits
from casework.services.prove import (
    CODE_SECONDS,
    MAX_FAILURES,
    confirm_code,
    find_provable_case,
    request_code,
)
from tests.support.builders import REFERENCE, VICTIM, a_case
from tests.support.line import Line

MAX_SENDS_A_DAY = load_limits()[Tried.CODE_SENDS_OF_CASE].most
STRANGER = "+447700900777"
LOCKED, NO_MOBILE, ANSWERED_ONLY, NOTHING_WRITTEN = (f"4326001000{n}" for n in range(4))


@pytest.fixture
def line(line: Line) -> Line:
    line.add_cases(
        a_case(),
        a_case(crime_reference=LOCKED, contact_mobile="+447700900010"),
        a_case(crime_reference=NO_MOBILE, contact_mobile=None),
        a_case(crime_reference=ANSWERED_ONLY, contact_mobile="+447700900012", safe_contact="reply_only"),
        a_case(crime_reference=NOTHING_WRITTEN, contact_mobile="+447700900013", safe_contact="none"),
    )
    return line


async def ask(
    line: Line, reference: str = REFERENCE, *, asker: str = STRANGER, channel: Channel = Channel.SMS
) -> str:
    """Asks, lets the worker issue it, and gives the asker's conversation."""
    conversation_id = line.open(asker, channel)
    line.database.write_now(lambda tx: request_code(tx, conversation_id, reference))
    await line.issue_codes()
    return conversation_id


def try_code(line: Line, conversation_id: str, code: str) -> bool:
    return line.database.write_now(lambda tx: confirm_code(tx, conversation_id, code, codes=line.codes))


def find_case(line: Line, conversation_id: str, code: str) -> str | None:
    return line.database.read_now(lambda tx: find_provable_case(tx, conversation_id, code, codes=line.codes))


def standing_of(line: Line, conversation_id: str) -> tuple[Standing, str | None]:
    return line.database.read_now(lambda tx: tx.standings.find(conversation_id))


def wrong(code: str) -> str:
    return f"{(int(code) + 1) % 1_000_000:06d}"


# --- nothing is learnt by asking ------------------------------------------------------------------


async def ask_and_look(line: Line, reference: str, asker: str) -> tuple[Counter[str], int]:
    """Rows filed under the asker's conversation, by table, and how many codes were hashed."""
    hashed = line.codes.hashes
    conversation_id = await ask(line, reference, asker=asker)
    filed: Counter[str] = Counter()
    for table in metadata.sorted_tables:
        if "conversation_id" in table.c:
            filed[table.name] = len(line.rows(table, conversation_id=conversation_id))
    return filed, line.codes.hashes - hashed


async def test_every_reference_writes_the_same_rows_for_the_asker(line: Line) -> None:
    for number in range(MAX_SENDS_A_DAY):
        await ask(line, LOCKED, asker=f"+4477009005{number:02d}")
    references = {
        "right": REFERENCE,
        "unknown": "43269999999",
        "wrong format": "not a reference",
        "empty": "",
        "locked": LOCKED,
        "no mobile": NO_MOBILE,
        "plan forbids": ANSWERED_ONLY,
        "nothing may be written": NOTHING_WRITTEN,
    }

    looks = {
        name: await ask_and_look(line, reference, f"+4477009006{number:02d}")
        for number, (name, reference) in enumerate(references.items())
    }

    assert looks == dict.fromkeys(looks, looks["unknown"])
    assert looks["unknown"][1] == 1


async def test_every_reference_looks_pending_to_the_asker(line: Line) -> None:
    for number, reference in enumerate([REFERENCE, "43269999999", NO_MOBILE, ANSWERED_ONLY]):
        conversation_id = await ask(line, reference, asker=f"+4477009006{number:02d}")
        row = line.row(code_request, conversation_id=conversation_id)

        assert line.database.read_now(lambda tx, c=conversation_id: tx.codes.has_asked(c))
        assert (row.status, row.failures) == ("issued", 0)
        assert row.expires_at is not None
        assert row.code_hash is not None


async def test_trying_a_decoy_costs_the_same_checks_as_trying_a_code(line: Line) -> None:
    costs = []
    for number, reference in enumerate([REFERENCE, "43269999999", NO_MOBILE]):
        conversation_id = await ask(line, reference, asker=f"+4477009006{number:02d}")
        before, audits = line.codes.checks, len(line.rows(audit))
        assert not try_code(line, conversation_id, wrong(line.codes.issued[-1]))
        costs.append((line.codes.checks - before, len(line.rows(audit)) - audits))

    assert len(set(costs)) == 1


# --- where a code goes ----------------------------------------------------------------------------


async def test_a_code_goes_to_the_contact_of_record_and_only_there(line: Line) -> None:
    asker = await ask(line, asker=STRANGER)

    await line.deliver_all()

    [message] = line.sender.sent
    assert (message.to, message.channel) == (VICTIM, Channel.SMS)
    assert line.codes.issued[-1] in message.text
    assert line.rows(outbox, conversation_id=asker) == []
    assert line.row(outbox).conversation_id == line.open(VICTIM)


async def test_a_code_asked_for_in_web_chat_goes_to_the_phone_of_record(line: Line) -> None:
    asker = await ask(line, asker="visitor", channel=Channel.WEBCHAT)

    await line.deliver_all()

    assert [message.to for message in line.sender.sent] == [VICTIM]
    assert line.rows(outbox, conversation_id=asker) == []


async def test_the_contact_of_record_asking_gets_the_code_in_their_own_conversation(line: Line) -> None:
    asker = await ask(line, asker=VICTIM)

    assert line.row(outbox).conversation_id == asker


async def test_a_code_is_six_digits_and_stored_only_as_a_hash(line: Line) -> None:
    await ask(line)
    await line.deliver_all()

    code = line.codes.issued[-1]
    assert re.fullmatch(r"[0-9]{6}", code)
    assert line.row(code_request).code_hash == f"hash of {code}"
    everything = line.everything() | {"code_request": []}
    assert not any(code in repr(value) for rows in everything.values() for row in rows for value in row)


async def test_codes_keep_their_leading_noughts_and_differ(line: Line) -> None:
    for number in range(60):
        await ask(line, "43269999999", asker=f"+44770090{number:04d}")

    assert {len(code) for code in line.codes.issued} == {6}
    assert len(set(line.codes.issued)) > 50


async def test_an_unsent_code_may_not_be_sent_once_it_is_useless(line: Line) -> None:
    await ask(line)

    assert line.row(outbox).valid_for_seconds == CODE_SECONDS


# --- what a code opens ----------------------------------------------------------------------------


async def test_the_right_code_links_the_asker_to_the_case(line: Line) -> None:
    asker = await ask(line)
    assert standing_of(line, asker) == (Standing.UNKNOWN, None)

    assert try_code(line, asker, line.codes.issued[-1])

    assert standing_of(line, asker) == (Standing.LINKED, REFERENCE)
    assert line.row(standing).method == "code"
    assert line.rows(audit, act="standing_linked")[0].conversation_id == asker


async def test_reading_what_a_code_would_prove_uses_nothing_up(line: Line) -> None:
    asker = await ask(line)
    before = line.everything()

    found = [find_case(line, asker, line.codes.issued[-1]) for _ in range(3)]
    missed = find_case(line, asker, wrong(line.codes.issued[-1]))

    assert (found, missed) == ([REFERENCE] * 3, None)
    assert line.everything() == before


async def test_a_code_works_once(line: Line) -> None:
    asker = await ask(line)
    assert try_code(line, asker, line.codes.issued[-1])

    assert not try_code(line, asker, line.codes.issued[-1])
    assert find_case(line, asker, line.codes.issued[-1]) is None
    assert len(line.rows(standing)) == 1


@pytest.mark.parametrize(("seconds", "works"), [(CODE_SECONDS - 2, True), (CODE_SECONDS + 1, False)])
async def test_a_code_works_for_ten_minutes(line: Line, seconds: int, works: bool) -> None:
    assert CODE_SECONDS <= 600
    asker = await ask(line)

    line.clock.advance(seconds=seconds)

    assert try_code(line, asker, line.codes.issued[-1]) is works


async def test_a_code_works_only_for_whoever_asked(line: Line) -> None:
    asker = await ask(line, asker=STRANGER)
    code = line.codes.issued[-1]
    another = line.open("+447700900888")
    victim = line.open(VICTIM)

    assert not try_code(line, another, code)
    assert not try_code(line, victim, code)
    assert standing_of(line, another) == standing_of(line, victim) == (Standing.UNKNOWN, None)
    assert try_code(line, asker, code)


async def test_another_asker_of_the_same_case_cannot_use_the_code(line: Line) -> None:
    first = await ask(line, asker=STRANGER)
    code_of_first = line.codes.issued[-1]
    second = await ask(line, asker="+447700900888")

    assert not try_code(line, second, code_of_first)
    assert try_code(line, first, code_of_first)


async def test_five_wrong_codes_end_it(line: Line) -> None:
    asker = await ask(line)
    code = line.codes.issued[-1]

    for _ in range(MAX_FAILURES):
        assert not try_code(line, asker, wrong(code))

    assert MAX_FAILURES == 5
    assert not try_code(line, asker, code)
    assert find_case(line, asker, code) is None


async def test_four_wrong_codes_do_not(line: Line) -> None:
    asker = await ask(line)

    for _ in range(MAX_FAILURES - 1):
        assert not try_code(line, asker, wrong(line.codes.issued[-1]))

    assert try_code(line, asker, line.codes.issued[-1])


@pytest.mark.parametrize("reference", ["43269999999", NO_MOBILE, ANSWERED_ONLY, NOTHING_WRITTEN, "nonsense"])
async def test_a_decoy_never_works(line: Line, reference: str) -> None:
    asker = await ask(line, reference)
    decoy = line.codes.issued[-1]

    assert find_case(line, asker, decoy) is None
    assert not try_code(line, asker, decoy)
    assert standing_of(line, asker) == (Standing.UNKNOWN, None)
    assert line.row(code_request, conversation_id=asker).failures == 1


async def test_a_newer_request_replaces_the_older_code(line: Line) -> None:
    asker = await ask(line)
    older = line.codes.issued[-1]
    await ask(line)
    newer = line.codes.issued[-1]

    assert not try_code(line, asker, older)
    assert try_code(line, asker, newer)


async def test_a_request_replaces_the_older_code_even_before_it_is_issued(line: Line) -> None:
    asker = await ask(line)
    older = line.codes.issued[-1]
    line.database.write_now(lambda tx: request_code(tx, asker, REFERENCE))

    assert not try_code(line, asker, older)


async def test_a_used_code_does_not_wake_an_older_one(line: Line) -> None:
    asker = await ask(line)
    older = line.codes.issued[-1]
    await ask(line)
    assert try_code(line, asker, line.codes.issued[-1])

    assert not try_code(line, asker, older)
    assert not line.database.read_now(lambda tx: tx.codes.has_asked(asker))


async def test_a_code_typed_when_none_was_asked_for_proves_nothing(line: Line) -> None:
    stranger = line.open(STRANGER)

    assert not try_code(line, stranger, "123456")
    assert line.rows(standing) == []


@pytest.mark.parametrize("typed", ["", "12345", "1234567", "abcdef", "١٢٣٤٥٦", "x" * 100_000])
async def test_whatever_is_typed_is_only_a_wrong_code(line: Line, typed: str) -> None:
    asker = await ask(line)

    assert not try_code(line, asker, typed)


# --- limits ---------------------------------------------------------------------------------------


async def test_strangers_make_a_phone_light_up_at_most_three_times_a_day(line: Line) -> None:
    for number in range(8):
        await ask(line, asker=f"+4477009007{number:02d}")
    assert len(line.rows(outbox)) == MAX_SENDS_A_DAY == 3

    line.clock.advance(hours=24, minutes=1)
    await ask(line, asker="+447700900799")

    assert len(line.rows(outbox)) == 4


async def test_one_asker_gets_at_most_five_codes_an_hour(line: Line) -> None:
    for number in range(8):
        line.add_cases(a_case(crime_reference=f"4326002000{number}", contact_mobile=f"+44770090020{number}"))
        await ask(line, f"4326002000{number}")

    assert len(line.rows(outbox)) == 5


async def test_strangers_cannot_lock_out_the_contact_of_record(line: Line) -> None:
    for number in range(20):
        await ask(line, asker=f"+4477009007{number:02d}")
    before = len(line.rows(outbox))

    victim = await ask(line, asker=VICTIM)

    assert len(line.rows(outbox)) == before + 1
    assert try_code(line, victim, line.codes.issued[-1])


async def test_a_linked_person_stays_linked_whatever_strangers_try(line: Line) -> None:
    victim = await ask(line, asker=VICTIM)
    assert try_code(line, victim, line.codes.issued[-1])

    for number in range(20):
        stranger = await ask(line, asker=f"+4477009007{number:02d}")
        for _ in range(MAX_FAILURES + 1):
            try_code(line, stranger, "000000")

    assert standing_of(line, victim) == (Standing.LINKED, REFERENCE)


# --- the safe-contact plan ------------------------------------------------------------------------


async def test_where_only_answers_may_be_sent_a_strangers_asking_lights_up_no_phone(line: Line) -> None:
    await ask(line, ANSWERED_ONLY, asker=STRANGER)
    await ask(line, ANSWERED_ONLY, asker="+447700900012", channel=Channel.WHATSAPP)
    await ask(line, ANSWERED_ONLY, asker="+447700900012", channel=Channel.WEBCHAT)

    assert line.rows(outbox) == []


async def test_where_only_answers_may_be_sent_the_contact_of_record_is_answered(line: Line) -> None:
    asker = await ask(line, ANSWERED_ONLY, asker="+447700900012")

    assert line.row(outbox).to == "+447700900012"
    assert try_code(line, asker, line.codes.issued[-1])


@pytest.mark.parametrize("asker", [STRANGER, "+447700900013"])
async def test_where_nothing_may_be_written_no_code_is_sent_to_anyone(line: Line, asker: str) -> None:
    await ask(line, NOTHING_WRITTEN, asker=asker)

    assert line.rows(outbox) == []


@pytest.mark.parametrize("plan", ["", "Unclear!", "yes", "reply-only"])
async def test_an_unclear_plan_is_read_as_answers_only(line: Line, plan: str) -> None:
    line.add_cases(a_case(crime_reference="43260030000", safe_contact=plan))

    await ask(line, "43260030000", asker=STRANGER)
    assert line.rows(outbox) == []
    await ask(line, "43260030000", asker=VICTIM)
    assert len(line.rows(outbox)) == 1


# --- workers --------------------------------------------------------------------------------------


async def test_a_code_two_workers_issue_at_once_is_sent_once(line: Line) -> None:
    conversation_id = line.open(STRANGER)
    line.database.write_now(lambda tx: request_code(tx, conversation_id, REFERENCE))
    request = line.database.read_now(lambda tx: tx.codes.next_requested())
    assert request is not None

    await line.issue_codes()
    again = line.database.write_now(
        lambda tx: tx.codes.issue(
            request.id, code_hash="another", crime_reference=REFERENCE, expires_at=line.clock.now()
        )
    )

    assert not again
    assert len(line.rows(outbox)) == 1
    assert line.row(code_request).code_hash == f"hash of {line.codes.issued[0]}"
