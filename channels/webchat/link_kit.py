"""What a force puts on its own site and in its letters: a plain link, a leaflet and strips with a code to scan.

Each is whole in itself: nothing in it is loaded from anywhere, and every word is in a template.
"""

from dataclasses import dataclass

from channels.webchat.pages import WebPages
from channels.webchat.printed_codes import draw_code

# What the button says; the words are in the template. `support` leads to the page on who can help.
LABELS = ("write", "messages", "updates", "support")


@dataclass(frozen=True, kw_only=True)
class Address:
    """Where the web chat is. `typed` is what a person types: a browser adds https:// by itself."""

    url: str

    @property
    def typed(self) -> str:
        return self.url.removeprefix("https://").removesuffix("/")

    @property
    def picture(self) -> str:
        """The code as SVG, with the blank squares all round that a camera needs."""
        return draw_code(self.url)


def get_address(public_url: str) -> Address:
    """The address of the first page, with nothing after it that could name a person or a place."""
    return Address(url=f"{public_url.rstrip('/')}/")


def render_snippet(address: Address, *, label: str) -> str:
    """The link as HTML to paste into a page, with no script, frame, style or request of its own."""
    return _render("link/snippet.html", address, label=label)


def render_leaflet(address: Address) -> str:
    """One A5 page to print and hand over."""
    return _render("link/leaflet.html", address)


def render_strips(address: Address) -> str:
    """An A4 page of strips to cut or to copy into letters. Nothing on one says what the messages are about."""
    return _render("link/strips.html", address)


def _render(template: str, address: Address, *, label: str = "") -> str:
    return WebPages().render(template, address=address, label=label)
