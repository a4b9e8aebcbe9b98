"""When a day of somebody's reading is unusual: six simple rules, each of which can be said in one sentence.

Pure. A finding is a question to a supervisor and no reproach: most of them have a good answer.
"""

import statistics
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum
from pathlib import Path

from casework.model.errors import SettingsInvalid
from casework.model.policy import Relation, Role
from casework.model.stages import STAGE_IDS
from casework.model.toml_files import as_date, as_text, read_toml

LIMITS_FILE = Path(__file__).with_name("unusual_reading.toml")

# Which relation a reading is put down to where several hold: the one that explains it best.
BEST_EXPLAINED_BY = (
    Relation.OWNER,
    Relation.ASSIGNED,
    Relation.ON_QUEUE,
    Relation.HANDLED,
    Relation.GLASS,
    Relation.COLLEAGUE,
    Relation.NONE,
)
UNRELATED = frozenset({Relation.COLLEAGUE.value, Relation.NONE.value})


class Rule(StrEnum):
    NO_RELATION = "no_relation"
    GLASS = "glass"
    SAME_NAME = "same_name"
    MANY_CONVERSATIONS = "many_conversations"
    OFF_SHIFT = "off_shift"
    LONG_CLOSED = "long_closed"


@dataclass(frozen=True, kw_only=True)
class ReadingLimits:
    """From unusual_reading.toml, where each is explained."""

    unrelated_conversations: int
    unrelated_roles: frozenset[str]
    glass_openings: int
    names_left_out: frozenset[str]  # folded by `fold_name`
    many_factor: float
    many_fewest: int
    many_days: int
    many_known_days: int
    off_shift_grace: timedelta
    closed_days: int
    closed_stages: frozenset[str]


@dataclass(frozen=True, kw_only=True)
class Reading:
    """One opening of one conversation. `relation`: a Relation as it was recorded; "" where none was."""

    at: datetime
    conversation_id: str
    relation: str


@dataclass(frozen=True, kw_only=True)
class Subject:
    """Whom a conversation is of. `family_names` folded; `closed_on`: when the last of its cases ended, if all have."""

    family_names: frozenset[str] = frozenset()
    closed_on: date | None = None


@dataclass(frozen=True, kw_only=True)
class ReaderDay:
    """What one member of staff read on one day.

    `usual`: how many conversations they read on each earlier day on which they read any. `shifts`: begin and end, None
    for one that runs on.
    """

    staff_id: str
    role: str
    family_names: frozenset[str]
    day: date
    readings: Sequence[Reading]
    openings: Sequence[str]  # the conversations opened with a reason that day
    usual: Sequence[int]
    shifts: Sequence[tuple[datetime, datetime | None]]
    subjects: Mapping[str, Subject]


@dataclass(frozen=True, kw_only=True)
class Finding:
    """`counted`: how many conversations. `usual`: what they were held against, where the rule has such a figure."""

    rule: Rule
    staff_id: str
    day: date
    conversation_ids: tuple[str, ...]
    usual: int | None = None

    @property
    def counted(self) -> int:
        return len(self.conversation_ids)


def best_relation(relations: Iterable[Relation]) -> Relation:
    """The one that explains a reading best; NONE of none."""
    found = frozenset(relations)
    return next((each for each in BEST_EXPLAINED_BY if each in found), Relation.NONE)


def find_unusual(read: ReaderDay, limits: ReadingLimits) -> list[Finding]:
    """One finding a rule at most, in the order of the rules."""
    found = {
        Rule.NO_RELATION: _list_unrelated(read, limits),
        Rule.GLASS: _list_openings(read, limits),
        Rule.SAME_NAME: _list_namesakes(read, limits),
        Rule.MANY_CONVERSATIONS: _list_many(read, limits),
        Rule.OFF_SHIFT: _list_off_shift(read, limits),
        Rule.LONG_CLOSED: _list_closed(read, limits),
    }
    usual = {Rule.MANY_CONVERSATIONS: _find_usual(read, limits), Rule.LONG_CLOSED: limits.closed_days}
    return [
        Finding(
            rule=rule,
            staff_id=read.staff_id,
            day=read.day,
            conversation_ids=tuple(sorted(set(conversations))),
            usual=usual.get(rule),
        )
        for rule, conversations in found.items()
        if conversations
    ]


def list_family_names(name: str) -> frozenset[str]:
    """The last word of a name, and each part of it where it is two with a hyphen; folded. Empty for a single word."""
    words = name.split()
    if len(words) < 2:
        return frozenset()
    parts = [words[-1], *words[-1].split("-")]
    return frozenset(folded for part in parts if len(folded := fold_name(part)) > 1)


