"""Telegram's Bot API as far as a bot of this kind asks it, with its answers, refusals and limits.

Source of shapes and texts: core.telegram.org/bots/api; errors as the API words them.
"""

import json
import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

from aiohttp import web

from channels.sandbox.addresses import TELEGRAM
from channels.sandbox.faults import Fault, FaultKind, Faults, break_off
from channels.sandbox.handset_states import HandsetStates
from channels.sandbox.record import Button, Direction, Record, RecordedMedia, RecordedMessage
from channels.sandbox.samples import SAMPLES, iterate_blocks
from channels.sandbox.settings import SandboxSettings
from channels.sandbox.telegram_phones import (
    BOT_ADDRESS,
    describe_message,
    get_bot,
    make_sid,
)
from channels.sandbox.telegram_updates import TelegramUpdates, TelegramWebhook

LONGEST_TEXT = 4096
LONGEST_DATA_BYTES = 64
LARGEST_FILE_BYTES = 20 * 1024 * 1024
SECRET = re.compile(r"[A-Za-z0-9_-]{1,256}")
Params = Mapping[str, Any]


class TelegramRefusal(Exception):
    """What the Bot API refuses: its error code, its words, and what else it says."""

    def __init__(self, code: int, description: str, **parameters: int) -> None:
        super().__init__(description)
        self.code = code
        self.description = description
        self.parameters = parameters


