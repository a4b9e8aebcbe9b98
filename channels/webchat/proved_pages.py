"""Pages for whoever has proved enough: opened in one transaction, or kindly said what is missing.

Somebody without a link is told the same whether or not there is a case. What was typed comes back in a box.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Generic, TypeVar

from aiohttp import web

from casework.adapters.service import Service
from casework.adapters.storage.safety_shown import find_safety_line
from casework.adapters.storage.transaction import SqlTransaction
from casework.adapters.storage.web_visits import WebVisit, find_visit
from casework.adapters.web_app import SERVICE
from casework.model.may_tell import FOR_EVERYONE
from casework.model.standings import Standing
from casework.services.left_messages import Receiving
from casework.services.proved import NOTHING_PROVED, Proved, find_proved
from casework.services.standings import use_standing
from channels.webchat.composer import ComposerForm, new_msg_id
from channels.webchat.responses import see_other, show
from channels.webchat.sessions import find_token_hash

Found = TypeVar("Found")


@dataclass(frozen=True, kw_only=True)
class OpenedPage(Generic[Found]):
    """`found` is what the page shows, None where too little is proved; `safety_line` answers what they last wrote."""

    visit: WebVisit
    proved: Proved
    found: Found | None
    safety_line: str | None


async def open_page(
    request: web.Request, look: Callable[[SqlTransaction, str, Proved], Found | None]
) -> OpenedPage[Found] | None:
    """The visit and its standing, kept awake by this, with what `look` finds. None without a visit."""
    token_hash = find_token_hash(request)

    def work(tx: SqlTransaction) -> OpenedPage[Found] | None:
        visit = find_visit(tx, token_hash)
        if visit is None:
            return None
        tx.web_sessions.touch(token_hash)
        if visit.conversation_id is None:
            return OpenedPage(visit=visit, proved=NOTHING_PROVED, found=None, safety_line=None)
        proved = find_proved(tx, visit.conversation_id)
        if proved.standing >= Standing.LINKED:
            use_standing(tx, visit.conversation_id)
            # What of the case is shown follows from what is proved: the page's name says what was looked at.
            page = request.path.rpartition("/")[2]
            tx.audit.record("my_case_opened", by="person", conversation_id=visit.conversation_id, thing=page)
        return OpenedPage(
            visit=visit,
            proved=proved,
            found=look(tx, visit.conversation_id, proved),
            safety_line=find_safety_line(tx, visit.conversation_id),
        )

    return await request.app[SERVICE].database.write(work)


def show_not_yet(request: web.Request, opened: OpenedPage[Found], *, kept: str = "") -> web.Response:
    """What is missing, and where it is got. `kept` are words that did not leave."""
    standing = opened.proved.standing
    return show(
        request,
        "my/not_yet.html",
        visit=opened.visit,
        status=403 if request.method == "POST" else 200,
        # What my/closed.html asks of a case: it says the same whether or not there is one.
        my={"is_linked": standing >= Standing.LINKED, "is_closed": opened.proved.told == FOR_EVERYONE},
        needs_pin=standing is Standing.LINKED and opened.proved.told != FOR_EVERYONE,
        kept=kept,
        msg_id=new_msg_id(),
        safety_line=opened.safety_line,
    )


def show_closed(request: web.Request, form: ComposerForm) -> web.Response:
    """For words that came when the visit had ended: they are shown again, to be sent from there."""
    if form.is_empty:
        return see_other("/")
    return show(request, "chat/kept.html", kept=form, status=401, language=form.page_language)


def get_receiving(service: Service) -> Receiving:
    return Receiving(
        screen=service.screen,
        safety_lines=service.safety_lines,
        bands=service.bands,
        texts=service.texts,
    )
