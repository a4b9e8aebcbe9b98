"""Staff pages: Jinja templates with escaping always on, and times as the station clock shows them."""

from datetime import datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import jinja2
from aiohttp import web

from casework.services.ports import Clock
from console.text_direction import close_marks
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
            finalize=close_marks,
            undefined=jinja2.StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        self._environment.globals["words"] = self.words
        self._environment.filters |= {
            "clock": _format_clock,
            "day": _format_day,
            "beside": _format_beside,
            "soon": _format_soon,
            "size": _format_size,
            "plain_words": plain_words,
        }

    def render(self, template: str, *, status: int = 200, **values: Any) -> web.Response:
        """A whole page, or a pane when the template is one; `now` is there for every template."""
        text = self.write(template, now=self._clock.now(), **values)
        # A lone surrogate in somebody's message must not cost the detective the page.
        body = text.encode("utf-8", "replace")
        return web.Response(body=body, status=status, content_type="text/html", charset="utf-8")

    def write(self, template: str, **values: Any) -> str:
        """A part of a page as text."""
        return self._environment.get_template(template).render(**values)


PAGES = web.AppKey("pages", Pages)


def _format_clock(moment: datetime) -> str:
    return moment.astimezone(STATION_ZONE).strftime("%H:%M:%S")


def _format_day(moment: datetime) -> str:
    local = moment.astimezone(STATION_ZONE)
    return f"{local.day} {local:%b %Y}, {local:%H:%M}"


def _format_beside(moment: datetime, other: datetime) -> str:
    """The time alone where both are of one day."""
    here, there = moment.astimezone(STATION_ZONE), other.astimezone(STATION_ZONE)
    return f"{here:%H:%M}" if here.date() == there.date() else _format_day(moment)


def _format_soon(moment: datetime, now: datetime) -> str:
    """The time alone today, `14:02 tomorrow`, `14:02 yesterday`, else with its day."""
    days = (moment.astimezone(STATION_ZONE).date() - now.astimezone(STATION_ZONE).date()).days
    named = {0: "", 1: " tomorrow", -1: " yesterday"}.get(days)
    return _format_day(moment) if named is None else f"{moment.astimezone(STATION_ZONE):%H:%M}{named}"


def _format_size(size: int) -> str:
    """Bytes as people say them: `240 KB`, `3.1 MB`."""
    if size < 1024:
        return f"{size} bytes"
    return f"{size / 1024:.0f} KB" if size < 1024 * 1024 else f"{size / 1024 / 1024:.1f} MB"


def plain_words(name: str) -> str:
    """`immediate_danger.at_the_door` as a person reads it: `immediate danger, at the door`."""
    return name.replace("_", " ").replace(".", ", ")
