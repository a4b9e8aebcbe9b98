"""The bulk brake on both databases: what waits, who lets it go, and what it may not do."""

import json
from collections.abc import Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import pytest

from casework.adapters.case_import import ImportHeld, build_case_feed, import_cases
from casework.adapters.storage.tables import audit, case, case_event, held_import
from casework.model.bulk_brake import HeldWhy, ImportDecided, ImportNotFound, SamePerson
from casework.model.case_changes import EventOutcome, FeedEvent
from casework.model.cases import Case
from casework.services.bulk_imports import (
    NameNeeded,
    TakenCase,
    approve,
    read_waiting,
    refuse,
    take_case,
    take_events,
)
from casework.services.case_feed import CaseFeed, Recorded
from tests.support.builders import a_case
from tests.support.line import Line

MANY = 30


@pytest.fixture
def feed() -> CaseFeed:
    """Small limits, so that a test need not import hundreds: 10 changed, 2 frightened."""
    feed = build_case_feed()
    limits = replace(
        feed.limits, changed_fewest=10, frightened_fewest=2, changed_share=0.2, frightened_share=0.01
    )
    return replace(feed, limits=limits)


def cases(count: int = MANY, **values: Any) -> list[Case]:
    return [a_case(crime_reference=f"4326{number:07d}", **values) for number in range(count)]


def cells_of(case_: Case) -> dict[str, Any]:
    written = {
        name: value.isoformat() if hasattr(value, "isoformat") else value
        for name, value in asdict(case_).items()
    }
    return {
        name: value for name, value in written.items() if name not in ("events", "imported_at", "person_id")
    }


def write(path: Path, said: Sequence[Case]) -> Path:
    path.write_text(json.dumps([cells_of(each) for each in said]))
    return path


@pytest.fixture
def stored(line: Line, feed: CaseFeed, tmp_path: Path) -> Line:
    import_cases(line.database, write(tmp_path / "first.json", cases()), feed=feed)
    line.clock.advance(hours=2)
    return line


def import_file(line: Line, feed: CaseFeed, path: Path, said: Sequence[Case]) -> Recorded:
    return import_cases(line.database, write(path, said), feed=feed, by="nightly job")


def hold(line: Line, feed: CaseFeed, path: Path, said: Sequence[Case]) -> str:
    with pytest.raises(ImportHeld) as caught:
        import_file(line, feed, path, said)
    return caught.value.import_id


def decide(line: Line, feed: CaseFeed, import_id: str, by: str) -> Recorded | None:
    read = line.database.read_now(lambda tx: read_waiting(tx, import_id))
    return line.database.write_now(lambda tx: approve(tx, import_id, feed=feed, by=by, read=read))


def put(line: Line, feed: CaseFeed, said: Case) -> TakenCase:
    return line.database.write_now(lambda tx: take_case(tx, cells_of(said), said, feed=feed, by="feed"))


def send(line: Line, feed: CaseFeed, *events: FeedEvent) -> list[EventOutcome]:
    return list(line.database.write_now(lambda tx: take_events(tx, events, feed=feed, by="feed")).outcomes)


def closing(line: Line, number: int) -> FeedEvent:
    return FeedEvent(
        crime_reference=f"4326{number:07d}",
        event_id=f"feed:{number}",
        at=line.clock.now(),
        kind="stage_changed",
        detail="closed_no_further_lines",
    )


# --- a file -------------------------------------------------------------------------------------


def test_the_first_import_is_never_held(line: Line, feed: CaseFeed, tmp_path: Path) -> None:
    recorded = import_file(line, feed, tmp_path / "a.json", cases(stage="closed_no_further_lines"))

    assert recorded == Recorded(new=MANY)


def test_new_cases_alone_are_not_held(stored: Line, feed: CaseFeed, tmp_path: Path) -> None:
    recorded = import_file(stored, feed, tmp_path / "a.json", cases(3 * MANY))

    assert (recorded.new, recorded.unchanged) == (2 * MANY, MANY)


def test_as_many_changes_as_the_limit_are_believed(stored: Line, feed: CaseFeed, tmp_path: Path) -> None:
    said = [*cases(10, oic_name="DC Other-Test"), *cases()[10:]]

    assert import_file(stored, feed, tmp_path / "a.json", said).changed == 10


def test_too_many_changes_wait_and_nothing_is_changed(stored: Line, feed: CaseFeed, tmp_path: Path) -> None:
    before = stored.rows(case)

    import_id = hold(stored, feed, tmp_path / "a.json", cases(11, oic_name="DC Other-Test"))

    assert stored.rows(case) == before
    [waiting] = stored.database.read_now(lambda tx: tx.imports.list_held())
    assert (waiting.id, waiting.why, waiting.counts.changed) == (import_id, (HeldWhy.MANY_CHANGED,), 11)
    assert waiting.held_by == "nightly job"