class TelegramApi:
    def __init__(
        self,
        *,
        settings: SandboxSettings,
        record: Record,
        states: HandsetStates,
        updates: TelegramUpdates,
        faults: Faults,
    ) -> None:
        self._settings = settings
        self._record = record
        self._states = states
        self._updates = updates
        self._faults = faults
        self._methods: dict[str, Callable[[Params], Any]] = {
            "getme": self._get_me,
            "setwebhook": self._set_webhook,
            "deletewebhook": self._delete_webhook,
            "getwebhookinfo": self._get_webhook_info,
            "getupdates": self._get_updates,
            "sendmessage": self._send_message,
            "editmessagetext": self._edit_message,
            "editmessagereplymarkup": self._edit_message,
            "deletemessage": self._delete_message,
            "sendchataction": self._send_chat_action,
            "answercallbackquery": self._answer_press,
            "getfile": self._get_file,
        }

    def add_routes(self, router: web.UrlDispatcher) -> None:
        router.add_route("*", "/bot{token:[^/]+}/{method}", self.answer)
        router.add_get("/file/bot{token:[^/]+}/{path:.+}", self.send_file)

    async def answer(self, request: web.Request) -> web.StreamResponse:
        """Any method, by GET or POST, with parameters in the query, a form or JSON."""
        method = self._methods.get(request.match_info["method"].lower())
        if request.match_info["token"] != self._settings.telegram_token:
            return _say_no(TelegramRefusal(401, "Unauthorized"))
        if method is None:
            return _say_no(TelegramRefusal(404, "Not Found"))
        try:
            params = await _read_params(request)
            fault = self._take_fault(request.match_info["method"].lower(), params)
            return await self._answer(request, lambda: method(params), fault)
        except TelegramRefusal as refusal:
            return _say_no(refusal)

    async def send_file(self, request: web.Request) -> web.StreamResponse:
        media = self._find_media(request.match_info["path"].rpartition("/")[2].partition(".")[0])
        is_ours = request.match_info["token"] == self._settings.telegram_token
        if not is_ours or media is None or SAMPLES[media.sample].is_missing:
            return _say_no(TelegramRefusal(404, "Not Found"))
        answer = web.StreamResponse(headers={"Content-Type": "application/octet-stream"})
        sample = SAMPLES[media.sample]
        if sample.says_length:
            answer.content_length = sample.size
        else:
            answer.enable_chunked_encoding()
        await answer.prepare(request)
        for block in iterate_blocks(sample):
            await answer.write(block)
        await answer.write_eof()
        return answer

    def _take_fault(self, method: str, params: Params) -> Fault | None:
        if method == "sendmessage":
            return self._faults.take(f"{TELEGRAM}{params.get('chat_id', '')}")
        return self._faults.take_exactly(f"{TELEGRAM}{method}")

    async def _answer(
        self, request: web.Request, do: Callable[[], Any], fault: Fault | None
    ) -> web.StreamResponse:
        if fault is None or fault.kind is FaultKind.UNDELIVERED:
            return web.json_response({"ok": True, "result": do()})
        if fault.kind.stores:
            do()
        if fault.kind is FaultKind.TOO_MANY:
            seconds = fault.retry_after_seconds
            raise TelegramRefusal(429, f"Too Many Requests: retry after {seconds}", retry_after=seconds)
        if fault.kind is FaultKind.ERROR:
            raise TelegramRefusal(fault.code, REFUSALS.get(fault.code, "Bad Request: chat not found"))
        if fault.kind in (FaultKind.SERVER_ERROR, FaultKind.SERVER_ERROR_AFTER_STORE):
            raise TelegramRefusal(500, "Internal Server Error")
        return await break_off(request, fault)

    def _get_me(self, params: Params) -> dict[str, Any]:
        powers = ("can_join_groups", "can_read_all_group_messages", "supports_inline_queries")
        return get_bot(self._settings) | dict.fromkeys(powers, False)

    def _set_webhook(self, params: Params) -> bool:
        url, secret = str(params.get("url", "")), str(params.get("secret_token", ""))
        if secret and not SECRET.fullmatch(secret):
            raise TelegramRefusal(400, "Bad Request: secret token contains unallowed characters")
        if params.get("drop_pending_updates") in (True, "true", "True"):
            self._updates.forget_pending()
        self._updates.set_webhook(
            TelegramWebhook(
                url=url,
                secret=secret,
                allowed_updates=tuple(_read_json(params.get("allowed_updates")) or ()),
                max_connections=int(params.get("max_connections") or 40),
            )
        )
        return True

    def _delete_webhook(self, params: Params) -> bool:
        return self._set_webhook({**params, "url": "", "secret_token": ""})

    def _get_webhook_info(self, params: Params) -> dict[str, Any]:
        now = self._updates.webhook
        info: dict[str, Any] = {
            "url": now.url,
            "has_custom_certificate": False,
            "pending_update_count": len(self._updates.pending),
            "max_connections": now.max_connections,
        }
        if now.last_error_at:
            info |= {"last_error_date": now.last_error_at, "last_error_message": now.last_error}
        return info | ({"allowed_updates": list(now.allowed_updates)} if now.allowed_updates else {})

    def _get_updates(self, params: Params) -> list[Mapping[str, Any]]:
        if self._updates.webhook.url:
            raise TelegramRefusal(409, REFUSALS[409])
        self._updates.forget_until(int(params.get("offset") or 0))
        return [pending.update for pending in self._updates.pending][: int(params.get("limit") or 100)]

    def _send_message(self, params: Params) -> dict[str, Any]:
        handset = self._get_chat(params)
        text = str(params.get("text", ""))
        if not text.strip():
            raise TelegramRefusal(400, "Bad Request: message text is empty")
        if len(text) > LONGEST_TEXT:
            raise TelegramRefusal(400, "Bad Request: message is too long")
        message = self._record.add(
            sid=make_sid(handset, self._record.next_seq),
            direction=Direction.OUTBOUND,
            handset=handset,
            from_=BOT_ADDRESS,
            to=handset,
            body=text,
            status="delivered",
            buttons=_parse_buttons(params.get("reply_markup")),
            is_settled=True,
        )
        return describe_message(message, self._settings)

    def _edit_message(self, params: Params) -> dict[str, Any]:
        message = self._get_sent(params)
        body, buttons = str(params.get("text") or message.body), _parse_buttons(params.get("reply_markup"))
        if (body, buttons) == (message.body, message.buttons):
            raise TelegramRefusal(400, "Bad Request: message is not modified")
        now = datetime.now(UTC).isoformat()
        changed = self._record.change(message.sid, body=body, buttons=buttons, edited_at=now)
        return describe_message(changed, self._settings)

    def _delete_message(self, params: Params) -> bool:
        self._record.change(self._get_sent(params).sid, is_deleted=True)
        return True

    def _send_chat_action(self, params: Params) -> bool:
        return bool(self._get_chat(params))

    def _answer_press(self, params: Params) -> bool:
        if not self._updates.has_press(str(params.get("callback_query_id", ""))):
            text = "Bad Request: query is too old and response timeout expired or query ID is invalid"
            raise TelegramRefusal(400, text)
        return True

    def _get_file(self, params: Params) -> dict[str, Any]:
        media = self._find_media(str(params.get("file_id", "")))
        if media is None:
            raise TelegramRefusal(400, "Bad Request: wrong file_id or the file is temporarily unavailable")
        sample = SAMPLES[media.sample]
        if sample.size >= LARGEST_FILE_BYTES:
            raise TelegramRefusal(400, "Bad Request: file is too big")
        path = f"{sample.kind}s/{media.sid}.{media.content_type.rpartition('/')[2]}"
        file = {"file_id": media.sid, "file_unique_id": media.sid[-12:], "file_path": path}
        return file | {"file_size": sample.size}

    def _get_chat(self, params: Params) -> str:
        handset = f"{TELEGRAM}{params.get('chat_id', '')}"
        thread = self._record.find_thread(handset)
        if not any(message.direction is Direction.INBOUND for message in thread):
            raise TelegramRefusal(400, "Bad Request: chat not found")
        if self._states.get(handset).is_blocked:
            raise TelegramRefusal(403, REFUSALS[403])
        return handset

    def _get_sent(self, params: Params) -> RecordedMessage:
        handset = self._get_chat(params)
        message = self._record.find(make_sid(handset, int(params.get("message_id") or 0)))
        if message is None or message.direction is not Direction.OUTBOUND or message.is_deleted:
            raise TelegramRefusal(400, "Bad Request: message to edit not found")
        return message

    def _find_media(self, media_sid: str) -> RecordedMedia | None:
        return next(
            (
                media
                for message in self._record.find_all()
                for media in message.media
                if media.sid == media_sid
            ),
            None,
        )


