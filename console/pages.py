"""Staff pages: Jinja templates with escaping always on, and times as the station clock shows them."""

from datetime import datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import jinja2
from aiohttp import web

from casework.services.ports import Clock
from console.words import Words, load_words

HERE = Path(__file__).parent
STATION_ZONE = ZoneInfo("Europe/London")


class Pages:
    """`words` are the desk's texts by section, for templates and for the few choices made in code."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self.words: Words = load_words()
        self._environment = jinja2.Environment(
            loader=jinja2.FileSystemLoader(HERE / "templates"),
            autoescape=True,
            undefined=jinja2.StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        self._environment.globals["words"] = self.words
        self._environment.filters |= {
            "clock": _format_clock,
            "day": _format_day,
            "plain_words": plain_words,
        }

    def render(self, template: str, *, status: int = 200, **values: Any) -> web.Response:
        """A whole page, or a pane when the template is one; `now` is there for every template."""
        text = self._environment.get_template(template).render(now=self._clock.now(), **values)
        # A lone surrogate in somebody's message must not cost the detective the page.
        body = text.encode("utf-8", "replace")
        return web.Response(body=body, status=status, content_type="text/html", charset="utf-8")


PAGES = web.AppKey("pages", Pages)


def _format_clock(moment: datetime) -> str:
    return moment.astimezone(STATION_ZONE).strftime("%H:%M:%S")


def _format_day(moment: datetime) -> str:
    local = moment.astimezone(STATION_ZONE)
    return f"{local.day} {local:%b %Y}, {local:%H:%M}"


def plain_words(name: str) -> str:
    """`immediate_danger.at_the_door` as a person reads it: `immediate danger, at the door`."""
    return name.replace("_", " ").replace(".", ", ")
