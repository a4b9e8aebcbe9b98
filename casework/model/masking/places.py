"""Towns, and the schools, streets and pubs of somebody's own: a place of few people says who they are."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from casework.model.masking import Layer, MaskKind
from casework.model.masking.lexicon import Lexicon
from casework.model.masking.views import Found, Token, View, fold

_BEFORE = frozenset(["in", "from", "near", "to", "at", "around", "outside", "of", "through", "via"])
_COURTS = frozenset(["crown", "magistrates", "magistrates'", "county", "family", "youth", "high"])
_NO_NAME_BEFORE = frozenset(["to", "in", "at", "the", "of", "for", "and", "my", "on", "a"])
_MOST_WORDS = 6
_KINDS_OF_PLACE = (
    "primary|primary school|secondary school|high school|junior school|infants?|infant school|school|academy|college"
    "|nursery|surgery|medical centre|hospital|church|mosque|pub|inn|arms|hotel|estate|road|rd|street|avenue|ave|close"
    "|lane|drive|crescent|terrace|gardens|grove|park|court|house"
)
_AT = re.compile(
    r"(?<![a-z])(?:at|in|on|from|near|to|outside|by|behind|of|goes to|live|lives|living)\s{1,2}"
    rf"(?:the\s)?((?:[a-z][a-z'-]{{1,20}}\s{{1,2}}){{1,3}})({_KINDS_OF_PLACE})(?![a-z])"
)


@dataclass(frozen=True)
class Towns:
    """Folded names with gaps of one space. `guarded`: also an ordinary word; `hidden`: also a name or a common word.

    `foreign`: no place of ours, though part of it reads like one. `openings`: the first word of each.
    """

    plain: frozenset[str] = frozenset()
    guarded: frozenset[str] = frozenset()
    hidden: frozenset[str] = frozenset()
    foreign: frozenset[str] = frozenset()
    openings: frozenset[str] = field(default=frozenset())


def parse_towns(table: str) -> Towns:
    """Reads a table in the form that `bot/components/towns.txt` explains at its head. Never raises."""
    kinds: dict[str, set[str]] = {"": set(), "~": set(), "!": set(), "-": set()}
    for line in table.splitlines():
        if line.startswith("#"):
            continue
        for entry in line.split(","):
            for name in entry.split("="):
                sign = name.strip()[:1] if name.strip()[:1] in kinds else ""
                words = " ".join(fold(word) for word in name.strip().lstrip("~!-").split())
                if words:
                    kinds[sign].add(words)
    return Towns(
        plain=frozenset(kinds[""]),
        guarded=frozenset(kinds["~"]),
        hidden=frozenset(kinds["!"]),
        foreign=frozenset(kinds["-"]),
        openings=frozenset(name.split()[0] for names in kinds.values() for name in names),
    )


def find_places(view: View, towns: Towns, lexicon: Lexicon) -> list[Found]:
    found = [*_find_towns(view, towns), *_find_own_places(view, lexicon)]
    return [Found(start, end, MaskKind.PLACE, Layer.GAZETTEER) for start, end in found]


def _find_towns(view: View, towns: Towns) -> Iterator[tuple[int, int]]:
    tokens = view.tokens
    place = 0
    while place < len(tokens):
        count = _match_town(view, towns, place) if tokens[place].folded in towns.openings else 0
        if count > 0:
            yield tokens[place].start, tokens[place + count - 1].end
        place += abs(count) or 1


def _match_town(view: View, towns: Towns, place: int) -> int:
    """How many words from there are a town; below 0, as many that are none of ours; 0 for neither."""
    tokens = view.tokens
    names = []
    for count in range(1, min(_MOST_WORDS, len(tokens) - place) + 1):
        if count > 1 and view.lower[tokens[place + count - 2].end : tokens[place + count - 1].start] not in (
            " ",
            "-",
        ):
            break
        names.append(" ".join(token.folded for token in tokens[place : place + count]))
    for count in range(len(names), 0, -1):
        name = names[count - 1]
        if name in towns.foreign:
            return -count
        if name in towns.plain or _is_meant(tokens, place, name, towns):
            return count
    return 0


def _is_meant(tokens: tuple[Token, ...], place: int, name: str, towns: Towns) -> bool:
    if name not in towns.guarded and name not in towns.hidden:
        return False
    first = tokens[place]
    follows = place > 0 and tokens[place - 1].folded in _BEFORE
    is_written_so = first.has_capital and not first.opens_sentence
    if name in towns.hidden:
        return follows and first.has_capital
    return is_written_so or (follows and tokens[place - 1].folded in ("in", "from", "near"))


def _find_own_places(view: View, lexicon: Lexicon) -> Iterator[tuple[int, int]]:
    """ "at Exampleton primary": from the first word that is a name to what kind of place it is."""
    for found in _AT.finditer(view.lower):
        start = found.start(1)
        if found[1].split()[-1] in _NO_NAME_BEFORE:
            continue
        for word in re.finditer(r"[a-z][a-z'-]{1,20}", found[1]):
            begins = start + word.start()
            if word.group() in lexicon.public or word.group() in _COURTS:
                continue
            is_name = view.text[begins].isupper() and not view.is_shouted
            if is_name or word.group().strip("'.-") not in lexicon.plain_words:
                yield begins, found.end()
                break
