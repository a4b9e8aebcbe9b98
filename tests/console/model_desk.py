"""A desk with models: one live, one that passed every packaged gate, and what would change between the two."""

from dataclasses import replace
from typing import Any

import sqlalchemy as sa

from casework.adapters.storage.tables import audit
from casework.adapters.storage.transaction import SqlTransaction
from casework.model.release_gates import GateReport, Measured, load_gate_limits
from casework.model.turn_outcomes import Change
from casework.services import comparisons, model_releases
from casework.services.comparison_ports import ComparisonChange
from tests.console.desk_site import DeskSite
from tests.support.models import AT, a_birth

LIVE, NEW = "a" * 32, "b" * 32
NEW_PATH = f"/workbench/models/{NEW[:12]}"
ANSWERED = {
    **{"responses": ["utter_thanks"], "effects": [], "band": "green", "tier": None, "category": None},
    **{"to_person": False, "intent": "thanks", "confidence": 0.91, "urgency": 0.02, "alone": "green"},
}
ALERTED = ANSWERED | {
    **{"responses": [], "band": "red", "tier": 1, "category": "immediate_danger"},
    **{"to_person": True, "intent": None, "confidence": 0.0, "alone": "red"},
}


def a_full_report(model_id: str, *, against: str | None = LIVE, missed: int = 1) -> GateReport:
    """A line of every packaged gate, all passed as it comes. `missed`: of 64 messages of danger now."""
    measured = []
    for limit in load_gate_limits().gates:
        for of in limit.of or ("style plain",):
            n = max(64, limit.least_n)
            if limit.gate in ("intents", "p95"):
                value, was = (0.94, 0.93) if limit.gate == "intents" else (120.0, 130.0)
                one = Measured(
                    gate=limit.gate, of=of, hits=None, n=n, value=value, was_hits=None, was_value=was
                )
            else:
                good, before = (0, 0) if limit.is_fault else (n, n)
                if limit.gate == "danger_now":
                    good, before = n - missed, n - 3
                one = Measured(
                    gate=limit.gate, of=of, hits=good, n=n, value=None, was_hits=before, was_value=None
                )
            # Set beside each other, no message differs but of danger now.
            better = 3 - missed if limit.gate == "danger_now" else 0
            one = replace(one, newly_right=max(better, 0), newly_wrong=max(-better, 0))
            first = {"was_hits": None, "was_value": None, "newly_right": None, "newly_wrong": None}
            measured.append(one if against else replace(one, **first))
    return GateReport(
        model_id=model_id, against=against, sets={"test": "d" * 64}, measured=tuple(measured), made_at=AT
    )


def found_live(site: DeskSite, *, missed: int | None = 1) -> None:
    """The first model. `missed`: None leaves it unmeasured."""

    def write(tx: SqlTransaction) -> None:
        model_releases.found(tx, a_birth(LIVE), file="waymark-a.tar.gz", paper="founding")
        if missed is not None:
            report = a_full_report(LIVE, against=None, missed=missed)
            model_releases.record_report(tx, report, limits=load_gate_limits(), paper=None, by="launcher")

    site.write(write)


def add_candidate(site: DeskSite, *, missed: int = 1, by: str = "launcher", **birth: Any) -> None:
    """Another model, measured against the live one: a candidate, or refused where it misses too much."""

    def write(tx: SqlTransaction) -> None:
        made = a_birth(NEW, **({"data_version": 3, "parts": {"taught": "z", "code": "b"}} | birth))
        model_releases.record_trained(tx, made, file="waymark-b.tar.gz", by=by)
        report = a_full_report(NEW, missed=missed)
        paper = "candidate" if missed <= 1 else None
        model_releases.record_report(tx, report, limits=load_gate_limits(), paper=paper, by=by)

    site.write(write)


def a_change(inbox_id: int | None, kind: Change = Change.NEWLY_WRONG, **values: Any) -> ComparisonChange:
    given: dict[str, Any] = {"is_risk": True, "harm": 1, "before": ALERTED, "after": ANSWERED}
    return ComparisonChange(kind=kind, inbox_id=inbox_id, **(given | values))


def compare(site: DeskSite, *changes: ComparisonChange, turns: int = 40, against: str = LIVE) -> str:
    """The comparison's id."""
    return site.write(
        lambda tx: comparisons.record(
            tx,
            model_id=NEW,
            against_id=against,
            source="recent",
            turns=turns,
            digest="d" * 64,
            changes=changes,
            by="launcher",
        )
    )


def live_of(site: DeskSite) -> str | None:
    return site.service.database.read_now(lambda tx: tx.model_releases.find_live())


def acts_of(site: DeskSite, act: str) -> list[tuple[str, str]]:
    query = sa.select(audit.c.actor, audit.c.thing).where(audit.c.act == act).order_by(audit.c.id)
    return site.service.database.read_now(lambda tx: [tuple(row) for row in tx.connection.execute(query)])
