"""The rows of the queue page as HTML, each written once for as long as it looks the same.

Hundreds of rows are shown again several times a second while messages come, and a row changes about once a minute.
What a row looks like depends on nothing but `_looks_of`; the form token of whoever looks is put in last.
"""

import secrets
from collections.abc import Callable, Hashable, Iterable

from markupsafe import Markup, escape

from casework.services.ports import StaffMember
from console.desk.queues import QueueRow
from console.pages import STATION_ZONE

MOST_KEPT = 5000
RenderRow = Callable[..., str]


class QueueRows:
    """Keeps what was written. `render` writes one row from its template."""

    def __init__(self, render: RenderRow) -> None:
        self._render = render
        self._kept: dict[Hashable, str] = {}
        # Stands where a token goes. Drawn, so that nobody's name or words can be taken for it.
        self._token_mark = f"token-{secrets.token_hex(16)}"

    def write(
        self, rows: Iterable[QueueRow], *, staff: StaffMember, csrf_token: str, is_full: bool
    ) -> Markup:
        """All rows in their order."""
        written = "".join(self._write_row(row, staff, is_full) for row in rows)
        return Markup(written.replace(self._token_mark, str(escape(csrf_token))))

    def _write_row(self, row: QueueRow, staff: StaffMember, is_full: bool) -> str:
        is_mine, is_supervisor = row.first.owner_id == staff.id, staff.role == "supervisor"
        looks = (_looks_of(row), is_mine, is_supervisor, is_full and row.is_urgent)
        found = self._kept.get(looks)
        if found is None:
            if len(self._kept) >= MOST_KEPT:
                self._kept.clear()
            found = self._kept[looks] = self._render(
                row=row,
                is_mine=is_mine,
                is_supervisor=is_supervisor,
                is_full=is_full,
                token_mark=self._token_mark,
                now=row.now,
            )
        return found


def _looks_of(row: QueueRow) -> Hashable:
    """All that a row is made of, whole, and what time makes of it: the minute it shows, and how punctual that is."""
    # "By 14:00 tomorrow" is said another way the next day.
    day = None if row.limit else row.now.astimezone(STATION_ZONE).date()
    return (
        *(row.first, row.others, row.facts, row.target, row.limit),
        *(row.waiting_seconds // 60, row.punctuality, row.status, day),
    )
