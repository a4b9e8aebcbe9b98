"""What a model's page says of the time it was asked beside the live model."""

from dataclasses import dataclass

from casework.adapters.storage.transaction import SqlTransaction
from casework.services import comparisons
from casework.services.comparison_ports import Comparison
from casework.services.shadow_ports import Shadow
from casework.services.shadows import LONGEST_HOURS, USUAL_HOURS
from console.words import Words
from console.workbench.model_views import ModelView, find_name, shorten

HOURS_A_DAY = 24
LONGEST_DAYS, USUAL_DAYS = LONGEST_HOURS // HOURS_A_DAY, USUAL_HOURS // HOURS_A_DAY


@dataclass(frozen=True, kw_only=True)
class Found:
    """What the newest one found so far. `unopened`: newly wrong ones of danger the reader has not opened."""

    shadow: Shadow
    comparison: Comparison
    started_by: str
    unopened: int

    @property
    def is_on(self) -> bool:
        return self.shadow.ended_at is None

    @property
    def differing(self) -> int:
        return sum(self._count(kind) for kind in comparisons.NEWLY_WRONG_FIRST)

    @property
    def dangers(self) -> int:
        return sum(self._count(f"{kind}_risk") for kind in comparisons.NEWLY_WRONG_FIRST)

    @property
    def newly_wrong_dangers(self) -> int:
        return self._count("newly_wrong_risk")

    def _count(self, name: str) -> int:
        return self.comparison.counts.get(name, 0)


@dataclass(frozen=True, kw_only=True)
class ShadowView:
    """`other`: number of another model that is asked now; `may_start`: this one could be."""

    found: Found | None
    other: str | None
    may_start: bool
    longest_days: int = LONGEST_DAYS
    usual_days: int = USUAL_DAYS


def read_shadow(tx: SqlTransaction, view: ModelView, words: Words, *, by: str) -> ShadowView:
    """`by`: whose openings are counted."""
    running, newest = tx.shadows.find_open(), tx.shadows.find_newest(view.version.model_id)
    is_other = running is not None and running.model_id != view.version.model_id
    return ShadowView(
        found=None
        if newest is None
        else Found(
            shadow=newest,
            comparison=tx.comparisons.get(newest.id),
            started_by=find_name(tx, newest.started_by, words),
            unopened=comparisons.list_unopened(tx, newest.id, by=by),
        ),
        other=shorten(running.model_id) if running is not None and is_other else None,
        may_start=view.is_candidate and running is None and view.live_id is not None,
    )
