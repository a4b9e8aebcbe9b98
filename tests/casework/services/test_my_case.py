"""What the pages about somebody's own case may show: every cell of the table, on both databases.

Red when: `find_my_case` takes every piece there is as told; `_list_past` asks nobody who must tell it first;
`open_my_case` marks as read what it did not show; `copy_conversation` asks no standing.
"""

from dataclasses import fields
from datetime import UTC, date, datetime, timedelta
from threading import Thread
from typing import Any

import pytest
import sqlalchemy as sa

from casework.adapters.storage.tables import audit, case_notice, running_clock
from casework.adapters.storage.transaction import SqlTransaction
from casework.model.cases import Case, CaseEvent
from casework.model.code_clock import ClockState
from casework.model.may_tell import CaseFlags, Piece, may_tell
from casework.model.messages import Channel, OutboxStatus
from casework.model.safe_contact import parse_safe_contact
from casework.model.stage_line import ALL_RIGHTS, MAY_FOLLOW, RIGHTS_AT
from casework.model.stages import STAGE_IDS
from casework.model.standings import HIGHEST_OF_METHOD, ProofMethod, Standing
from casework.services.kept_informed import mark_read
from casework.services.my_case import (
    NOTHING,
    Copy,
    Hearing,
    MyCase,
    PastStage,
    copy_conversation,
    find_my_case,
    open_my_case,
)
from tests.support.builders import REFERENCE, a_case, an_outbound
from tests.support.line import Line
from tests.support.news import INFORMED, happens, say_case, stage_becomes

FLAGGED, PLAIN = "Domestic abuse - canarycrime", "Burglary - canarycrime"
METHODS = {
    Standing.UNKNOWN: [],
    Standing.LINKED: [ProofMethod.INVITE],
    Standing.STEPPED_UP: [ProofMethod.INVITE, ProofMethod.PIN],
    Standing.OFFICER_CONFIRMED: [ProofMethod.CALL_BACK],
}
NEVER_SHOWN = ("canarycrime", "Canaryvictim", "canary@example.org", "+447700900001", "4326", "canarydetail")


def at(day: date) -> datetime:
    return datetime(day.year, day.month, day.day, 10, tzinfo=UTC)


def moved(stage: str, day: date) -> CaseEvent:
    return CaseEvent(at=at(day), kind="stage_changed", detail=stage)


def a_canary(**values: Any) -> Case:
    """A case in which every value can be told from every other; its clock of a referral ends on 23 November."""
    given: dict[str, Any] = {
        "crime_type": PLAIN,
        "stage": "recorded",
        "stage_since": date(2026, 11, 20),
        "oic_name": "Canaryname",
        "oic_collar_number": "Canarycollar",
        "oic_contact": "Canarycontact",
        "next_update_due": date(2027, 1, 31),
        "victim_name": "Canaryvictim",
        "contact_email": "canary@example.org",
        "events": (
            moved("reported", date(2026, 11, 19)),
            CaseEvent(at=at(date(2026, 11, 19)), kind="update_given", detail="canarydetail"),
            moved("recorded", date(2026, 11, 20)),
        ),
    }
    return a_case(**(given | values))


def link(line: Line, standing: Standing, *, reference: str = REFERENCE, device: str = "device-1") -> str:
    conversation_id = line.open(device, Channel.WEBCHAT)

    def prove(tx: SqlTransaction) -> None:
        for method in METHODS[standing]:
            level = HIGHEST_OF_METHOD[method]
            tx.standings.record(conversation_id, reference, level, method=method.value)

    line.database.write_now(prove)
    return conversation_id


def look(line: Line, conversation_id: str | None, *, shows_stage: bool = True) -> MyCase:
    return line.database.write_now(
        lambda tx: open_my_case(tx, conversation_id, informed=INFORMED, shows_stage=shows_stage)
    )


