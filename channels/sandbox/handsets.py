"""Pretend handsets: a JSON interface for tests. What a phone sends becomes Twilio's form or Telegram's update."""

from typing import Any

from aiohttp import web

from casework.model.sms_segments import count_segments
from channels.sandbox.addresses import get_address, is_telegram
from channels.sandbox.faults import Faults, parse_fault
from channels.sandbox.handset_states import HandsetStates
from channels.sandbox.inbound_forms import InboundForms
from channels.sandbox.provider_settings import DeliveryManner, ProviderConsole
from channels.sandbox.record import Direction, Record, RecordedMessage, new_sid
from channels.sandbox.status_scripts import StatusScripts, parse_script
from channels.sandbox.telegram_phones import TelegramPhones
from channels.sandbox.webhooks import Webhooks
from channels.sandbox.writings import Writing, WritingInvalid, parse_writing

LONGEST_WAIT_SECONDS = 30.0


class Handsets:
    """Sends from pretend handsets and reads their threads."""

    def __init__(
        self,
        *,
        record: Record,
        states: HandsetStates,
        forms: InboundForms,
        console: ProviderConsole,
        webhooks: Webhooks,
        telegram: TelegramPhones,
        faults: Faults,
        scripts: StatusScripts,
    ) -> None:
        self._record = record
        self._states = states
        self._forms = forms
        self._console = console
        self._webhooks = webhooks
        self._telegram = telegram
        self._faults = faults
        self._scripts = scripts

    def add_routes(self, router: web.UrlDispatcher) -> None:
        router.add_post("/sandbox/handsets/{number}/send", self.send_message)
        router.add_get("/sandbox/handsets/{number}/messages", self.list_messages)
        router.add_post("/sandbox/handsets/{number}/last_wrote", self.move_last_wrote)
        router.add_post("/sandbox/handsets/{number}/state", self.change_state)
        router.add_post("/sandbox/faults", self.add_fault)
        router.add_delete("/sandbox/faults", self.clear_faults)
        router.add_post("/sandbox/statuses", self.add_script)

    async def send_message(self, request: web.Request) -> web.Response:
        """Sends a message and answers when the service has: its HTTP status, the sid and the seq.

        JSON: body; num_media or media (names of samples.py); location; forwarded; press; reply_to; for Telegram
        start and edit; fields to override, add, or leave out (null); sid to send one again; copies to post it
        several times at once; delivery; webhook false for one the service never hears of; wait false to answer
        at once. docs/sandbox.md has examples.
        """
        asked = await _read_json(request)
        handset = get_address(request.match_info["number"])
        if asked.get("delivery") not in (None, *DeliveryManner):
            raise web.HTTPBadRequest(text=f"delivery is one of {', '.join(DeliveryManner)}.")
        try:
            writing = parse_writing(asked, handset=handset, record=self._record)
        except (WritingInvalid, KeyError, TypeError, ValueError) as error:
            raise web.HTTPBadRequest(text=f"A phone cannot send that: {error}") from error
        is_posted = bool(asked.get("webhook", True))
        message = self.write(handset, writing, origin=get_origin(request), is_posted=is_posted)
        statuses: list[int | None] = []
        if not is_posted or message.is_unlisted:
            pass
        elif not asked.get("wait", True):
            self.start_posting(message)
        else:
            statuses = await self._post(message, copies=int(asked.get("copies", 1)))
        return web.json_response(
            {
                "sid": message.sid,
                "seq": message.seq,
                "webhook_status": statuses[0] if statuses else None,
                "webhook_statuses": statuses,
                "media": [each.sid for each in message.media],
            }
        )

    async def list_messages(self, request: web.Request) -> web.Response:
        """The thread, oldest first; `after` a seq. With `wait` seconds, answers when a text has come in."""
        handset = get_address(request.match_info["number"])
        after = int(request.query.get("after", "0"))
        if "wait" in request.query:
            await self._wait_for_text(handset, after, float(request.query["wait"]))
        thread = [describe(message) for message in self._record.find_thread(handset) if message.seq > after]
        return web.json_response({"handset": handset, "messages": thread})

    async def move_last_wrote(self, request: web.Request) -> web.Response:
        """Moves the WhatsApp window: as if the phone had last written `hours_ago`."""
        asked = await _read_json(request)
        handset = get_address(request.match_info["number"])
        self._states.move_last_wrote(handset, hours_ago=float(asked["hours_ago"]))
        left = self._states.get_window(handset)
        return web.json_response({"handset": handset, "window_seconds": int(left.total_seconds())})

    async def change_state(self, request: web.Request) -> web.Response:
        """`is_hidden`: WhatsApp gives no number. `is_blocked`: the person has blocked the service."""
        asked = await _read_json(request)
        handset = get_address(request.match_info["number"])
        chosen: dict[str, bool] = {
            name: bool(asked[name]) for name in ("is_hidden", "is_blocked") if name in asked
        }
        self._change_state(handset, chosen)
        return web.json_response({"handset": handset, "address": self._forms.get_sender(handset), **chosen})

    async def add_fault(self, request: web.Request) -> web.Response:
        asked = await _read_json(request)
        try:
            fault = parse_fault(asked["status"])
        except (KeyError, ValueError) as error:
            raise web.HTTPBadRequest(text=f"No such fault: {error}") from error
        self._faults.add(to=asked.get("to", "*"), fault=fault, count=int(asked.get("count", 1)))
        return web.Response(status=204)

    async def add_script(self, request: web.Request) -> web.Response:
        """The news of the next `count` messages to `to`: statuses, shuffle, copies, before_answer."""
        asked = await _read_json(request)
        try:
            script = parse_script(asked)
        except (TypeError, ValueError) as error:
            raise web.HTTPBadRequest(text=f"No such script: {error}") from error
        self._scripts.add(to=asked.get("to", "*"), script=script, count=int(asked.get("count", 1)))
        return web.Response(status=204)

    async def clear_faults(self, request: web.Request) -> web.Response:
        self._faults.clear()
        self._scripts.clear()
        return web.Response(status=204)

    def write(
        self, handset: str, writing: Writing, *, origin: str, is_posted: bool = True
    ) -> RecordedMessage:
        """The message as recorded, ready to post; the one already held if its sid is known."""
        if is_telegram(handset):
            return self._telegram.write(handset, writing, is_posted=is_posted)
        if writing.sid and (held := self._record.find(writing.sid)):
            return held
        sid = writing.sid or new_sid("MM" if writing.media else "SM")
        now = self._console.now
        is_lost = now.uses_service and not now.inbound_request_url
        return self._record.add(
            sid=sid,
            direction=Direction.INBOUND,
            handset=handset,
            from_=self._forms.get_sender(handset),
            to=self._forms.get_service_address(handset),
            body=writing.body,
            status="received",
            num_media=len(writing.media),
            media=writing.media,
            place=writing.place,
            is_forwarded=bool(writing.forwarded),
            is_pressed=bool(writing.pressed),
            form=self._forms.make_form(handset, writing, sid=sid, origin=origin),
            delivery=writing.delivery,
            is_settled=is_lost or not is_posted,
            is_unlisted=is_lost,
        )

    def start_posting(self, message: RecordedMessage) -> None:
        if not message.is_unlisted:
            self._webhooks.start(self._post(message, copies=1))

    def switch_hidden(self, handset: str) -> None:
        self._change_state(handset, {"is_hidden": not self._states.get(handset).is_hidden})

    def switch_blocked(self, handset: str) -> None:
        self._change_state(handset, {"is_blocked": not self._states.get(handset).is_blocked})

    def _change_state(self, handset: str, chosen: dict[str, bool]) -> None:
        was_blocked = self._states.get(handset).is_blocked
        self._states.change(handset, **chosen)
        if is_telegram(handset) and chosen.get("is_blocked", was_blocked) != was_blocked:
            self._webhooks.start(self._telegram.post_membership(handset, is_blocked=not was_blocked))

    async def _post(self, message: RecordedMessage, *, copies: int) -> list[int | None]:
        if is_telegram(message.handset):
            return await self._telegram.post(message, copies=copies)
        return await self._webhooks.post_message(message, copies=copies)

    async def _wait_for_text(self, handset: str, after: int, seconds: float) -> None:
        await self._record.wait_until(
            lambda: any(
                message.seq > after and message.direction is Direction.OUTBOUND
                for message in self._record.find_thread(handset)
            ),
            timeout_seconds=min(seconds, LONGEST_WAIT_SECONDS),
        )


def describe(message: RecordedMessage) -> dict[str, object]:
    """A message as the handset interface shows it."""
    return {
        "seq": message.seq,
        "sid": message.sid,
        "direction": "to_service" if message.direction is Direction.INBOUND else "to_handset",
        "from": message.from_,
        "to": message.to,
        "body": message.body,
        "status": message.status,
        "error_code": message.error_code,
        "webhook_status": message.webhook_status,
        "num_media": message.num_media,
        "num_segments": count_segments(message.body),
        "validity_period": message.validity_period,
        "created_at": message.created_at,
        "buttons": [{"title": each.title, "payload": each.payload} for each in message.buttons],
        "list_opener": message.list_opener,
        "content_sid": message.content_sid,
        "edited_at": message.edited_at,
    }


def get_origin(request: web.Request) -> str:
    """Where this sandbox is reached, as its caller reached it."""
    return f"{request.scheme}://{request.host}"


async def _read_json(request: web.Request) -> dict[str, Any]:
    asked = await request.json()
    if not isinstance(asked, dict):
        raise web.HTTPBadRequest(text="Send a JSON object.")
    return asked
