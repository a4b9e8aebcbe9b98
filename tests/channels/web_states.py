"""Every page of the victim's web in every state it can be in, and a window of a browser to bring it there.

`states_<piece>.py` beside this file exports `STATES`, from "GET /my: linked" to what brings a new page there.
"""

import importlib
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from playwright.async_api import Browser, Page, Route

from channels.webchat.pages import EXIT_SITE
from tests.channels.webchat_site import WebchatSite
from tests.support.browser import PATIENCE_MS

Show = Callable[[Page, WebchatSite], Awaitable[None]]


def gather_states() -> dict[str, Show]:
    """All states by name, in the order of the modules' names. Raises ValueError for a name used twice."""
    states: dict[str, Show] = {}
    for path in sorted(Path(__file__).parent.glob("states_*.py")):
        found: dict[str, Show] = importlib.import_module(f"tests.channels.{path.stem}").STATES
        if twice := sorted(states.keys() & found):
            raise ValueError(f"{path.name} names a state that another module has: {twice}")
        states |= found
    return states


@asynccontextmanager
async def open_window(
    browser: Browser, site: WebchatSite, *, strangers: list[str] | None = None, **options: Any
) -> AsyncIterator[Page]:
    """A new page of a fresh context, with the exit site stood in and every other host out of reach.

    `options` are Playwright's for a context. A request elsewhere fails the test at the end of the block;
    where `strangers` is given, its address is added there instead.
    """
    context = await browser.new_context(base_url=site.url, **options)
    context.set_default_timeout(PATIENCE_MS)
    asked: list[str] = []

    async def turn_away(route: Route) -> None:
        asked.append(route.request.url)
        await route.abort()

    await context.route(lambda url: not is_own(url, site), turn_away)
    await context.route(
        f"{EXIT_SITE}**",
        lambda route: route.fulfill(body="<title>Weather</title>fine", content_type="text/html"),
    )
    try:
        yield await context.new_page()
    finally:
        await context.close()
    if strangers is None:
        assert asked == []
    else:
        strangers += asked


def is_own(url: str, site: WebchatSite) -> bool:
    """Whether the address is of the site's own origin, or holds its content in itself (data:, blob:)."""
    parts = urlsplit(url)
    return parts.scheme in {"data", "blob"} or f"{parts.scheme}://{parts.netloc}" == site.url
