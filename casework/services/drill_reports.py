"""What a drill showed: how long each synthetic victim waited for a person, against the clocks of their grade."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from statistics import median

from casework.model.grade_clocks import GradeClocks, Target
from casework.services.drill_ports import DrillVictim
from casework.services.ports import Transaction


@dataclass(frozen=True, kw_only=True)
class VictimReport:
    """One victim. `claim` and `answer` are None where their grade, or no item at all, sets no such time."""

    found: DrillVictim
    claim: Target | None
    answer: Target | None
    at: datetime  # when it was looked at

    @property
    def claim_seconds(self) -> int | None:
        return _seconds(self.found.listed_at, self.found.claimed_at)

    @property
    def answer_seconds(self) -> int | None:
        return _seconds(self.found.listed_at, self.found.answered_at)

    @property
    def is_claim_late(self) -> bool:
        return _is_late(self.claim, self.found.claimed_at or self.at)

    @property
    def is_answer_late(self) -> bool:
        return _is_late(self.answer, self.found.answered_at or self.at)

    @property
    def missed_steps(self) -> tuple[str, ...]:
        """What was not done in time, in the order of the ladder: each a name in [drill_steps] of the desk's words."""
        late = ["claim"] if self.is_claim_late else []
        late += ["answer"] if self.is_answer_late else []
        return (*late, *self.found.steps)


@dataclass(frozen=True, kw_only=True)
class DrillReport:
    victims: tuple[VictimReport, ...]

    @property
    def wrote(self) -> int:
        return sum(each.found.wrote_at is not None for each in self.victims)

    @property
    def claimed(self) -> int:
        return sum(each.found.claimed_at is not None for each in self.victims)

    @property
    def answered(self) -> int:
        return sum(each.found.answered_at is not None for each in self.victims)

    @property
    def missed(self) -> int:
        """Victims for whom anything was late."""
        return sum(bool(each.missed_steps) for each in self.victims)

    @property
    def claim_seconds(self) -> tuple[int, int] | None:
        """Median and worst of those that were claimed."""
        return _sum_up([each.claim_seconds for each in self.victims])

    @property
    def answer_seconds(self) -> tuple[int, int] | None:
        return _sum_up([each.answer_seconds for each in self.victims])


def report_drill(tx: Transaction, drill_id: str, clocks: GradeClocks) -> DrillReport:
    """As it stands now. Raises DrillNotFound.

    What is still open when a drill ends is judged as of its end: nobody was to look at it after that.
    """
    drill = tx.drills.get(drill_id)
    at = drill.ended_at or tx.now
    return DrillReport(
        victims=tuple(_report(each, at=at, clocks=clocks) for each in tx.drills.list_victims(drill_id))
    )


def _report(found: DrillVictim, *, at: datetime, clocks: GradeClocks) -> VictimReport:
    if found.listed_at is None or found.graded is None:
        return VictimReport(found=found, claim=None, answer=None, at=at)
    targets = clocks.find_targets(found.graded, waiting_since=found.listed_at)
    return VictimReport(found=found, claim=targets.claim, answer=targets.reply, at=at)


def _seconds(since: datetime | None, until: datetime | None) -> int | None:
    if since is None or until is None:
        return None
    return max(0, int((until - since).total_seconds()))


def _is_late(target: Target | None, at: datetime) -> bool:
    return target is not None and at > target.due_at


def _sum_up(seconds: Sequence[int | None]) -> tuple[int, int] | None:
    known = [each for each in seconds if each is not None]
    return (int(median(known)), max(known)) if known else None
