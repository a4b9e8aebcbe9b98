"""Recording a force's cases on both databases: what is new is told once, and nothing is told twice."""

from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
import sqlalchemy as sa

from casework.adapters.case_import import build_case_feed
from casework.adapters.storage.tables import (
    case,
    case_event,
    case_notice,
    desk_item,
    held_import,
    outbox,
    person,
)
from casework.model.case_changes import CaseChange, EventOutcome, FeedEvent
from casework.model.cases import Case, CaseEvent
from casework.model.errors import WaymarkError
from casework.services.case_feed import CaseFeed, Recorded, correct, record_cases, record_events
from casework.services.officer_thread import OfficerLinkEnded, issue_officer_link, read_officer_thread
from casework.services.ports import Transaction
from tests.support.builders import REFERENCE, VICTIM, a_case
from tests.support.line import Line
from tests.support.rows import put_rows, put_value

OTHER = "43260012346"
DAY = datetime(2026, 11, 20, 10, 0, tzinfo=UTC)
TOLD = CaseEvent(at=DAY - timedelta(days=3), kind="update_given", detail="by phone")


@dataclass
class Told:
    """A hook that remembers."""

    changes: list[CaseChange] = field(default_factory=list)

    def __call__(self, _tx: Transaction, change: CaseChange) -> None:
        self.changes.append(change)

    @property
    def news(self) -> list[tuple[str, str, str]]:
        return [
            (change.event.crime_reference, change.event.kind, change.event.detail)
            for change in self.changes
            if not change.is_history
        ]


@pytest.fixture
def told() -> Told:
    return Told()


@pytest.fixture
def feed(told: Told) -> CaseFeed:
    return replace(build_case_feed(), on_event=(told,))


def record(line: Line, feed: CaseFeed, *cases: Case) -> Recorded:
    return line.database.write_now(lambda tx: record_cases(tx, cases, feed=feed, source="file", by="test"))


def send(line: Line, feed: CaseFeed, *events: FeedEvent) -> list[str]:
    outcomes = line.database.write_now(
        lambda tx: record_events(tx, events, feed=feed, source="api", by="test")
    )
    return [outcome.value for outcome in outcomes]


def an_event(name: str = "1", **values: Any) -> FeedEvent:
    defaults = {
        "crime_reference": REFERENCE,
        "event_id": f"feed:{name}",
        "at": DAY,
        "kind": "update_given",
        "detail": "",
    }
    return FeedEvent(**(defaults | values))


def moved_to(stage: str, name: str, at: datetime = DAY) -> FeedEvent:
    return an_event(name, kind="stage_changed", detail=stage, at=at)


def everything_said(line: Line) -> list[Any]:
    """Every case and event, without when it was last confirmed."""
    cases = [
        tuple(value for name, value in row._asdict().items() if name != "imported_at")
        for row in line.rows(case)
    ]
    return [cases, [tuple(row) for row in line.rows(case_event)], [tuple(row) for row in line.rows(person)]]


# --- cases said whole ---------------------------------------------------------------------------


def test_new_cases_are_stored_whole_and_their_events_told_as_history(
    line: Line, feed: CaseFeed, told: Told
) -> None:
    recorded = record(line, feed, a_case(events=(TOLD,)), a_case(crime_reference=OTHER))

    assert recorded == Recorded(new=2, events_new=1)
    found = line.database.read_now(lambda tx: tx.cases.find(REFERENCE))
    assert found is not None
    assert replace(found, imported_at=None, person_id=None) == a_case(events=(TOLD,))
    assert [(change.is_history, change.event.told) for change in told.changes] == [(True, TOLD)]


def test_the_same_cases_again_only_confirm_when_they_were_recorded(
    line: Line, feed: CaseFeed, told: Told
) -> None:
    cases = a_case(events=(TOLD,)), a_case(crime_reference=OTHER)
    record(line, feed, *cases)
    before, recorded_at = everything_said(line), line.rows(case)[0].imported_at
    told.changes.clear()
    line.clock.advance(days=1)

    recorded = record(line, feed, *cases)

    assert recorded == Recorded(unchanged=2)
    assert everything_said(line) == before
    assert {row.imported_at - recorded_at >= timedelta(days=1) for row in line.rows(case)} == {True}
    assert told.changes == []


