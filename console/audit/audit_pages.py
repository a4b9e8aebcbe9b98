"""The record searched: by conversation, person, act and days, a hundred at a time. Ids and codes, and nobody's words.

Looking into it is in it.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from urllib.parse import urlencode

from aiohttp import web

from casework.adapters.storage.transaction import SqlTransaction
from casework.adapters.web_app import SERVICE
from casework.model.audit_acts import load_acts
from casework.model.working_days import LONDON, local_day
from casework.services.ports import StaffMember
from casework.services.reading_ports import AuditEntry, AuditSearch, Cursor
from console.pages import PAGES
from console.sessions import SESSION

AUDIT = "/console/audit"
PAGE = 100
USUAL_DAYS = 7
# Who acts besides staff, as the record calls them.
OTHERS = ("person", "officer", "assistant", "worker", "service", "provider", "detector", "rule")
CONVERSATION_ID = re.compile(r"[0-9a-f]{32}")
FIELDS = ("conversation", "person", "act", "from", "to")
BEGAN = datetime(1970, 1, 1, tzinfo=UTC)
MICROSECOND = timedelta(microseconds=1)


class SearchUnfit(ValueError):
    """The argument names the words of the fault."""


@dataclass(frozen=True, kw_only=True)
class Found:
    entries: list[AuditEntry]
    staff: list[StaffMember]
    next_cursor: str


def add_search_routes(app: web.Application) -> None:
    app.router.add_get(AUDIT, show_search)


async def show_search(request: web.Request) -> web.StreamResponse:
    """What the form asks for, or the last seven days; 422 with the reason for what cannot be looked for."""
    session, service = request[SESSION], request.app[SERVICE]
    today = local_day(service.clock.now())
    typed = {name: request.query.get(name, "").strip() for name in FIELDS}
    fault = None
    try:
        wanted = parse_search(typed, today=today)
    except SearchUnfit as unfit:
        wanted, fault = parse_search({}, today=today), str(unfit)
    after = read_cursor(request.query.get("after", ""))
    await service.database.write(
        lambda tx: tx.audit.record("audit_read", by=session.staff.id, thing=name_search(wanted))
    )
    found = await service.database.read(lambda tx: _search(tx, wanted, after))
    return request.app[PAGES].render(
        "audit.html",
        status=422 if fault else 200,
        session=session,
        fault=fault,
        typed=typed | {"from": _day_of(wanted.since), "to": _day_of(wanted.until, before=True)},
        found=found,
        acts=sorted(load_acts()),
        others=OTHERS,
        query=urlencode({name: value for name, value in typed.items() if value}),
        is_first=after is None,
    )


def parse_search(typed: Mapping[str, str], *, today: date) -> AuditSearch:
    """The days are British days, both counted. Raises SearchUnfit for what nobody could have acted as, or on."""
    conversation_id, actor, act = (typed.get(name) or None for name in ("conversation", "person", "act"))
    if conversation_id is not None and CONVERSATION_ID.fullmatch(conversation_id) is None:
        raise SearchUnfit("conversation")
    if actor is not None and actor not in OTHERS and CONVERSATION_ID.fullmatch(actor) is None:
        raise SearchUnfit("person")
    if act is not None and act not in load_acts():
        raise SearchUnfit("act")
    try:
        last = date.fromisoformat(typed.get("to") or today.isoformat())
        first = date.fromisoformat(typed.get("from") or (last - timedelta(days=USUAL_DAYS - 1)).isoformat())
        since, until = _begin(first), _begin(last + timedelta(days=1))
    except (ValueError, OverflowError) as fault:
        raise SearchUnfit("days") from fault
    if until <= since:
        raise SearchUnfit("days")
    return AuditSearch(since=since, until=until, conversation_id=conversation_id, actor=actor, act=act)


def name_search(wanted: AuditSearch) -> str | None:
    """What the record says of the look: what was looked for, the narrowest of it."""
    if wanted.conversation_id is not None:
        return f"conversation:{wanted.conversation_id}"
    if wanted.actor is not None:
        return f"person:{wanted.actor}"
    return f"act:{wanted.act}" if wanted.act is not None else None


def read_cursor(text: str) -> Cursor | None:
    """From `microseconds since 1970.id`; None for the first page, and for what no page of ours sends."""
    moment, _, entry_id = text.partition(".")
    if not all(each.isascii() and each.isdigit() and len(each) < 18 for each in (moment, entry_id)):
        return None
    return Cursor(at=BEGAN + int(moment) * MICROSECOND, entry_id=int(entry_id))


def write_cursor(entry: AuditEntry) -> str:
    return f"{(entry.at - BEGAN) // MICROSECOND}.{entry.id}"


def _search(tx: SqlTransaction, wanted: AuditSearch, after: Cursor | None) -> Found:
    entries = tx.audit_reads.search(wanted, after=after, limit=PAGE + 1)
    shown = entries[:PAGE]
    return Found(
        entries=shown,
        staff=[each.staff for each in tx.staff.list_members()],
        next_cursor=write_cursor(shown[-1]) if len(entries) > PAGE else "",
    )


def _begin(day: date) -> datetime:
    return datetime.combine(day, time(), LONDON).astimezone(UTC)


def _day_of(moment: datetime, *, before: bool = False) -> str:
    return local_day(moment - timedelta(seconds=before)).isoformat()
