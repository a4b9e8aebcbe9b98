"""Who may be asked what they thought, one reason against it a row, and answers that lead back to nobody.

Red when: any one of the conditions of may_ask is left out, ended links are not looked at, an id counts up, a time is
exact, a used token stays, or a small number is shown.
"""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
import sqlalchemy as sa

from casework.adapters.storage.feedback import start_of_week
from casework.adapters.storage.tables import audit, feedback, outbox, turn
from casework.model.contact_hours import ContactWindow
from casework.model.desk import Grade, HandoffReason, Outcome
from casework.model.messages import Channel
from casework.model.promises import PromiseKind
from casework.model.safe_contact import SafeContactPlan, Wording, parse_safe_contact
from casework.model.standings import Standing
from casework.model.tokens import hash_token
from casework.services import feedback as asking
from casework.services.feedback import ANSWERS, QUESTIONS
from tests.support.builders import REFERENCE, a_case, a_hit, a_learned, an_amber_hit, an_answer
from tests.support.line import Line
from tests.support.rows import put_rows

VISITOR = "visitor"
OTHER = "43260054321"
NO_CARE = parse_safe_contact("any")
MONDAY_EVENING = ContactWindow(weekday=0, start_minute=18 * 60, end_minute=21 * 60)
HASH = "$argon2id$v=19$m=19456,t=2,p=1$c2FsdHNhbHQ$aGFzaGhhc2hoYXNoaGFzaA"


async def write(line: Line, text: str = "what happens next", name: str = VISITOR) -> str:
    """One message on the web, answered and shown; the conversation's id."""
    received = line.receive(text, channel=Channel.WEBCHAT, external_id=name)
    await line.answer_all()
    await line.deliver_all()
    return received.conversation_id


def link(line: Line, conversation_id: str, reference: str = REFERENCE) -> None:
    line.database.write_now(
        lambda tx: tx.standings.record(conversation_id, reference, Standing.LINKED, method="invite")
    )


def ask(line: Line, conversation_id: str, screen_seen: str | None = "no") -> bool:
    return line.database.read_now(lambda tx: asking.may_ask(tx, conversation_id, screen_seen=screen_seen))


def offer(line: Line, conversation_id: str, token: str = "token") -> None:
    line.database.write_now(
        lambda tx: asking.offer(tx, conversation_id, token, channel=Channel.WEBCHAT, language="en")
    )


def answer(line: Line, token: str = "token", **answers: int) -> bool:
    return line.database.write_now(lambda tx: asking.answer(tx, token, answers))


def open_item(
    line: Line, conversation_id: str, reason: HandoffReason, outcome: Outcome | None = None
) -> None:
    """A desk item, closed with that outcome where one is given."""

    def write_item(tx: object) -> None:
        tx.desk.record_item(  # type: ignore[attr-defined]
            conversation_id=conversation_id, reason=reason, grade=Grade.PROMPT, dedupe_key=f"test {reason}"
        )

    line.database.write_now(write_item)
    if outcome is not None:
        staff = line.add_staff()
        line.claim(conversation_id, staff)
        line.hand_back(conversation_id, outcome, staff)


# --- who may be asked ----------------------------------------------------------------------------


@pytest.mark.parametrize("screen_seen", ["no", None])
async def test_somebody_who_wrote_calmly_and_was_answered_may_be_asked(
    line: Line, screen_seen: str | None
) -> None:
    conversation_id = await write(line)

    assert ask(line, conversation_id, screen_seen)


async def test_so_may_somebody_linked_to_a_plain_case_with_a_plain_plan(line: Line) -> None:
    line.add_cases(a_case(safe_contact="any"))
    conversation_id = await write(line)
    link(line, conversation_id)

    assert ask(line, conversation_id)


@pytest.mark.parametrize("screen_seen", ["yes", "unsure"])
async def test_nobody_whose_screen_may_be_seen_is_asked(line: Line, screen_seen: str) -> None:
    conversation_id = await write(line)

    assert not ask(line, conversation_id, screen_seen)


async def test_nobody_who_wrote_nothing_is_asked(line: Line) -> None:
    assert not ask(line, line.open(VISITOR, Channel.WEBCHAT))


async def test_nobody_whose_last_words_were_not_weighed_yet_is_asked(line: Line) -> None:
    conversation_id = await write(line)
    line.receive("and then", channel=Channel.WEBCHAT, external_id=VISITOR)
    assert not ask(line, conversation_id)

    await line.answer_all()

    assert ask(line, conversation_id)


