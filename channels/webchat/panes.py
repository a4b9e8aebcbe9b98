"""What a page of the conversation shows, and what an open page lacks of it.

A live page names its newest messages (`X-Have`) and counts all it knows of (`X-Count`). It is sent only what it
lacks, also where that came late and belongs higher up; where that cannot be told, the newest 200.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil
from typing import Any

from aiohttp import web

from casework.adapters.storage.transaction import SqlTransaction
from casework.adapters.storage.web_visits import NOTHING_YET, PageState, WebVisit, find_end, read_page_state
from casework.model.messages import Author, OutboxStatus
from casework.model.tokens import hash_token
from casework.services.ports import TranscriptEntry

MOST_SHOWN = 200
NEWEST = 60


@dataclass(frozen=True, kw_only=True)
class Known:
    """What the page asking has: the keys of its newest messages, and how many it knows of in all."""

    keys: frozenset[str]
    count: int


@dataclass(frozen=True, kw_only=True)
class ShownEntry:
    entry: TranscriptEntry
    before: str | None  # the message it comes right before, where the page has that one


def parse_known(request: web.Request) -> Known | None:
    """None where the page names nothing, or nothing that can be read."""
    count = request.headers.get("X-Count", "")
    keys = request.headers.get("X-Have", "").split()
    if not keys or not (count.isascii() and count.isdigit() and len(count) < 10):
        return None
    return Known(keys=frozenset(keys), count=int(count))


def read_pane(tx: SqlTransaction, visit: WebVisit, known: Known | None = None) -> dict[str, Any]:
    """The values of the templates that show the conversation, or what the page lacks of it.

    `older`: how many messages there are before those shown; None where only what is lacking is shown.
    """
    state = read_page_state(tx, visit.conversation_id) if visit.conversation_id else None
    values: dict[str, Any] = {
        "visit_mark": hash_token(visit.external_id)[:8],
        "ends_in": None if state and state.is_waited_for else _count_seconds_left(tx, visit),
        "idle_minutes": visit.idle_minutes,
        "state": _name_state(state),
        # Read before the messages: what comes meanwhile is told anew.
        "version": state.version if state else NOTHING_YET,
    }
    if state is None or visit.conversation_id is None:
        return values | {"entries": [], "choices": (), "older": 0}
    if known is not None:
        newest = _list_shown(tx, visit.conversation_id, limit=NEWEST)
        lacking = _find_lacking(newest, known)
        if lacking is not None and len(lacking) == state.shown - known.count:
            return values | {"entries": lacking, "choices": _list_choices(newest), "older": None}
    shown = _list_shown(tx, visit.conversation_id, limit=MOST_SHOWN)
    return values | {
        "entries": [ShownEntry(entry=entry, before=None) for entry in shown],
        "choices": _list_choices(shown),
        "older": state.shown - len(shown),
    }


def _list_shown(tx: SqlTransaction, conversation_id: str, *, limit: int) -> list[TranscriptEntry]:
    """Only what has left: the rest may still be suppressed because a person took over."""
    entries = tx.transcripts.list_latest(conversation_id, limit=limit)
    return [entry for entry in entries if entry.status in (None, OutboxStatus.SENT)]


def _find_lacking(newest: Sequence[TranscriptEntry], known: Known) -> list[ShownEntry] | None:
    """Those after the oldest one it names that it does not name; None where it names none of them."""
    first = next((place for place, entry in enumerate(newest) if entry.key in known.keys), None)
    if first is None:
        return None
    following = [*newest[first + 1 :], None]
    return [
        ShownEntry(entry=entry, before=after.key if after and after.key in known.keys else None)
        for entry, after in zip(newest[first:], following, strict=True)
        if entry.key not in known.keys
    ]


def _list_choices(shown: Sequence[TranscriptEntry]) -> tuple[str, ...]:
    return shown[-1].choices if shown and shown[-1].author is not Author.PERSON else ()


def _name_state(state: PageState | None) -> str:
    """Who has what they wrote, told only while it is so: "person", "assistant" or nobody, ""."""
    if state is not None and state.has_owner:
        return "person"
    return "assistant" if state is not None and state.is_being_answered else ""


def _count_seconds_left(tx: SqlTransaction, visit: WebVisit) -> int:
    return max(0, ceil((find_end(tx, visit) - tx.now).total_seconds()))
