"""An evaluation as it is kept for the pages: figures, slices, what was taken for what, and how sure it was."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from casework.model.calibration import Calibration
from casework.model.model_evaluations import (
    DEV,
    LOOKED_AT,
    OWN,
    TEST,
    URGENT,
    Cell,
    Confusion,
    ModelEvaluation,
    Paired,
    ReadAsTaught,
    ReadItem,
    Slicing,
)
from casework.model.release_gates import GateReport
from launcher.evaluation.answers import Read, key_of
from launcher.evaluation.differences import Holds, is_missed, is_wrong, list_figures, pair_up
from launcher.evaluation.figures import SMS_LENGTH, Judged
from launcher.evaluation.report import calibrations

DANGER, WISHES = "danger", "wishes"


@dataclass(frozen=True, kw_only=True)
class OwnRow:
    """A trainers' row that is tested with; where and how it was written, None where nobody knows any more."""

    row: str
    channel: str | None
    language: str | None


@dataclass(frozen=True, kw_only=True)
class Extra:
    """What the gates do not ask. `own`: the trainers' test rows by their keys; `dev`: messages that may be shown."""

    own: Mapping[str, OwnRow]
    dev: Sequence[Judged]
    taught: ReadAsTaught | None


def describe(report: GateReport, read: Sequence[Read], extra: Extra) -> ModelEvaluation:
    """`read`: what the gates were measured on, the frozen set and the trainers' own rows."""
    judged = [one.judged for one in read]
    frozen = [one for one in judged if key_of(one.example) not in extra.own]
    own = [one for one in judged if key_of(one.example) in extra.own]
    return ModelEvaluation(
        model_id=report.model_id,
        against=report.against,
        made_at=report.made_at,
        figures=tuple(list_figures(read)),
        slicings=tuple(_list_slicings(read, extra.own)),
        confusions=tuple(
            each
            for each in (
                # The frozen set stays a test only while those who write what is taught do not read it.
                _confuse(TEST, frozen, lambda one: None),
                _confuse(OWN, own, lambda one: ReadItem(row=extra.own[key_of(one.example)].row)),
                _confuse(DEV, extra.dev, lambda one: ReadItem(text=one.text)),
            )
            if each.n
        ),
        calibrations=_calibrate(judged),
        taught=extra.taught,
    )


def _list_slicings(read: Sequence[Read], own: Mapping[str, OwnRow]) -> Iterator[Slicing]:
    of_own = [one for one in read if key_of(one.judged.example) in own]

    def channel(one: Read) -> str | None:
        return own[key_of(one.judged.example)].channel

    def language(one: Read) -> str | None:
        return own[key_of(one.judged.example)].language

    for of, is_fault in ((DANGER, is_missed), (WISHES, is_wrong)):
        for by, those, name in (
            ("style", read, _style),
            ("length", read, _length),
            ("channel", of_own, channel),
            ("language", of_own, language),
        ):
            rows = _slice([one for one in those if _is_of(one.judged, of)], name, is_fault)
            if rows:
                yield Slicing(of=of, by=by, rows=rows)


def _is_of(judged: Judged, of: str) -> bool:
    return judged.is_urgent if of == DANGER else judged.is_routine


def _style(one: Read) -> str:
    return one.judged.example.style


def _length(one: Read) -> str:
    return "long" if len(one.judged.example.text) > SMS_LENGTH else "short"


def _slice(
    read: Sequence[Read], name_of: Callable[[Read], str | None], is_fault: Holds
) -> tuple[Paired, ...]:
    """The greatest share of what went wrong first."""
    groups: dict[str, list[Read]] = {}
    for one in read:
        name = name_of(one)
        if name is not None:
            groups.setdefault(name, []).append(one)
    rows = (pair_up(name, those, is_fault) for name, those in sorted(groups.items()))
    return tuple(sorted(rows, key=lambda row: -row.wrong / row.n))


def _confuse(of: str, judged: Sequence[Judged], item_of: Callable[[Judged], ReadItem | None]) -> Confusion:
    """By what was meant, then by how many: danger first."""
    groups: dict[tuple[str, str], list[Judged]] = {}
    for one in judged:
        groups.setdefault((one.meant, _read_as(one)), []).append(one)
    cells = []
    for (meant, read), those in groups.items():
        cell = Cell(meant=meant, read=read, n=len(those))
        items = () if cell.is_right else tuple(item for item in map(item_of, those) if item is not None)
        cells.append(replace(cell, items=items))
    cells.sort(key=lambda cell: (cell.meant != URGENT, cell.meant, -cell.n, cell.read))
    return Confusion(of=of, n=len(judged), cells=tuple(cells))


def _read_as(one: Judged) -> str:
    is_seen = one.is_urgent and not one.understood.is_automated
    return LOOKED_AT if is_seen and not one.understood.is_red else one.understood.outcome


def _calibrate(judged: Sequence[Judged]) -> tuple[Calibration, ...]:
    found = zip((DANGER, WISHES), calibrations(judged), strict=True)
    return tuple(replace(one, title=title) for title, one in found if one.n)
