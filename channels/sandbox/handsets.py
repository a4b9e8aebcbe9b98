"""Pretend handsets: a JSON interface for tests, and what a text from one looks like as Twilio's form."""

import re
from collections.abc import Mapping
from typing import Any

from aiohttp import web

from casework.model.sms_segments import count_segments
from channels.sandbox.faults import Faults, parse_fault
from channels.sandbox.record import Direction, Record, RecordedMessage, new_sid
from channels.sandbox.settings import SandboxSettings
from channels.sandbox.webhooks import Webhooks

LONGEST_WAIT_SECONDS = 30.0
SPACES = re.compile(r"[\s()-]")


class Handsets:
    """Sends from pretend handsets and reads their threads."""

    def __init__(
        self, *, settings: SandboxSettings, record: Record, webhooks: Webhooks, faults: Faults
    ) -> None:
        self._settings = settings
        self._record = record
        self._webhooks = webhooks
        self._faults = faults

    def add_routes(self, router: web.UrlDispatcher) -> None:
        router.add_post("/sandbox/handsets/{number}/send", self.send_message)
        router.add_get("/sandbox/handsets/{number}/messages", self.list_messages)
        router.add_post("/sandbox/faults", self.add_fault)
        router.add_delete("/sandbox/faults", self.clear_faults)

    async def send_message(self, request: web.Request) -> web.Response:
        """Sends a text and answers when the service has: its HTTP status, the sid and the seq.

        JSON: body, num_media; fields to override, add, or leave out (null); sid to send one again;
        copies to post it several times at once; webhook false for one the service never hears of;
        wait false to answer at once.
        """
        asked = await _read_json(request)
        message = self.record_message(
            get_address(request.match_info["number"]),
            body=str(asked.get("body", "")),
            num_media=int(asked.get("num_media", 0)),
            fields=asked.get("fields") or {},
            sid=asked.get("sid"),
            is_posted=bool(asked.get("webhook", True)),
        )
        statuses: list[int | None] = []
        if not asked.get("webhook", True):
            pass
        elif not asked.get("wait", True):
            self.start_posting(message)
        else:
            statuses = await self._webhooks.post_message(message, copies=int(asked.get("copies", 1)))
        return web.json_response(
            {
                "sid": message.sid,
                "seq": message.seq,
                "webhook_status": statuses[0] if statuses else None,
                "webhook_statuses": statuses,
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

    async def add_fault(self, request: web.Request) -> web.Response:
        asked = await _read_json(request)
        try:
            fault = parse_fault(asked["status"])
        except (KeyError, ValueError) as error:
            raise web.HTTPBadRequest(text=f"No such fault: {error}") from error
        self._faults.add(to=asked.get("to", "*"), fault=fault, count=int(asked.get("count", 1)))
        return web.Response(status=204)

    async def clear_faults(self, request: web.Request) -> web.Response:
        self._faults.clear()
        return web.Response(status=204)

    def record_message(
        self,
        handset: str,
        *,
        body: str,
        num_media: int = 0,
        fields: Mapping[str, Any] | None = None,
        sid: str | None = None,
        is_posted: bool = True,
    ) -> RecordedMessage:
        """The message as recorded, ready to post; the one already held if `sid` is known."""
        sid = sid or new_sid("MM" if num_media else "SM")
        form = self._get_form(handset, body=body, num_media=num_media, sid=sid)
        return self._record.add(
            sid=sid,
            direction=Direction.INBOUND,
            handset=handset,
            from_=handset,
            to=self._get_service_address(handset),
            body=body,
            status="received",
            num_media=num_media,
            form=_change_fields(form, fields or {}),
            is_settled=not is_posted,
        )

    def start_posting(self, message: RecordedMessage) -> None:
        self._webhooks.start(self._webhooks.post_message(message))

    async def _wait_for_text(self, handset: str, after: int, seconds: float) -> None:
        await self._record.wait_until(
            lambda: any(
                message.seq > after and message.direction is Direction.OUTBOUND
                for message in self._record.find_thread(handset)
            ),
            timeout_seconds=min(seconds, LONGEST_WAIT_SECONDS),
        )

    def _get_service_address(self, handset: str) -> str:
        is_whatsapp = handset.startswith("whatsapp:")
        return ("whatsapp:" if is_whatsapp else "") + self._settings.service_number

    def _get_form(self, handset: str, *, body: str, num_media: int, sid: str) -> list[tuple[str, str]]:
        # Blank values are part of what Twilio sends and signs, so they are sent here too.
        blank = [(f"{side}{part}", "") for side in ("To", "From") for part in ("City", "State", "Zip")]
        media = [
            field
            for index in range(num_media)
            for field in (
                (f"MediaContentType{index}", "image/jpeg"),
                (f"MediaUrl{index}", f"http://127.0.0.1/pretend-photo-{index}.jpg"),
            )
        ]
        whatsapp = [
            ("ProfileName", "Pretend Handset"),
            ("WaId", handset.removeprefix("whatsapp:+")),
            ("MessageType", "image" if num_media else "text"),
        ]
        return [
            ("ToCountry", "GB"),
            ("FromCountry", "GB"),
            *blank,
            *(whatsapp if handset.startswith("whatsapp:") else []),
            ("SmsMessageSid", sid),
            ("SmsSid", sid),
            ("MessageSid", sid),
            ("AccountSid", self._settings.account_sid),
            ("SmsStatus", "received"),
            ("NumMedia", str(num_media)),
            *media,
            ("NumSegments", str(count_segments(body))),
            ("From", handset),
            ("To", self._get_service_address(handset)),
            ("Body", body),
            ("ApiVersion", "2010-04-01"),
        ]


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
    }


def get_address(number: str) -> str:
    """A handset's address: `07700 900001` is `+447700900001`; anything else stays as it is."""
    plain = SPACES.sub("", number)
    return "+44" + plain[1:] if plain.startswith("07") and plain.isdigit() else number


def _change_fields(form: list[tuple[str, str]], fields: Mapping[str, Any]) -> tuple[tuple[str, str], ...]:
    kept = [(name, value) for name, value in form if name not in fields]
    added = [
        (name, str(each))
        for name, value in fields.items()
        if value is not None
        for each in (value if isinstance(value, list) else [value])
    ]
    return tuple(kept + added)


async def _read_json(request: web.Request) -> dict[str, Any]:
    asked = await request.json()
    if not isinstance(asked, dict):
        raise web.HTTPBadRequest(text="Send a JSON object.")
    return asked
