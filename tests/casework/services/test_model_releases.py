"""Two people release a model; one goes back. Over both databases."""

from collections.abc import Callable
from typing import Any

import pytest

from casework.adapters.storage.model_tables import (
    comparison,
    comparison_change,
    comparison_opening,
    guest_link,
    model_release,
    model_version,
)
from casework.adapters.storage.tables import audit
from casework.model.errors import ReasonNeeded
from casework.model.model_papers import PaperKind
from casework.services import model_releases as releases
from casework.services.model_ports import WantedModel
from casework.services.model_routing import list_wanted
from tests.support.line import Line
from tests.support.models import LIMITS, a_birth, a_report, add_comparison


def write(line: Line, work: Callable[[Any], Any]) -> Any:
    return line.database.write_now(work)


def found(line: Line, model_id: str = "a") -> bool:
    return bool(
        write(
            line,
            lambda tx: releases.found(
                tx, a_birth(model_id), file=f"{model_id}.tar.gz", paper=f"paper of {model_id}"
            ),
        )
    )


def make_candidate(line: Line, model_id: str, **numbers: int) -> None:
    def record(tx: Any) -> None:
        releases.record_trained(tx, a_birth(model_id, data_version=3), file=f"{model_id}.tar.gz", by="toni")
        report = a_report(model_id, against=tx.model_releases.find_live(), **numbers)
        paper = None if numbers else f"candidate paper of {model_id}"
        releases.record_report(tx, report, limits=LIMITS, paper=paper, by="toni")
        add_comparison(tx, model_id)

    write(line, record)


def propose(line: Line, model_id: str, by: str = "toni") -> int:
    return int(write(line, lambda tx: releases.propose(tx, model_id, by=by, limits=LIMITS)))


def approve(line: Line, release_id: int, by: str = "alex", paper: str = "paper of two") -> None:
    write(line, lambda tx: releases.approve(tx, release_id, by=by, paper=paper, limits=LIMITS))


def promote(line: Line, model_id: str) -> None:
    make_candidate(line, model_id)
    approve(line, propose(line, model_id))


def roll_back(line: Line, **values: Any) -> str:
    given = {"by": "sam", "reason": "it misses danger"} | values
    return str(write(line, lambda tx: releases.roll_back(tx, **given)))


def live(line: Line) -> str | None:
    return line.database.read_now(lambda tx: tx.model_releases.find_live())


def acts(line: Line) -> list[tuple[str, str, str]]:
    return [(row.act, row.actor, row.thing) for row in line.rows(audit) if row.act.startswith("model_")]


def test_nothing_is_live_until_a_first_model_is_found_once(line: Line) -> None:
    assert live(line) is None
    assert found(line)
    assert not found(line, "b")
    assert live(line) == "a"
    assert acts(line) == [("model_trained", "launcher", "model:a"), ("model_released", "launcher", "model:a")]
    row = line.row(model_release)
    assert (row.kind, row.proposed_by, row.approved_by) == ("founding", "launcher", None)


def test_a_model_goes_live_by_two_people_and_every_step_is_recorded(line: Line) -> None:
    found(line)
    make_candidate(line, "b")
    release_id = propose(line, "b")
    assert live(line) == "a"
    paper = line.database.read_now(lambda tx: releases.make_release_paper(tx, release_id, by="alex"))
    assert (paper.kind, paper.proposed_by, paper.approved_by) == (PaperKind.PROMOTION, "toni", "alex")
    assert paper.is_of_two
    assert paper.report == a_report("b", against="a")
    approve(line, release_id)

    assert live(line) == "b"
    assert acts(line)[2:] == [
        ("model_trained", "toni", "model:b"),
        ("model_proposed", "toni", "model:b"),
        ("model_released", "alex", "model:b"),
    ]
    row = line.row(model_release, id=release_id)
    assert (row.replaces, row.approved_by) == ("a", "alex")
    version = line.row(model_version, model_id="b")
    assert (version.status, version.paper, version.data_version) == ("released", "paper of two", 3)


def test_whoever_proposed_a_model_does_not_release_it(line: Line) -> None:
    """Red when: the two are not compared, in the paper or at the approval."""
    found(line)
    make_candidate(line, "b")
    release_id = propose(line, "b")

    with pytest.raises(releases.SamePerson):
        approve(line, release_id, by="toni")
    with pytest.raises(releases.SamePerson):
        line.database.read_now(lambda tx: releases.make_release_paper(tx, release_id, by="toni"))
    assert live(line) == "a"


