"""A case file from disk into real databases: all of it, none of it, or waiting for two people."""

import json
from pathlib import Path

import pytest
import sqlalchemy as sa

from casework.adapters.case_import import ImportHeld, import_cases
from casework.adapters.storage.database import Database
from casework.adapters.storage.key_tables import key_check
from casework.adapters.storage.tables import case, metadata
from casework.services.case_feed import Recorded
from casework.services.case_file import CaseFileInvalid
from launcher.bench_import import write_case_file
from tests.support.clock import SetClock


def everything(database: Database) -> dict[str, list[tuple[object, ...]]]:
    def read(tx: object) -> dict[str, list[tuple[object, ...]]]:
        return {
            table.name: [
                tuple(row)
                for row in tx.connection.execute(sa.select(table).order_by(*table.primary_key.columns))
            ]  # type: ignore[attr-defined]
            for table in metadata.sorted_tables
            if table is not key_check
        }

    return database.read_now(read)


def test_a_file_is_imported_and_again_changes_only_when_it_was_confirmed(
    database: Database, clock: SetClock, tmp_path: Path
) -> None:
    file = tmp_path / "cases.csv"
    events = write_case_file(file, cases=1_100)
    progress: list[tuple[str, int]] = []

    first = import_cases(database, file, on_progress=lambda what, count: progress.append((what, count)))
    before = everything(database)
    clock.advance(days=1)
    again = import_cases(database, file)

    assert first == Recorded(new=1_100, events_new=events)
    assert again == Recorded(unchanged=1_100)
    assert {what for what, _ in progress} == {"Read", "Compared", "Recorded"}
    assert progress[-1] == ("Recorded", 1_100)
    after = everything(database)
    confirmed = [column.name for column in case.c].index("imported_at")
    was, now = before.pop("case"), after.pop("case")
    assert all(row[confirmed] > old[confirmed] for row, old in zip(now, was, strict=True))  # type: ignore[operator]
    assert [row[:confirmed] for row in now] == [row[:confirmed] for row in was]
    assert len(after.pop("audit")) == len(before.pop("audit")) + 1
    assert after.pop("audit_head") != before.pop("audit_head")
    assert after == before


def test_one_wrong_row_at_the_end_of_a_long_file_leaves_everything_untouched(
    database: Database, tmp_path: Path
) -> None:
    file = tmp_path / "cases.csv"
    write_case_file(file, cases=1_100)
    lines = file.read_text().splitlines()
    file.write_text("\n".join([*lines, lines[-1].replace("43260001099", "zed 900999")]) + "\n")

    with pytest.raises(CaseFileInvalid) as caught:
        import_cases(database, file)

    [problem] = caught.value.problems
    assert (problem.line, problem.column) == (1_102, "crime_reference")
    assert not any(everything(database).values())


def test_a_failure_half_way_leaves_everything_untouched(database: Database, tmp_path: Path) -> None:
    file = tmp_path / "cases.csv"
    write_case_file(file, cases=1_100)

    def fail(what: str, count: int) -> None:
        if (what, count) == ("Recorded", 1_000):
            raise RuntimeError("the machine was switched off")

    with pytest.raises(RuntimeError):
        import_cases(database, file, on_progress=fail)

    assert not any(everything(database).values())


def test_what_is_recorded_between_comparing_and_recording_is_not_confirmed_unseen(
    database: Database, clock: SetClock, tmp_path: Path
) -> None:
    file = tmp_path / "cases.csv"
    write_case_file(file, cases=600)
    import_cases(database, file)
    clock.advance(days=1)
    meanwhile: list[object] = []

    def change(what: str, count: int) -> None:
        if (what, count) == ("Compared", 600):
            clock.advance(minutes=1)
            with database.engine.begin() as connection:
                meanwhile.append(clock.now())
                connection.execute(
                    sa.update(case)
                    .where(case.c.crime_reference == "43260000007")
                    .values(imported_at=meanwhile[0])
                )
            clock.advance(minutes=1)

    import_cases(database, file, on_progress=change)

    query = sa.select(case.c.imported_at).where(case.c.crime_reference == "43260000007")
    assert database.read_now(lambda tx: tx.connection.execute(query).scalar_one()) == meanwhile[0]


def test_a_file_that_would_change_too_many_waits_and_says_what_to_do(
    database: Database, tmp_path: Path
) -> None:
    file = tmp_path / "cases.csv"
    write_case_file(file, cases=600)
    import_cases(database, file)
    before = everything(database)["case"]
    file.write_text(file.read_text().replace("DC Test-", "DS Test-"))

    with pytest.raises(ImportHeld) as caught:
        import_cases(database, file)

    assert "it would change 600 of the cases stored" in str(caught.value)
    assert f"./waymark cases approve {caught.value.import_id} --by NAME" in str(caught.value)
    assert everything(database)["case"] == before


def test_json_of_any_letters_is_imported_too(database: Database, tmp_path: Path) -> None:
    file = tmp_path / "cases.json"
    file.write_text(
        json.dumps(
            [
                {
                    "crime_reference": "43260990001",
                    "crime_type": "Robbery 😀",
                    "stage": "allocated",
                    "stage_since": "2026-11-03",
                    "oic_name": "DC Test-Märple",
                    "oic_collar_number": "TEST1000",
                    "oic_contact": "101",
                    "victim_name": "Zoë Example",
                    "events": [{"at": "2026-11-05T16:00:00Z", "kind": "recorded"}],
                }
            ],
            ensure_ascii=False,
        ),
        encoding="utf-8",
    )

    assert import_cases(database, file) == Recorded(new=1, events_new=1)
    assert len(everything(database)["case_event"]) == 1
