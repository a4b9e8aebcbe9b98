"""The bulk brake: what would change or frighten many at once waits for two people, and is counted without names.

A file is one import. What the API is sent is counted by the hour, and what is too much waits in one import an hour.
"""

import hashlib
import json
import zlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from casework.model.bulk_brake import (
    HeldWhy,
    ImportCounts,
    ImportDecided,
    ImportNotFound,
    ImportStatus,
    SamePerson,
    StoredImport,
    is_same_person,
)
from casework.model.case_changes import EventOutcome, FeedEvent, settle
from casework.model.cases import Case
from casework.model.errors import WaymarkError
from casework.services.case_feed import (
    CaseFeed,
    Recorded,
    Survey,
    count_settled,
    note_recorded,
    plan_events,
    record_cases,
    record_chunk,
    record_events,
    record_planned,
    survey_cases,
)
from casework.services.case_file import pack_case_file, parse_case
from casework.services.packed_cases import PackedCases
from casework.services.ports import Transaction

FROM_FILE = "file"
FROM_API = "api"
LARGEST_HELD_BYTES = 1024 * 1024  # packed; then the next import of the hour begins
LONGEST_NAME = 48


class NameNeeded(WaymarkError):
    """A decision needs the name of whoever makes it."""


@dataclass(frozen=True, kw_only=True)
class TakenCase:
    """What became of one case of the API: new, changed, unchanged or held."""

    result: str
    import_id: str | None = None


@dataclass(frozen=True, kw_only=True)
class TakenEvents:
    outcomes: tuple[EventOutcome, ...]
    import_id: str | None = None


@dataclass(frozen=True, kw_only=True)
class ReadFile:
    """A file read and laid beside what is stored, before anything is written."""

    packed: PackedCases
    survey: Survey


# --- a file -------------------------------------------------------------------------------------


def why_file_held(tx: Transaction, survey: Survey, feed: CaseFeed) -> tuple[HeldWhy, ...]:
    return feed.limits.why_held(survey.counts, tx.cases.count)


def hold_file(
    tx: Transaction, content: bytes, *, filename: str, survey: Survey, why: Sequence[HeldWhy], by: str
) -> str:
    """The id of the import that now waits; the same file sent again waits once."""
    digest = hashlib.sha256(content).hexdigest()
    for waiting in tx.imports.list_held():
        if waiting.source == FROM_FILE and waiting.summary.get("sha256") == digest:
            return waiting.id
    import_id = tx.imports.record(
        source=FROM_FILE,
        filename=filename[-200:],
        summary=survey.counts.to_json() | {"why": [each.value for each in why], "sha256": digest},
        by=by,
        status=ImportStatus.HELD,
        content=zlib.compress(content, level=1),
    )
    tx.audit.record("import_held", by=by, thing=import_id)
    return import_id


def record_file(
    tx: Transaction,
    packed: PackedCases,
    survey: Survey,
    *,
    feed: CaseFeed,
    filename: str,
    by: str,
    on_progress: Callable[[int], None] = lambda _: None,
) -> Recorded:
    """All of it."""
    counts, import_id = survey.counts, None
    if counts.new or counts.changed:
        import_id = tx.imports.record(
            source=FROM_FILE, filename=filename[-200:], summary=counts.to_json(), by=by
        )
    read = ReadFile(packed=packed, survey=survey)
    return _record_read(
        tx, read, feed=feed, by=by, import_id=import_id, as_of=tx.now, on_progress=on_progress
    )


def _record_read(
    tx: Transaction,
    read: ReadFile,
    *,
    feed: CaseFeed,
    by: str,
    import_id: str | None,
    as_of: datetime,
    leaves_newer: bool = False,
    on_progress: Callable[[int], None] = lambda _: None,
) -> Recorded:
    """What the survey found unchanged is only confirmed, so that others wait as short as can be."""
    recorded, done, survey = Recorded(), 0, read.survey
    for chunk in read.packed:
        settled = [each.crime_reference for each in chunk if each.crime_reference in survey.unchanged]
        others = [each for each in chunk if each.crime_reference not in survey.unchanged]
        tx.cases.confirm(settled, as_of=as_of, unless_after=survey.taken_at)
        recorded += Recorded(unchanged=len(settled))
        if others:
            recorded += record_chunk(
                tx, others, feed=feed, import_id=import_id, as_of=as_of, leaves_newer=leaves_newer
            )
        done += len(chunk)
        on_progress(done)
    note_recorded(tx, recorded, source=FROM_FILE, by=by)
    return recorded


