"""Dates, towns, telephone numbers and children's ages in a message as it was written, by rule. Needs no Rasa.

A detail is left out rather than guessed: half a date or an amount of money is worse than none.
"""

from collections.abc import Iterable

from bot.components.details.ages import find_ages
from bot.components.details.dates import find_dates
from bot.components.details.detail import Detail
from bot.components.details.phone_numbers import find_phone_numbers
from bot.components.details.towns import TownReader


class DetailReader:
    """Reads all four kinds; `towns` is the text of the list of towns."""

    def __init__(self, towns: str) -> None:
        self._towns = TownReader(towns)

    def find(self, text: str, taken: Iterable[tuple[int, int]] = ()) -> list[Detail]:
        """The details in order; none touches another or a `taken` span. Linear in the length of the text."""
        places = bytearray(len(text))
        for start, end in taken:
            places[start:end] = b"\x01" * len(places[start:end])
        found = []
        for finder in (find_phone_numbers, find_dates, find_ages, self._towns.find):
            for detail in finder(text):
                if 1 not in places[detail.start : detail.end]:
                    places[detail.start : detail.end] = b"\x01" * (detail.end - detail.start)
                    found.append(detail)
        return sorted(found, key=lambda detail: detail.start)
