"""Recording what a force says of its cases: only what is new counts as news, and nothing counts twice."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from casework.model.bulk_brake import BrakeLimits, ImportCounts
from casework.model.case_changes import (
    CaseChange,
    EventOutcome,
    FeedEvent,
    Settled,
    StoredCase,
    add_event,
    is_told_by_file,
    list_changes,
    settle,
)
from casework.model.cases import Case
from casework.services.corrections import Corrected, Tell, send_corrections, write_to_victim
from casework.services.officer_thread import end_officer_links
from casework.services.packed_cases import CHUNK, PackedCases
from casework.services.ports import Transaction
from casework.services.service_texts import ServiceTexts

OnEvent = Callable[[Transaction, CaseChange], None]


@dataclass(frozen=True, kw_only=True)
class CaseFeed:
    """What recording needs, wired once. Each of `on_event` is called in the transaction of the change."""

    limits: BrakeLimits
    texts: ServiceTexts
    on_event: tuple[OnEvent, ...] = ()
    tell: Tell = write_to_victim


@dataclass(frozen=True, kw_only=True)
class Recorded:
    """How many cases, and how many events. `overtaken`: known from something said later, and left so."""

    new: int = 0
    changed: int = 0
    unchanged: int = 0
    events_new: int = 0
    overtaken: int = 0

    @property
    def total(self) -> int:
        return self.new + self.changed + self.unchanged + self.overtaken

    def __add__(self, other: "Recorded") -> "Recorded":
        return Recorded(
            new=self.new + other.new,
            changed=self.changed + other.changed,
            unchanged=self.unchanged + other.unchanged,
            events_new=self.events_new + other.events_new,
            overtaken=self.overtaken + other.overtaken,
        )


@dataclass(frozen=True, kw_only=True)
class Survey:
    """What recording these cases would do, with nothing written. `unchanged` as they stood at `taken_at`."""

    counts: ImportCounts
    unchanged: frozenset[str]
    taken_at: datetime


@dataclass(frozen=True, kw_only=True)
class PlannedEvents:
    """What recording these events would do: an outcome for each, in their order, and the cases it changes."""

    outcomes: tuple[EventOutcome, ...]
    changes: tuple[CaseChange, ...]
    before: dict[str, StoredCase] = field(default_factory=dict)
    after: dict[str, StoredCase] = field(default_factory=dict)

    @property
    def counts(self) -> ImportCounts:
        changed = {change.event.crime_reference for change in self.changes}
        settled = [Settled(before=self.before[each].case, after=self.after[each].case) for each in changed]
        return ImportCounts(changed=len(changed), entered=_count_entered(settled))


def survey_cases(
    tx: Transaction, cases: PackedCases, *, on_progress: Callable[[int], None] = lambda _: None
) -> Survey:
    """Reads only."""
    counts, unchanged, done = ImportCounts(), set[str](), 0
    for pack in cases.packs:
        done += len(pack.references)
        on_progress(done)
        stored = tx.cases.find_stored(pack.references)
        if not stored:
            counts += ImportCounts(new=len(pack.references))
            continue
        settled = _settle_all(pack.open(), stored, as_of=tx.now)
        counts += count_settled(settled)
        unchanged |= {
            each.after.crime_reference for each in settled if not each.is_changed and not each.lacks_person
        }
    return Survey(counts=counts, unchanged=frozenset(unchanged), taken_at=tx.now)


def count_settled(settled: Sequence[Settled]) -> ImportCounts:
    new = sum(each.is_new for each in settled)
    changed = sum(each.is_changed and not each.is_new for each in settled)
    unchanged = len(settled) - new - changed
    return ImportCounts(new=new, changed=changed, unchanged=unchanged, entered=_count_entered(settled))


def record_cases(
    tx: Transaction,
    cases: Iterable[Case],
    *,
    feed: CaseFeed,
    source: str,
    by: str,
    import_id: str | None = None,
    as_of: datetime | None = None,
    leaves_newer: bool = False,
) -> Recorded:
    """Records each case said whole; one that says nothing new is only confirmed as recorded on `as_of`.

    `as_of` is when the force said it (default now). With `leaves_newer` a case recorded later than that stays
    as it is. `import_id` is the stored import that a notice of these changes will name.
    """
    recorded = Recorded()
    for chunk in _chunks(cases):
        recorded += record_chunk(
            tx, chunk, feed=feed, import_id=import_id, as_of=as_of or tx.now, leaves_newer=leaves_newer
        )
    note_recorded(tx, recorded, source=source, by=by)
    return recorded


def record_chunk(
    tx: Transaction,
    chunk: Sequence[Case],
    *,
    feed: CaseFeed,
    import_id: str | None,
    as_of: datetime,
    leaves_newer: bool = False,
) -> Recorded:
    """A few cases, each once, without the line in the audit."""
    stored = tx.cases.find_stored([each.crime_reference for each in chunk], hold=True)
    settled = _settle_all(chunk, stored, as_of=as_of)
    if leaves_newer:
        settled = [each for each in settled if not _is_newer(each.before, as_of)]
    written = [each for each in settled if each.is_changed or each.lacks_person]
    confirmed = [each for each in settled if not each.is_changed and not each.lacks_person]
    tx.cases.put(written, as_of=as_of)
    tx.cases.confirm([each.after.crime_reference for each in confirmed], as_of=as_of)
    for each in written:
        if each.before is not None and _officer_of(each.before) != _officer_of(each.after):
            end_officer_links(tx, each.after.crime_reference, by="case_feed")
    if feed.on_event:
        for each in written:
            tell_all(tx, list_changes(each, import_id), feed)
    counts = count_settled(settled)
    return Recorded(
        new=counts.new,
        changed=counts.changed,
        unchanged=counts.unchanged,
        events_new=sum(len(each.added) for each in written),
        overtaken=len(chunk) - len(settled),
    )


def _officer_of(case: Case) -> tuple[str | None, str | None]:
    return case.oic_name, case.oic_collar_number


def plan_events(tx: Transaction, events: Sequence[FeedEvent], *, as_of: datetime) -> PlannedEvents:
    """Lays the events beside what is stored, earliest first, and writes nothing. Holds the cases."""
    before = tx.cases.find_stored(sorted({event.crime_reference for event in events}), hold=True)
    after, changes = dict(before), []
    outcomes = [EventOutcome.UNKNOWN_CASE] * len(events)
    for place in sorted(range(len(events)), key=lambda place: events[place].at):
        event = events[place]
        if event.crime_reference not in after:
            continue
        stored = after[event.crime_reference]
        known = stored.events.get(event.event_id)
        if known is not None:
            outcomes[place] = EventOutcome.KNOWN if known == event.told else EventOutcome.CONFLICT
            continue
        if is_told_by_file(stored, event):
            outcomes[place] = EventOutcome.KNOWN
            continue
        after[event.crime_reference] = add_event(stored, event, now=as_of)
        changes.append(CaseChange(before=stored.case, after=after[event.crime_reference].case, event=event))
        outcomes[place] = EventOutcome.RECORDED
    return PlannedEvents(outcomes=tuple(outcomes), changes=tuple(changes), before=before, after=after)


def record_planned(
    tx: Transaction,
    planned: PlannedEvents,
    *,
    feed: CaseFeed,
    source: str,
    by: str,
    import_id: str | None = None,
) -> Recorded:
    tx.cases.record_events([change.event for change in planned.changes])
    tx.cases.set_stages(
        [
            stored.case
            for reference, stored in planned.after.items()
            if stored.case != replace(planned.before[reference].case, events=stored.case.events)
        ]
    )
    tell_all(tx, [replace(change, import_id=import_id) for change in planned.changes], feed)
    recorded = Recorded(changed=planned.counts.changed, events_new=len(planned.changes))
    note_recorded(tx, recorded, source=source, by=by)
    return recorded


def record_events(
    tx: Transaction,
    events: Sequence[FeedEvent],
    *,
    feed: CaseFeed,
    source: str,
    by: str,
    import_id: str | None = None,
    as_of: datetime | None = None,
) -> tuple[EventOutcome, ...]:
    """Adds each event once, whatever order they come in; what became of each. A stage never moves back."""
    planned = plan_events(tx, events, as_of=as_of or tx.now)
    record_planned(tx, planned, feed=feed, source=source, by=by, import_id=import_id)
    return planned.outcomes


def correct(tx: Transaction, import_id: str, text_id: str, *, feed: CaseFeed, by: str) -> Corrected:
    """Sends one approved text to exactly those who were told something because of this import, once each."""
    tx.imports.get(import_id)
    return send_corrections(tx, import_id, text_id, texts=feed.texts, tell=feed.tell, by=by)


def tell_all(tx: Transaction, changes: Iterable[CaseChange], feed: CaseFeed) -> None:
    for change in changes:
        for on_event in feed.on_event:
            on_event(tx, change)


def note_recorded(tx: Transaction, recorded: Recorded, *, source: str, by: str) -> None:
    counts = f"{recorded.new} new, {recorded.changed} changed, {recorded.unchanged} unchanged"
    tx.audit.record("cases_recorded", by=by, thing=f"{source}: {counts}, {recorded.events_new} events")


def _settle_all(chunk: Sequence[Case], stored: Mapping[str, StoredCase], *, as_of: datetime) -> list[Settled]:
    return [settle(stored.get(each.crime_reference), each, as_of=as_of) for each in chunk]


def _is_newer(before: Case | None, as_of: datetime) -> bool:
    return before is not None and before.imported_at is not None and before.imported_at > as_of


def _count_entered(settled: Iterable[Settled]) -> dict[str, int]:
    entered: dict[str, int] = {}
    for stage in (each.stage_entered for each in settled):
        if stage is not None:
            entered[stage] = entered.get(stage, 0) + 1
    return entered


def _chunks(cases: Iterable[Case]) -> Iterable[list[Case]]:
    """At most CHUNK together, and none twice in one: the second must see what the first has done."""
    chunk: dict[str, Case] = {}
    for case in cases:
        if case.crime_reference in chunk or len(chunk) == CHUNK:
            yield list(chunk.values())
            chunk = {}
        chunk[case.crime_reference] = case
    if chunk:
        yield list(chunk.values())
