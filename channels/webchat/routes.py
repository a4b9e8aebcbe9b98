"""Every route of the victim's web in one place."""

from aiohttp import web

from casework.adapters.storage.web_versions import VisitVersions
from casework.adapters.web_app import SERVICE, add_stream_hub
from channels.webchat.assets import add_asset_routes
from channels.webchat.chat import add_chat_routes
from channels.webchat.feedback import add_feedback_routes
from channels.webchat.files import add_file_routes
from channels.webchat.first_screens import add_first_screen_routes
from channels.webchat.how import add_how_routes
from channels.webchat.invites import add_invite_routes
from channels.webchat.my_case import add_my_case_routes
from channels.webchat.notes import add_note_routes
from channels.webchat.pages import WebPages
from channels.webchat.passkeys import add_passkey_routes
from channels.webchat.pins import add_pin_routes
from channels.webchat.readers import add_reader_routes
from channels.webchat.responses import PAGES
from channels.webchat.support import add_support_routes
from channels.webchat.try_pages import add_try_routes


def add_webchat_routes(app: web.Application, *, pages: WebPages | None = None) -> None:
    """The app must hold SERVICE and the security headers. `pages` stands in for those of our own languages."""
    app[PAGES] = pages or WebPages(with_drafts=app[SERVICE].settings.is_sandbox)
    add_stream_hub(app, VisitVersions(app[SERVICE].database))
    add_asset_routes(app)
    add_first_screen_routes(app)
    add_chat_routes(app)
    add_invite_routes(app)
    add_my_case_routes(app)
    add_note_routes(app)
    add_how_routes(app)
    add_file_routes(app)
    add_reader_routes(app)
    add_pin_routes(app)
    add_passkey_routes(app)
    add_feedback_routes(app)
    add_support_routes(app)
    add_try_routes(app)
