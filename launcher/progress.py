"""A bar on standard error: how much is done, and about how long the rest takes."""

import sys
import time

WIDTH = 30
TICK_SECONDS = 0.5


class ProgressBar:
    """Written over itself on a terminal, once in a while as a line elsewhere."""

    def __init__(self, title: str, total: int, *, line_seconds: float = 10.0) -> None:
        self._title = title
        self._total = total
        self._began = time.monotonic()
        self._told_at = 0.0
        # What is done at once, or before the work gets going, says nothing of the rest.
        self._counted: tuple[float, int] | None = None
        self._is_terminal = sys.stderr.isatty()
        self._pause = TICK_SECONDS if self._is_terminal else line_seconds

    def show(self, done: int) -> None:
        now = time.monotonic()
        self._counted = self._counted or (now, done)
        if done < self._total and now - self._told_at < self._pause:
            return
        self._told_at = now
        end = "" if self._is_terminal and done < self._total else "\n"
        start = "\r" if self._is_terminal else ""
        print(f"{start}{self._line(done, now - self._began)}", end=end, file=sys.stderr, flush=True)

    def _line(self, done: int, seconds: float) -> str:
        filled = round(WIDTH * done / self._total) if self._total else WIDTH
        left = find_seconds_left(self._counted or (0.0, done), (self._told_at, done), self._total)
        rest = "" if left is None else f", about {left:.0f} s left"
        bar = "#" * filled + "." * (WIDTH - filled)
        return f"{self._title} [{bar}] {done} of {self._total}, {seconds:.0f} s{rest}"


def find_seconds_left(first: tuple[float, int], now: tuple[float, int], total: int) -> float | None:
    """From two looks, each the time in seconds and how much was done; None while that says nothing, and at the end."""
    seconds, done = now[0] - first[0], now[1] - first[1]
    if done <= 0 or seconds <= 0 or now[1] >= total:
        return None
    return (total - now[1]) * seconds / done