def test_what_is_new_in_a_known_case_is_told_once(line: Line, feed: CaseFeed, told: Told) -> None:
    record(line, feed, a_case())
    changed = a_case(stage="charged", stage_since=DAY.date(), events=(TOLD,))

    assert record(line, feed, changed) == Recorded(changed=1, events_new=1)
    assert record(line, feed, changed) == Recorded(unchanged=1)

    assert told.news == [(REFERENCE, "update_given", "by phone"), (REFERENCE, "stage_changed", "charged")]
    change = told.changes[-1]
    assert change.before is not None
    assert (change.before.stage, change.after.stage) == ("under_investigation", "charged")


def test_an_event_the_file_leaves_out_goes_and_one_of_the_feed_stays(line: Line, feed: CaseFeed) -> None:
    record(line, feed, a_case(events=(TOLD,)))
    send(line, feed, an_event("mine"))

    record(line, feed, a_case())

    assert [row.event_id for row in line.rows(case_event)] == ["feed:mine"]


def test_one_case_twice_in_one_recording_is_taken_in_order(line: Line, feed: CaseFeed) -> None:
    recorded = record(line, feed, a_case(), a_case(oic_name="DC Second-Test"))

    assert recorded == Recorded(new=1, changed=1)
    assert line.row(case).oic_name == "DC Second-Test"


def test_a_failing_hook_leaves_nothing_recorded(line: Line, feed: CaseFeed) -> None:
    def fail(_tx: Transaction, _change: CaseChange) -> None:
        raise WaymarkError("the clock could not be started")

    with pytest.raises(WaymarkError):
        record(line, replace(feed, on_event=(fail,)), a_case(events=(TOLD,)))

    assert line.rows(case) == []
    assert line.rows(case_event) == []


def test_a_new_number_keeps_the_plan_that_keeps_its_owner_safe(line: Line, feed: CaseFeed) -> None:
    record(line, feed, a_case())
    with line.database.engine.begin() as connection:
        put_value(connection, person.c.plan, {"v": 1})
        connection.execute(sa.update(person).values(plan_changed_by="DC Test"))

    record(line, feed, a_case(contact_mobile="+447700900002"))

    [_, moved] = sorted(line.rows(person), key=lambda row: row.contact_mobile)
    assert (moved.contact_mobile, moved.plan, moved.plan_changed_by) == ("+447700900002", {"v": 1}, "DC Test")
    assert line.row(case).person_id == moved.id


def test_a_case_from_before_there_were_people_gets_its_person_and_nobody_is_told(
    line: Line, feed: CaseFeed, told: Told
) -> None:
    record(line, feed, a_case(events=(TOLD,)))
    with line.database.engine.begin() as connection:
        connection.execute(sa.update(case).values(person_id=None))
    told.changes.clear()

    assert record(line, feed, a_case(events=(TOLD,))) == Recorded(unchanged=1)

    assert line.row(case).person_id == line.row(person).id
    assert told.changes == []


def test_another_victim_does_not_inherit_the_plan(line: Line, feed: CaseFeed) -> None:
    record(line, feed, a_case())
    with line.database.engine.begin() as connection:
        put_value(connection, person.c.plan, {"v": 1})

    record(line, feed, a_case(victim_name="Sam Example", contact_mobile="+447700900002"))

    [other] = [row for row in line.rows(person) if row.contact_mobile == "+447700900002"]
    assert other.plan is None


# --- events by themselves -----------------------------------------------------------------------


