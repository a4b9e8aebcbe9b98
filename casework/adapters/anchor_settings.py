"""`WAYMARK_AUDIT_ANCHORS`: the places that the signed heads of the audit are handed to."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from urllib.parse import urlsplit

from casework.model.errors import SettingsInvalid

NAME = "WAYMARK_AUDIT_ANCHORS"
SYSLOG_PORTS = {
    "syslog+udp": 514,
    "syslog+tcp": 601,
}  # RFC 5426 section 3.3; RFC 6587 has none, 601 is IANA's
ADDRESS = re.compile(r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]+@[A-Za-z0-9.-]+")
LONGEST = 200


class PlaceKind(StrEnum):
    FILE = "file"
    UNIX = "syslog+unix"
    UDP = "syslog+udp"
    TCP = "syslog+tcp"
    MAIL = "mailto"


@dataclass(frozen=True, kw_only=True)
class AnchorAddress:
    """`name`: as it was written. `target`: a path, a host or a mail address."""

    kind: PlaceKind
    name: str
    target: str
    port: int = 0

    def is_outside(self, data_dir: Path) -> bool:
        """Whether who can write this service's own folder cannot, by that alone, change what lies there."""
        return self.kind is not PlaceKind.FILE or data_dir.absolute() not in Path(self.target).parents


def parse_anchor_places(environ: Mapping[str, str], data_dir: Path) -> tuple[AnchorAddress, ...]:
    """Comma-separated; unset: one file in the data folder. Raises SettingsInvalid naming the wrong one."""
    value = environ.get(NAME, "").strip() or f"file:{data_dir}/audit/anchors.log"
    places = tuple(_parse_place(each.strip()) for each in value.split(","))
    if len({each.name for each in places}) != len(places):
        raise SettingsInvalid(f"{NAME} names a place twice.")
    if any(each.kind is PlaceKind.MAIL for each in places) and not environ.get("WAYMARK_SMTP_URL"):
        raise SettingsInvalid(
            f"{NAME} names a mail address, and WAYMARK_SMTP_URL is not set: none could leave."
        )
    return places


def _parse_place(written: str) -> AnchorAddress:
    parts = urlsplit(written)
    try:
        kind, port = PlaceKind(parts.scheme), parts.port
    except ValueError:
        raise _refuse(written) from None
    if len(written) > LONGEST or parts.username or parts.password or parts.query or parts.fragment:
        raise _refuse(written)
    if kind in (PlaceKind.FILE, PlaceKind.UNIX):
        if parts.netloc or not Path(parts.path).is_absolute():
            raise _refuse(written)
        return AnchorAddress(kind=kind, name=written, target=parts.path)
    if kind is PlaceKind.MAIL:
        if not ADDRESS.fullmatch(parts.path):
            raise _refuse(written)
        return AnchorAddress(kind=kind, name=written, target=parts.path)
    if not parts.hostname or parts.path:
        raise _refuse(written)
    return AnchorAddress(kind=kind, name=written, target=parts.hostname, port=port or SYSLOG_PORTS[kind])


def _refuse(written: str) -> SettingsInvalid:
    return SettingsInvalid(
        f"{NAME}: {written!r} is no place. Write file:/path, syslog+unix:/dev/log, syslog+udp://host:514, "
        "syslog+tcp://host:601 or mailto:auditor@example.org, separated by commas."
    )
