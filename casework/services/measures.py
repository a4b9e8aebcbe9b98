"""How the desk and the assistant do, over one period, with the numbers of few people hidden.

Every figure is a table; the page, its pictures and the files to keep are made of the same ones. What each counts, and
what it leaves out, is said on the page (console/templates/measures.html). Drills are never counted.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import Enum

from casework.model.desk import Grade
from casework.model.grade_clocks import GradeClocks, Target, Targets
from casework.model.periods import Period
from casework.model.small_numbers import FEWEST_SHOWN, hide_small, share_of
from casework.model.working_days import LONDON
from casework.services.ports import Transaction
from casework.services.supervision_ports import Wait, WaitTimes

NO_TIME = timedelta(0)


class Few(Enum):
    """In the place of a number: 1 to 4, or one that would give such a number away."""

    FEW = "fewer than 5"


FEW = Few.FEW
Cell = str | int | float | Few | None


@dataclass(frozen=True, kw_only=True)
class Table:
    """`rows` begin with the name of what they are about; None is a figure there cannot be."""

    name: str
    columns: tuple[str, ...]
    rows: tuple[tuple[Cell, ...], ...]


@dataclass(frozen=True, kw_only=True)
class Measures:
    period: Period
    tables: Mapping[str, Table]


WAIT_COLUMNS = ("grade", "count", "median", "p90", "worst", "within", "missed", "share_within")


def take_measures(tx: Transaction, period: Period, clocks: GradeClocks) -> Measures:
    """Reads only. The tables in the order of the page, by name."""
    came = tx.measures.count_came(period)
    tables = [
        _claims(tx, period, clocks),
        _first_words(tx, period, clocks),
        _left(came.left, sum(came.by_grade.values())),
        _counts("regrades", "way", tx.measures.count_regrades(period)),
        _counts("outcomes", "outcome", tx.measures.count_outcomes(period), is_sorted=True),
        _counts("grades", "grade", {str(grade.value): came.by_grade.get(grade, 0) for grade in Grade}),
        _counts("channels", "channel", came.by_channel, is_sorted=True),
        _counts("languages", "language", came.by_language, is_sorted=True),
        _hours(came.by_hour_utc),
        _kept_informed(*tx.measures.count_kept_informed(period)),
        _status(*tx.measures.count_status_days(period)),
        _code_clocks(tx.measures.count_code_clocks(period.first, period.last)),
    ]
    return Measures(period=period, tables={table.name: table for table in tables})


def _claims(tx: Transaction, period: Period, clocks: GradeClocks) -> Table:
    weighed = {each.grade: each for each in tx.measures.weigh_claims(period)}
    rows = []
    for grade in Grade:
        limit = clocks.clocks[grade].claim_within
        if limit is None:
            rows.append(_wait_row(grade, weighed.get(grade), None))
            continue
        seconds = limit.total_seconds()
        quick = tx.measures.count_claims_within(period, grade, seconds)
        rest = tx.measures.list_longer_claims(period, grade, seconds)
        rows.append(_wait_row(grade, weighed.get(grade), _judge(tx, quick, rest, clocks, lambda t: t.claim)))
    return Table(name="claims", columns=WAIT_COLUMNS, rows=_hide_counts(rows))


def _first_words(tx: Transaction, period: Period, clocks: GradeClocks) -> Table:
    weighed = {each.grade: each for each in tx.measures.weigh_first_words(period)}
    rows = []
    for grade in Grade:
        # Counted in staffed time or working days a limit is never shorter than on the wall clock.
        limit = clocks.clocks[grade].first_reply_within or NO_TIME
        seconds = limit.total_seconds()
        quick = tx.measures.count_first_words_within(period, grade, seconds)
        rest = tx.measures.list_longer_first_words(period, grade, seconds)
        rows.append(_wait_row(grade, weighed.get(grade), _judge(tx, quick, rest, clocks, lambda t: t.reply)))
    return Table(name="first_words", columns=WAIT_COLUMNS, rows=_hide_counts(rows))


def _judge(
    tx: Transaction,
    quick: int,
    rest: Sequence[Wait],
    clocks: GradeClocks,
    pick: Callable[[Targets], Target | None],
) -> tuple[int, int]:
    """(within the target, missed): who still waits within it is neither."""
    within, missed = quick, 0
    for wait in rest:
        target = pick(clocks.find_targets(wait.grade, waiting_since=wait.since))
        if target is None:
            continue
        if wait.ended_at is not None and wait.ended_at <= target.due_at:
            within += 1
        elif (wait.ended_at or tx.now) > target.due_at:
            missed += 1
    return within, missed


def _wait_row(grade: Grade, times: WaitTimes | None, judged: tuple[int, int] | None) -> tuple[Cell, ...]:
    count = times.count if times else 0
    if times is None:
        shown: tuple[Cell, ...] = (None, None, None)
    elif count < FEWEST_SHOWN:
        shown = (FEW, FEW, FEW)
    else:
        shown = (round(times.median), round(times.p90), round(times.worst))
    if judged is None:
        return (str(grade.value), count, *shown, None, None, None)
    parts = hide_small(dict(zip(("within", "missed"), judged, strict=True)))
    within, missed = judged
    share = share_of(within, within + missed)
    return (
        str(grade.value),
        count,
        *shown,
        _shown(parts["within"]),
        _shown(parts["missed"]),
        FEW if share is None and within + missed else _rounded(share),
    )


def _hide_counts(rows: Sequence[tuple[Cell, ...]]) -> tuple[tuple[Cell, ...], ...]:
    """The counts of all rows are hidden together: they add up to what other tables tell."""
    counts = hide_small({row[0]: row[1] for row in rows if isinstance(row[1], int)})
    return tuple(_hide_row(row) if counts.get(row[0]) is None else row for row in rows)


def _hide_row(row: tuple[Cell, ...]) -> tuple[Cell, ...]:
    """What would tell how many there are; the times stay as they are."""
    grade, _, median, p90, worst, *judged = row
    hidden = [FEW if cell else cell for cell in judged]
    return (grade, FEW, median, p90, worst, *hidden)


def _counts(name: str, of: str, counts: Mapping[str, int], *, is_sorted: bool = False) -> Table:
    shown = hide_small(counts)
    keys = sorted(counts, key=lambda key: (-counts[key], key)) if is_sorted else list(counts)
    # The order of hidden numbers would tell which is the larger.
    keys = [*(k for k in keys if shown[k] is not None), *sorted(k for k in keys if shown[k] is None)]
    if not is_sorted:
        keys = list(counts)
    return Table(name=name, columns=(of, "count"), rows=tuple((key, _shown(shown[key])) for key in keys))


def _hours(by_hour_utc: Mapping[datetime, int]) -> Table:
    counts = {f"{hour:02d}": 0 for hour in range(24)}
    for moment, count in by_hour_utc.items():
        counts[f"{moment.astimezone(LONDON).hour:02d}"] += count
    return _counts("hours", "hour", counts)


def _left(left: int, came: int) -> Table:
    share = share_of(left, came)
    parts = hide_small({"left": left, "stayed": came - left})
    row = (
        "left",
        _shown(parts["left"]),
        came if came == 0 or came >= FEWEST_SHOWN else FEW,
        FEW if share is None and came else _rounded(share),
    )
    return Table(name="left", columns=("what", "left", "came", "share"), rows=(row,))


def _kept_informed(satisfied: int, answered: int) -> Table:
    return _share_table("kept_informed", ("satisfied", "answered"), satisfied, answered)


def _status(without_person: int, told: int) -> Table:
    return _share_table("status", ("without_person", "told"), without_person, told)


def _share_table(name: str, columns: tuple[str, str], part: int, whole: int) -> Table:
    share = share_of(part, whole)
    parts = hide_small({"part": part, "rest": whole - part})
    row = (
        name,
        _shown(parts["part"]),
        whole if whole == 0 or whole >= FEWEST_SHOWN else FEW,
        FEW if share is None and whole else _rounded(share),
    )
    return Table(name=name, columns=("what", *columns, "share"), rows=(row,))


def _code_clocks(counts: Mapping[str, int]) -> Table:
    states = {name: counts.get(name, 0) for name in ("met", "late", "open")}
    over = states["met"] + states["late"] + states["open"]
    shown = hide_small(states)
    share = share_of(states["met"], over)
    row = ("code_clocks", *(_shown(shown[name]) for name in states))
    return Table(
        name="code_clocks",
        columns=("what", *states, "share"),
        rows=((*row, FEW if share is None and over else _rounded(share)),),
    )


def _shown(count: int | None) -> Cell:
    return FEW if count is None else count


def _rounded(share: float | None) -> Cell:
    return None if share is None else round(share, 1)