def copy(line: Line, conversation_id: str, **values: Any) -> Copy | None:
    def read(tx: SqlTransaction) -> Copy | None:
        my = open_my_case(tx, conversation_id, informed=INFORMED, shows_stage=False)
        return copy_conversation(tx, conversation_id, my, **values)

    return line.database.write_now(read)


def words_of(my: MyCase) -> str:
    """Everything in it but the names of its own pieces."""
    return repr([getattr(my, each.name) for each in fields(my) if each.name != "told"])


# --- every cell -----------------------------------------------------------------------------------


@pytest.mark.parametrize("safe_contact", ["any", "none", "reply_only"])
@pytest.mark.parametrize("is_news_waiting", [False, True])
@pytest.mark.parametrize("crime_type", [FLAGGED, PLAIN])
@pytest.mark.parametrize("standing", Standing)
def test_nothing_is_shown_but_what_may_be_told(
    line: Line, standing: Standing, crime_type: str, is_news_waiting: bool, safe_contact: str
) -> None:
    say_case(line, a_canary(crime_type=crime_type, safe_contact=safe_contact))
    if is_news_waiting:
        happens(line, "must_give_evidence", "canarydetail")
    conversation_id = link(line, standing)
    flags = CaseFlags(is_flagged=crime_type == FLAGGED, is_news_waiting=is_news_waiting)
    plan = parse_safe_contact(safe_contact)
    told = may_tell(standing, channel=Channel.WEBCHAT, plan=plan, flags=flags)

    my = look(line, conversation_id)

    shown = words_of(my)
    pieces = {
        "Canaryname": Piece.OFFICER_NAME,
        "Canarycollar": Piece.OFFICER_NAME,
        "Canarycontact": Piece.OFFICER_CONTACT,
        "'recorded'": Piece.NEUTRAL_STATUS,
        "date(2026, 11, 20)": Piece.NEUTRAL_STATUS,
        "date(2027, 1, 31)": Piece.NEUTRAL_STATUS,
        "'assessing'": Piece.NEXT_STEPS,
        "'reported'": Piece.EVENT_HISTORY,
        "date(2026, 11, 19)": Piece.EVENT_HISTORY,
        "date(2026, 11, 23)": Piece.CODE_CLOCK_DATES,
        "'right_4'": Piece.CODE_CLOCK_DATES,
    }
    assert my.told == told
    assert {word: word in shown for word in pieces} == {word: piece in told for word, piece in pieces.items()}
    assert [word for word in NEVER_SHOWN if word in shown] == []


def test_the_canary_would_be_noticed(line: Line) -> None:
    say_case(line, a_canary())

    shown = words_of(look(line, link(line, Standing.STEPPED_UP)))

    assert "Canaryname" in shown
    assert "date(2026, 11, 23)" in shown


def test_how_it_ended_is_in_place_of_the_stage(line: Line) -> None:
    ended = CaseEvent(at=at(date(2026, 11, 20)), kind="outcome", detail="8")
    say_case(line, a_canary(stage="out_of_court", stage_since=date(2026, 11, 20), events=(ended,)))

    my = look(line, link(line, Standing.LINKED))

    assert (my.outcome, my.may_follow) == ("utter_outcome_community_resolution", ())


@pytest.mark.parametrize("standing", [Standing.LINKED, Standing.STEPPED_UP, Standing.OFFICER_CONFIRMED])
def test_how_a_flagged_case_ended_is_said_by_a_person_alone(line: Line, standing: Standing) -> None:
    ended = CaseEvent(at=at(date(2026, 11, 20)), kind="outcome", detail="8")
    say_case(line, a_canary(crime_type=FLAGGED, events=(ended,)))

    assert look(line, link(line, standing)).outcome is None