async def test_nor_one_of_whose_earlier_words_that_is_so(line: Line) -> None:
    conversation_id = await write(line)
    await write(line, "and then")
    first = min(row.inbox_id for row in line.rows(turn))
    unfinished = sa.update(turn).where(turn.c.inbox_id == first).values(outcome=None)
    line.database.write_now(lambda tx: tx.connection.execute(unfinished))

    assert not ask(line, conversation_id)


@pytest.mark.parametrize("hit", [a_hit(1), a_hit(4), an_amber_hit(2), an_amber_hit(4)])
async def test_nobody_who_wrote_of_danger_is_asked_not_even_long_after(line: Line, hit: object) -> None:
    line.screen.results = {"he is here": hit}
    conversation_id = await write(line, "he is here")
    await write(line)
    assert not ask(line, conversation_id)

    staff = line.add_staff()
    line.claim(conversation_id, staff)
    line.hand_back(conversation_id, Outcome.INFORMATION_GIVEN, staff)
    await write(line, "thank you")

    assert not ask(line, conversation_id)


async def test_nobody_in_whose_words_the_learned_layer_saw_danger_is_asked(line: Line) -> None:
    line.assistant.answers = {"he is here": an_answer(learned=a_learned(1, 0.99))}
    conversation_id = await write(line, "he is here")
    staff = line.add_staff()
    line.claim(conversation_id, staff)
    line.hand_back(conversation_id, Outcome.INFORMATION_GIVEN, staff)

    assert not ask(line, conversation_id)


async def test_words_that_the_screen_stopped_at_are_enough_without_any_item(line: Line) -> None:
    line.screen.results = {"he is here": an_amber_hit(3)}
    conversation_id = await write(line, "he is here")
    line.database.write_now(lambda tx: tx.connection.execute(sa.text("DELETE FROM desk_item")))

    assert not ask(line, conversation_id)


@pytest.mark.parametrize("reason", sorted(HandoffReason))
async def test_nobody_who_waits_for_a_person_is_asked(line: Line, reason: str) -> None:
    conversation_id = await write(line)
    open_item(line, conversation_id, HandoffReason(reason))

    assert not ask(line, conversation_id)


@pytest.mark.parametrize("reason", sorted(HandoffReason))
async def test_once_a_person_has_dealt_with_it_only_what_told_of_danger_stays_a_reason(
    line: Line, reason: str
) -> None:
    conversation_id = await write(line)
    open_item(line, conversation_id, HandoffReason(reason), Outcome.INFORMATION_GIVEN)

    assert ask(line, conversation_id) is (reason not in ("disclosure", "unreadable", "check", "duress"))


@pytest.mark.parametrize("outcome", sorted(Outcome))
async def test_nor_is_anybody_asked_in_whom_a_person_found_danger(line: Line, outcome: str) -> None:
    conversation_id = await write(line)
    open_item(line, conversation_id, HandoffReason.ASKED_FOR_PERSON, Outcome(outcome))

    assert ask(line, conversation_id) is (outcome not in ("told_to_call_999", "safeguarding_referral"))


async def test_nobody_who_is_with_a_person_is_asked(line: Line) -> None:
    conversation_id = await write(line)
    line.claim(conversation_id, line.add_staff())

    assert not ask(line, conversation_id)


async def test_nobody_to_whom_an_answer_is_promised_is_asked(line: Line) -> None:
    conversation_id = await write(line)
    line.database.write_now(
        lambda tx: tx.promises.record(
            kind=PromiseKind.TEAM_ANSWER,
            owner="team",
            words="by tomorrow",
            due_at=tx.now + timedelta(days=1),
            dedupe_key="promise",
            conversation_id=conversation_id,
            crime_reference=None,
        )
    )
    assert not ask(line, conversation_id)

    line.database.write_now(lambda tx: tx.promises.keep(conversation_id, [PromiseKind.TEAM_ANSWER]))

    assert ask(line, conversation_id)


async def test_nobody_whose_letter_waits_for_the_officer_is_asked(line: Line) -> None:
    line.add_cases(a_case(safe_contact="any"))
    conversation_id = await write(line)
    link(line, conversation_id)
    inbox_id = line.database.read_now(lambda tx: tx.inbox.latest_id(conversation_id))

    def leave(tx: object) -> None:
        due_at = tx.now + timedelta(days=1)  # type: ignore[attr-defined]
        tx.officer_messages.record_left(  # type: ignore[attr-defined]
            REFERENCE, conversation_id, inbox_id=inbox_id, text="tell them", due_at=due_at
        )

    line.database.write_now(leave)
    assert not ask(line, conversation_id)

    line.database.write_now(lambda tx: tx.officer_messages.pass_to_team(REFERENCE, conversation_id))
    assert not ask(line, conversation_id)

    line.database.write_now(lambda tx: tx.officer_messages.record_answered(REFERENCE, conversation_id))
    assert ask(line, conversation_id)


