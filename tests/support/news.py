"""Things that happen in a case, as a force's system tells them, and the worker's steps that follow."""

from dataclasses import replace
from datetime import datetime
from typing import Any

from casework.adapters.case_import import build_case_feed
from casework.model.case_changes import FROM_FEED, FeedEvent
from casework.model.cases import Case
from casework.model.safe_contact import SafeContactPlan
from casework.services.case_feed import CaseFeed, record_cases, record_events
from casework.services.clocks import Timing, note_next_overdue_clock
from casework.services.kept_informed import KeptInformed, load_kept_informed
from casework.services.notices import Informing, send_next_notice
from tests.support.builders import REFERENCE, a_case
from tests.support.line import Line

INFORMED = load_kept_informed()


def feed_of(informed: KeptInformed = INFORMED) -> CaseFeed:
    return replace(build_case_feed(), on_event=(informed.note_change,))


def say_case(line: Line, case: Case | None = None, *, import_id: str | None = None, **values: Any) -> Case:
    """A case said whole, by a file."""
    said = case or a_case(**values)
    line.database.write_now(
        lambda tx: record_cases(tx, [said], feed=feed_of(), source="file", by="test", import_id=import_id)
    )
    return said


def happens(
    line: Line,
    kind: str,
    detail: str = "",
    *,
    at: datetime | None = None,
    reference: str = REFERENCE,
    event_id: str | None = None,
    informed: KeptInformed = INFORMED,
) -> str:
    """One event of the feed, now unless said otherwise; the id it is stored under."""
    moment = at or line.clock.now()
    name = FROM_FEED + (event_id or f"{kind}-{detail}-{moment.timestamp()}")
    event = FeedEvent(crime_reference=reference, event_id=name, at=moment, kind=kind, detail=detail)
    line.database.write_now(
        lambda tx: record_events(tx, [event], feed=feed_of(informed), source="api", by="test")
    )
    return name


def stage_becomes(line: Line, stage: str, **values: Any) -> str:
    return happens(line, "stage_changed", stage, **values)


async def settle_notices(line: Line) -> None:
    while await send_next_notice(Informing(store=line.database, texts=line.texts, rules=INFORMED.notices)):
        pass


async def note_overdue_clocks(line: Line, informed: KeptInformed = INFORMED) -> None:
    while await note_next_overdue_clock(Timing(store=line.database, rules=informed.code)):
        pass


def agree_plan(line: Line, plan: SafeContactPlan, reference: str = REFERENCE) -> None:
    """A plan agreed with the person of that case."""

    def agree(tx: Any) -> None:
        tx.people.set_plan(tx.people.find_of_case(reference).person_id, plan, by="test")

    line.database.write_now(agree)
