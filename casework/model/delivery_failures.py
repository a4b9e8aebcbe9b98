"""Why a message of ours reached nobody, in words of no provider, and what follows from it.

The table stands in delivery_failures.toml, with a reason for each. What a provider's own codes mean stands in that
provider's module: channels/twilio_errors.py.
"""

from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from functools import cache
from pathlib import Path
from typing import Any

from casework.model.errors import SettingsInvalid
from casework.model.messages import Channel
from casework.model.toml_files import as_date, as_text, read_toml

FAILURES_FILE = Path(__file__).with_name("delivery_failures.toml")
ALARM = "alarm:"

UNKNOWN_FAULT = "unknown_fault"
OUTCOME_UNKNOWN = "outcome_unknown"
UNREACHABLE_NOW = "unreachable_now"
TOO_LATE = "too_late"
WINDOW_CLOSED = "window_closed"


class FollowUp(StrEnum):
    """What is done besides the task that every message given up becomes."""

    NONE = "none"
    TASK = "task"
    CANNOT_BE_TEXTED = "cannot_be_texted"
    NUMBER_DOUBTED = "number_doubted"
    ALARM = "alarm"
    WINDOW_CLOSED = "window_closed"


@dataclass(frozen=True, kw_only=True)
class Failure:
    """One row of the table. `again`: how long after it failed a message that had left is sent anew, each once."""

    id: str
    follow_up: FollowUp
    alarm: str | None
    telegram_alarm: str | None
    again: tuple[timedelta, ...]
    why: str

    def find_alarm(self, channel: Channel) -> str | None:
        return self.telegram_alarm if channel is Channel.TELEGRAM and self.telegram_alarm else self.alarm


def get_failure(failure_id: str | None) -> Failure:
    """The failure of that id; `unknown_fault` for none, and for one that is not in the table. Never raises."""
    failures = load_failures()
    return failures.get(failure_id or UNKNOWN_FAULT, failures[UNKNOWN_FAULT])


@cache
def load_failures(path: Path = FAILURES_FILE) -> dict[str, Failure]:
    """Raises SettingsInvalid, with the place, for a table that cannot be right."""
    tables = read_toml(path)
    try:
        return _parse(tables)
    except (KeyError, TypeError, ValueError) as fault:
        raise SettingsInvalid(f"{path.name}: {fault!r} is missing, unknown or of the wrong kind") from fault


def _parse(tables: dict[str, Any]) -> dict[str, Failure]:
    about = tables.pop("about")
    as_text(about["source"])
    as_date(about["review_by"])
    rows = [_parse_failure(dict(entry)) for entry in tables.pop("failure")]
    if tables:
        raise KeyError(*tables)
    failures = {row.id: row for row in rows}
    if len(failures) < len(rows):
        raise ValueError("something listed twice")
    # What the code itself names must be there.
    for name in (UNKNOWN_FAULT, OUTCOME_UNKNOWN, UNREACHABLE_NOW, TOO_LATE, WINDOW_CLOSED):
        failures[name]
    return failures


def _parse_failure(entry: dict[str, Any]) -> Failure:
    written = as_text(entry.pop("follow_up"))
    is_alarm = written.startswith(ALARM)
    failure = Failure(
        id=as_text(entry.pop("id")),
        follow_up=FollowUp.ALARM if is_alarm else FollowUp(written),
        alarm=as_text(written.removeprefix(ALARM)) if is_alarm else None,
        telegram_alarm=as_text(entry.pop("telegram_alarm")) if "telegram_alarm" in entry else None,
        again=tuple(_minutes(each) for each in entry.pop("again_minutes", [])),
        why=as_text(entry.pop("why")),
    )
    if entry:
        raise KeyError(*entry)
    return failure


def _minutes(value: object) -> timedelta:
    if not isinstance(value, int) or isinstance(value, bool) or value < 1:
        raise TypeError(f"{value!r} is no number of minutes from 1")
    return timedelta(minutes=value)