@pytest.mark.parametrize(
    "crime_type", ["domestic assault", "stalking", "rape", "coercive control", "honour based abuse"]
)
async def test_nobody_whose_case_is_flagged_is_asked(line: Line, crime_type: str) -> None:
    line.add_cases(a_case(crime_type=crime_type, safe_contact="any"))
    conversation_id = await write(line)
    link(line, conversation_id)
    # So that it is the case, not the words that a flagged case asks for.
    line.database.write_now(lambda tx: tx.people.set_plan(person(line), NO_CARE, by="officer"))

    assert not ask(line, conversation_id)


async def test_nor_anybody_another_of_whose_cases_is(line: Line) -> None:
    line.add_cases(a_case(safe_contact="any"), a_case(crime_reference=OTHER, crime_type="stalking"))
    conversation_id = await write(line)
    link(line, conversation_id)

    assert not ask(line, conversation_id)


async def test_nor_anybody_whose_link_to_it_has_ended(line: Line) -> None:
    line.add_cases(a_case(crime_type="stalking"))
    conversation_id = await write(line)
    link(line, conversation_id)
    line.database.write_now(lambda tx: tx.standings.end_of_conversation(conversation_id, why="test"))

    assert not ask(line, conversation_id)


CARES: dict[str, SafeContactPlan] = {
    "a safe question first": replace(NO_CARE, is_safe_first=True),
    "hours": replace(NO_CARE, hours=(MONDAY_EVENING,)),
    "neutral words": replace(NO_CARE, wording=Wording.NEUTRAL),
    "somebody may be present": replace(NO_CARE, who_may_be_present="a flatmate"),
    "a safe word": replace(NO_CARE, safe_word_hash=HASH),
    "a duress phrase": replace(NO_CARE, duress_phrase_hash=HASH),
    "not answered everywhere": replace(NO_CARE, answered_channels=frozenset({Channel.WEBCHAT})),
}


@pytest.mark.parametrize("care", CARES)
async def test_nobody_whose_plan_has_care_in_it_is_asked(line: Line, care: str) -> None:
    line.add_cases(a_case(safe_contact="any"))
    conversation_id = await write(line)
    link(line, conversation_id)
    line.database.write_now(lambda tx: tx.people.set_plan(person(line), NO_CARE, by="officer"))
    assert ask(line, conversation_id)

    line.database.write_now(lambda tx: tx.people.set_plan(person(line), CARES[care], by="officer"))

    assert not ask(line, conversation_id)


async def test_nobody_whose_contact_is_doubted_is_asked(line: Line) -> None:
    line.add_cases(a_case(safe_contact="any"))
    conversation_id = await write(line)
    link(line, conversation_id)
    line.database.write_now(lambda tx: tx.people.suspend_contact(person(line), why="test"))

    assert not ask(line, conversation_id)


async def test_once_a_conversation_and_once_in_ninety_days_for_one_person(line: Line) -> None:
    line.add_cases(a_case(safe_contact="any"))
    conversation_id = await write(line)
    link(line, conversation_id)
    offer(line, conversation_id)
    assert not ask(line, conversation_id)

    line.clock.advance(days=89)
    again = await write(line, name="another day")
    assert ask(line, again)
    link(line, again)
    assert not ask(line, again)

    line.clock.advance(days=1, seconds=1)
    assert ask(line, again)
    assert not ask(line, conversation_id)


async def test_a_conversation_too_long_to_look_through_is_left_alone(line: Line) -> None:
    conversation_id = await write(line)
    [sent] = line.rows(outbox)

    def send(numbers: range) -> None:
        copies = [
            sent._asdict() | {"id": sent.id + number, "dedupe_key": f"copy {number}"} for number in numbers
        ]
        line.database.write_now(lambda tx: put_rows(tx.connection, outbox, *copies))

    # Two are there: what they wrote, and its answer.
    send(range(1, asking.MOST_READ - 2))
    assert ask(line, conversation_id)

    send(range(asking.MOST_READ - 2, asking.MOST_READ - 1))
    assert not ask(line, conversation_id)


def person(line: Line) -> str:
    reach = line.database.read_now(lambda tx: tx.people.find_of_case(REFERENCE))
    assert reach is not None
    return reach.person_id


# --- what is kept --------------------------------------------------------------------------------


