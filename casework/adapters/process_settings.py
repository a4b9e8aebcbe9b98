"""What one process is told of the machine it runs on: where to listen, and how to go."""

import re
from collections.abc import Mapping
from dataclasses import dataclass

from casework.model.errors import SettingsInvalid

LOOPBACK = "127.0.0.1"
LONGEST_LEAVE_SECONDS = 120.0


@dataclass(frozen=True, kw_only=True)
class ProcessSettings:
    host: str = LOOPBACK  # where the public port and the desk listen
    private_host: str = LOOPBACK  # where the actions, and a worker's health, listen: never a public address
    health_port: int | None = None  # where a worker says how it is; None: nowhere
    leave_seconds: float = 0.0  # how long it still takes what comes after it says it is not ready any more

    @classmethod
    def from_env(cls, environ: Mapping[str, str]) -> "ProcessSettings":
        """Raises SettingsInvalid naming the first setting that is wrong."""
        return cls(
            host=environ.get("WAYMARK_HOST", "").strip() or LOOPBACK,
            private_host=environ.get("WAYMARK_PRIVATE_HOST", "").strip() or LOOPBACK,
            health_port=_health_port(environ),
            leave_seconds=_leave_seconds(environ),
        )


def _health_port(environ: Mapping[str, str]) -> int | None:
    value = environ.get("WAYMARK_HEALTH_PORT", "").strip()
    if value and not (re.fullmatch(r"[0-9]{1,5}", value) and 0 < int(value) < 65536):
        raise SettingsInvalid(f"WAYMARK_HEALTH_PORT: {value!r} is not a port between 1 and 65535")
    return int(value) if value else None


def _leave_seconds(environ: Mapping[str, str]) -> float:
    value = environ.get("WAYMARK_LEAVE_SECONDS", "").strip() or "0"
    if not re.fullmatch(r"[0-9]{1,3}(\.[0-9]{1,3})?", value) or float(value) > LONGEST_LEAVE_SECONDS:
        raise SettingsInvalid(
            f"WAYMARK_LEAVE_SECONDS: {value!r} is not a number from 0 to {LONGEST_LEAVE_SECONDS:.0f}."
        )
    return float(value)
