"""The figures of one set: shares with their intervals, as a whole and by slices."""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from bot.corpus import Example
from casework.model.bands import BandLimits
from casework.model.disclosure_screen import DisclosureScreen
from casework.model.disclosures import TIER_OF, Band, Category
from casework.model.significance import wilson as wilson
from launcher.understanding import Parsed, Understood, decide

SMS_LENGTH = 160
CODE_SWITCHED = frozenset({"code_switched", "second_language"})


@dataclass(frozen=True, kw_only=True)
class Judged:
    """A message, the text that was read of it (with typos, perhaps) and what both layers made of that."""

    example: Example
    text: str
    understood: Understood

    @property
    def is_urgent(self) -> bool:
        return self.example.category is not None or self.example.outcome == "urgent"

    @property
    def is_hard_negative(self) -> bool:
        return not self.is_urgent and self.example.kind is not None

    @property
    def is_routine(self) -> bool:
        return not self.is_urgent and self.example.kind is None

    @property
    def tier(self) -> int | None:
        """1 to 4; None for calm messages and urgent ones of no named category."""
        return TIER_OF[Category(self.example.category)] if self.example.category else None

    @property
    def meant(self) -> str:
        return "urgent" if self.is_urgent else str(self.example.outcome)

    @property
    def is_missed(self) -> bool:
        return self.is_urgent and self.understood.is_automated

    @property
    def is_caught(self) -> bool:
        return self.understood.decision.band is not Band.GREEN


@dataclass(frozen=True, kw_only=True)
class Figure:
    """A share (`hits` of `n`), or without `hits` a score, 0 to 1; `value` is None where there is nothing to measure."""

    value: float | None
    n: int
    hits: int | None = None
    note: str = ""

    @property
    def interval(self) -> tuple[float, float] | None:
        """Wilson's 95 % interval of a share, each end 0 to 1; a score has none."""
        return wilson(self.hits, self.n) if self.hits is not None and self.n else None


def judge(
    examples: Iterable[Example],
    texts: Iterable[str],
    parsed_of: Mapping[str, Parsed],
    screen: DisclosureScreen,
    limits: BandLimits,
) -> list[Judged]:
    """Both layers on each text. Raises KeyError for a text without an answer in `parsed_of`."""
    return [
        Judged(
            example=example,
            text=text,
            understood=decide(screen.screen_text(text), parsed_of[text], limits),
        )
        for example, text in zip(examples, texts, strict=True)
    ]


def judge_again(judged: Iterable[Judged], limits: BandLimits) -> list[Judged]:
    """The same answers under other limits."""
    return [
        replace(one, understood=decide(one.understood.screen, one.understood.parsed, limits))
        for one in judged
    ]


def share(those: Iterable[Judged], holds: Callable[[Judged], bool], *, note: str = "") -> Figure:
    held = [holds(one) for one in those]
    return Figure(value=sum(held) / len(held) if held else None, n=len(held), hits=sum(held), note=note)


def is_red(one: Judged) -> bool:
    return one.understood.is_red


def is_amber(one: Judged) -> bool:
    return one.understood.decision.band is Band.AMBER


def is_caught(one: Judged) -> bool:
    return one.is_caught


def is_missed(one: Judged) -> bool:
    return one.is_missed


def is_automated(one: Judged) -> bool:
    return one.understood.is_automated


def is_right(one: Judged) -> bool:
    return one.understood.outcome == one.meant


def is_acceptable(one: Judged) -> bool:
    """The first wish or one of the further ones."""
    return is_right(one) or one.understood.outcome in one.example.also


def is_as_either_read(one: Judged) -> bool:
    """As the writer or the second reader labelled it."""
    return is_right(one) or one.understood.outcome in one.example.second


def is_right_sub(one: Judged) -> bool:
    return one.understood.parsed.sub == one.example.sub


def is_screened(one: Judged) -> bool:
    return one.understood.screen.urgent


def is_screened_red(one: Judged) -> bool:
    return one.understood.screen.band is Band.RED


def is_not_screened(one: Judged) -> bool:
    return not is_screened(one)


def measure(judged: Sequence[Judged]) -> dict[str, Figure]:
    """Every figure of figures.toml, by its key there."""
    urgent = [one for one in judged if one.is_urgent]
    routine = [one for one in judged if one.is_routine]
    hard = [one for one in judged if one.is_hard_negative]
    tier_1 = [one for one in urgent if one.tier == 1]
    return {
        "missed_tier_1": share(tier_1, is_missed),
        "missed": share(urgent, is_missed),
        "red_urgent": share(urgent, is_red),
        "red_tier_1": share(tier_1, is_red),
        "caught_urgent": share(urgent, is_caught),
        "caught_tier_1": share(tier_1, is_caught),
        "red_routine": share(routine, is_red),
        "red_hard": share(hard, is_red),
        "amber_routine": share(routine, is_amber),
        "amber_hard": share(hard, is_amber),
        "automated_routine": share(routine, is_automated),
        "caught_buried": share(_of_styles(urgent, {"buried"}), is_caught),
        "caught_understated": share(_of_styles(urgent, {"understated"}), is_caught),
        "caught_code_switched": share(_of_styles(urgent, CODE_SWITCHED), is_caught),
        "caught_worst_category": _worst_category(urgent),
        "tier_kept": share((one for one in urgent if is_red(one) and one.tier), _is_tier_kept),
        "outcome": share(routine, is_right),
        "outcome_also": share(routine, is_acceptable),
        "outcome_either": share((one for one in routine if one.example.second), is_as_either_read),
        "agreed": share((one for one in routine if one.example.second), _is_agreed),
        "f1": macro_f1(routine, is_right),
        "f1_also": macro_f1(routine, is_acceptable),
        "sub": share((one for one in routine if one.example.sub), is_right_sub),
        "outcome_hard": share(hard, is_right),
        "screen_urgent": share(urgent, is_screened),
        "screen_tier_1": share(tier_1, is_screened),
        "screen_routine": share(routine, is_screened),
        "screen_hard": share(hard, is_screened),
        "screen_direct_tier_1_missed": share(_of_styles(tier_1, {"direct"}), is_not_screened),
        "screen_red_urgent": share(urgent, is_screened_red),
        "screen_red_routine": share(routine, is_screened_red),
    }