# --- the API ------------------------------------------------------------------------------------


def take_case(tx: Transaction, cells: Mapping[str, Any], case: Case, *, feed: CaseFeed, by: str) -> TakenCase:
    """Records one case, or holds it. `cells` is what `case` was parsed from, kept if it has to wait."""
    stored = tx.cases.find_stored([case.crime_reference], hold=True).get(case.crime_reference)
    settled = settle(stored, case, as_of=tx.now)
    counts = count_settled([settled])
    import_id = None
    if settled.is_changed:
        hour = _open_hour(tx, by=by)
        why = feed.limits.why_held(hour.counts + counts, tx.cases.count) if counts.changed else ()
        if why:
            held = _hold_request(tx, {"case": dict(cells)}, counts, hour=hour.id, why=why, by=by)
            return TakenCase(result="held", import_id=held)
        tx.imports.set_summary(hour.id, (hour.counts + counts).to_json())
        import_id = hour.id
    record_cases(tx, [case], feed=feed, source=FROM_API, by=by, import_id=import_id)
    result = "new" if settled.is_new else "changed" if settled.is_changed else "unchanged"
    return TakenCase(result=result)


def take_events(tx: Transaction, events: Sequence[FeedEvent], *, feed: CaseFeed, by: str) -> TakenEvents:
    """Records what is new, or holds it; what became of each event, in their order."""
    planned = plan_events(tx, events, as_of=tx.now)
    if not planned.changes:
        return TakenEvents(outcomes=planned.outcomes)
    hour, counts = _open_hour(tx, by=by), planned.counts
    why = feed.limits.why_held(hour.counts + counts, tx.cases.count)
    if why:
        waiting = {"events": [_event_to_json(change.event) for change in planned.changes]}
        held = _hold_request(tx, waiting, counts, hour=hour.id, why=why, by=by)
        outcomes = [
            EventOutcome.HELD if outcome is EventOutcome.RECORDED else outcome for outcome in planned.outcomes
        ]
        return TakenEvents(outcomes=tuple(outcomes), import_id=held)
    tx.imports.set_summary(hour.id, (hour.counts + counts).to_json())
    record_planned(tx, planned, feed=feed, source=FROM_API, by=by, import_id=hour.id)
    return TakenEvents(outcomes=planned.outcomes)


def _open_hour(tx: Transaction, *, by: str) -> StoredImport:
    """The row that counts what the API did in this hour; nobody else counts until the transaction ends."""
    import_id = f"api-{tx.now:%Y%m%d%H}"
    tx.imports.record(
        source=FROM_API, filename="", summary=ImportCounts().to_json(), by=by, import_id=import_id
    )
    return tx.imports.get(import_id)


def _hold_request(
    tx: Transaction,
    request: Mapping[str, Any],
    counts: ImportCounts,
    *,
    hour: str,
    why: Sequence[HeldWhy],
    by: str,
) -> str:
    line = json.dumps({"at": tx.now.isoformat(), **request}).encode() + b"\n"
    for waiting in tx.imports.list_held():
        # One that a person has already read and approved must not grow under their name.
        if waiting.summary.get("hour") != hour or waiting.first_approved_by is not None:
            continue
        content = tx.imports.get_content(waiting.id)
        if len(content) < LARGEST_HELD_BYTES:
            grown = zlib.compress(zlib.decompress(content) + line, level=1)
            reasons = {*waiting.summary["why"], *(each.value for each in why)}
            summary = (waiting.counts + counts).to_json() | {"why": sorted(reasons), "hour": hour}
            tx.imports.add_to_held(waiting.id, grown, summary)
            return waiting.id
    import_id = tx.imports.record(
        source=FROM_API,
        filename="",
        summary=counts.to_json() | {"why": [each.value for each in why], "hour": hour},
        by=by,
        status=ImportStatus.HELD,
        content=zlib.compress(line, level=1),
    )
    tx.audit.record("import_held", by=by, thing=import_id)
    return import_id


# --- two people ---------------------------------------------------------------------------------


