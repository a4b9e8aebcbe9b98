"""A token bucket for each address we send from, with a part kept for what is urgent. Limits: pacing.toml."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any

from casework.model.errors import SettingsInvalid
from casework.model.messages import Channel, Lane
from casework.model.toml_files import as_date, as_text, read_toml

PACING_FILE = Path(__file__).with_name("pacing.toml")
URGENT = frozenset({Lane.SAFETY, Lane.ONE_TIME_CODE})
# Two clocks a little apart are one clock to a bucket; a count from further in the future is a clock put back.
CLOCKS_AGREE = timedelta(seconds=10)
_DUST = 1e-6


@dataclass(frozen=True, kw_only=True)
class Pace:
    """`per_second` tokens come in, up to `burst`; of a full bucket `kept` are for what is urgent."""

    per_second: float
    burst: float
    kept: float


@dataclass(frozen=True, kw_only=True)
class Bucket:
    """Tokens left, below zero after one message larger than a bucket, and when that was counted."""

    tokens: float
    counted_at: datetime


@dataclass(frozen=True, kw_only=True)
class Taken:
    """The bucket afterwards. `seconds`: None, and it may leave; else how long until there are tokens for it."""

    bucket: Bucket
    seconds: float | None


def take_tokens(bucket: Bucket, pace: Pace, *, tokens: int, lane: Lane, now: datetime) -> Taken:
    """Takes them if they are there for this lane. What is larger than all its lane may use goes from a full bucket."""
    filled = _fill(bucket, pace, now)
    kept = 0.0 if lane in URGENT else pace.kept
    wanted = min(float(tokens), pace.burst - kept)
    if filled.tokens - kept + _DUST >= wanted:
        left = Bucket(tokens=filled.tokens - tokens, counted_at=filled.counted_at)
        return Taken(bucket=left, seconds=None)
    return Taken(bucket=filled, seconds=(wanted + kept - filled.tokens) / pace.per_second)


def _fill(bucket: Bucket, pace: Pace, now: datetime) -> Bucket:
    if bucket.counted_at > now + CLOCKS_AGREE:
        return Bucket(tokens=min(bucket.tokens, pace.burst), counted_at=now)
    # Never back: another worker's clock may be a little ahead, and no second is counted twice.
    seconds = max(0.0, (now - bucket.counted_at).total_seconds())
    tokens = min(pace.burst, bucket.tokens + seconds * pace.per_second)
    return Bucket(tokens=tokens, counted_at=max(now, bucket.counted_at))


def make_pace(channel: Channel, *, per_second: float | None = None) -> Pace | None:
    """The pace of an address on this channel; None where there is none to keep. `per_second` instead of the file's."""
    limits = load_paces()
    if channel not in limits.per_second:
        return None
    rate = per_second or limits.per_second[channel]
    burst = max(limits.smallest_burst, rate * limits.burst_seconds)
    return Pace(per_second=rate, burst=burst, kept=burst * limits.kept_share)


@dataclass(frozen=True, kw_only=True)
class PaceLimits:
    burst_seconds: float
    smallest_burst: float
    kept_share: float
    per_second: Mapping[Channel, float]


@cache
def load_paces() -> PaceLimits:
    """The packaged limits, read once. Raises SettingsInvalid for a table that cannot be right."""
    return parse_paces(read_toml(PACING_FILE))


def parse_paces(table: Mapping[str, Mapping[str, Any]]) -> PaceLimits:
    """Every limit a number above nought, `kept_share` below a half, every row with its source and review date."""
    try:
        for row in table.values():
            as_text(row["source"]), as_date(row["review_by"])
        bucket = table["bucket"]
        limits = PaceLimits(
            burst_seconds=float(bucket["burst_seconds"]),
            smallest_burst=float(bucket["smallest_burst"]),
            kept_share=float(bucket["kept_share"]),
            per_second={
                Channel(name): float(row["per_second"]) for name, row in table.items() if name != "bucket"
            },
        )
    except (KeyError, TypeError, ValueError) as fault:
        raise SettingsInvalid(f"pacing.toml cannot be right: {fault}; put the packaged file back") from fault
    numbers = [limits.burst_seconds, limits.smallest_burst, limits.kept_share, *limits.per_second.values()]
    if min(numbers) <= 0 or limits.kept_share >= 0.5:
        raise SettingsInvalid("pacing.toml: every limit is above nought, and kept_share below a half.")
    return limits