def test_an_event_sent_twice_is_recorded_and_told_once(line: Line, feed: CaseFeed, told: Told) -> None:
    record(line, feed, a_case())

    assert send(line, feed, an_event()) == ["recorded"]
    assert send(line, feed, an_event(), an_event()) == ["known", "known"]
    assert send(line, feed, an_event("2"), an_event("2")) == ["recorded", "known"]

    assert len(line.rows(case_event)) == 2
    assert len(told.news) == 2


def test_what_the_file_told_already_is_no_news_when_the_feed_tells_it(
    line: Line, feed: CaseFeed, told: Told
) -> None:
    record(line, feed, a_case(events=(TOLD,)))

    assert send(line, feed, an_event(at=TOLD.at, kind=TOLD.kind, detail=TOLD.detail)) == ["known"]

    assert len(line.rows(case_event)) == 1
    assert told.news == []


def test_an_id_used_for_something_else_is_refused_and_what_stands_stands(line: Line, feed: CaseFeed) -> None:
    record(line, feed, a_case())
    send(line, feed, an_event(detail="by phone"))

    assert send(line, feed, an_event(detail="by letter")) == ["conflict"]
    assert line.row(case_event).detail == "by phone"


def test_an_event_of_an_unknown_case_is_refused_and_the_rest_recorded(line: Line, feed: CaseFeed) -> None:
    record(line, feed, a_case())

    outcomes = send(line, feed, an_event("1", crime_reference=OTHER), an_event("2"))

    assert outcomes == [EventOutcome.UNKNOWN_CASE, EventOutcome.RECORDED]
    assert line.row(case_event).event_id == "feed:2"


def test_a_stage_moves_the_case_and_an_older_one_that_comes_late_does_not(
    line: Line, feed: CaseFeed, told: Told
) -> None:
    record(line, feed, a_case())

    send(line, feed, moved_to("charged", "2"))
    send(line, feed, moved_to("arrested", "1", DAY - timedelta(hours=2)))

    assert (line.row(case).stage, line.row(case).stage_since) == ("charged", date(2026, 11, 20))
    assert told.news == [(REFERENCE, "stage_changed", "charged"), (REFERENCE, "stage_changed", "arrested")]
    late = told.changes[-1]
    assert late.before is not None
    assert late.before.stage == late.after.stage == "charged"


def test_two_events_of_one_list_are_each_laid_beside_what_stood_before_them(
    line: Line, feed: CaseFeed, told: Told
) -> None:
    record(line, feed, a_case())

    send(line, feed, moved_to("charged", "2"), moved_to("arrested", "1", DAY - timedelta(hours=2)))

    stages = [(change.before.stage, change.after.stage) for change in told.changes if change.before]
    assert stages == [("under_investigation", "arrested"), ("arrested", "charged")]


def test_a_file_that_lags_behind_the_feed_moves_no_stage_back(line: Line, feed: CaseFeed, told: Told) -> None:
    record(line, feed, a_case())
    send(line, feed, moved_to("charged", "1"))

    assert record(line, feed, a_case()) == Recorded(unchanged=1)
    assert line.row(case).stage == "charged"
    assert len(told.news) == 1


# --- corrections --------------------------------------------------------------------------------


@pytest.fixture
def told_wrongly(line: Line) -> Line:
    """Of one import: two notices that left to one victim, one that did not leave, and one of another import."""
    line.add_cases(
        a_case(),
        a_case(crime_reference=OTHER),
        a_case(crime_reference="43260012347", contact_mobile="+447700900003", victim_name="Sam Example"),
        a_case(crime_reference="43260012348", contact_mobile="+447700900004", victim_name="Kim Example"),
    )
    at = line.clock.now()
    imports = [
        {
            "id": each,
            "source": "file",
            "filename": "cases.csv",
            "content": b"",
            "summary": {},
            "status": "applied",
            "held_at": at,
            "held_by": "test",
        }
        for each in ("wrong", "right")
    ]
    notices = [
        ("n1", REFERENCE, "wrong", at),
        ("n2", OTHER, "wrong", at),
        ("n3", "43260012347", "wrong", None),
        ("n4", "43260012348", "right", at),
    ]
    rows = [
        {
            "id": name,
            "crime_reference": reference,
            "event_id": "feed:1",
            "kind": "stage_changed",
            "import_id": import_id,
            "status": "told" if noticed else "waiting",
            "needs_person": False,
            "not_before": at,
            "created_at": at,
            "noticed_at": noticed,
        }
        for name, reference, import_id, noticed in notices
    ]
    with line.database.engine.begin() as connection:
        put_rows(connection, held_import, *imports)
        connection.execute(sa.insert(case_notice), rows)
    return line