@pytest.mark.parametrize("values", [{"outcome": "13"}, {"outcome": "99"}, {"stage": "resolved_by_magic"}])
def test_what_there_are_no_words_for_is_left_to_a_person(line: Line, values: dict[str, str]) -> None:
    events = [
        CaseEvent(at=at(date(2026, 11, 20)), kind=kind, detail=said)
        for kind, said in values.items()
        if kind != "stage"
    ]
    line.add_cases(a_canary(stage=values.get("stage", "recorded"), events=tuple(events)))

    my = look(line, link(line, Standing.STEPPED_UP))

    assert (my.is_news_waiting, my.stage, my.outcome, my.dates) == (True, None, None, ())


# --- whose case -----------------------------------------------------------------------------------


def test_without_a_conversation_or_a_proof_there_is_nothing(line: Line) -> None:
    say_case(line, a_canary())

    assert look(line, None) == NOTHING
    assert look(line, link(line, Standing.UNKNOWN)) == NOTHING


def test_a_proof_that_has_run_out_shows_as_much_as_none(line: Line) -> None:
    say_case(line, a_canary())
    conversation_id = link(line, Standing.STEPPED_UP)
    line.clock.advance(hours=24)

    assert look(line, conversation_id) == NOTHING


def test_a_step_up_left_alone_shows_what_a_link_shows_and_looking_keeps_it_up(line: Line) -> None:
    say_case(line, a_canary())
    conversation_id = link(line, Standing.STEPPED_UP)
    for _ in range(3):
        line.clock.advance(minutes=29)
        assert look(line, conversation_id).past
    line.clock.advance(minutes=31)

    my = look(line, conversation_id)

    assert (my.standing, my.past, my.stage) == (Standing.LINKED, (), "recorded")


def test_of_two_cases_only_the_one_proved_last_is_read(line: Line) -> None:
    other = "43260099999"
    say_case(line, a_canary())
    say_case(line, a_case(crime_reference=other, oic_name="Othername", stage="with_cps"))
    conversation_id = link(line, Standing.STEPPED_UP)

    link(line, Standing.LINKED, reference=other)
    my = look(line, conversation_id)

    assert (my.standing, my.stage) == (Standing.LINKED, "with_cps")
    assert "Othername" in words_of(my)
    assert "Canary" not in words_of(my)


# --- what a person tells first --------------------------------------------------------------------


HISTORY = (
    moved("reported", date(2026, 10, 1)),
    moved("arrested", date(2026, 11, 17)),
    moved("with_cps", date(2026, 11, 19)),
)
WITH_CPS = {"stage": "with_cps", "stage_since": date(2026, 11, 19)}


@pytest.mark.parametrize(
    ("crime_type", "told", "shown"),
    [
        (PLAIN, None, True),
        (FLAGGED, None, False),
        (FLAGGED, "", True),
        (FLAGGED, "arrested", True),
        (FLAGGED, "charged", False),
    ],
)
def test_a_stage_of_long_ago_waits_for_a_person_too(
    line: Line, crime_type: str, told: str | None, shown: bool
) -> None:
    """Red when `_list_past` shows what no person has told: the stage now is one that may be said."""
    telling = CaseEvent(at=at(date(2026, 11, 18)), kind="victim_told", detail=told or "")
    events = HISTORY if told is None else (*HISTORY, telling)
    say_case(line, a_canary(crime_type=crime_type, events=events, **WITH_CPS))

    my = look(line, link(line, Standing.STEPPED_UP))

    arrested = [PastStage(stage="arrested", began_on=date(2026, 11, 17))] if shown else []
    assert list(my.past) == [PastStage(stage="reported", began_on=date(2026, 10, 1)), *arrested]


def test_a_date_that_comes_from_such_a_stage_waits_as_well(line: Line) -> None:
    events = (moved("arrested", date(2026, 11, 20)), moved("with_cps", date(2026, 11, 21)))
    stands = {"stage": "with_cps", "stage_since": date(2026, 11, 21)}
    say_case(line, a_canary(crime_type=FLAGGED, events=events, **stands))
    conversation_id = link(line, Standing.STEPPED_UP)
    [clock] = line.rows(running_clock, started_by="arrested")
    assert clock.status == "running"
    assert look(line, conversation_id).dates == ()

    happens(line, "victim_told", "arrested")

    [limit] = look(line, conversation_id).dates
    assert (limit.state, limit.days, limit.is_enhanced) == (ClockState.MET, 1, True)


