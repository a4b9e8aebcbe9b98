"""What is new when a force says again how a case stands, or tells one thing that happened in it.

A case said whole replaces what was said before; an event is added once, and one that comes late never moves a
stage back. Of two stages the one that began later stands.
"""

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime, time
from enum import StrEnum
from functools import cached_property
from json.encoder import encode_basestring_ascii
from operator import attrgetter

from casework.model.cases import Case, CaseEvent
from casework.model.stages import VICTIM_TOLD
from casework.model.working_days import LONDON, local_day

STAGE_CHANGED = "stage_changed"
FROM_FILE = "file:"  # events told inside a case: gone when the case is said again without them
FROM_FEED = "feed:"  # events sent by themselves, under the sender's own id: they stay
_WITHOUT_EVENT = "stage:"  # a stage that changed and no event said so; never stored
_SAYS_WHERE_IT_STANDS = frozenset({VICTIM_TOLD, "outcome"})
_SAID = attrgetter(
    *("crime_type", "oic_name", "oic_collar_number", "oic_contact", "next_update_due", "victim_name"),
    *("contact_mobile", "contact_email", "safe_contact", "enhanced_rights", "language"),
)


@dataclass(frozen=True, kw_only=True)
class FeedEvent:
    """One thing that happened, as a force's system tells it. `event_id` is the name it is stored under."""

    crime_reference: str
    event_id: str
    at: datetime  # aware UTC
    kind: str
    detail: str

    @cached_property
    def told(self) -> CaseEvent:
        return CaseEvent(at=self.at, kind=self.kind, detail=self.detail)


@dataclass(frozen=True, kw_only=True)
class StoredCase:
    """A case as it is kept, its events by the names they are stored under."""

    case: Case
    events: Mapping[str, CaseEvent]


@dataclass(frozen=True, kw_only=True)
class CaseChange:
    """One really new thing in a case. `before` is None for a case never seen: its events are old history."""

    before: Case | None
    after: Case
    event: FeedEvent
    import_id: str | None = None

    @property
    def is_history(self) -> bool:
        """Whether it was there when the case first came: nobody is told of it as news."""
        return self.before is None


@dataclass(frozen=True, kw_only=True)
class Settled:
    """A case said whole, laid beside what is stored."""

    before: Case | None
    after: Case
    added: tuple[FeedEvent, ...] = ()
    removed: frozenset[str] = frozenset()
    is_changed: bool = False

    @property
    def is_new(self) -> bool:
        return self.before is None

    @property
    def lacks_person(self) -> bool:
        """Whether it was stored before cases had people: nothing is new in it, and it must be written all the same."""
        return self.before is not None and self.before.person_id is None

    @property
    def stage_entered(self) -> str | None:
        """The stage that a case already known moves into; None when it stays where it is."""
        if self.before is None or self.before.stage == self.after.stage:
            return None
        return self.after.stage


class EventOutcome(StrEnum):
    """What became of one event of the feed."""

    RECORDED = "recorded"
    KNOWN = "known"
    HELD = "held"
    UNKNOWN_CASE = "unknown_case"
    CONFLICT = "conflict"  # this id was told before, of something else


def name_of_file_event(event: CaseEvent) -> str:
    """A file gives events no id: what it says of one is its name."""
    return f"{FROM_FILE}{_digest(event.at.isoformat(), event.kind, event.detail)[:32]}"


def name_of_person(of: Case) -> str:
    """The same victim in two cases, as far as a file can tell: one name at one contact of record. 64 hex digits."""
    return _digest(_folded(of.victim_name), _contact(of))


def id_of_person(of: Case) -> str:
    return name_of_person(of)[:32]


def is_same_victim(before: Case, after: Case) -> bool:
    """Whether a name or a contact of record stayed: then it is one person who moved or was misspelt."""
    return _folded(before.victim_name) == _folded(after.victim_name) or _contact(before) == _contact(after)


def settle(stored: StoredCase | None, said: Case, *, as_of: datetime) -> Settled:
    """What stands after the case was said whole: its own words, but no stage that an event has overtaken."""
    told = {name_of_file_event(event): event for event in said.events}
    if stored is None:
        after = replace(said, imported_at=as_of, person_id=id_of_person(said))
        return Settled(before=None, after=after, added=_as_told(said, told), is_changed=True)
    before = stored.case
    # The file may repeat what the feed told already: that is one event, not two.
    by_feed = {event for name, event in stored.events.items() if not name.startswith(FROM_FILE)}
    told = {name: event for name, event in told.items() if event not in by_feed}
    added = {name: event for name, event in told.items() if name not in stored.events}
    removed = frozenset(name for name in stored.events if name.startswith(FROM_FILE) and name not in told)
    after = _with_standing_stage(stored, said)
    is_same_stage = (after.stage, after.stage_since) == (before.stage, before.stage_since)
    is_changed = bool(added or removed) or not is_same_stage or _SAID(after) != _SAID(before)
    if is_changed or before.person_id is None:
        kept = {name: event for name, event in stored.events.items() if name not in removed}
        events = _in_order((kept | added).values())
        after = replace(after, events=events, imported_at=as_of, person_id=id_of_person(said))
    return Settled(
        before=before, after=after, added=_as_told(said, added), removed=removed, is_changed=is_changed
    )


