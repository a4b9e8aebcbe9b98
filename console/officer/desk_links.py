"""The desk makes a link for the officer in the case: shown once, for a person to hand over."""

from aiohttp import web

from casework.adapters.storage.transaction import SqlTransaction
from casework.adapters.web_app import SERVICE
from casework.model.errors import WaymarkError
from casework.services.officer_thread import issue_officer_link, officer_notice
from console.desk.conversation_pages import CONVERSATION
from console.pages import PAGES
from console.sessions import SESSION


class NoCaseLinked(WaymarkError):
    """Nobody has proved a link to a case in this conversation, so there is no officer to write to."""


def add_officer_link_routes(app: web.Application) -> None:
    app.router.add_post(CONVERSATION + "/officer-link", make_link)


async def make_link(request: web.Request) -> web.StreamResponse:
    """The page with the new link and the words to send with it; it is not kept, so it is shown this once."""
    service, session = request.app[SERVICE], request[SESSION]
    conversation_id = request.match_info["conversation_id"]

    def issue(tx: SqlTransaction) -> tuple[str, str]:
        crime_reference = _find_reference(tx, tx.conversations.get(conversation_id).id)
        case = tx.cases.find(crime_reference) if crime_reference else None
        if case is None:
            raise NoCaseLinked
        return issue_officer_link(tx, case.crime_reference, by=session.staff.id), case.oic_contact

    token, contact = await service.database.write(issue)
    link = f"{_get_scheme(request)}://{request.host}/o/{token}"
    return request.app[PAGES].render(
        "officer_link.html",
        session=session,
        conversation_id=conversation_id,
        link=link,
        notice=officer_notice(service.texts, link),
        officer_contact=contact,
    )


def _find_reference(tx: SqlTransaction, conversation_id: str) -> str | None:
    """The case of the newest message for the officer, proved however long ago; else the one linked now."""
    messages = tx.officer_messages.list_of_conversation(conversation_id)
    _, linked = tx.standings.find(conversation_id)
    return messages[-1].crime_reference if messages else linked


def _get_scheme(request: web.Request) -> str:
    # The proxy in front ends TLS.
    return request.headers.get("X-Forwarded-Proto", request.scheme)
