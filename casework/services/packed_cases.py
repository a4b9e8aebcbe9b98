"""Many cases in little room: as objects, a hundred thousand take more memory than a server may have to spare."""

import pickle
import zlib
from collections.abc import Iterator
from dataclasses import dataclass

from casework.model.cases import Case

CHUNK = 500  # cases read, compared and written together


@dataclass(frozen=True, kw_only=True)
class Pack:
    """A chunk of cases; which they are can be seen without unpacking them."""

    references: tuple[str, ...]
    packed: bytes

    def open(self) -> list[Case]:
        cases: list[Case] = pickle.loads(zlib.decompress(self.packed))  # our own bytes, never anyone else's
        return cases


class PackedCases:
    """Cases in their order, kept in memory only. Gives them in chunks, as often as it is asked."""

    def __init__(self) -> None:
        self._open: list[Case] = []
        self._packs: list[Pack] = []

    def __iter__(self) -> Iterator[list[Case]]:
        return (pack.open() for pack in self.packs)

    @property
    def packs(self) -> tuple[Pack, ...]:
        self._pack()
        return tuple(self._packs)

    def add(self, case: Case) -> None:
        self._open.append(case)
        if len(self._open) == CHUNK:
            self._pack()

    def _pack(self) -> None:
        if self._open:
            references = tuple(case.crime_reference for case in self._open)
            packed = zlib.compress(pickle.dumps(self._open), level=1)
            self._packs.append(Pack(references=references, packed=packed))
            self._open = []