def list_changes(settled: Settled, import_id: str | None) -> list[CaseChange]:
    """One for each event that is new, and one for a stage that changed when no event says so."""
    events = list(settled.added)
    stage, since = settled.stage_entered, settled.after.stage_since
    if stage is not None and not any(_says_stage(event.told, stage, since) for event in events):
        events.append(
            FeedEvent(
                crime_reference=settled.after.crime_reference,
                event_id=f"{_WITHOUT_EVENT}{stage}:{since.isoformat()}",
                at=datetime.combine(since, time.min, tzinfo=LONDON),
                kind=STAGE_CHANGED,
                detail=stage,
            )
        )
    return [
        CaseChange(before=settled.before, after=settled.after, event=event, import_id=import_id)
        for event in sorted(events, key=lambda event: event.at)
    ]


def is_told_by_file(stored: StoredCase, event: FeedEvent) -> bool:
    """Whether the case, said whole, told this very thing already: it is no news a second time."""
    return stored.events.get(name_of_file_event(event.told)) is not None


def add_event(stored: StoredCase, event: FeedEvent, *, now: datetime) -> StoredCase:
    """The case with the event, and in the stage it names if that began after the one known.

    Only what says where the case stands makes the case one "as recorded" now.
    """
    case, events = stored.case, {**stored.events, event.event_id: event.told}
    is_moved = event.kind == STAGE_CHANGED and event.at > _stage_moment(stored)
    if is_moved:
        case = replace(case, stage=event.detail, stage_since=local_day(event.at))
    if is_moved or event.kind in _SAYS_WHERE_IT_STANDS:
        case = replace(case, imported_at=max(now, case.imported_at or now))
    return StoredCase(case=replace(case, events=_in_order(events.values())), events=events)


def _as_told(said: Case, events: Mapping[str, CaseEvent]) -> tuple[FeedEvent, ...]:
    return tuple(
        FeedEvent(
            crime_reference=said.crime_reference,
            event_id=name,
            at=event.at,
            kind=event.kind,
            detail=event.detail,
        )
        for name, event in events.items()
    )


def _with_standing_stage(stored: StoredCase, said: Case) -> Case:
    newest = max((local_day(event.at) for event in _feed_stages(stored)), default=date.min)
    # On the same day the case said whole stands: that is how a wrong event is put right.
    if said.stage_since >= newest:
        return said
    return replace(said, stage=stored.case.stage, stage_since=stored.case.stage_since)


def _stage_moment(stored: StoredCase) -> datetime:
    """The last moment at which the present stage can have begun, as far as anyone has said."""
    stages = [event.at for event in _feed_stages(stored)]
    case = stored.case
    named = [event.at for event in _feed_stages(stored) if _says_stage(event, case.stage, case.stage_since)]
    if not named:
        # A file gives a day. It was so by the end of that day, and by the time the file was read.
        end = datetime.combine(case.stage_since, time.max, tzinfo=LONDON)
        stages.append(min(end, case.imported_at) if case.imported_at else end)
    return max(stages)


def _feed_stages(stored: StoredCase) -> list[CaseEvent]:
    return [
        event
        for name, event in stored.events.items()
        if event.kind == STAGE_CHANGED and not name.startswith(FROM_FILE)
    ]


def _says_stage(event: CaseEvent, stage: str, since: date) -> bool:
    return event.kind == STAGE_CHANGED and event.detail == stage and local_day(event.at) == since


def _in_order(events: Iterable[CaseEvent]) -> tuple[CaseEvent, ...]:
    return tuple(sorted(events, key=lambda event: event.at))


def _digest(*said: str) -> str:
    # What json.dumps writes of a list of texts, at a quarter of its time.
    listed = ", ".join([encode_basestring_ascii(each) for each in said])
    return hashlib.sha256(f"[{listed}]".encode()).hexdigest()


def _folded(name: str) -> str:
    return " ".join(name.casefold().split())


def _contact(of: Case) -> str:
    return of.contact_mobile or (of.contact_email or "").casefold() or of.crime_reference
