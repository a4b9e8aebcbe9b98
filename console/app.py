"""The staff desk on its own port: log-in, the queue, the conversations."""

from pathlib import Path

from aiohttp import web

from casework.adapters.health import is_database_ready
from casework.adapters.service import Service
from casework.adapters.web_app import SERVICE, add_security_headers
from console.access import require_access
from console.acknowledge import add_acknowledge_routes
from console.audit.looks import LIVE_LOOKS, record_look
from console.audit.routes import add_audit_routes
from console.copies.routes import add_copy_routes
from console.desk.actions import add_action_routes
from console.desk.canned_pages import add_canned_routes
from console.desk.conversation_pages import add_conversation_routes
from console.desk.export_pages import add_export_routes
from console.desk.media_pages import add_media_routes
from console.desk.news_pages import add_news_routes
from console.desk.note_pages import add_note_routes
from console.desk.plan_pages import add_plan_routes
from console.desk.queue_pages import add_queue_routes
from console.desk.regrade_pages import add_regrade_routes
from console.desk.shift_pages import add_shift_routes
from console.desk.transfer_pages import add_transfer_routes
from console.desk.use_pages import add_use_routes
from console.drills.drill_pages import add_drill_routes
from console.glass import add_glass_routes
from console.keeping.routes import add_kept_routes
from console.live_pages import add_live_pages
from console.officer.desk_links import add_officer_link_routes
from console.officer.thread_pages import add_officer_thread_routes
from console.oidc import add_oidc_routes
from console.pages import PAGES, Pages
from console.refusals import show_refusals
from console.rota.rota_pages import add_rota_routes
from console.second_factor_pages import add_second_factor_routes
from console.sessions import require_session
from console.sign_in_pages import add_sign_in_routes
from console.staff.account_pages import add_account_routes
from console.staff.staff_pages import add_staff_routes
from console.supervisor.desk_notices import add_desk_notices
from console.supervisor.routes import add_supervisor_routes
from console.switches.routes import add_switch_routes
from console.workbench.routes import add_workbench_routes

STATIC = Path(__file__).parent / "static"
# A reply of 10,000 characters, percent-encoded, is far below this.
LARGEST_BODY_BYTES = 256 * 1024


def build_console_app(service: Service) -> web.Application:
    """The desk as an application; starts nothing."""
    app = web.Application(
        client_max_size=LARGEST_BODY_BYTES,
        middlewares=[
            *(add_security_headers, show_refusals, require_session),
            *(add_desk_notices, require_access, record_look),
        ],
    )
    app[SERVICE] = service
    app[PAGES] = Pages(service.clock)
    app[LIVE_LOOKS] = {}
    add_live_pages(app)
    add_sign_in_routes(app)
    add_second_factor_routes(app)
    add_oidc_routes(app)
    add_account_routes(app)
    add_staff_routes(app)
    add_glass_routes(app)
    add_audit_routes(app)
    add_copy_routes(app)
    add_queue_routes(app)
    add_shift_routes(app)
    add_transfer_routes(app)
    add_regrade_routes(app)
    add_conversation_routes(app)
    add_action_routes(app)
    add_note_routes(app)
    add_canned_routes(app)
    add_export_routes(app)
    add_kept_routes(app)
    add_media_routes(app)
    add_news_routes(app)
    add_plan_routes(app)
    add_use_routes(app)
    add_drill_routes(app)
    add_supervisor_routes(app)
    add_switch_routes(app)
    add_officer_link_routes(app)
    add_officer_thread_routes(app)
    add_rota_routes(app)
    add_acknowledge_routes(app)
    add_workbench_routes(app)
    app.router.add_get("/health/live", tell_alive)
    app.router.add_get("/health/ready", tell_ready)
    app.router.add_static("/static", STATIC)
    return app


async def tell_alive(_request: web.Request) -> web.StreamResponse:
    return web.Response(text="ok\n")


async def tell_ready(request: web.Request) -> web.StreamResponse:
    """200 while the database answers with every table this version needs: whether a proxy should send staff here."""
    is_ready = await is_database_ready(request.app[SERVICE])
    return web.Response(text="ready\n" if is_ready else "not ready\n", status=200 if is_ready else 503)