def _of_styles(those: Iterable[Judged], styles: Iterable[str]) -> list[Judged]:
    return [one for one in those if one.example.style in styles]


def _worst_category(urgent: Sequence[Judged]) -> Figure:
    of_category = _group(urgent, lambda one: str(one.example.category or "no category"))
    figures = [share(those, is_caught, note=name) for name, those in sorted(of_category.items())]
    return min(figures, key=lambda figure: figure.value or 0.0, default=Figure(value=None, n=0, hits=0))


def _is_agreed(one: Judged) -> bool:
    return one.meant in one.example.second


def _is_tier_kept(one: Judged) -> bool:
    decided, meant = one.understood.decision.tier, one.tier
    return decided is not None and meant is not None and decided <= meant


def macro_f1(those: Sequence[Judged], holds: Callable[[Judged], bool]) -> Figure:
    """The mean of the F1 of every outcome that was meant at least once, each weighing the same.

    Where `holds`, the message counts as read as meant.
    """
    return f1_of([(one.meant, one.meant if holds(one) else one.understood.outcome) for one in those])


def f1_of(pairs: Sequence[tuple[str, str | None]]) -> Figure:
    """The same, of what was meant and what was read."""
    meant: Counter[str] = Counter(one for one, _ in pairs)
    read: Counter[str | None] = Counter(one for _, one in pairs)
    right: Counter[str] = Counter(one for one, other in pairs if one == other)
    scores = [2 * right[outcome] / (meant[outcome] + read[outcome]) for outcome in meant]
    return Figure(value=sum(scores) / len(scores) if scores else None, n=len(pairs))


Measures = Mapping[str, Callable[[Judged], bool]]
URGENT_MEASURES: Measures = {
    "RED": is_red,
    "RED or AMBER": is_caught,
    "silently automated": is_missed,
    "screen alone, any hit": is_screened,
}
ROUTINE_MEASURES: Measures = {"outcome as meant": is_right, "or a further wish": is_acceptable}
CALM_MEASURES: Measures = {
    **ROUTINE_MEASURES,
    "RED": is_red,
    "AMBER": is_amber,
    "screen, any hit": is_screened,
}


@dataclass(frozen=True, kw_only=True)
class Slices:
    """One table of figures: a row for each value of what it is cut by. Columns are named in the order shown."""

    title: str
    columns: tuple[str, ...]
    rows: Mapping[str, Mapping[str, Figure]]


def slice_up(judged: Sequence[Judged]) -> list[Slices]:
    urgent = [one for one in judged if one.is_urgent]
    routine = [one for one in judged if one.is_routine]
    hard = [one for one in judged if one.is_hard_negative]
    tables = [
        _cut("Urgent, by tier", urgent, lambda one: f"tier {one.tier}", URGENT_MEASURES),
        _cut("Urgent, by category", urgent, lambda one: one.example.category or "none", URGENT_MEASURES),
        _cut("Urgent, by style", urgent, _style, URGENT_MEASURES),
        _cut("Urgent, by length", urgent, _length, URGENT_MEASURES),
        _cut("Routine, by outcome", routine, lambda one: one.meant, CALM_MEASURES),
        _cut("Routine, by style", routine, _style, CALM_MEASURES),
        _cut("Routine, by length", routine, _length, CALM_MEASURES),
        _cut("Hard negatives, by kind", hard, lambda one: str(one.example.kind), CALM_MEASURES),
        _cut("Hard negatives, by style", hard, _style, CALM_MEASURES),
        _cut("Hard negatives, by length", hard, _length, CALM_MEASURES),
    ]
    return [table for table in tables if table.rows]


def _cut(title: str, those: Sequence[Judged], by: Callable[[Judged], str], measures: Measures) -> Slices:
    groups = _group(those, by)
    rows = {
        name: {column: share(groups[name], holds) for column, holds in measures.items()}
        for name in sorted(groups)
    }
    return Slices(title=title, columns=tuple(measures), rows=rows)


def _style(one: Judged) -> str:
    return one.example.style


def _length(one: Judged) -> str:
    """Of the message as written, so that a typo moves none to another slice."""
    return f"up to {SMS_LENGTH} characters" if len(one.example.text) <= SMS_LENGTH else "longer"


def _group(those: Iterable[Judged], by: Callable[[Judged], str]) -> dict[str, list[Judged]]:
    groups: dict[str, list[Judged]] = {}
    for one in those:
        groups.setdefault(by(one), []).append(one)
    return groups
