"""Who is on call, from when to when and in which order; and what of the days to come nobody has.

A rota is written in British time and kept in UTC: a shift over a night when the clocks change is as long as it is.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum

from casework.model.working_days import LONDON

LOOK_AHEAD = timedelta(days=7)
_WEEK = timedelta(days=7)


class RotaKind(StrEnum):
    ON_CALL = "on_call"
    CONTROL_ROOM = "control_room"


class Way(StrEnum):
    """How a notice reaches a member of staff."""

    SMS = "sms"
    EMAIL = "email"
    WEBHOOK = "webhook"


WAKING = frozenset({Way.SMS, Way.WEBHOOK})
"""Ways that somebody asleep may notice. E-mail alone is none, but better than nothing."""


@dataclass(frozen=True, kw_only=True)
class Span:
    """From `starts_at` until just before `ends_at`. Times aware UTC."""

    starts_at: datetime
    ends_at: datetime


@dataclass(frozen=True, kw_only=True)
class RotaEntry:
    """One person's time on call, or the control room's standing entry (`ends_at` None). Times aware UTC."""

    id: str
    kind: RotaKind
    name: str
    starts_at: datetime
    ends_at: datetime | None
    place: int  # 1 is called first
    mobile: str | None = None
    email: str | None = None
    webhook: str | None = None

    def covers(self, at: datetime) -> bool:
        return self.starts_at <= at and (self.ends_at is None or at < self.ends_at)

    @property
    def ways(self) -> tuple[tuple[Way, str], ...]:
        """(way, address) of each that was given."""
        given = ((Way.SMS, self.mobile), (Way.WEBHOOK, self.webhook), (Way.EMAIL, self.email))
        return tuple((way, to) for way, to in given if to)


def list_on_call(entries: Iterable[RotaEntry], at: datetime) -> list[RotaEntry]:
    """Those on call at that moment, in the order they are called."""
    now = [each for each in entries if each.kind is RotaKind.ON_CALL and each.covers(at)]
    return sorted(now, key=lambda each: (each.place, each.starts_at, each.id))


def find_control_room(entries: Iterable[RotaEntry], at: datetime) -> RotaEntry | None:
    """The one written last."""
    rooms = [each for each in entries if each.kind is RotaKind.CONTROL_ROOM and each.covers(at)]
    return max(rooms, key=lambda each: (each.starts_at, each.id), default=None)


def find_gaps(entries: Sequence[RotaEntry], *, since: datetime, until: datetime) -> list[Span]:
    """When nobody is on call between the two moments, in order; spans that touch are one."""
    gaps: list[Span] = []
    covered_until = since
    for each in sorted(_clip(entries, since, until), key=lambda span: span.starts_at):
        if each.starts_at > covered_until:
            gaps.append(Span(starts_at=covered_until, ends_at=each.starts_at))
        covered_until = max(covered_until, each.ends_at)
    if covered_until < until:
        gaps.append(Span(starts_at=covered_until, ends_at=until))
    return gaps


def _clip(entries: Iterable[RotaEntry], since: datetime, until: datetime) -> Iterator[Span]:
    for each in entries:
        ends_at = until if each.ends_at is None else min(each.ends_at, until)
        starts_at = max(each.starts_at, since)
        if each.kind is RotaKind.ON_CALL and starts_at < ends_at:
            yield Span(starts_at=starts_at, ends_at=ends_at)


def parse_span(starts: str, ends: str, *, weeks_later: int = 0) -> Span:
    """What a form's two local times mean in UTC, so many weeks later by the wall clock.

    A time that comes twice, or never, when the clocks change is read so that the longer time is covered.
    Raises ValueError for what is no time, or an end not after its start.
    """
    later = weeks_later * _WEEK
    starts_at = min(_readings(_parse_local(starts) + later))
    ends_at = max(_readings(_parse_local(ends) + later))
    if ends_at <= starts_at:
        raise ValueError("a shift ends after it begins")
    return Span(starts_at=starts_at, ends_at=ends_at)


def _parse_local(text: str) -> datetime:
    moment = datetime.fromisoformat(text.strip())
    if moment.tzinfo is not None:
        raise ValueError("British time, without a zone")
    return moment.replace(second=0, microsecond=0)


def _readings(local: datetime) -> tuple[datetime, datetime]:
    at = local.replace(tzinfo=LONDON)
    return at.astimezone(UTC), at.replace(fold=1).astimezone(UTC)
