"""Comparisons are kept whole, the dangerous first, and each person opens every newly wrong risk for themselves.

Red when: one person's opening counts for another, or a calm one is asked to be opened; shown with `staff_id` and with
`is_risk` left out of `_is_unopened_risk`; or nobody is led back to the first, shown without it in `find_unopened`.
"""

from typing import Any

import pytest
import sqlalchemy as sa

from casework.adapters.storage.model_tables import replay_answer
from casework.adapters.storage.tables import audit
from casework.model.disclosures import Band
from casework.model.errors import ComparisonNotFound
from casework.model.turn_outcomes import Change
from casework.services import comparisons
from casework.services.comparison_ports import ComparisonChange, EvaluationAnswer, ReplayAnswer
from tests.support.line import Line


def a_change(kind: Change = Change.NEWLY_WRONG, **values: Any) -> ComparisonChange:
    defaults: dict[str, Any] = {
        **{"is_risk": True, "harm": 1, "before": {"band": "red"}, "after": {"band": "green"}},
        **{"set_name": "test", "item_key": "k"},
    }
    return ComparisonChange(kind=kind, **(defaults | values))


CHANGES = [
    a_change(Change.NEWLY_RIGHT),
    a_change(is_risk=False, harm=5),
    a_change(harm=3),
    a_change(Change.CHANGED),
    a_change(harm=1),
]


def record(line: Line, model_id: str = "new", changes: list[ComparisonChange] = CHANGES) -> str:
    return line.database.write_now(
        lambda tx: comparisons.record(
            tx,
            model_id=model_id,
            against_id="live",
            source="recent",
            turns=40,
            digest="d" * 64,
            changes=changes,
            by="toni",
        )
    )


def open_(line: Line, comparison_id: str, place: int, by: str) -> ComparisonChange:
    return line.database.write_now(lambda tx: comparisons.open_change(tx, comparison_id, place, by=by))


def unopened(line: Line, comparison_id: str, by: str) -> int:
    return line.database.read_now(lambda tx: comparisons.list_unopened(tx, comparison_id, by=by))


def acts(line: Line) -> list[tuple[str, str]]:
    with line.database.engine.connect() as connection:
        rows = connection.execute(sa.select(audit.c.act, audit.c.actor).order_by(audit.c.id)).all()
    return [(row.act, row.actor) for row in rows]


def test_what_is_newly_wrong_and_dangerous_stands_first_the_gravest_of_it_first(line: Line) -> None:
    kept = record(line)
    found = line.database.read_now(lambda tx: tx.comparisons.list_changes(kept, limit=10))

    assert [(place, one.kind.value, one.is_risk, one.harm) for place, one in found] == [
        (1, "newly_wrong", True, 1),
        (2, "newly_wrong", True, 3),
        (3, "changed", True, 1),
        (4, "newly_right", True, 1),
        (5, "newly_wrong", False, 5),
    ]
    later = line.database.read_now(lambda tx: tx.comparisons.list_changes(kept, after=3, limit=1))
    assert later == [found[3]]


def test_a_comparison_says_what_was_compared_and_counts_every_kind(line: Line) -> None:
    started = line.clock.now()
    kept = record(line)
    found = line.database.read_now(lambda tx: tx.comparisons.get(kept))

    assert (found.model_id, found.against_id, found.turns, found.digest) == ("new", "live", 40, "d" * 64)
    assert started < found.made_at < line.clock.now() and found.made_by == "toni"
    assert found.counts == {
        **{"newly_right": 1, "newly_wrong": 3, "changed": 1},
        **{"newly_right_risk": 1, "newly_wrong_risk": 2, "changed_risk": 1},
    }
    assert acts(line) == [("models_compared", "toni")]


def test_each_person_opens_every_newly_wrong_risk_for_themselves(line: Line) -> None:
    toni, alex = line.add_staff("toni").id, line.add_staff("alex").id
    kept = record(line)
    before = unopened(line, kept, toni)
    for place in (1, 1, 5):
        open_(line, kept, place, toni)

    assert (before, unopened(line, kept, toni), unopened(line, kept, alex)) == (2, 1, 2)
    open_(line, kept, 2, toni)
    assert (unopened(line, kept, toni), unopened(line, kept, alex)) == (0, 2)
    opened = [act for act in acts(line) if act[0] == "difference_opened"]
    assert opened == [("difference_opened", toni)] * 3


