"""The parts of one address joined into one span: its flat, its floor, its street, its village and its postcode."""

import re
from bisect import bisect_left
from collections.abc import Iterator

from casework.model.masking import Layer, MaskKind
from casework.model.masking.lexicon import Lexicon
from casework.model.masking.views import Found, View, words_of

_UNIT_WORDS = (
    r"flat|flt|apartment|appartment|apartmnt|apt|unit|room|rm|plot|pitch|block|blk|berth|mooring|lot"
    r"|chalet|caravan|cabin|bedsit|studio|suite|staircase|stair|house"
    r"|number|no\.?|num|door|floor|level|bay|annexe?|van|site|ward|cottage|phase|hut|lodge|maisonette"
    r"|lock-?up|garage|bungalow"
)
_UNIT = re.compile(
    rf"(?<![a-z0-9])(?:(?:{_UNIT_WORDS})\s?(?:number\s|no\.?\s?|#)?(?:[0-9]{{1,4}}\s?[a-h]?|[a-h])"
    rf"|[0-9]{{1,4}}[a-h]?(?:/[0-9]{{1,2}}|\.[0-9]{{1,2}})?"
    r"|(?:the\s)?(?:ground|first|second|third|fourth|fifth|sixth|seventh|eighth|ninth|tenth|top|lower"
    r"|upper|basement|garden|1st|2nd|3rd|[0-9]{1,2}th|rear|front|back)\s(?:floor|flat)(?:\s(?:flat"
    r"|left|right))?"
    r"|the\s(?:annexe?|lodge|flat|bungalow|cottage|stables|barn|basement|coach house|gatehouse"
    r"|old\s[a-z]{3,12})|c/o)(?![a-z0-9])"
)
_GAP = re.compile(r"[\s,.;:/-]{0,4}")
_BRIDGE_STOPS = frozenset(
    words_of(
        "and to or from not but then i he she they we you it is was are my his her our their on in at with for of"
        " that this so because when where"
    )
)  # fmt: skip
_LONGEST_BRIDGE = 40
_LONGEST_GAP = 3
_KINDS = (MaskKind.ADDRESS, MaskKind.POSTCODE)


def join_addresses(view: View, found: list[Found], lexicon: Lexicon) -> Iterator[Found]:
    """One span for what is one address, where that is another span than those found. Linear in the text."""
    parts = sorted((one for one in found if one.kind in _KINDS), key=lambda one: (one.start, -one.end))
    if not parts:
        return
    units = _Units(view.lower)
    bridges = _Bridges(view, lexicon)
    runs: list[list[int]] = []
    kinds: list[set[MaskKind]] = []
    for one in parts:
        start, end = one.start, one.end
        if one.kind is MaskKind.ADDRESS:
            start, end = units.before(start), units.behind(end)
        if runs and (start <= runs[-1][1] or bridges.stands_between(runs[-1][1], start)):
            runs[-1][1] = max(runs[-1][1], end)
            kinds[-1].add(one.kind)
        else:
            runs.append([start, end])
            kinds.append({one.kind})
    known = {(one.start, one.end) for one in parts}
    for (start, end), of in zip(runs, kinds, strict=True):
        if MaskKind.ADDRESS in of and (start, end) not in known:
            yield Found(start, end, MaskKind.ADDRESS, Layer.SHAPE)


class _Units:
    """Flats, rooms, floors and numbers of a text in order. Where a row of them ends is looked for once."""

    def __init__(self, lower: str) -> None:
        self._lower = lower
        self._spans = [unit.span() for unit in _UNIT.finditer(lower)]
        self._opens = [opens for opens, _ in self._spans]
        self._first: dict[int, int] = {}
        self._last: dict[int, int] = {}

    def before(self, start: int) -> int:
        """Where the row of units begins that ends at `start`; `start` itself where there is none."""
        row: list[int] = []
        unit = self._unit_before(start, bisect_left(self._opens, start) - 1)
        while unit is not None and unit not in self._first:
            row.append(unit)
            unit = self._unit_before(self._opens[unit], unit - 1)
        begins = self._first[unit] if unit is not None else self._opens[row[-1]] if row else start
        self._first.update(dict.fromkeys(row, begins))
        return begins

    def behind(self, end: int) -> int:
        """Where the row of units ends that begins at `end`; `end` itself where there is none."""
        row: list[int] = []
        unit = self._unit_behind(end, bisect_left(self._opens, end))
        while unit is not None and unit not in self._last:
            row.append(unit)
            unit = self._unit_behind(self._spans[unit][1], unit + 1)
        ends = self._last[unit] if unit is not None else self._spans[row[-1]][1] if row else end
        self._last.update(dict.fromkeys(row, ends))
        return ends

    def _unit_before(self, start: int, place: int) -> int | None:
        """The nearest unit that belongs to what begins at `start`, from `place` backwards."""
        for unit in range(place, -1, -1):
            opens, closes = self._spans[unit]
            if closes > start or _GAP.fullmatch(self._lower, closes, start):
                return unit
            if _is_far_flat(self._lower, opens, closes, start):
                return unit
            if closes + _LONGEST_BRIDGE < start:
                return None
        return None

    def _unit_behind(self, end: int, place: int) -> int | None:
        """The nearest unit that belongs to what ends at `end`, from `place` on."""
        for unit in range(place, len(self._spans)):
            opens, closes = self._spans[unit]
            if opens > end + _LONGEST_GAP:
                return None
            gap, written = self._lower[end:opens], self._lower[opens:closes]
            if "," in gap and not written.isdigit():
                return unit
            is_floor = written.endswith(("floor", "flat"))
            is_named = is_floor or (written[0].isalpha() and written[-1].isdigit())
            if gap == " " and is_named and not written.startswith(("no", "num")):
                return unit
        return None


def _is_far_flat(lower: str, opens: int, closes: int, start: int) -> bool:
    """ "room 6 the bay hotel, mock street": a few words of the same place between."""
    between = lower[closes : min(start, closes + _LONGEST_BRIDGE + 1)]
    if re.fullmatch(r"\s(?:at|of|in)\s(?:the\s)?", between):
        return lower[opens].isalpha() and lower[closes - 1].isdigit()
    if (
        len(between) > _LONGEST_BRIDGE
        or not lower[opens].isalpha()
        or any(mark in between for mark in ".!?;(")
    ):
        return False
    words = re.findall(r"[a-z']+", between)
    return (
        len(words) <= 4
        and not any(word in _BRIDGE_STOPS for word in words)
        and not re.search("[0-9]", between)
    )


class _Bridges:
    """What stands between two parts of an address."""

    def __init__(self, view: View, lexicon: Lexicon) -> None:
        self._view = view
        self._lexicon = lexicon
        self._starts = [token.start for token in view.tokens]

    def stands_between(self, end: int, start: int) -> bool:
        """Whether only commas and names of villages do."""
        between = self._view.lower[end : min(start, end + _LONGEST_BRIDGE + 1)]
        if len(between) > _LONGEST_BRIDGE or any(mark in between for mark in "!?;("):
            return False
        first, last = bisect_left(self._starts, end), bisect_left(self._starts, start)
        words = [token for token in self._view.tokens[first:last] if token.end <= start]
        if any(character.isdigit() for character in between):
            return False
        if any(word.folded in _BRIDGE_STOPS for word in words):
            return False
        if not words or re.fullmatch(r"\s?,?\s?(?:on|off|in|at|of)\s(?:the\s)?", between):
            return True
        return len(words) <= 4 and all(
            (word.has_capital and not word.opens_sentence)
            or not self._lexicon.is_listed(word.folded)
            or "," in between
            for word in words
        )