def test_a_few_frightening_changes_too_many_wait(stored: Line, feed: CaseFeed, tmp_path: Path) -> None:
    said = cases(3, stage="released_no_charge")

    import_id = hold(stored, feed, tmp_path / "a.json", said)

    [waiting] = stored.database.read_now(lambda tx: tx.imports.list_held())
    assert (waiting.id, waiting.why) == (import_id, (HeldWhy.MANY_FRIGHTENED,))
    assert waiting.counts.entered == {"released_no_charge": 3}
    assert import_file(stored, feed, tmp_path / "b.json", said[:2]).changed == 2


def test_what_is_kept_to_look_at_names_nobody(stored: Line, feed: CaseFeed, tmp_path: Path) -> None:
    hold(stored, feed, tmp_path / "a.json", cases(11, victim_name="Zed Example"))

    row = stored.row(held_import, status="held")
    shown = json.dumps(row.summary)
    assert set(row.summary) == {"new", "changed", "unchanged", "entered", "why", "sha256"}
    assert not any(name in shown for name in ("Zed", "4326", "7700"))


def test_the_same_file_waits_once(stored: Line, feed: CaseFeed, tmp_path: Path) -> None:
    said = cases(11, oic_name="DC Other-Test")

    assert hold(stored, feed, tmp_path / "a.json", said) == hold(stored, feed, tmp_path / "a.json", said)
    assert len(stored.rows(held_import, status="held")) == 1


# --- two people ---------------------------------------------------------------------------------


def test_two_people_let_it_go_and_what_it_held_is_not_kept(
    stored: Line, feed: CaseFeed, tmp_path: Path
) -> None:
    import_id = hold(stored, feed, tmp_path / "a.json", cases(11, oic_name="DC Other-Test"))
    held_at = stored.row(held_import, id=import_id).held_at

    assert decide(stored, feed, import_id, "Robin Test") is None
    assert {row.oic_name for row in stored.rows(case)} == {"DC Robin Test-Officer"}
    stored.clock.advance(hours=5)
    recorded = decide(stored, feed, import_id, "Rowan Test")

    assert recorded is not None
    assert recorded.changed == 11
    row = stored.row(held_import, id=import_id)
    assert (row.status, row.first_approved_by, row.decided_by) == ("applied", "Robin Test", "Rowan Test")
    assert row.content == b""
    changed = [each for each in stored.rows(case) if each.oic_name == "DC Other-Test"]
    assert {each.imported_at for each in changed} == {held_at}
    acts = [(each.act, each.actor) for each in stored.rows(audit, thing=import_id)]
    assert acts == [
        ("import_held", "nightly job"),
        ("import_approved_first", "Robin Test"),
        ("import_applied", "Rowan Test"),
    ]


@pytest.mark.parametrize("again", ["Robin Test", "robin  TEST "])
def test_one_person_twice_is_one_person(stored: Line, feed: CaseFeed, tmp_path: Path, again: str) -> None:
    import_id = hold(stored, feed, tmp_path / "a.json", cases(11, oic_name="DC Other-Test"))
    decide(stored, feed, import_id, "Robin Test")

    with pytest.raises(SamePerson):
        decide(stored, feed, import_id, again)

    assert stored.row(held_import, id=import_id).status == "held"
    assert {row.oic_name for row in stored.rows(case)} == {"DC Robin Test-Officer"}


@pytest.mark.parametrize("nobody", ["", "  ", "x" * 49])
def test_nobody_cannot_approve(stored: Line, feed: CaseFeed, tmp_path: Path, nobody: str) -> None:
    import_id = hold(stored, feed, tmp_path / "a.json", cases(11, oic_name="DC Other-Test"))

    with pytest.raises(NameNeeded):
        decide(stored, feed, import_id, nobody)


def test_what_was_said_between_reading_and_approving_is_not_undone(
    stored: Line, feed: CaseFeed, tmp_path: Path
) -> None:
    import_id = hold(stored, feed, tmp_path / "a.json", [*cases(11, oic_name="DC Other-Test"), *cases()[11:]])
    decide(stored, feed, import_id, "Robin Test")
    read = stored.database.read_now(lambda tx: read_waiting(tx, import_id))
    stored.clock.advance(hours=1)
    for reference in ("43260000000", "43260000029"):
        put(stored, feed, a_case(crime_reference=reference, oic_name="DC Newest-Test"))
    before = stored.row(case, crime_reference="43260000029")

    recorded = stored.database.write_now(
        lambda tx: approve(tx, import_id, feed=feed, by="Rowan Test", read=read)
    )

    assert recorded == Recorded(changed=10, unchanged=MANY - 11, overtaken=1)
    assert stored.row(case, crime_reference="43260000000").oic_name == "DC Newest-Test"
    assert stored.row(case, crime_reference="43260000029") == before


