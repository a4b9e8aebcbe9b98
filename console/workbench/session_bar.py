"""What stands over every page of the workbench: one's own session, a word about a pause, and whether keys act."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar

from aiohttp import web

from casework.adapters.storage.transaction import SqlTransaction
from casework.adapters.web_app import SERVICE
from casework.services import annotations
from casework.services.annotations import Session
from casework.services.ports import StaffMember
from console.pages import PAGES
from console.sessions import SESSION

Result = TypeVar("Result")


@dataclass(frozen=True, kw_only=True)
class Bar:
    """`agreed_percent`: None while too few of one's labels have met another's."""

    session: Session
    keys_on: bool

    @property
    def agreed_percent(self) -> int | None:
        if self.session.agreed is None or not self.session.both:
            return None
        return round(100 * self.session.agreed / self.session.both)


def read_bar(tx: SqlTransaction, *, by: StaffMember) -> Bar:
    return Bar(session=annotations.find_session(tx, by=by), keys_on=tx.shifts.get_preferences(by.id).keys_on)


async def read_with_bar(request: web.Request, read: Callable[[SqlTransaction], Result]) -> tuple[Result, Bar]:
    """What a page shows and its bar, as they stand at one moment."""
    staff = request[SESSION].staff
    return await request.app[SERVICE].database.read(lambda tx: (read(tx), read_bar(tx, by=staff)))


def render(
    request: web.Request, template: str, bar: Bar, *, status: int = 200, **values: Any
) -> web.Response:
    """A page of the workbench; a trainer may look at it, and no browser keeps it."""
    return request.app[PAGES].render(
        f"workbench/{template}", status=status, session=request[SESSION], bar=bar, **values
    )
