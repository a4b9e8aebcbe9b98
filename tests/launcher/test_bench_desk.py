"""What the benches of the desk count. Red when: a row that never came is left out, or a refused message counts."""

from pathlib import Path
from urllib.parse import parse_qs

import pytest
import sqlalchemy as sa

from casework.adapters.storage.database import create_engine
from casework.adapters.storage.tables import desk_item, inbox, outbox
from casework.model.disclosure_screen import load_disclosure_screen
from launcher.bench_desk import CALM, DANGER, DANGER_EVERY, Shown, compare, render, sign_all
from launcher.bench_ingest import Posted
from launcher.bench_queue import OPEN_ITEMS, Times, fill
from launcher.bench_rasa import BenchFailed
from tests.support.databases import copy_sqlite


def posted(answered: float, status: int = 204) -> Posted:
    return Posted(due=0.0, sent=0.0, answered=answered, status=status)


def test_a_row_is_waited_for_from_the_acknowledgement() -> None:
    shown = compare("Rasa dead", "client", {"a": posted(1.0)}, {"a": "c1"}, {"c1": 1.2})
    assert (round(shown.at(99)), shown.missing, shown.is_well) == (200, 0, True)


def test_a_row_that_never_came_and_a_message_that_was_refused_are_faults() -> None:
    given = {"a": posted(1.0), "b": posted(1.0), "c": posted(1.0, status=500)}
    shown = compare("Rasa dead", "client", given, {"a": "c1", "b": "c2"}, {"c1": 1.01})
    assert (shown.missing, shown.errors, shown.is_well) == (1, 1, False)
    assert "missing 1  errors 1" in render(shown)


def test_nothing_at_all_is_no_measurement() -> None:
    with pytest.raises(BenchFailed):
        compare("Rasa dead", "client", {"a": posted(1.0, status=0)}, {}, {})
    with pytest.raises(BenchFailed):
        compare("Rasa dead", "client", {"a": posted(1.0)}, {"a": "c1"}, {})


def test_too_slow_is_not_well() -> None:
    waits = tuple([10.0] * 98 + [251.0] * 2)
    assert not Shown(name="n", console="c", waits_ms=waits, missing=0, errors=0).is_well
    assert not Times(name="n", waits_ms=tuple([10.0] * 90 + [101.0] * 10), page_bytes=1).is_well


def test_every_fourth_message_is_of_danger_and_from_a_number_of_its_own() -> None:
    screen = load_disclosure_screen()
    messages = sign_all(400, url="http://127.0.0.1/x", token="t", account_sid="AC", to="+447700900999")
    fields = [parse_qs(signed.body.decode()) for _, signed in messages]
    dangers = [number for number, _ in messages if number]
    assert len(dangers) == len(set(dangers)) == 400 // DANGER_EVERY
    assert len({each["MessageSid"][0] for each in fields}) == 400
    calm = {each["From"][0] for (number, _), each in zip(messages, fields, strict=True) if not number}
    assert not calm & set(dangers)
    assert screen.screen_text(f"{DANGER} 7").urgent
    assert not any(screen.screen_text(f"{text} 7").urgent for text in CALM)


def test_the_database_of_the_queue_bench_has_as_much_as_it_says(
    tmp_path: Path, sqlite_template: Path
) -> None:
    engine = create_engine(copy_sqlite(sqlite_template, tmp_path / "filled.db"))
    fill(engine, 12_000)
    with engine.connect() as connection:
        count = [
            connection.execute(sa.select(sa.func.count()).select_from(table)).scalar_one()
            for table in (inbox, outbox)
        ]
        open_items = connection.execute(
            sa.select(sa.func.count()).select_from(desk_item).where(desk_item.c.status == "open")
        ).scalar_one()
    engine.dispose()
    assert (sum(count), open_items) == (12_000, OPEN_ITEMS)
