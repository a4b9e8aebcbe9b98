"""An evaluation is kept whole, and a row's words are shown only while they may be used.

Red when, each tried once: `_find_text` asks neither whether the row stands nor whether it may be used; a second
evaluation is added beside the first.
"""

from collections.abc import Iterator
from typing import Any

import pytest
import sqlalchemy as sa

from casework.adapters.storage.database import Database
from casework.adapters.storage.model_tables import model_evaluation
from casework.adapters.storage.tables import audit
from casework.model.model_evaluations import ModelEvaluation, ReadItem
from casework.model.training_flags import TrainingFlag
from casework.services import consents, evaluations
from casework.services.review_ports import Example
from tests.casework.services.reviewing import make_line
from tests.support.clock import SetClock
from tests.support.evaluations import INVENTED, an_evaluation
from tests.support.line import Line

WORDS = "they moved the hearing again"


@pytest.fixture
def line(database_url: str, clock: SetClock) -> Iterator[Line]:
    made = make_line(database_url, clock)
    yield made
    made.database.close()


def record(line: Line, evaluation: ModelEvaluation) -> None:
    line.database.write_now(lambda tx: evaluations.record_details(tx, evaluation, by="toni"))


def found(line: Line, model_id: str) -> ModelEvaluation | None:
    return line.database.read_now(lambda tx: tx.evaluations.find_details(model_id))


def add_row(line: Line) -> str:
    inbox_id = line.receive(WORDS).inbox_id
    row = Example(
        **{"id": "1", "inbox_id": inbox_id, "conversation_id": None, "derived_from": None, "text": WORDS},
        **{"intent": "ask_court", "category": None, "sub": None, "spans": (), "side": "test"},
        **{"scenario": "wb_1", "status": "accepted", "is_reworded": False, "row_version": 1},
        **{"accepted_by": "toni", "accepted_at": line.clock.now()},
    )
    line.database.write_now(lambda tx: tx.examples.add(row))
    return row.id


def shown(line: Line, *items: ReadItem) -> list[str | None]:
    listed = line.database.read_now(lambda tx: evaluations.list_items(tx, items))
    return [item.text for item in listed]


def test_an_evaluation_comes_back_as_it_was_and_the_next_takes_its_place(line: Line) -> None:
    first, second = an_evaluation("m"), an_evaluation("m", own="1", untaught="2", against=None)
    assert found(line, "m") is None

    record(line, first)
    assert found(line, "m") == first
    record(line, an_evaluation("other", taught=None))
    record(line, second)

    assert found(line, "m") == second
    assert sorted(row.model_id for row in line.rows(model_evaluation)) == ["m", "other"]
    kept: list[Any] = line.database.read_now(
        lambda tx: list(tx.connection.execute(sa.select(audit.c.act, audit.c.actor, audit.c.thing)))
    )
    assert kept.count(("model_evaluated", "toni", "model:m")) == 2


def test_invented_words_are_shown_and_those_of_a_row_while_it_stands(line: Line) -> None:
    row = add_row(line)
    items = (ReadItem(text=INVENTED), ReadItem(row=row), ReadItem(row="gone"))

    assert shown(line, *items) == [INVENTED, WORDS, None]
    line.database.write_now(lambda tx: tx.examples.remove(row))
    assert shown(line, *items) == [INVENTED, None, None]


def test_once_a_force_no_longer_allows_what_nobody_decided_about_its_words_are_not_shown(line: Line) -> None:
    row = add_row(line)
    excluding = Database(line.database.engine, line.clock, may_teach_unless_said=False)

    [item] = excluding.read_now(lambda tx: evaluations.list_items(tx, [ReadItem(row=row)]))

    assert (item.text, item.row) == (None, row)


@pytest.mark.parametrize("flag", [TrainingFlag.EXCLUDED, TrainingFlag.WITHDRAWN])
def test_words_somebody_took_back_are_shown_no_more(line: Line, flag: TrainingFlag) -> None:
    row = add_row(line)
    of = line.database.read_now(
        lambda tx: tx.masking_reads.get_written(tx.examples.get(row).inbox_id or 0).conversation_id
    )
    line.database.write_now(lambda tx: consents.flag(tx, of, None, flag, why="asked", by="toni"))

    assert shown(line, ReadItem(row=row)) == [None]
