"""The rows of the queue page as HTML, each written once for as long as it looks the same.

Hundreds of rows are shown again several times a second while messages come, and a row changes about once a minute.
What a row looks like depends on nothing but `_looks_of`; the form token of whoever looks is put in last. A page that
says which edition of the rows it has is sent only those that look another way; the rest are named.
"""

import secrets
from collections.abc import Callable, Hashable, Iterable, Mapping
from dataclasses import dataclass
from itertools import count

from markupsafe import Markup, escape

from casework.services.ports import StaffMember
from console.desk.queues import QueueRow
from console.live_pages import fingerprint_of
from console.pages import STATION_ZONE

MOST_KEPT = 5000
MOST_EDITIONS = 64
RenderRow = Callable[..., str]


@dataclass(frozen=True, slots=True)
class KeptRow:
    number: int  # no other row that was ever written has it
    html: str


@dataclass(frozen=True, kw_only=True)
class WrittenRows:
    html: Markup
    edition: str  # of these rows for this viewer; nothing can be read from it


class QueueRows:
    """Keeps what was written. `render` writes one row from its template."""

    def __init__(self, render: RenderRow) -> None:
        self._render = render
        self._kept: dict[Hashable, KeptRow] = {}
        self._numbers = count()
        # The number of each row by its conversation, and whose token is in the rows: the oldest edition goes first.
        self._editions: dict[str, tuple[str, Mapping[str, int]]] = {}
        # Stands where a token goes. Drawn, so that nobody's name or words can be taken for it.
        self._token_mark = f"token-{secrets.token_hex(16)}"

    def write(
        self,
        rows: Iterable[QueueRow],
        *,
        staff: StaffMember,
        csrf_token: str,
        is_full: bool,
        had: str = "",
    ) -> WrittenRows:
        """All rows in their order. Those that look as they did in `had`, the edition a page has, are only named."""
        kept = {row.first.conversation_id: self._write_row(row, staff, is_full) for row in rows}
        had_token, known = self._editions.get(had, ("", {}))
        if had_token != csrf_token:
            known = {}  # who logged in anew is sent every row with the new token
        written = "".join(
            _name_row(each) if known.get(each) == row.number else row.html for each, row in kept.items()
        )
        return WrittenRows(
            html=Markup(written.replace(self._token_mark, str(escape(csrf_token)))),
            edition=self._note_edition({each: row.number for each, row in kept.items()}, csrf_token),
        )

    def _note_edition(self, numbers: Mapping[str, int], csrf_token: str) -> str:
        edition = fingerprint_of([self._token_mark, csrf_token, *numbers.items()])
        self._editions.pop(edition, None)
        self._editions[edition] = csrf_token, numbers
        if len(self._editions) > MOST_EDITIONS:
            del self._editions[next(iter(self._editions))]
        return edition

    def _write_row(self, row: QueueRow, staff: StaffMember, is_full: bool) -> KeptRow:
        is_mine, is_supervisor = row.first.owner_id == staff.id, staff.role == "supervisor"
        looks = (_looks_of(row), is_mine, is_supervisor, is_full and row.is_urgent)
        found = self._kept.get(looks)
        if found is None:
            if len(self._kept) >= MOST_KEPT:
                self._kept.clear()
            written = self._render(
                row=row,
                is_mine=is_mine,
                is_supervisor=is_supervisor,
                is_full=is_full,
                token_mark=self._token_mark,
                now=row.now,
            )
            found = self._kept[looks] = KeptRow(next(self._numbers), written)
        return found


def _name_row(conversation_id: str) -> str:
    return f'<tr id="row-{conversation_id}" data-same></tr>'


def _looks_of(row: QueueRow) -> Hashable:
    """All that a row is made of, whole, and what time makes of it: the minute it shows, and how punctual that is."""
    # "By 14:00 tomorrow" is said another way the next day.
    day = None if row.limit else row.now.astimezone(STATION_ZONE).date()
    return (
        *(row.first, row.others, row.facts, row.target, row.limit),
        *(row.waiting_seconds // 60, row.punctuality, row.status, day),
    )