def read_waiting(tx: Transaction, import_id: str) -> ReadFile | None:
    """What the second approval of a file would apply, read before it: that takes long, and would block others."""
    waiting = next((each for each in tx.imports.list_held() if each.id == import_id), None)
    if waiting is None or waiting.source != FROM_FILE or waiting.first_approved_by is None:
        return None
    content = zlib.decompress(tx.imports.get_content(import_id))
    packed = pack_case_file(content, filename=waiting.filename)
    return ReadFile(packed=packed, survey=survey_cases(tx, packed))


def approve(
    tx: Transaction, import_id: str, *, feed: CaseFeed, by: str, read: ReadFile | None = None
) -> Recorded | None:
    """The first approval gives None; the second, by another person, applies it as said when it was held.

    `read` is what read_waiting gave. Raises ImportNotFound, ImportDecided, SamePerson, NameNeeded.
    """
    waiting, name = _get_waiting(tx, import_id), check_name(by)
    if waiting.first_approved_by is None:
        tx.imports.approve_first(import_id, by=name)
        tx.audit.record("import_approved_first", by=name, thing=import_id)
        return None
    if is_same_person(waiting.first_approved_by, name):
        raise SamePerson(f"{name} approved this already. The second approval must be another person's.")
    if waiting.source == FROM_FILE:
        recorded = _apply_file(tx, waiting, read or read_waiting(tx, import_id), feed=feed, by=name)
    else:
        recorded = _apply_requests(tx, waiting, feed=feed, by=name)
    tx.imports.decide(import_id, ImportStatus.APPLIED, by=name)
    tx.audit.record("import_applied", by=name, thing=import_id)
    return recorded


def refuse(tx: Transaction, import_id: str, *, by: str) -> None:
    """One person is enough. Raises ImportNotFound, ImportDecided, NameNeeded."""
    waiting, name = _get_waiting(tx, import_id), check_name(by)
    tx.imports.decide(waiting.id, ImportStatus.REFUSED, by=name)
    tx.audit.record("import_refused", by=name, thing=import_id)


def _get_waiting(tx: Transaction, import_id: str) -> StoredImport:
    found = tx.imports.get(import_id)
    if found.status is not ImportStatus.HELD:
        raise ImportDecided(f"Import {import_id} does not wait any more: it was {found.status.value}.")
    return found


def check_name(by: str) -> str:
    """The name on one line. Raises NameNeeded."""
    name = " ".join(by.split())
    if not name or len(name) > LONGEST_NAME or not name.isprintable():
        raise NameNeeded(f"Say who decides: --by NAME, at most {LONGEST_NAME} characters.")
    return name


def _apply_file(
    tx: Transaction, waiting: StoredImport, read: ReadFile | None, *, feed: CaseFeed, by: str
) -> Recorded:
    if read is None:
        raise ImportNotFound(f"Import {waiting.id} holds no file.")
    return _record_read(
        tx, read, feed=feed, by=by, import_id=waiting.id, as_of=waiting.held_at, leaves_newer=True
    )


def _apply_requests(tx: Transaction, waiting: StoredImport, *, feed: CaseFeed, by: str) -> Recorded:
    content = zlib.decompress(tx.imports.get_content(waiting.id))
    recorded = Recorded()
    for line in content.splitlines():
        request = json.loads(line)
        as_of = datetime.fromisoformat(request["at"])
        if "case" in request:
            recorded += record_cases(
                tx,
                [parse_case(request["case"])],
                feed=feed,
                source=FROM_API,
                by=by,
                import_id=waiting.id,
                as_of=as_of,
                leaves_newer=True,
            )
            continue
        events = [_event_from_json(each) for each in request["events"]]
        outcomes = record_events(
            tx, events, feed=feed, source=FROM_API, by=by, import_id=waiting.id, as_of=as_of
        )
        changed = {
            event.crime_reference
            for event, outcome in zip(events, outcomes, strict=True)
            if outcome is EventOutcome.RECORDED
        }
        recorded += Recorded(changed=len(changed), events_new=outcomes.count(EventOutcome.RECORDED))
    return recorded


def _event_to_json(event: FeedEvent) -> dict[str, str]:
    return asdict(event) | {"at": event.at.isoformat()}


def _event_from_json(written: Mapping[str, str]) -> FeedEvent:
    return FeedEvent(**{**written, "at": datetime.fromisoformat(written["at"])})  # type: ignore[arg-type]