def put_right(line: Line, feed: CaseFeed, text_id: str = "correction") -> Any:
    return line.database.write_now(lambda tx: correct(tx, "wrong", text_id, feed=feed, by="Robin Test"))


def test_a_correction_goes_to_exactly_those_who_were_told_and_once(
    told_wrongly: Line, feed: CaseFeed
) -> None:
    first, again = put_right(told_wrongly, feed), put_right(told_wrongly, feed)

    sent = told_wrongly.row(outbox)
    assert (sent.to, sent.template, sent.status) == (VICTIM, "correction", "waiting")
    assert (first.written, first.for_a_person) == (1, ())
    assert again.written == 1


def test_a_correction_goes_where_the_notice_went_not_where_the_import_moved_it(
    told_wrongly: Line, feed: CaseFeed
) -> None:
    line = told_wrongly
    conversation_id = line.open("+447700900009")
    values = {
        **{"conversation_id": conversation_id, "dedupe_key": "notice:n1", "lane": 2, "channel": "sms"},
        **{"to": "+447700900009", "text": "x", "choices": [], "template": "notice", "author": "service"},
        **{"epoch": 0, "safe_contact_decision": "x", "status": "sent", "fence": 0, "attempts": 0},
        **{"not_before": DAY, "created_at": DAY},
    }
    with line.database.engine.begin() as connection:
        put_rows(connection, outbox, values)

    put_right(line, feed)

    corrected = {row.to for row in line.rows(outbox, template="correction")}
    assert corrected == {"+447700900009", VICTIM}


def test_where_the_plan_allows_no_message_a_person_has_the_task(told_wrongly: Line, feed: CaseFeed) -> None:
    line = told_wrongly
    line.add_cases(a_case(safe_contact="none"), a_case(crime_reference=OTHER, safe_contact="none"))

    corrected = put_right(line, feed)

    assert (corrected.written, corrected.for_a_person) == (0, (REFERENCE,))
    assert [row.status for row in line.rows(outbox)] == ["suppressed"]
    assert len(line.rows(desk_item)) == 1


def test_no_other_text_can_be_sent_to_everybody(told_wrongly: Line, feed: CaseFeed) -> None:
    with pytest.raises(WaymarkError, match="is no correction"):
        put_right(told_wrongly, feed, "holding")


def test_a_correction_of_an_import_nobody_knows_is_refused(line: Line, feed: CaseFeed) -> None:
    with pytest.raises(WaymarkError, match="There is no import"):
        put_right(line, feed)


def test_a_new_officer_ends_the_links_of_the_one_before(line: Line, feed: CaseFeed) -> None:
    """Red when: whoever had the case before can still open what its victim writes, or any change ends a link."""

    def record(tx: Transaction, changed: Case) -> None:
        record_cases(tx, [changed], feed=feed, source="test", by="test")

    first = a_case()
    line.database.write_now(lambda tx: record(tx, first))
    token = line.database.write_now(lambda tx: issue_officer_link(tx, REFERENCE, by="test"))
    line.database.write_now(lambda tx: record(tx, replace(first, next_update_due=date(2026, 12, 24))))
    line.database.write_now(lambda tx: read_officer_thread(tx, token))

    line.database.write_now(
        lambda tx: record(tx, replace(first, oic_name="DC Test-Newcomer", oic_collar_number="9999"))
    )

    with pytest.raises(OfficerLinkEnded):
        line.database.write_now(lambda tx: read_officer_thread(tx, token))
