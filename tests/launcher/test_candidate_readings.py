"""What a candidate was newly taught, and whether it reads it so; and which messages may be shown.

Red when, each tried once: rows of the live model's data count as new; a rule's word counts as the model's; the
development messages are drawn anew.
"""

from typing import Any

import pytest

from casework.adapters.service import Service
from casework.model.model_evaluations import RowRead
from casework.services import model_releases
from casework.services.ports import Transaction
from casework.services.review_ports import Example
from launcher import taught_tests
from launcher.candidate_readings import SHOWN_OF_DEV, find_own, judge_taught, list_newly_taught, pick_dev
from launcher.evaluation.details import OwnRow
from launcher.taught_tests import read_outcomes
from tests.launcher.evaluating import LIMITS, a_parsed
from tests.launcher.test_workbench_data import Bench, bench, root, service
from tests.support.models import a_birth
from tests.support.running import ROOT

__all__ = ["bench", "root", "service"]
OUTCOMES = read_outcomes(ROOT)


def a_row(row: str, text: str, **label: Any) -> Example:
    return Example(
        **{"id": row, "inbox_id": None, "conversation_id": None, "derived_from": None, "text": text},
        **({"intent": None, "category": None, "sub": None} | label),
        **{"spans": (), "side": "train", "scenario": "s", "status": "accepted", "is_reworded": False},
        **{"row_version": 1, "accepted_by": "toni", "accepted_at": None},
    )


def add_models(service: Service, **versions: int | None) -> None:
    def write(tx: Transaction) -> None:
        for model_id, version in versions.items():
            birth = a_birth(model_id, data_version=version)
            model_releases.record_trained(tx, birth, file=f"waymark-{model_id}.tar.gz", by="toni")

    service.database.write_now(write)


def test_newly_taught_is_what_the_live_model_was_not(service: Service, bench: Bench) -> None:
    add_models(service, old=1, new=2, untaught=None)
    first = bench.add("the scooter was taken from the shed on sunday")
    bench.write()
    second = bench.add("can somebody ring me about the window they broke")
    bench.write()
    bench.add("never written anywhere yet by anybody at all")

    def newly(model_id: str, against: str | None) -> list[str] | None:
        rows = service.database.read_now(lambda tx: list_newly_taught(tx, model_id, against))
        return None if rows is None else [row.id for row in rows]

    assert newly("new", "old") == [second]
    assert newly("new", None) == newly("new", "untaught") == [first, second]
    assert newly("new", "new") == newly("old", "new") == []
    assert newly("untaught", "old") is newly("nobody", None) is None


@pytest.mark.parametrize(
    ("label", "parsed", "read"),
    [
        ({"category": "immediate_danger"}, a_parsed("ask_status", 0.99), None),
        ({"category": "immediate_danger"}, a_parsed("request_human", 0.01, to_person=True), None),
        ({"category": "immediate_danger"}, a_parsed("ask_status", 0.01), "ask_status"),
        ({"intent": "ask_court"}, a_parsed("ask_court", 0.01), None),
        ({"intent": "give_code"}, a_parsed("give_reference", 0.01), None),
        ({"intent": "ask_court"}, a_parsed("ask_status", 0.01), "ask_status"),
        ({"intent": "ask_court"}, a_parsed("ask_court", 0.99, kinds={"strangulation": 0.9}), "strangulation"),
    ],
    ids=["danger", "to a person", "missed", "wish", "the same to them", "another wish", "alarm"],
)
def test_a_row_is_read_as_taught_by_the_model_alone(
    label: dict[str, str], parsed: Any, read: str | None
) -> None:
    # A rule would call it RED: that is not the model's doing.
    row = a_row("r", "he is outside my door with a knife", **label)
    found = judge_taught([row], {row.text: parsed}, LIMITS, OUTCOMES)

    wrong = () if read is None else (RowRead(row="r", taught=next(iter(label.values())), read=read),)
    assert (found.n, found.right, found.wrong) == (1, 1 - len(wrong), wrong)


def test_the_rows_of_the_newest_test_set_are_found_by_their_messages(service: Service, bench: Bench) -> None:
    row = bench.add("the parcel never came to the shop", side="test")
    bench.write()
    [path] = taught_tests.list_sets(bench.root)

    found = service.database.read_now(lambda tx: find_own(tx, bench.root))

    assert path.name == "v0001.jsonl"
    assert list(found.values()) == [OwnRow(row=row, channel=None, language=None)]


def test_without_test_rows_there_are_none(service: Service, bench: Bench) -> None:
    assert service.database.read_now(lambda tx: find_own(tx, bench.root)) == {}


def test_the_messages_that_may_be_shown_are_always_the_same_and_of_every_kind() -> None:
    picked = pick_dev(ROOT)

    assert picked == pick_dev(ROOT) and len(picked) == SHOWN_OF_DEV
    urgent = sum(one.category is not None for one in picked)
    assert 350 < urgent < 450  # 1,112 of all 2,817 are