def test_one_proposal_at_a_time_and_a_refused_one_makes_room(line: Line) -> None:
    found(line)
    make_candidate(line, "b")
    make_candidate(line, "c")
    first = propose(line, "b")
    with pytest.raises(releases.AlreadyProposed):
        propose(line, "c")
    with pytest.raises(ReasonNeeded):
        write(line, lambda tx: releases.refuse(tx, first, by="alex", reason=" "))
    write(line, lambda tx: releases.refuse(tx, first, by="alex", reason="not on a Friday"))
    second = propose(line, "c")

    for work in (
        lambda tx: releases.refuse(tx, first, by="alex", reason="again"),
        lambda tx: releases.approve(tx, first, by="alex", paper="x", limits=LIMITS),
    ):
        with pytest.raises(releases.ProposalOver):
            write(line, work)
    assert line.database.read_now(lambda tx: tx.model_releases.find_proposal()).id == second
    assert live(line) == "a"


def test_a_proposal_is_decided_on_once(line: Line) -> None:
    found(line)
    make_candidate(line, "b")
    release_id = propose(line, "b")
    approve(line, release_id)

    with pytest.raises(releases.ProposalOver):
        approve(line, release_id, by="robin")
    assert len(line.rows(model_release)) == 2


@pytest.mark.parametrize("hits", [50, 62])
def test_a_model_that_fails_a_gate_can_neither_be_signed_nor_proposed(line: Line, hits: int) -> None:
    found(line)
    make_candidate(line, "b", hits=hits)

    assert line.row(model_version, model_id="b").status == "refused"
    assert acts(line)[-1] == ("model_refused", "toni", "model:b")
    with pytest.raises(releases.NotACandidate):
        propose(line, "b")
    with pytest.raises(releases.NotACandidate):
        write(
            line,
            lambda tx: releases.record_report(
                tx, a_report("b", hits=hits), limits=LIMITS, paper="a paper all the same", by="toni"
            ),
        )
    with pytest.raises(releases.ModelNotFound):
        propose(line, "z")


def test_the_gates_are_judged_again_when_the_second_person_approves(line: Line) -> None:
    """Red when: the approval believes the status: limits may have been raised since the proposal."""
    found(line)
    make_candidate(line, "b")
    release_id = propose(line, "b")
    worse = {"report": {"measured": []} | {"model_id": "b", "against": "a", "sets": {}, "made_at": ""}}
    write(
        line,
        lambda tx: tx.connection.execute(
            model_version.update().where(model_version.c.model_id == "b").values(**worse)
        ),
    )

    with pytest.raises(releases.NotACandidate):
        approve(line, release_id)


def test_what_it_newly_gets_wrong_at_risk_is_opened_by_each_of_the_two_first(line: Line) -> None:
    """Red when: another's look counts as one's own, or only the proposer is asked."""
    toni, alex = line.add_staff("toni").id, line.add_staff("alex").id
    found(line)
    make_candidate(line, "b")

    def compare(tx: Any) -> None:
        for number in range(2):
            add_comparison(tx, "b", f"k{number}")
            for place, kind in enumerate(("newly_wrong", "newly_right")):
                tx.connection.execute(
                    comparison_change.insert().values(
                        comparison_id=f"k{number}",
                        place=place,
                        kind=kind,
                        is_risk=True,
                        harm=1,
                        before={},
                        after={},
                    )
                )

    def look(by: str) -> None:
        row = {"comparison_id": "k1", "place": 0, "staff_id": by, "at": line.clock.now()}
        write(line, lambda tx: tx.connection.execute(comparison_opening.insert().values(row)))

    write(line, compare)
    with pytest.raises(releases.RisksUnopened):
        propose(line, "b", by=toni)
    look(toni)
    release_id = propose(line, "b", by=toni)
    with pytest.raises(releases.RisksUnopened):
        approve(line, release_id, by=alex)
    look(alex)
    approve(line, release_id, by=alex)
    assert live(line) == "b"


def test_a_model_that_was_compared_with_nothing_is_not_proposed(line: Line) -> None:
    """Red when: a candidate whose comparison is still being made counts as one that gets nothing newly wrong."""
    found(line)
    make_candidate(line, "b")
    write(line, lambda tx: tx.connection.execute(comparison.delete()))

    with pytest.raises(releases.NotCompared):
        propose(line, "b")