def test_whoever_opens_is_led_to_the_next_they_have_not_opened_and_from_the_last_to_the_first(
    line: Line,
) -> None:
    toni, alex = line.add_staff("toni").id, line.add_staff("alex").id
    kept = record(line, changes=[*CHANGES, a_change(harm=4)])

    def led(by: str, after: int = 0) -> int | None:
        return line.database.read_now(lambda tx: tx.comparisons.find_unopened(kept, by=by, after=after))

    open_(line, kept, 2, toni)
    open_(line, kept, 4, toni)

    assert [led(toni), led(toni, 1), led(toni, 3)] == [1, 3, 1]
    assert [led(alex), led(alex, 1), led(alex, 2)] == [1, 2, 3]
    assert line.database.read_now(lambda tx: tx.comparisons.list_opened(kept, by=toni)) == {2, 4}
    open_(line, kept, 3, toni)
    assert led(toni, 1) is None
    open_(line, kept, 1, toni)
    assert led(toni) is None and unopened(line, kept, toni) == 0


def test_what_is_not_there_cannot_be_opened(line: Line) -> None:
    toni = line.add_staff("toni").id
    kept = record(line)

    for comparison_id, place in (("none", 1), (kept, 6), (kept, 0)):
        with pytest.raises(ComparisonNotFound):
            open_(line, comparison_id, place, toni)
    with pytest.raises(ComparisonNotFound):
        unopened(line, "none", toni)


def test_the_newest_comparison_of_a_model_is_found(line: Line) -> None:
    record(line)
    line.clock.advance(minutes=1)
    newest = record(line, changes=[])
    record(line, model_id="another")

    found = line.database.read_now(lambda tx: tx.comparisons.find_newest("new"))
    assert found is not None and found.id == newest
    assert line.database.read_now(lambda tx: tx.comparisons.find_newest("nobody")) is None


def an_answer(key: str, **values: Any) -> EvaluationAnswer:
    defaults: dict[str, Any] = {
        **{"outcome": "ask_status", "confidence": 0.9, "band": Band.GREEN, "tier": None, "urgency": None},
        **{"is_caught": False, "is_caught_alone": False, "is_right": True},
    }
    return EvaluationAnswer(item_key=key, **(defaults | values))


def test_a_set_read_again_takes_the_place_of_the_last_reading(line: Line) -> None:
    def keep(model_id: str, name: str, *answers: EvaluationAnswer) -> None:
        line.database.write_now(
            lambda tx: comparisons.record_evaluation(tx, model_id, name, answers, by="launcher")
        )

    many = [an_answer(f"k{number}", urgency=0.5, band=Band.RED, tier=1) for number in range(1200)]
    keep("new", "test@1", *many)
    keep("new", "test@2", an_answer("other"))
    keep("live", "test@1", an_answer("live"))
    keep("new", "test@1", an_answer("k1"), an_answer("k2"))

    def found(model_id: str, name: str) -> dict[str, EvaluationAnswer]:
        return line.database.read_now(lambda tx: tx.evaluations.find(model_id, name))

    assert found("new", "test@1") == {"k1": an_answer("k1"), "k2": an_answer("k2")}
    assert list(found("new", "test@2")) == ["other"] and list(found("live", "test@1")) == ["live"]
    assert found("nobody", "test@1") == {}
    assert acts(line) == [("model_evaluated", "launcher")] * 4


def test_a_turn_asked_again_takes_the_place_of_its_last_answer(line: Line) -> None:
    turns = [
        ReplayAnswer(turn_id=f"t{number:04d}", input_sha="a" * 32, answer={"band": "green", "number": number})
        for number in range(450)
    ]
    line.database.write_now(lambda tx: tx.comparisons.keep_answers("new", turns))
    again = ReplayAnswer(turn_id="t0001", input_sha="b" * 32, answer={"band": "red"})
    line.database.write_now(lambda tx: tx.comparisons.keep_answers("new", [again]))

    ids = [each.turn_id for each in turns]
    found = line.database.read_now(lambda tx: tx.comparisons.find_answers("new", ids))
    assert len(found) == 450 and found["t0001"] == again and found["t0449"] == turns[449]
    assert line.database.read_now(lambda tx: tx.comparisons.find_answers("live", ids)) == {}
    with line.database.engine.connect() as connection:
        assert connection.execute(sa.select(sa.func.count()).select_from(replay_answer)).scalar_one() == 450
