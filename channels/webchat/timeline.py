"""Where the marks of the timeline stand. The template draws them; the list of words beside it says the same."""

from dataclasses import dataclass

WIDTH = 320
EDGE = 20
LEAST_HEIGHT = 44
WIDEST_STEP = 84
MOST_DONE = 4
BRANCH_GAP = 24


@dataclass(frozen=True, kw_only=True)
class Mark:
    x: float
    y: float


@dataclass(frozen=True, kw_only=True)
class Timeline:
    """In units of the drawing's own width. `done`, then `now`, then what may follow beside each other.

    `has_earlier`: more was done than is drawn.
    """

    done: tuple[Mark, ...]
    now: Mark
    may_follow: tuple[Mark, ...]
    start: float
    has_earlier: bool
    height: float
    width: int = WIDTH


def draw_timeline(done: int, may_follow: int, *, is_mirrored: bool) -> Timeline:
    """`done` and `may_follow` are how many stages there are; `is_mirrored`: it begins on the right."""
    drawn = min(done, MOST_DONE)
    columns = drawn + 1 + (may_follow > 0)
    step = min(WIDEST_STEP, (WIDTH - 2 * EDGE) / max(1, columns - 1))
    places = [EDGE + step * column for column in range(columns)]
    if is_mirrored:
        places = [WIDTH - place for place in places]
    height = max(LEAST_HEIGHT, BRANCH_GAP * may_follow)
    middle, highest = height / 2, (height - BRANCH_GAP * (may_follow - 1)) / 2
    return Timeline(
        done=tuple(Mark(x=place, y=middle) for place in places[:drawn]),
        now=Mark(x=places[drawn], y=middle),
        may_follow=tuple(Mark(x=places[-1], y=highest + BRANCH_GAP * branch) for branch in range(may_follow)),
        start=float(WIDTH if is_mirrored else 0),
        has_earlier=done > MOST_DONE,
        height=height,
    )