async def test_what_is_kept_leads_back_to_nobody(line: Line) -> None:
    line.add_cases(a_case(safe_contact="any"))
    conversation_id = await write(line)
    link(line, conversation_id)
    offer(line, conversation_id)
    line.clock.advance(minutes=3)
    assert answer(line, kept_informed=2, treatment=5)

    [row] = line.rows(feedback)
    theirs = set(row._asdict().values()) - {None}
    elsewhere = {
        value
        for name, rows in line.everything().items()
        if name != "feedback"
        for each in rows
        for value in each
        # Small numbers and words that many rows share say nothing by being equal.
        if not isinstance(value, int | list | dict) and value not in ("webchat", "en")
    }
    assert not theirs & elsewhere
    assert row.offered_at == row.answered_at == datetime(2026, 11, 16, tzinfo=UTC)
    assert hash_token("token") != row.token_hash
    assert row.id > 10_000
    assert [each.act for each in line.rows(audit)].count("feedback_offered") == 1


async def test_rows_stand_in_no_order_of_time(line: Line) -> None:
    first = await write(line)
    for number in range(12):
        line.clock.advance(seconds=1)
        offer(line, first, f"token {number}")
    ids = line.database.read_now(
        lambda tx: [
            tx.connection.execute(
                sa.select(feedback.c.id).where(feedback.c.token_hash == hash_token(f"token {number}"))
            ).scalar_one()
            for number in range(12)
        ]
    )

    assert ids != sorted(ids)


async def test_a_token_answers_once_and_a_made_up_one_never(line: Line) -> None:
    conversation_id = await write(line)
    offer(line, conversation_id)

    assert not answer(line, "made up", kept_informed=5)
    assert answer(line, kept_informed=4, whole_experience=3)
    assert not answer(line, kept_informed=1)

    row = line.row(feedback)
    assert [getattr(row, name) for name in QUESTIONS] == [4, None, None, None, 3]


async def test_answers_come_until_the_end_of_the_next_week(line: Line) -> None:
    conversation_id = await write(line)  # a Saturday
    offer(line, conversation_id, "next week")
    offer(line, conversation_id, "later")

    line.clock.advance(days=8)
    assert answer(line, "next week", treatment=1)
    line.clock.advance(days=1)
    assert not answer(line, "later", treatment=1)


@pytest.mark.parametrize(
    "answers", [{}, {"kept_informed": 0}, {"kept_informed": 6}, {"token_hash": 5}, {"id": 1}]
)
async def test_what_is_no_answer_is_not_kept(line: Line, answers: dict[str, int]) -> None:
    conversation_id = await write(line)
    offer(line, conversation_id)

    assert not answer(line, **answers)
    assert line.row(feedback).answered_at is None
    assert answer(line, kept_informed=5)


@pytest.mark.parametrize(
    ("at", "begins"),
    [
        (datetime(2026, 11, 16, tzinfo=UTC), datetime(2026, 11, 16, tzinfo=UTC)),
        (datetime(2026, 11, 22, 23, 59, 59, 999999, tzinfo=UTC), datetime(2026, 11, 16, tzinfo=UTC)),
        (datetime(2027, 1, 1, 12, tzinfo=UTC), datetime(2026, 12, 28, tzinfo=UTC)),
    ],
)
def test_a_week_begins_on_monday(at: datetime, begins: datetime) -> None:
    assert start_of_week(at) == begins


# --- what they come to ---------------------------------------------------------------------------


def count(line: Line, values: list[int]) -> asking.Counted:
    conversation_id = line.open(VISITOR, Channel.WEBCHAT)
    for number, value in enumerate(values):
        offer(line, conversation_id, f"token {number}")
        assert answer(line, f"token {number}", treatment=value)
    return line.database.read_now(lambda tx: asking.count_answers(tx))["treatment"]


@pytest.mark.parametrize(
    ("values", "answered", "shown"),
    [
        ([], None, [None] * 5),
        ([5, 5, 4, 1], None, [None] * 5),
        ([5] * 5, 5, [5, 0, 0, 0, 0]),
        ([5] * 6 + [4] * 7, 13, [6, 7, 0, 0, 0]),
        ([5] * 6 + [4] * 2 + [3] * 3, 11, [6, None, None, 0, 0]),
        # One alone could be reckoned from the rest.
        ([5] * 6 + [4] * 7 + [1], 14, [None, 7, 0, 0, None]),
        ([5] * 6 + [1], 7, [None, 0, 0, 0, None]),
    ],
)
async def test_small_numbers_are_hidden_and_cannot_be_reckoned(
    line: Line, values: list[int], answered: int | None, shown: list[int | None]
) -> None:
    counted = count(line, values)

    assert counted.answered == answered
    assert [counted.per_answer[each] for each in ANSWERS] == shown
