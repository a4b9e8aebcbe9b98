"""The pages of the pretend handsets: every phone by channel, and each with its thread. Scripts are optional."""

from collections.abc import Callable, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

import jinja2
from aiohttp import web

from casework.model.sms_segments import measure
from channels.sandbox.addresses import (
    PRETEND_CHAT,
    PRETEND_NUMBER,
    TELEGRAM,
    WHATSAPP,
    format_national,
    get_address,
    is_telegram,
    is_whatsapp,
)
from channels.sandbox.handset_states import HandsetStates
from channels.sandbox.handsets import Handsets, get_origin
from channels.sandbox.previews import cut_preview, say_left
from channels.sandbox.provider_settings import ProviderConsole
from channels.sandbox.record import Direction, Record
from channels.sandbox.samples import SAMPLES
from channels.sandbox.settings import SandboxSettings
from channels.sandbox.telegram_phones import BOT_USERNAME
from channels.sandbox.writings import SHARED_PLACE, Writing, WritingInvalid, make_media, parse_writing

HERE = Path(__file__).parent
SMS_PHONES = tuple(f"+44770090000{last}" for last in range(1, 5))
WHATSAPP_PHONES = tuple(f"{WHATSAPP}+44770090000{last}" for last in range(1, 3))
CHATS = (f"{TELEGRAM}1001", f"{TELEGRAM}1002")
TABS = (("SMS", "sms"), ("WhatsApp", "whatsapp"), ("Telegram", "telegram"))
SHOWN_SAMPLES = ("photo", "png", "gif")
NOTIFICATIONS = 3
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
    def __init__(
        self,
        *,
        settings: SandboxSettings,
        record: Record,
        states: HandsetStates,
        handsets: Handsets,
        console: ProviderConsole,
    ) -> None:
        self._settings = settings
        self._console = console
        self._record = record
        self._states = states
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
            "preview": cut_preview,
            "measure": measure,
        }
        environment.globals |= {"SAMPLES": SAMPLES, "SHOWN_SAMPLES": SHOWN_SAMPLES}
        self._front = environment.get_template("front.html")
        self._phones = {
            kind: environment.get_template(f"{kind}.html") for kind in ("sms", "whatsapp", "telegram")
        }

    def add_routes(self, router: web.UrlDispatcher) -> None:
        phone = "/handsets/{number}"
        router.add_get("/", self.show_front)
        router.add_post("/handsets", self.add_handset)
        router.add_get(phone, self.show_handset)
        router.add_post(phone, self.send_from_page)
        router.add_post(phone + "/press", self._doing(self._press))
        router.add_post(phone + "/location", self._doing(self._share_place))
        router.add_post(phone + "/edit", self._doing(self._edit))
        router.add_post(phone + "/start", self._doing(self._press_start))
        router.add_post(phone + "/window", self._doing(self._move_window))
        router.add_post(phone + "/hidden", self._doing(self._switch_hidden))
        router.add_post(phone + "/blocked", self._doing(self._switch_blocked))
        router.add_get("/sandbox/samples/{name}", self.show_sample)
        router.add_static("/static", HERE / "static")

    async def show_front(self, request: web.Request) -> web.Response:
        return self._answer(request, f'"{self._record.revision}"', lambda: self._render_front(refused=""))

    async def show_handset(self, request: web.Request) -> web.Response:
        handset = _get_handset(request)
        self._record.mark_seen(handset)
        clock = say_left(self._states.get_window(handset)) if is_whatsapp(handset) else ""
        return self._answer(request, f'"{self._record.revision}{clock}"', lambda: self._render(handset))

    async def send_from_page(self, request: web.Request) -> web.StreamResponse:
        """Sends in the background, so the page returns at once while the service is down."""
        handset = _get_handset(request)
        form = await request.post()
        files = ["photo"] if "photo" in form else []
        chosen = str(form.get("file", ""))
        writing = Writing(
            body=_read_text(form.get("body", "")),
            media=make_media([*files, chosen] if chosen in SAMPLES else files),
            forwarded="once" if "forwarded" in form else "",
        )
        if not writing.is_empty:
            self._send(request, handset, writing)
        raise web.HTTPSeeOther(f"/handsets/{handset}")

    async def add_handset(self, request: web.Request) -> web.StreamResponse:
        """Opens a handset by channel and number. Refuses any number that could be somebody's."""
        form = await request.post()
        channel, number = str(form.get("channel", "")), str(form.get("number", "")).strip()
        prefix = channel if channel in (WHATSAPP, TELEGRAM) and ":" not in number else ""
        handset = get_address(prefix + number)
        if PRETEND_NUMBER.fullmatch(handset) or PRETEND_CHAT.fullmatch(handset):
            raise web.HTTPSeeOther(f"/handsets/{handset}")
        page = self._render_front(refused=number or " ")
        return web.Response(status=422, body=page, content_type="text/html", charset="utf-8")

    async def show_sample(self, request: web.Request) -> web.Response:
        name = request.match_info["name"]
        if name not in SHOWN_SAMPLES:
            raise web.HTTPNotFound
        return web.Response(body=SAMPLES[name].make(), content_type=SAMPLES[name].content_type)

    def _doing(
        self, do: Callable[[web.Request, str, Mapping[str, str]], None]
    ) -> Callable[[web.Request], Any]:
        """A button's handler: does it, and shows the phone again."""

        async def do_and_return(request: web.Request) -> web.StreamResponse:
            handset = _get_handset(request)
            form = {name: str(value) for name, value in (await request.post()).items()}
            try:
                do(request, handset, form)
            except (WritingInvalid, KeyError, ValueError) as error:
                raise web.HTTPBadRequest(text=f"This phone cannot do that: {error}") from error
            raise web.HTTPSeeOther(f"/handsets/{handset}")

        return do_and_return

    def _press(self, request: web.Request, handset: str, form: Mapping[str, str]) -> None:
        press = {"sid": form["sid"], "choice": int(form["choice"])}
        self._send(request, handset, parse_writing({"press": press}, handset=handset, record=self._record))

    def _share_place(self, request: web.Request, handset: str, form: Mapping[str, str]) -> None:
        self._send(request, handset, Writing(place=SHARED_PLACE))

    def _edit(self, request: web.Request, handset: str, form: Mapping[str, str]) -> None:
        self._send(request, handset, Writing(body=_read_text(form["body"]), edited=form["sid"]))

    def _press_start(self, request: web.Request, handset: str, form: Mapping[str, str]) -> None:
        self._send(request, handset, Writing(body=f"/start {form.get('payload', '').strip()}".strip()))

    def _move_window(self, request: web.Request, handset: str, form: Mapping[str, str]) -> None:
        self._states.move_last_wrote(handset, hours_ago=float(form["hours_ago"]))

    def _switch_hidden(self, request: web.Request, handset: str, form: Mapping[str, str]) -> None:
        self._handsets.switch_hidden(handset)

    def _switch_blocked(self, request: web.Request, handset: str, form: Mapping[str, str]) -> None:
        self._handsets.switch_blocked(handset)

    def _send(self, request: web.Request, handset: str, writing: Writing) -> None:
        message = self._handsets.write(handset, writing, origin=get_origin(request))
        self._handsets.start_posting(message)

    def _answer(self, request: web.Request, tag: str, render: Callable[[], bytes]) -> web.Response:
        if request.headers.get("If-None-Match") == tag:
            return web.Response(status=304)
        return web.Response(body=render(), content_type="text/html", charset="utf-8", headers={"ETag": tag})

    def _render_front(self, *, refused: str) -> bytes:
        groups = [(name, [self._describe(phone) for phone in self._list_phones(kind)]) for name, kind in TABS]
        return self._front.render(groups=groups, refused=refused).encode("utf-8", "replace")

    def _describe(self, phone: str) -> dict[str, Any]:
        thread = [message for message in self._record.find_thread(phone) if not message.is_note]
        last = thread[-1] if thread else None
        return {
            "address": phone,
            "unread": self._record.count_unread(phone),
            "last": last,
            "is_own": bool(last and last.direction is Direction.INBOUND),
        }

    def _render(self, handset: str) -> bytes:
        kind = _get_kind(handset)
        phones = dict.fromkeys([*self._list_phones(kind), handset])
        thread = self._record.find_thread(handset)
        came = [message for message in thread if message.direction is Direction.OUTBOUND]
        arrived = [message for message in came if message.status not in ("failed", "undelivered")]
        text = self._phones[kind].render(
            handset=handset,
            tabs=[self._describe_tab(label, each, is_here=each == kind) for label, each in TABS],
            handsets=[(phone, self._record.count_unread(phone)) for phone in phones],
            thread=[message for message in thread if not (message.is_deleted and is_telegram(handset))],
            notifications=arrived[: -NOTIFICATIONS - 1 : -1],
            service=self._name_service(kind),
            is_opted_out=self._console.now.handles_stop and self._record.is_opted_out(handset),
            state=self._states.get(handset),
            window=self._states.get_window(handset),
            left=say_left(self._states.get_window(handset)),
        )
        return text.encode("utf-8", "replace")

    def _name_service(self, kind: str) -> str:
        """As it stands above a message on the phone: a number nobody saved, a business, a bot."""
        if kind == "telegram":
            return f"@{BOT_USERNAME}"
        return format_national(self._settings.service_number)

    def _list_phones(self, kind: str) -> list[str]:
        first = {"sms": SMS_PHONES, "whatsapp": WHATSAPP_PHONES, "telegram": CHATS}[kind]
        known = [each for each in self._record.find_handsets() if _get_kind(each) == kind]
        return list(dict.fromkeys([*first, *known]))

    def _describe_tab(self, label: str, kind: str, *, is_here: bool) -> dict[str, Any]:
        phones = self._list_phones(kind)
        new = 0 if is_here else sum(map(self._record.count_unread, phones))
        return {"label": label, "first": phones[0], "is_here": is_here, "new": new}


async def add_security_headers(request: web.Request, response: web.StreamResponse) -> None:
    response.headers.update(SECURITY_HEADERS)


def _get_handset(request: web.Request) -> str:
    handset = get_address(request.match_info["number"])
    if is_telegram(handset) and not PRETEND_CHAT.fullmatch(handset):
        raise web.HTTPNotFound
    return handset


def _get_kind(handset: str) -> str:
    return "telegram" if is_telegram(handset) else "whatsapp" if is_whatsapp(handset) else "sms"


def _read_text(value: object) -> str:
    # A browser sends line ends as CR LF; a phone sends LF.
    return str(value).replace("\r\n", "\n").strip()


def _format_clock(moment: str) -> str:
    return datetime.fromisoformat(moment).astimezone().strftime("%H:%M")
