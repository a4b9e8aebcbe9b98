"""The real model is asked what trainers taught it, and messages that may be shown.

Red when: the texts of the rows are not asked; shown with `rows` left out of the texts of `read_more`.
"""

from pathlib import Path
from typing import Any

import pytest

from casework.adapters.storage.database import Database, create_engine
from casework.model.bands import load_band_limits
from casework.model.model_evaluations import RowRead
from casework.services import model_releases
from casework.services.ports import Transaction
from casework.services.review_ports import Example
from launcher import candidate_readings
from launcher.candidate_readings import pick_dev, read_more
from launcher.model_files import read_birth
from launcher.model_loader import check_birth
from tests.support.clock import SetClock
from tests.support.databases import copy_sqlite
from tests.support.models import a_birth
from tests.support.running import ROOT

pytestmark = pytest.mark.rasa

FEW = 20


def a_row(clock: SetClock, row: str, text: str, **label: str) -> Example:
    given: dict[str, Any] = {"intent": None, "category": None, "sub": None} | label
    return Example(
        **{"id": row, "inbox_id": None, "conversation_id": None, "derived_from": None, "text": text},
        **{"spans": (), "side": "train", "scenario": row, "status": "accepted", "is_reworded": False},
        **{"row_version": 1, "accepted_by": "toni", "accepted_at": clock.now(), "in_data_since": 1},
        **given,
    )


@pytest.mark.timeout(300)
def test_the_real_model_says_what_it_learned_and_how_it_reads_what_may_be_shown(
    model: Path,
    tmp_path: Path,
    sqlite_template: Path,
    clock: SetClock,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(candidate_readings, "SHOWN_OF_DEV", FEW)
    engine = create_engine(copy_sqlite(sqlite_template, tmp_path / "waymark.db"))
    database = Database(engine, clock, may_teach_unless_said=True)
    checked = check_birth(model, read_birth(model), run_dir=tmp_path / "models")

    def lay(tx: Transaction) -> None:
        birth = a_birth(checked.model_id, data_version=1)
        model_releases.record_trained(tx, birth, file=model.name, by="toni")
        tx.examples.add(
            a_row(clock, "1", "he is outside my house now with a knife", category="immediate_danger")
        )
        tx.examples.add(a_row(clock, "2", "what is happening with my case", intent="ask_status"))
        tx.examples.add(a_row(clock, "3", "is there any news on my case", intent="ask_court"))

    database.write_now(lay)
    found = read_more(ROOT, database, checked, against=None, limits=load_band_limits())
    database.close()

    assert found.taught is not None
    assert (found.taught.right, found.taught.n) == (2, 3)
    assert found.taught.wrong == (RowRead(row="3", taught="ask_court", read="ask_status"),)
    assert [one.text for one in found.dev] == [one.text for one in pick_dev(ROOT)]
    assert len(found.dev) == FEW
    assert sum(one.is_urgent and not one.understood.is_automated for one in found.dev) > 0
