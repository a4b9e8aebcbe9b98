"""The page of a pretend handset: its thread, a box to write in, the other handsets. Scripts are optional."""

import re
from datetime import datetime
from pathlib import Path

import jinja2
from aiohttp import web

from casework.model.sms_segments import count_segments
from channels.sandbox.handsets import Handsets, get_address
from channels.sandbox.record import Record

HERE = Path(__file__).parent
FIRST_HANDSETS = tuple(f"+44770090000{last}" for last in range(1, 5))
# Ofcom keeps these numbers for drama: nobody's phone rings.
PRETEND_NUMBER = re.compile(r"(whatsapp:)?\+447700900\d{3}")
SECURITY_HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; connect-src 'self'; "
        "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    ),
    "Cache-Control": "no-store",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}


class Pages:
    def __init__(self, *, record: Record, handsets: Handsets) -> None:
        self._record = record
        self._handsets = handsets
        environment = jinja2.Environment(
            loader=jinja2.FileSystemLoader(HERE / "templates"),
            autoescape=True,
            undefined=jinja2.StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        environment.filters |= {
            "national": format_national,
            "clock": _format_clock,
            "segments": count_segments,
        }
        self._template = environment.get_template("handset.html")

    def add_routes(self, router: web.UrlDispatcher) -> None:
        router.add_get("/", self.show_first)
        router.add_post("/handsets", self.add_handset)
        router.add_get("/handsets/{number}", self.show_handset)
        router.add_post("/handsets/{number}", self.send_from_page)
        router.add_static("/static", HERE / "static")

    async def show_first(self, request: web.Request) -> web.StreamResponse:
        raise web.HTTPSeeOther(f"/handsets/{FIRST_HANDSETS[0]}")

    async def show_handset(self, request: web.Request) -> web.Response:
        handset = get_address(request.match_info["number"])
        self._record.mark_seen(handset)
        tag = f'"{self._record.revision}"'
        if request.headers.get("If-None-Match") == tag:
            return web.Response(status=304)
        page = self._render(handset, is_refused=False)
        return web.Response(body=page, content_type="text/html", charset="utf-8", headers={"ETag": tag})

    async def send_from_page(self, request: web.Request) -> web.StreamResponse:
        """Sends in the background, so the page returns at once while the service is down."""
        handset = get_address(request.match_info["number"])
        form = await request.post()
        # A browser sends line ends as CR LF; a phone sends LF.
        body = str(form.get("body", "")).replace("\r\n", "\n").strip()
        photos = int("photo" in form)
        if body or photos:
            self._handsets.start_posting(self._handsets.record_message(handset, body=body, num_media=photos))
        raise web.HTTPSeeOther(f"/handsets/{handset}")

    async def add_handset(self, request: web.Request) -> web.StreamResponse:
        """Opens a handset by number. Refuses any number that could be somebody's."""
        handset = get_address(str((await request.post()).get("number", "")).strip())
        if PRETEND_NUMBER.fullmatch(handset):
            raise web.HTTPSeeOther(f"/handsets/{handset}")
        page = self._render(FIRST_HANDSETS[0], is_refused=True)
        return web.Response(status=422, body=page, content_type="text/html", charset="utf-8")

    def _render(self, handset: str, *, is_refused: bool) -> bytes:
        known = dict.fromkeys([*FIRST_HANDSETS, *self._record.find_handsets(), handset])
        text = self._template.render(
            handset=handset,
            handsets=[(each, self._record.count_unread(each)) for each in known],
            thread=self._record.find_thread(handset),
            is_opted_out=self._record.is_opted_out(handset),
            is_refused=is_refused,
        )
        return text.encode("utf-8", "replace")


async def add_security_headers(request: web.Request, response: web.StreamResponse) -> None:
    response.headers.update(SECURITY_HEADERS)


def format_national(address: str) -> str:
    """`+447700900001` as people write it, `07700 900001`; anything else as it is."""
    number = address.removeprefix("whatsapp:")
    if not re.fullmatch(r"\+447\d{9}", number):
        return address
    return ("WhatsApp " if address != number else "") + f"0{number[3:7]} {number[7:]}"


def _format_clock(moment: str) -> str:
    return datetime.fromisoformat(moment).astimezone().strftime("%H:%M")
