"""Which of several addresses takes the next turn: the least busy of those that are well.

One that fails a few times in a row, or lets somebody wait until the deadline, is left out for a while, longer each
time. Then one turn goes there, and no second before the first is answered. Nobody is ever refused for it: where every
address is left out, the one that was to come back first is asked.
"""

import time
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

FAULTS_IN_A_ROW = 3
LEFT_OUT_SECONDS = 5.0
LONGEST_LEFT_OUT_SECONDS = 60.0


@dataclass
class _Address:
    place: int
    in_flight: int = 0
    faults: int = 0  # in a row
    pause_seconds: float = 0.0  # 0: not left out since it last answered
    left_out_until: float = float("-inf")
    chosen_at: int = 0


class Addresses:
    """What is known of each address. Used by one event loop; `clock` counts seconds and never goes back."""

    def __init__(self, urls: Sequence[str], *, clock: Callable[[], float] = time.monotonic) -> None:
        self.urls = tuple(dict.fromkeys(urls))
        self._known = {url: _Address(place) for place, url in enumerate(self.urls)}
        self._clock = clock
        self._chosen = 0

    def choose(self, among: Sequence[Collection[str]]) -> str:
        """The one to ask next. `among`: groups of addresses, the preferred one first; at least one address in all.

        The first group that has one that is well gives it.
        """
        for group in among:
            well = [url for url in group if self.may_take(url)]
            if well:
                return self._take(min(well, key=self._by_load))
        return self._take(min((url for group in among for url in group), key=self._by_return))

    def may_take(self, url: str) -> bool:
        """False while it is left out, and while one turn tries whether it is well again."""
        known = self._known[url]
        if not known.pause_seconds:
            return True
        return self._clock() >= known.left_out_until and not known.in_flight

    def is_left_out(self, url: str) -> bool:
        return self._clock() < self._known[url].left_out_until

    @contextmanager
    def asking(self, url: str) -> Iterator[None]:
        """Around one turn there; whoever learns how it ended calls `note_answer` or `note_fault`."""
        self._known[url].in_flight += 1
        try:
            yield
        finally:
            self._known[url].in_flight -= 1

    def note_answer(self, url: str) -> None:
        known = self._known[url]
        known.faults, known.pause_seconds, known.left_out_until = 0, 0.0, float("-inf")

    def note_fault(self, url: str, *, at_once: bool = False) -> None:
        """`at_once`: one such fault is enough, as one that cost a person the whole deadline."""
        known = self._known[url]
        known.faults += 1
        # Turns that were sent before it was left out end one by one: they make the pause no longer.
        if self.is_left_out(url):
            return
        if at_once or known.pause_seconds or known.faults >= FAULTS_IN_A_ROW:
            known.pause_seconds = min(known.pause_seconds * 2 or LEFT_OUT_SECONDS, LONGEST_LEFT_OUT_SECONDS)
            known.left_out_until = self._clock() + known.pause_seconds

    def _take(self, url: str) -> str:
        self._chosen += 1
        self._known[url].chosen_at = self._chosen
        return url

    def _by_load(self, url: str) -> tuple[int, int, int]:
        known = self._known[url]
        return known.in_flight, known.chosen_at, known.place

    def _by_return(self, url: str) -> tuple[float, int, int]:
        known = self._known[url]
        return known.left_out_until, known.in_flight, known.chosen_at
