"""Short sets of one trait each: is a message decided as marked, and as its plain twin is."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

import msgspec

from bot.corpus import CorpusInvalid
from casework.model.bands import BandLimits
from casework.model.disclosure_screen import DisclosureScreen
from casework.model.disclosures import Band, Category
from launcher.evaluation.frozen import FOLDER, check_frozen
from launcher.evaluation.sets import read_set
from launcher.evaluation.typos import with_typos
from launcher.understanding import Parsed, Understood, decide

WRITTEN = ("dialect", "history", "negation", "text_speak", "third_person")
TYPOS = "typos"
PACKS = (*WRITTEN, TYPOS)
TYPOS_OF = "dev"
MISTYPED = 200


class PackLine(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One message with exactly one of `category`, `outcome` or `calm`; `like`: the id of its plain twin, before it."""

    id: str
    text: str
    category: Category | None = None
    outcome: str | None = None
    calm: bool = False
    like: str | None = None


@dataclass(frozen=True, kw_only=True)
class Pack:
    """`twins`: plain messages that are only compared with, not judged."""

    name: str
    sha256: str
    lines: tuple[PackLine, ...]
    twins: tuple[PackLine, ...] = ()

    @property
    def texts(self) -> list[str]:
        return [line.text for line in (*self.twins, *self.lines)]


@dataclass(frozen=True, kw_only=True)
class PackJudged:
    line: PackLine
    understood: Understood
    passed: bool


def read_packs(root: Path, names: Iterable[str] = PACKS) -> list[Pack]:
    """Raises SetAltered for a pack that is not the frozen one, CorpusInvalid for one that cannot be read."""
    return [_mistype(root) if name == TYPOS else _read_written(root, name) for name in names]


def _read_written(root: Path, name: str) -> Pack:
    file = f"packs/{name}.jsonl"
    sha = check_frozen(root, file)
    rows = (root / FOLDER / file).read_bytes().splitlines()
    try:
        lines = tuple(msgspec.json.decode(row, type=PackLine) for row in rows if row.strip())
    except msgspec.DecodeError as fault:
        raise CorpusInvalid(f"{file}: {fault}") from fault
    _check(file, lines)
    return Pack(name=name, sha256=sha, lines=lines)


def _check(file: str, lines: Sequence[PackLine]) -> None:
    seen: set[str] = set()
    for line in lines:
        if sum((line.category is not None, line.outcome is not None, line.calm)) != 1:
            raise CorpusInvalid(f"{file}, {line.id}: exactly one of category, outcome and calm")
        if line.id in seen or (line.like is not None and line.like not in seen):
            raise CorpusInvalid(f"{file}, {line.id}: an id stands once, and its twin before it")
        seen.add(line.id)


def _mistype(root: Path) -> Pack:
    """Always the same messages of the development set, with always the same slips."""
    examples = sorted(read_set(root, TYPOS_OF), key=lambda one: sha256(one.text.encode()).digest())[:MISTYPED]
    twins = tuple(
        PackLine(
            id=f"plain{number:03d}",
            text=one.text,
            category=Category(one.category) if one.category else None,
            outcome=None if one.category else one.outcome,
        )
        for number, one in enumerate(examples)
    )
    lines = tuple(
        PackLine(
            id=f"ty{number:03d}",
            text=with_typos(twin.text),
            category=twin.category,
            outcome=twin.outcome,
            like=twin.id,
        )
        for number, twin in enumerate(twins)
    )
    content = sha256(msgspec.json.encode([twins, lines])).hexdigest()
    return Pack(name=TYPOS, sha256=content, lines=lines, twins=twins)


def judge_pack(
    pack: Pack, parsed_of: Mapping[str, Parsed], screen: DisclosureScreen, limits: BandLimits
) -> list[PackJudged]:
    """Both layers on every line, in order. Raises KeyError for a text without an answer in `parsed_of`."""
    read = {
        line.id: decide(screen.screen_text(line.text), parsed_of[line.text], limits)
        for line in (*pack.twins, *pack.lines)
    }
    return [
        PackJudged(line=line, understood=read[line.id], passed=_is_passed(line, read)) for line in pack.lines
    ]


def _is_passed(line: PackLine, read: Mapping[str, Understood]) -> bool:
    own = read[line.id]
    return _is_as_marked(line, own) and (line.like is None or _is_alike(line, own, read[line.like]))


def _is_as_marked(line: PackLine, read: Understood) -> bool:
    """Urgent: a person looks. Calm: neither RED nor AMBER, or whoever doubts everything would pass both."""
    if line.category is not None:
        return not read.is_automated
    is_calm = read.decision.band is Band.GREEN
    return is_calm and line.outcome in (None, read.outcome)


def _is_alike(line: PackLine, one: Understood, other: Understood) -> bool:
    if one.decision.band is not other.decision.band:
        return False
    return line.category is not None or one.outcome == other.outcome