def test_one_person_refuses_it_for_good(stored: Line, feed: CaseFeed, tmp_path: Path) -> None:
    import_id = hold(stored, feed, tmp_path / "a.json", cases(11, oic_name="DC Other-Test"))

    stored.database.write_now(lambda tx: refuse(tx, import_id, by="Robin Test"))

    assert stored.row(held_import, id=import_id).content == b""
    with pytest.raises(ImportDecided):
        decide(stored, feed, import_id, "Rowan Test")


def test_an_import_nobody_knows_is_refused(stored: Line, feed: CaseFeed) -> None:
    with pytest.raises(ImportNotFound):
        decide(stored, feed, "no such import", "Robin Test")


def test_what_was_said_since_is_not_undone_by_an_approval(
    stored: Line, feed: CaseFeed, tmp_path: Path
) -> None:
    import_id = hold(stored, feed, tmp_path / "a.json", cases(11, oic_name="DC Other-Test"))
    stored.clock.advance(hours=1)
    put(stored, feed, a_case(crime_reference="43260000000", oic_name="DC Newest-Test"))
    decide(stored, feed, import_id, "Robin Test")

    recorded = decide(stored, feed, import_id, "Rowan Test")

    assert recorded == Recorded(changed=10, overtaken=1)
    assert stored.row(case, crime_reference="43260000000").oic_name == "DC Newest-Test"


# --- the API ------------------------------------------------------------------------------------


def test_the_api_is_counted_by_the_hour(stored: Line, feed: CaseFeed) -> None:
    changed = cases(12, oic_name="DC Other-Test")

    results = [put(stored, feed, each).result for each in changed]

    assert results == ["changed"] * 10 + ["held"] * 2
    assert put(stored, feed, changed[0]).result == "unchanged"
    assert put(stored, feed, a_case(crime_reference="43260099999")).result == "new"
    stored.clock.advance(hours=1)
    assert put(stored, feed, changed[11]).result == "changed"


def test_what_is_too_much_in_an_hour_waits_together_and_is_applied_together(
    stored: Line, feed: CaseFeed
) -> None:
    changed = cases(13, oic_name="DC Other-Test")
    held = {put(stored, feed, each).import_id for each in changed} - {None}
    assert len(held) == 1
    [import_id] = held
    assert stored.row(held_import, status="held").summary["changed"] == 3

    decide(stored, feed, str(import_id), "Robin Test")
    recorded = decide(stored, feed, str(import_id), "Rowan Test")

    assert recorded is not None
    assert recorded.changed == 3
    assert len([row for row in stored.rows(case) if row.oic_name == "DC Other-Test"]) == 13


def test_an_import_half_approved_grows_no_more(stored: Line, feed: CaseFeed) -> None:
    changed = cases(12, oic_name="DC Other-Test")
    [first] = {put(stored, feed, each).import_id for each in changed[:11]} - {None}
    decide(stored, feed, str(first), "Robin Test")

    assert put(stored, feed, changed[11]).import_id not in (None, first)


def test_events_that_frighten_too_many_wait_and_are_applied_once_approved(
    stored: Line, feed: CaseFeed
) -> None:
    events = [closing(stored, number) for number in range(4)]

    assert send(stored, feed, *events[:2]) == [EventOutcome.RECORDED] * 2
    assert send(stored, feed, *events) == [EventOutcome.KNOWN] * 2 + [EventOutcome.HELD] * 2

    [waiting] = stored.database.read_now(lambda tx: tx.imports.list_held())
    assert waiting.counts.entered == {"closed_no_further_lines": 2}
    assert len(stored.rows(case_event)) == 2
    stored.clock.advance(hours=3)
    decide(stored, feed, waiting.id, "Robin Test")
    assert decide(stored, feed, waiting.id, "Rowan Test") == Recorded(changed=2, events_new=2)
    assert len(stored.rows(case, stage="closed_no_further_lines")) == 4


def test_every_hour_of_the_api_has_an_import_a_correction_can_name(stored: Line, feed: CaseFeed) -> None:
    seen: list[str | None] = []
    noting = replace(feed, on_event=(lambda _tx, change: seen.append(change.import_id),))

    send(stored, noting, closing(stored, 1))

    assert seen == [f"api-{stored.clock.now():%Y%m%d%H}"]
    assert stored.row(held_import, id=seen[0]).summary["changed"] == 1