def test_a_rollback_needs_one_person_and_a_reason_and_goes_back_once(line: Line) -> None:
    found(line)
    promote(line, "b")
    promote(line, "c")
    with pytest.raises(ReasonNeeded):
        roll_back(line, reason="")

    assert roll_back(line, live_seen="c") == "b"
    assert roll_back(line, live_seen="c") == "b"  # pressed by somebody else at the same moment
    assert live(line) == "b"
    assert line.database.read_now(lambda tx: tx.model_releases.list_rolled_back()) == {"c"}
    assert line.row(model_version, model_id="c").status == "rolled_back"
    assert acts(line)[-1] == ("model_rolled_back", "sam", "model:c")
    row = line.rows(model_release)[-1]
    assert (row.kind, row.model_id, row.replaces, row.reason) == ("rollback", "b", "c", "it misses danger")
    assert roll_back(line) == "a"
    with pytest.raises(releases.NothingBefore):
        roll_back(line)
    assert live(line) == "a"


def test_what_was_measured_beside_a_model_that_is_live_no_more_is_neither_proposed_nor_released(
    line: Line,
) -> None:
    """Red when: `_check_candidate` does not ask which model the report is against."""
    found(line)
    make_candidate(line, "b")
    make_candidate(line, "c")
    approve(line, propose(line, "b"))

    with pytest.raises(releases.MeasuredBesideAnother, match="compare anew"):
        propose(line, "c")
    write(line, measure_and_compare_anew)
    release_id = propose(line, "c")
    roll_back(line)
    with pytest.raises(releases.MeasuredBesideAnother):
        approve(line, release_id)

    assert live(line) == "a"


def measure_and_compare_anew(tx: Any) -> None:
    report = a_report("c", against=tx.model_releases.find_live())
    releases.record_report(tx, report, limits=LIMITS, paper="candidate paper of c", by="toni")
    add_comparison(tx, "c", "anew")


def test_a_model_that_was_gone_back_from_is_not_proposed_again(line: Line) -> None:
    found(line)
    promote(line, "b")
    roll_back(line)

    with pytest.raises(releases.NotACandidate):
        propose(line, "b")


def test_no_rollback_goes_behind_an_upgrade(line: Line) -> None:
    """The model before it was made for other code: it may not even load."""
    found(line)
    write(
        line,
        lambda tx: releases.upgrade(
            tx, a_birth("u"), file="u.tar.gz", paper="ungated", reason="not judged; changed: code"
        ),
    )

    assert live(line) == "u"
    assert line.rows(model_release)[-1].reason == "not judged; changed: code"
    with pytest.raises(releases.NothingBefore):
        roll_back(line)
    promote(line, "v")
    assert roll_back(line) == "u"


def test_a_first_model_is_measured_later_and_stays_released(line: Line) -> None:
    found(line)
    verdict = write(
        line,
        lambda tx: releases.record_report(
            tx, a_report("a", hits=50), limits=LIMITS, paper=None, by="launcher"
        ),
    )

    assert not verdict.passed
    row = line.row(model_version, model_id="a")
    assert (row.status, row.paper, row.report["model_id"]) == ("released", "paper of a", "a")


def test_wanted_are_the_live_one_the_one_before_for_three_days_and_what_guests_try(line: Line) -> None:
    found(line)
    promote(line, "b")
    make_candidate(line, "c")
    ends = {"open": None, "over": line.clock.now()}
    for number, (name, ended_at) in enumerate(ends.items()):
        row = {
            "token_hash": name, "number": number, "model_id": "c" if name == "open" else "a", "group_name": "testers",
            "issued_by": "toni", "issued_at": line.clock.now(), "expires_at": line.clock.now().replace(year=2030),
            "ended_at": ended_at,
        }  # fmt: skip
        write(line, lambda tx, row=row: tx.connection.execute(guest_link.insert().values(row)))

    assert line.database.read_now(list_wanted) == (
        WantedModel(model_id="b", file="b.tar.gz", paper="paper of two", why="live"),
        WantedModel(model_id="a", file="a.tar.gz", paper="paper of a", why="before"),
        WantedModel(model_id="c", file="c.tar.gz", paper="candidate paper of c", why="trial"),
    )
    line.clock.advance(days=3)
    assert [(each.model_id, each.why) for each in line.database.read_now(list_wanted)] == [
        ("b", "live"),
        ("c", "trial"),
    ]


def test_a_second_note_of_a_training_changes_nothing(line: Line) -> None:
    for by in ("toni", "kit"):
        write(line, lambda tx, by=by: releases.record_trained(tx, a_birth("b"), file="b.tar.gz", by=by))

    assert line.row(model_version).trained_by == "toni"
    assert acts(line) == [("model_trained", "toni", "model:b")]
