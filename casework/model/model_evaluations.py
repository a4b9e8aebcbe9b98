"""What an evaluation found of a model, whole, beside its gates: for whoever reads it on a page.

Nobody's words stand in it: of a held-out set counts, of the development set, which is invented, its messages, and of
trainers' rows their ids.
"""

from dataclasses import dataclass

from casework.model.calibration import Calibration

TEST, OWN, DEV = "test", "own", "dev"
"""Where messages come from: the frozen sets, what trainers keep to test with, the development set."""
URGENT, LOOKED_AT = "urgent", "looked_at"
"""What danger is meant as, and read as where it is not handed to a person at once and a person looks all the same."""


@dataclass(frozen=True, kw_only=True)
class Paired:
    """Of `n` messages how many went `wrong`.

    `was`: with the live model on the very same, and how many this one newly gets right and wrong; None of all three
    where no model was live.
    """

    name: str
    wrong: int
    n: int
    was: int | None = None
    newly_right: int | None = None
    newly_wrong: int | None = None


@dataclass(frozen=True, kw_only=True)
class Slicing:
    """`of`: danger or wishes. `by`: style, length, channel or language; the last two of trainers' own rows alone."""

    of: str
    by: str
    rows: tuple[Paired, ...]


@dataclass(frozen=True, kw_only=True)
class ReadItem:
    """A message that was read otherwise than meant: its `text` (development set), or the id of a trainers' `row`."""

    text: str | None = None
    row: str | None = None


@dataclass(frozen=True, kw_only=True)
class Cell:
    """`meant` and `read`: outcomes, or URGENT, or (read) LOOKED_AT. `items`: none where it was read as meant."""

    meant: str
    read: str
    n: int
    items: tuple[ReadItem, ...] = ()

    @property
    def is_right(self) -> bool:
        return self.meant == self.read or (self.meant == URGENT and self.read == LOOKED_AT)


@dataclass(frozen=True, kw_only=True)
class Confusion:
    """What was taken for what in the messages of one source: `of`."""

    of: str
    n: int
    cells: tuple[Cell, ...]

    def find_cell(self, meant: str, read: str) -> Cell | None:
        return next((cell for cell in self.cells if (cell.meant, cell.read) == (meant, read)), None)


@dataclass(frozen=True, kw_only=True)
class RowRead:
    """A row that is not read as it was taught. `taught`: its category or wish; `read`: a category or an outcome."""

    row: str
    taught: str
    read: str


@dataclass(frozen=True, kw_only=True)
class ReadAsTaught:
    """Of the `n` rows the model was taught and the live one was not, how many the model alone reads as taught."""

    right: int
    n: int
    wrong: tuple[RowRead, ...]


@dataclass(frozen=True, kw_only=True)
class ModelEvaluation:
    """`against`: the live model's id. `made_at`: ISO 8601, UTC. `calibrations`: titled `danger` and `wishes`.

    `taught`: None for a model without a trainers' row.
    """

    model_id: str
    against: str | None
    made_at: str
    figures: tuple[Paired, ...]
    slicings: tuple[Slicing, ...]
    confusions: tuple[Confusion, ...]
    calibrations: tuple[Calibration, ...]
    taught: ReadAsTaught | None
