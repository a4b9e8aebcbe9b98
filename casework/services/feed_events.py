"""Events as a force's system sends them by themselves: every one of them, or every problem in them."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from casework.model.case_changes import FROM_FEED, STAGE_CHANGED, FeedEvent
from casework.model.errors import WaymarkError
from casework.model.stages import STAGE_IDS
from casework.services.case_file_cells import KIND, find_text, get_crime_reference, get_text, parse_moment
from casework.services.case_file_rows import Problem, Row, did_you_mean, quoted

MOST_EVENTS = 500
EVENT_FIELDS = ("event_id", "crime_reference", "at", "kind", "detail")
CLOCKS_MAY_DIFFER = timedelta(minutes=5)
_EVENT_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:~-]{0,74}")


@dataclass(frozen=True, kw_only=True)
class FieldProblem:
    """One thing wrong with what the API was sent. `field` is empty when the whole body is meant."""

    field: str
    what: str
    remedy: str


class FeedInvalid(WaymarkError):
    """A body with anything wrong in it. Nothing of it was recorded."""

    def __init__(self, problems: list[FieldProblem]) -> None:
        super().__init__(f"{len(problems)} problems")
        self.problems = tuple(problems)


def parse_events(written: object, *, now: datetime) -> list[FeedEvent]:
    """From one JSON object or a list of at most 500. Raises FeedInvalid."""
    listed = written if isinstance(written, list) else [written]
    if not 0 < len(listed) <= MOST_EVENTS:
        what = f"there are {len(listed)} events"
        raise FeedInvalid(
            [FieldProblem(field="", what=what, remedy=f"Send from 1 to {MOST_EVENTS} at once.")]
        )
    problems: list[Problem] = []
    events = [_parse_event(each, place, problems, now) for place, each in enumerate(listed)]
    if problems:
        raise FeedInvalid([_of_event(problem, is_list=isinstance(written, list)) for problem in problems])
    return events


def _of_event(problem: Problem, *, is_list: bool) -> FieldProblem:
    place = f"[{problem.line}]" if is_list else ""
    field = f"{place}.{problem.column}".strip(".") if problem.column else place
    return FieldProblem(field=field, what=problem.what, remedy=problem.remedy)


def _parse_event(written: object, place: int, problems: list[Problem], now: datetime) -> FeedEvent:
    cells = written if isinstance(written, Mapping) else {}
    row = Row(line=place, cells=cells, problems=problems)
    if not isinstance(written, Mapping):
        row.refuse("", "this is not an event", "Write each event as an object: {...}.")
    elif not cells.keys() <= set(EVENT_FIELDS):
        row.refuse("", "there is a name nobody knows", f"Use {', '.join(EVENT_FIELDS)}.")
    event = FeedEvent(
        crime_reference=get_crime_reference(row),
        event_id=FROM_FEED + _get_event_id(row),
        at=_get_moment(row, now),
        kind=_get_kind(row),
        detail=find_text(row, "detail") or "",
    )
    if event.kind == STAGE_CHANGED:
        _check_stage(row, event, now)
    return event


def _get_event_id(row: Row) -> str:
    text = get_text(row, "event_id")
    if text and not _EVENT_ID.fullmatch(text):
        row.refuse(
            "event_id",
            "this cannot be an event's id",
            "Use up to 75 letters, digits and . _ : ~ - beginning with a letter or digit, and nobody's name.",
        )
    return text


def _get_moment(row: Row, now: datetime) -> datetime:
    text = get_text(row, "at")
    moment = parse_moment(text)
    if text and moment is None:
        row.refuse("at", "this is not a date and time", "Write it as 2026-11-02T10:30:00Z.")
    return moment or now


def _get_kind(row: Row) -> str:
    text = get_text(row, "kind")
    if text and not KIND.fullmatch(text):
        remedy = "Use small letters and underscores, such as victim_told."
        row.refuse("kind", "this is no kind that can be used", remedy)
    return text


def _check_stage(row: Row, event: FeedEvent, now: datetime) -> None:
    if event.detail not in STAGE_IDS:
        stages = sorted(STAGE_IDS)
        what = f"{quoted(event.detail, stages)} is not a stage"
        row.refuse("detail", what, did_you_mean(event.detail, stages))
    if event.at > now + CLOCKS_MAY_DIFFER:
        row.refuse("at", "a stage cannot begin in the future", "Send it when it has begun.")