def fold_name(name: str) -> str:
    """Small letters without marks: "O'Néill" and "oneill" are one."""
    plain = unicodedata.normalize("NFKD", name.casefold())
    return "".join(sign for sign in plain if sign.isalpha())


def load_reading_limits(path: Path = LIMITS_FILE) -> ReadingLimits:
    """Raises SettingsInvalid, with the place, for a limit that is missing or makes no sense."""
    tables = read_toml(path)
    try:
        many, closed = tables["many_conversations"], tables["long_closed"]
        limits = ReadingLimits(
            unrelated_conversations=int(tables["no_relation"]["conversations"]),
            unrelated_roles=frozenset(Role(role).value for role in tables["no_relation"]["roles"]),
            glass_openings=int(tables["glass"]["openings"]),
            names_left_out=frozenset(fold_name(name) for name in tables["same_name"]["left_out"]),
            many_factor=float(many["factor"]),
            many_fewest=int(many["fewest"]),
            many_days=int(many["days"]),
            many_known_days=int(many["known_days"]),
            off_shift_grace=timedelta(minutes=int(tables["off_shift"]["grace_minutes"])),
            closed_days=int(closed["days"]),
            closed_stages=frozenset(closed["stages"]),
        )
        as_text(tables["about"]["source"])
        as_date(tables["about"]["review_by"])
    except (KeyError, TypeError, ValueError) as fault:
        raise SettingsInvalid(f"{path.name}: {fault!r} is missing, unknown or of the wrong kind") from fault
    counts = (limits.unrelated_conversations, limits.glass_openings, limits.many_fewest, limits.closed_days)
    if min(*counts, limits.many_days, limits.many_known_days) < 1:
        raise SettingsInvalid(f"{path.name}: a count of conversations, openings or days must be 1 or more")
    if limits.many_factor < 1 or limits.off_shift_grace < timedelta():
        raise SettingsInvalid(f"{path.name}: factor must be 1 or more, and grace_minutes 0 or more")
    if unknown := limits.closed_stages - STAGE_IDS:
        raise SettingsInvalid(f"{path.name}: {sorted(unknown)[0]!r} is no stage of docs/case-file.md")
    return limits


# --- the rules: the conversations of each, none where it does not hold ----------------------------


def _list_unrelated(read: ReaderDay, limits: ReadingLimits) -> list[str]:
    """Read though it was never theirs, waited for nobody, and was not opened with a reason."""
    nothing = [each.conversation_id for each in read.readings if each.relation == Relation.NONE]
    if nothing:
        return nothing
    others = {each.conversation_id for each in read.readings if each.relation in UNRELATED}
    # What became their own in the course of the day needed no other reason.
    others -= {each.conversation_id for each in read.readings if each.relation not in UNRELATED}
    is_told = read.role in limits.unrelated_roles and len(others) >= limits.unrelated_conversations
    return sorted(others) if is_told else []


def _list_openings(read: ReaderDay, limits: ReadingLimits) -> list[str]:
    return list(read.openings) if len(read.openings) >= limits.glass_openings else []


def _list_namesakes(read: ReaderDay, limits: ReadingLimits) -> list[str]:
    own = read.family_names - limits.names_left_out
    names = {known: subject.family_names for known, subject in read.subjects.items()}
    return [
        each.conversation_id
        for each in read.readings
        if own & names.get(each.conversation_id, frozenset[str]())
    ]


def _find_usual(read: ReaderDay, limits: ReadingLimits) -> int | None:
    if len(read.usual) < limits.many_known_days:
        return None
    return round(statistics.median(read.usual))


def _list_many(read: ReaderDay, limits: ReadingLimits) -> list[str]:
    usual = _find_usual(read, limits)
    today = {each.conversation_id for each in read.readings}
    if usual is None or len(today) < limits.many_fewest or len(today) <= limits.many_factor * usual:
        return []
    return sorted(today)


def _list_off_shift(read: ReaderDay, limits: ReadingLimits) -> list[str]:
    grace = limits.off_shift_grace

    def is_within(at: datetime) -> bool:
        return any(begin - grace <= at and (end is None or at <= end + grace) for begin, end in read.shifts)

    return [each.conversation_id for each in read.readings if not is_within(each.at)]


def _list_closed(read: ReaderDay, limits: ReadingLimits) -> list[str]:
    latest = read.day - timedelta(days=limits.closed_days)
    ended = {known: subject.closed_on for known, subject in read.subjects.items()}
    return [
        each.conversation_id
        for each in read.readings
        if (closed_on := ended.get(each.conversation_id)) is not None and closed_on < latest
    ]