REFUSALS = {
    403: "Forbidden: bot was blocked by the user",
    401: "Unauthorized",
    404: "Not Found",
    409: "Conflict: can't use getUpdates method while webhook is active; "
    "use deleteWebhook to delete the webhook first",
}


def _say_no(refusal: TelegramRefusal) -> web.Response:
    answer: dict[str, Any] = {
        "ok": False,
        "error_code": refusal.code,
        "description": refusal.description,
    }
    seconds = refusal.parameters.get("retry_after")
    headers = {"Retry-After": str(seconds)} if seconds else None
    extra = {"parameters": refusal.parameters} if refusal.parameters else {}
    return web.json_response(answer | extra, status=refusal.code, headers=headers)


async def _read_params(request: web.Request) -> dict[str, Any]:
    params: dict[str, Any] = dict(request.query)
    if request.content_type == "application/json":
        params |= _read_json((await request.read()) or b"{}") or {}
    elif request.can_read_body:
        params |= await request.post()
    return params


def _read_json(value: Any) -> Any:
    if not isinstance(value, str | bytes):
        return value
    try:
        return json.loads(value or "null")
    except ValueError as error:
        raise TelegramRefusal(400, "Bad Request: can't parse JSON object") from error


def _parse_buttons(markup: Any) -> tuple[Button, ...]:
    keyboard = (_read_json(markup) or {}).get("inline_keyboard", [])
    buttons = tuple(
        Button(title=str(each.get("text", "")), payload=str(each.get("callback_data", "")))
        for row in keyboard
        for each in row
        if "url" not in each
    )
    if any(not button.title.strip() for button in buttons):
        raise TelegramRefusal(400, "Bad Request: can't parse inline keyboard button: text must be non-empty")
    if any(not 0 < len(button.payload.encode()) <= LONGEST_DATA_BYTES for button in buttons):
        raise TelegramRefusal(400, "Bad Request: BUTTON_DATA_INVALID")
    return buttons