def test_one_stage_said_twice_in_a_row_is_one_step(line: Line) -> None:
    events = (
        moved("reported", date(2026, 10, 1)),
        moved("reported", date(2026, 10, 2)),
        moved("under_investigation", date(2026, 10, 3)),
        moved("with_cps", date(2026, 10, 20)),
        moved("under_investigation", date(2026, 11, 1)),
        moved("charged", date(2027, 1, 1)),
    )
    stands = {"stage": "under_investigation", "stage_since": date(2026, 11, 1)}
    say_case(line, a_canary(events=events, **stands))

    my = look(line, link(line, Standing.STEPPED_UP))

    assert [past.stage for past in my.past] == ["reported", "under_investigation", "with_cps"]


# --- when they hear next --------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("agreed", "arrested", "hearing", "day"),
    [
        (date(2026, 12, 10), False, Hearing.AGREED, date(2026, 12, 10)),
        (date(2026, 12, 10), True, Hearing.BY_CODE, date(2026, 11, 27)),
        (date(2026, 11, 24), True, Hearing.AGREED, date(2026, 11, 24)),
        (date(2026, 11, 20), True, Hearing.PAST, date(2026, 11, 20)),
        (None, True, Hearing.BY_CODE, date(2026, 11, 27)),
        (None, False, Hearing.NO_DATE, None),
    ],
)
def test_when_they_hear_next_is_what_the_assistant_would_say(
    line: Line, agreed: date | None, arrested: bool, hearing: Hearing, day: date | None
) -> None:
    say_case(line, a_case(next_update_due=agreed))
    if arrested:
        stage_becomes(line, "arrested")

    my = look(line, link(line, Standing.LINKED))

    assert my.next_update is not None
    assert (my.next_update.hearing, my.next_update.day) == (hearing, day)


def test_a_met_date_comes_last_and_one_that_is_past_is_marked(line: Line) -> None:
    say_case(line, a_case())
    stage_becomes(line, "arrested")
    line.clock.advance(hours=1)
    happens(line, "victim_told", "arrested")
    stage_becomes(line, "released_on_bail")
    line.clock.advance(days=7)

    my = look(line, link(line, Standing.LINKED))

    assert [limit.state for limit in my.dates] == [ClockState.OVERDUE, ClockState.MET]


# --- read -----------------------------------------------------------------------------------------


def test_looking_at_the_stage_reads_the_news_and_leaves_a_line_in_the_audit(line: Line) -> None:
    say_case(line, a_case())
    stage_becomes(line, "with_cps")
    conversation_id = link(line, Standing.LINKED)

    look(line, conversation_id, shows_stage=False)
    assert line.row(case_notice).read_at is None

    look(line, conversation_id)
    look(line, conversation_id)

    assert line.row(case_notice).read_at is not None
    assert [row.conversation_id for row in line.rows(audit, act="update_read")] == [conversation_id]


@pytest.mark.parametrize("standing", [Standing.UNKNOWN, Standing.LINKED, Standing.STEPPED_UP])
def test_news_that_was_not_shown_is_not_read(line: Line, standing: Standing) -> None:
    say_case(line, a_case(crime_type=FLAGGED))
    stage_becomes(line, "arrested")

    my = look(line, link(line, standing))

    assert my.stage is None
    assert line.row(case_notice).read_at is None
    assert line.rows(audit, act="update_read") == []


def test_of_an_end_without_words_nothing_is_read(line: Line) -> None:
    say_case(line, a_case())
    happens(line, "outcome", "13", at=line.clock.now() - timedelta(minutes=5))
    happens(line, "victim_told", "outcome")
    line.clock.advance(minutes=1)

    assert look(line, link(line, Standing.LINKED)).is_news_waiting
    assert line.row(case_notice).read_at is None


