"""Buttons and lists on WhatsApp: templates of Twilio's Content API, one for each shape a message can have.

A template holds no words of ours: every text, title and payload is a variable, filled in with the send. So there are
few of them, they are made when first needed, and nothing about a person is kept at Twilio. Words may have no line
end inside a variable (error 21656), so each paragraph is a variable of its own.
Sent within the 24 hours they need no approval: Twilio's pages twilio/quick-reply, twilio/list-picker and
"Using Variables with Content Templates".
"""

import json
import threading
import time
from collections.abc import Iterator, Mapping
from typing import Any

import requests
import structlog
from twilio.base.exceptions import TwilioException
from twilio.rest import Client

from casework.model.errors import WaymarkError
from casework.services.rendering import WhatsAppForm, WhatsAppMessage
from channels.twilio_addresses import CONTENT_HOST
from channels.twilio_transport import TooManyRequests

CONTENT = f"{CONTENT_HOST}/v1/Content"
# Part of the name: a template that must look different gets another one, so an old one is never sent by mistake.
VERSION = 1
LARGEST_PAGE = 1000
MOST_PAGES = 20
PAUSE_SECONDS = 60.0
LONGEST_WAIT_SECONDS = 3.0  # for another thread that looks a template up
# What Twilio says at once of a template or its variables; nothing has left then. See its error pages.
REFUSED_CONTENT = frozenset({21655, 21656, 21657, 21658, 63013, 63021, 63027, 63028, 63030})

log = structlog.get_logger()


class ContentUnavailable(WaymarkError):
    """The Content API could not be asked, or answered what makes no sense."""


class ContentTemplates:
    """The sid of the template for a message's shape: found by its name or made, then remembered."""

    def __init__(
        self, client: Client, *, list_button: str, longest_wait_seconds: float = LONGEST_WAIT_SECONDS
    ) -> None:
        self._client = client
        self._list_button = list_button
        self._longest_wait_seconds = longest_wait_seconds
        self._sids: dict[str, str] = {}
        self._lock = threading.Lock()
        self._paused_until = 0.0

    def find_fields(self, message: WhatsAppMessage) -> dict[str, str] | None:
        """The fields of a send with this template; None where there is none to be had: send it as text.

        After a failure Twilio is not asked again for a minute: no answer waits for buttons twice.
        """
        name = name_template(message)
        sid = self._sids.get(name) or self._find_or_create(name, message)
        if sid is None:
            return None
        variables = write_variables(message, list_button=self._list_button)
        return {"content_sid": sid, "content_variables": json.dumps(variables)}

    def _find_or_create(self, name: str, message: WhatsAppMessage) -> str | None:
        # Somebody else may be reading page after page: words as text now are worth more than buttons later.
        if not self._lock.acquire(timeout=self._longest_wait_seconds):
            return None
        try:
            sid = self._sids.get(name)
            if sid is None and time.monotonic() < self._paused_until:
                return None
            sid = sid or self._find(name) or self._create(name, message)
            self._sids[name] = sid
            return sid
        except ContentUnavailable:
            self._paused_until = time.monotonic() + PAUSE_SECONDS
            log.warning("content_unavailable")
            return None
        finally:
            self._lock.release()

    def forget(self, message: WhatsAppMessage) -> None:
        """Twilio refused it: it is looked up anew, after a minute."""
        # Without the lock, for whoever refused is waited for; each of the two is one step.
        self._sids.pop(name_template(message), None)
        self._paused_until = time.monotonic() + PAUSE_SECONDS

    def fetch_bodies(self, sid: str) -> set[str]:
        """The words of a template without variables, as they are listed once sent. Raises ContentUnavailable."""
        held = self._ask("GET", f"{CONTENT}/{sid}").get("types") or {}
        return {str(shape["body"]) for shape in held.values() if isinstance(shape, dict) and "body" in shape}

    def _find(self, name: str) -> str | None:
        # Two workers may have made one each: both take the older.
        named = [each for each in self._list() if each.get("friendly_name") == name]
        first = min(
            named, key=lambda each: (str(each.get("date_created")), str(each.get("sid"))), default=None
        )
        return None if first is None else _get_sid(first)

    def _list(self) -> Iterator[dict[str, Any]]:
        url: str | None = f"{CONTENT}?PageSize={LARGEST_PAGE}"
        for _ in range(MOST_PAGES):
            if not url:
                return
            page = self._ask("GET", url)
            yield from (each for each in page.get("contents") or [] if isinstance(each, dict))
            url = (page.get("meta") or {}).get("next_page_url")

    def _create(self, name: str, message: WhatsAppMessage) -> str:
        return _get_sid(self._ask("POST", CONTENT, describe_template(name, message)))

    def _ask(self, method: str, url: str, body: Mapping[str, object] | None = None) -> dict[str, Any]:
        headers = {"Content-Type": "application/json", "Accept": "application/json"}
        try:
            answer = self._client.request(method, url, data=dict(body) if body else None, headers=headers)
            found = json.loads(answer.text)
        except (requests.RequestException, TwilioException, TooManyRequests, ValueError) as failure:
            raise ContentUnavailable("Twilio's Content API gave no answer.") from failure
        if answer.status_code not in (200, 201) or not isinstance(found, dict):
            raise ContentUnavailable(f"Twilio's Content API answered {answer.status_code}.")
        return found


def name_template(message: WhatsAppMessage) -> str:
    return f"waymark_{message.form.value}_{len(message.choices)}_{len(message.paragraphs)}_v{VERSION}"


def describe_template(name: str, message: WhatsAppMessage) -> dict[str, object]:
    """What is posted to make the template of this message's shape: no word of the message is in it."""
    body = "\n\n".join(f"{{{{{number}}}}}" for number in range(1, len(message.paragraphs) + 1))
    numbers = range(1, len(message.choices) + 1)
    if message.form is WhatsAppForm.BUTTONS:
        actions = [
            {"type": "QUICK_REPLY", "title": f"{{{{t{number}}}}}", "id": f"{{{{i{number}}}}}"}
            for number in numbers
        ]
        types: dict[str, object] = {"twilio/quick-reply": {"body": body, "actions": actions}}
    else:
        items = [{"item": f"{{{{t{number}}}}}", "id": f"{{{{i{number}}}}}"} for number in numbers]
        types = {"twilio/list-picker": {"body": body, "button": "{{b}}", "items": items}}
    samples = {variable: f"sample {variable}" for variable in write_variables(message, list_button="-")}
    return {"friendly_name": name, "language": "en", "variables": samples, "types": types}


def write_variables(message: WhatsAppMessage, *, list_button: str) -> dict[str, str]:
    """1, 2, ...: paragraphs; t1, t2, ...: titles; i1, i2, ...: payloads; b: what opens a list."""
    variables = {str(number): paragraph for number, paragraph in enumerate(message.paragraphs, 1)}
    for number, choice in enumerate(message.choices, 1):
        variables |= {f"t{number}": choice.title, f"i{number}": choice.payload}
    return variables | ({"b": list_button} if message.form is WhatsAppForm.LIST else {})


def _get_sid(content: Mapping[str, Any]) -> str:
    sid = content.get("sid")
    if not isinstance(sid, str) or not sid.startswith("HX"):
        raise ContentUnavailable("Twilio's Content API named no template.")
    return sid
