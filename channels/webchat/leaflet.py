"""The leaflet of an invite, one page to print. Every word is in a template."""

from datetime import date

from channels.webchat.pages import WebPages
from channels.webchat.printed_codes import draw_code


def render_leaflet(link: str, *, works_until: date) -> str:
    """One page to print, whole in itself: the code to scan, the address to type, until when it works."""
    return WebPages().render(
        "invites/leaflet.html",
        link=link,
        works_until=f"{works_until.day} {works_until:%B %Y}",
        code=draw_code(link),
    )