def test_what_happens_while_somebody_looks_is_not_read_with_it(line: Line) -> None:
    """On PostgreSQL, where two can write at once. Red when `find_my_case` does not hold the case."""
    if line.database.engine.dialect.name != "postgresql":
        pytest.skip("SQLite has one writer at a time")
    say_case(line, a_case())
    conversation_id = link(line, Standing.LINKED)
    meanwhile = Thread(target=stage_becomes, args=(line, "with_cps"))

    def is_waiting() -> bool:
        waiting = sa.text("SELECT count(*) FROM pg_locks WHERE NOT granted")
        return bool(line.database.read_now(lambda tx: tx.connection.execute(waiting).scalar()))

    def look_slowly(tx: SqlTransaction) -> MyCase:
        my = find_my_case(tx, conversation_id, informed=INFORMED)
        meanwhile.start()
        while meanwhile.is_alive() and not is_waiting():
            pass
        mark_read(tx, REFERENCE, conversation_id, informed=INFORMED)
        return my

    shown = line.database.write_now(look_slowly)
    meanwhile.join()

    assert shown.stage == "under_investigation"
    assert line.row(case_notice).read_at is None


# --- the copy -------------------------------------------------------------------------------------


@pytest.mark.parametrize("crime_type", [FLAGGED, PLAIN])
@pytest.mark.parametrize("is_news_waiting", [False, True])
@pytest.mark.parametrize("standing", Standing)
def test_a_copy_is_for_who_has_stepped_up(
    line: Line, standing: Standing, crime_type: str, is_news_waiting: bool
) -> None:
    say_case(line, a_canary(crime_type=crime_type))
    if is_news_waiting:
        happens(line, "must_give_evidence", "canarydetail")
    conversation_id = link(line, standing)
    line.database.write_now(
        lambda tx: tx.outbox.record(
            an_outbound(conversation_id, "Words.", channel=Channel.WEBCHAT),
            decision="test",
            status=OutboxStatus.SENT,
        )
    )

    made = copy(line, conversation_id)

    assert (made is not None) == (standing >= Standing.STEPPED_UP)
    assert (made is not None and made.may_be_saved) == (
        standing >= Standing.STEPPED_UP and not is_news_waiting
    )


def test_a_copy_holds_this_conversation_alone_and_only_what_has_left(line: Line) -> None:
    say_case(line, a_canary())
    other = link(line, Standing.LINKED, device="device-2")
    conversation_id = link(line, Standing.STEPPED_UP)

    def write(tx: SqlTransaction) -> None:
        for number, (where, status) in enumerate(
            [
                (conversation_id, OutboxStatus.SENT),
                (conversation_id, OutboxStatus.WAITING),
                (conversation_id, OutboxStatus.SUPPRESSED),
                (other, OutboxStatus.SENT),
                (conversation_id, OutboxStatus.SENT),
            ]
        ):
            message = an_outbound(where, f"Words {number}.", channel=Channel.WEBCHAT)
            tx.outbox.record(message, decision="test", status=status)

    line.database.write_now(write)

    whole, newest = copy(line, conversation_id), copy(line, conversation_id, most=1)

    assert whole is not None and newest is not None
    assert ([entry.text for entry in whole.entries], whole.is_cut) == (["Words 0.", "Words 4."], False)
    assert ([entry.text for entry in newest.entries], newest.is_cut) == (["Words 4."], True)


# --- the tables -----------------------------------------------------------------------------------


def test_the_tables_name_stages_and_rights_that_there_are() -> None:
    assert set(RIGHTS_AT) == STAGE_IDS
    assert set(MAY_FOLLOW) <= STAGE_IDS
    assert {right for rights in RIGHTS_AT.values() for right in rights} <= set(ALL_RIGHTS)
    assert [
        stage for stage, following in MAY_FOLLOW.items() if stage in following or len(following) > 4
    ] == []
