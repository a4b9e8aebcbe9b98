"""The pages of the record, for auditors, and of unusual reading, for supervisors as well."""

from aiohttp import web

from console.audit.audit_pages import add_search_routes
from console.audit.unusual_pages import add_unusual_routes


def add_audit_routes(app: web.Application) -> None:
    add_search_routes(app)
    add_unusual_routes(app)
