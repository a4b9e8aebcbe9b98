"""Writing the rota: who is on call, and what a supervisor must know of the days to come."""

import re
from dataclasses import dataclass, field
from datetime import datetime
from urllib.parse import urlsplit

from casework.model.errors import WaymarkError
from casework.model.rota import (
    LOOK_AHEAD,
    RotaEntry,
    RotaKind,
    Span,
    find_control_room,
    find_gaps,
    list_on_call,
    parse_span,
)
from casework.services.gb_mobiles import is_gb_mobile
from casework.services.ports import Transaction

MOST_WEEKS = 52
MOST_PLACES = 20
LONGEST_NAME, LONGEST_EMAIL, LONGEST_WEBHOOK = 96, 254, 500
EMAIL = re.compile(r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]+@[A-Za-z0-9.-]+")
LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1"})


class RotaFault(WaymarkError):
    """What was written cannot be kept; `code` names the words of the page."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


@dataclass(frozen=True, kw_only=True)
class Written:
    """The rota's form as it was typed. `kind` ON_CALL needs both times; the control room has none."""

    kind: RotaKind
    name: str
    starts: str = ""
    ends: str = ""
    place: str = "1"
    weeks: str = "1"
    mobile: str = field(default="", repr=False)
    email: str = field(default="", repr=False)
    webhook: str = field(default="", repr=False)


@dataclass(frozen=True, kw_only=True)
class RotaSeen:
    """The rota as it stands. `gaps`: nobody is on call then, within the next seven days."""

    entries: tuple[RotaEntry, ...]
    on_call: tuple[RotaEntry, ...]
    control_room: RotaEntry | None
    gaps: tuple[Span, ...]


def see_rota(tx: Transaction, *, until: datetime | None = None) -> RotaSeen:
    """From now until then (without it: everything to come)."""
    entries = tx.rota.list_between(tx.now, until or tx.now.replace(year=tx.now.year + 2))
    on_call = [each for each in entries if each.kind is RotaKind.ON_CALL]
    return RotaSeen(
        entries=tuple(on_call),
        on_call=tuple(list_on_call(entries, tx.now)),
        control_room=find_control_room(entries, tx.now),
        gaps=tuple(find_gaps(entries, since=tx.now, until=tx.now + LOOK_AHEAD)),
    )


def add_entries(tx: Transaction, written: Written, *, by: str, is_sandbox: bool) -> int:
    """Puts somebody on call for as many weeks, or the control room in place of the one before; how many entries.

    Raises RotaFault, and nothing is written.
    """
    ways = _check_ways(written, is_sandbox=is_sandbox)
    name = " ".join(written.name.split())
    if not 0 < len(name) <= LONGEST_NAME:
        raise RotaFault("name")
    if written.kind is RotaKind.CONTROL_ROOM:
        before = see_rota(tx).control_room
        if before is not None:
            tx.rota.remove(before.id)
        tx.rota.add(kind=written.kind, name=name, starts_at=tx.now, ends_at=None, place=1, by=by, **ways)
        tx.audit.record("rota_changed", by=by, thing="control_room")
        return 1
    place = _parse_count(written.place, most=MOST_PLACES, fault="place")
    spans = _parse_spans(written, tx.now)
    for span in spans:
        tx.rota.add(
            kind=written.kind,
            name=name,
            starts_at=span.starts_at,
            ends_at=span.ends_at,
            place=place,
            by=by,
            **ways,
        )
    tx.audit.record("rota_changed", by=by, thing=f"added {len(spans)}")
    return len(spans)


def remove_entry(tx: Transaction, entry_id: str, *, by: str) -> bool:
    """False when it is not there."""
    removed = tx.rota.remove(entry_id)
    if removed:
        tx.audit.record("rota_changed", by=by, thing=f"removed {entry_id}")
    return removed


def _parse_spans(written: Written, now: datetime) -> list[Span]:
    weeks = _parse_count(written.weeks, most=MOST_WEEKS, fault="weeks")
    try:
        spans = [parse_span(written.starts, written.ends, weeks_later=week) for week in range(weeks)]
    except (ValueError, OverflowError) as fault:
        raise RotaFault("times") from fault
    if spans[0].ends_at <= now:
        raise RotaFault("past")
    return spans


def _parse_count(text: str, *, most: int, fault: str) -> int:
    stripped = text.strip()
    if (
        not (stripped.isascii() and stripped.isdigit() and len(stripped) <= 3)
        or not 1 <= int(stripped) <= most
    ):
        raise RotaFault(fault)
    return int(stripped)


def _check_ways(written: Written, *, is_sandbox: bool) -> dict[str, str | None]:
    mobile, email, webhook = _as_number(written.mobile), written.email.strip(), written.webhook.strip()
    if not (mobile or email or webhook):
        raise RotaFault("no_way")
    if mobile and not is_gb_mobile(mobile):
        raise RotaFault("mobile")
    if email and (len(email) > LONGEST_EMAIL or not EMAIL.fullmatch(email)):
        raise RotaFault("email")
    if webhook and not _is_webhook(webhook, is_sandbox=is_sandbox):
        raise RotaFault("webhook")
    return {"mobile": mobile or None, "email": email or None, "webhook": webhook or None}


def _as_number(typed: str) -> str:
    """E.164 of what people write: 07700 900123 is +447700900123."""
    digits = re.sub(r"[\s().-]", "", typed)
    return f"+44{digits[1:]}" if re.fullmatch(r"0[0-9]{10}", digits) else digits


def _is_webhook(address: str, *, is_sandbox: bool) -> bool:
    """https, and no name or password in it; plain http only to this machine, in the sandbox."""
    if len(address) > LONGEST_WEBHOOK or not address.isascii() or any(each.isspace() for each in address):
        return False
    try:
        parts = urlsplit(address)
        parts.port  # noqa: B018 - raises for a port that is none
    except ValueError:
        return False
    if not parts.hostname or parts.username is not None or parts.password is not None:
        return False
    return parts.scheme == "https" or (is_sandbox and parts.scheme == "http" and parts.hostname in LOOPBACK)
