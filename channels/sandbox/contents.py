"""Templates of Twilio's Content API, and what one becomes on a WhatsApp phone once its variables are filled in.

Limits: buttons and lists in Meta's documentation; error codes in Twilio's (63021, 21655, 21656).
"""

import json
import os
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from channels.sandbox.record import Button, new_sid

TEXT, BUTTONS, LIST = "twilio/text", "twilio/quick-reply", "twilio/list-picker"
MOST_BUTTONS, MOST_ROWS = 3, 10
LONGEST_BUTTON, LONGEST_ROW, LONGEST_OPENER, LONGEST_BODY = 20, 24, 20, 1024
LONGEST_BUTTON_ID, LONGEST_ROW_ID = 256, 200
PLACEHOLDER = re.compile(r"\{\{\s*(\w+)\s*\}\}")
WAITING_SID = "HX" + "0" * 30 + "01"


class ContentRefused(Exception):
    """What Twilio would refuse, by its code."""

    def __init__(self, code: int) -> None:
        super().__init__(f"Twilio's code {code}")
        self.code = code


@dataclass(frozen=True, kw_only=True)
class Content:
    """One template as it was created. Only an approved one reaches a phone whose window is closed."""

    sid: str
    friendly_name: str
    language: str
    variables: Mapping[str, str]
    types: Mapping[str, Any]
    created_at: str
    is_approved: bool = False


@dataclass(frozen=True, kw_only=True)
class FilledContent:
    body: str
    buttons: tuple[Button, ...] = ()
    list_opener: str | None = None


WAITING = Content(
    sid=WAITING_SID,
    friendly_name="waiting",
    language="en",
    variables={},
    types={
        BUTTONS: {
            "body": "You have a new message. Reply to read it.",
            "actions": [{"type": "QUICK_REPLY", "title": "Read now", "id": "read_now"}],
        }
    },
    created_at="2026-01-05T09:00:00+00:00",
    is_approved=True,
)


class Contents:
    """Every template by sid, kept in a file; the approved `waiting` is there from the start."""

    def __init__(self, data_dir: Path) -> None:
        self._path = data_dir / "sandbox-contents.json"
        known = json.loads(self._path.read_text()) if self._path.exists() else []
        self._contents = {each["sid"]: Content(**each) for each in known} or {WAITING.sid: WAITING}

    def create(self, asked: Mapping[str, Any]) -> Content:
        """Raises ContentRefused where the template is not one."""
        content = parse_content(asked, sid=new_sid("HX"))
        self._contents[content.sid] = content
        self._save()
        return content

    def find(self, sid: str) -> Content | None:
        return self._contents.get(sid)

    def find_all(self) -> list[Content]:
        """Newest first."""
        return list(self._contents.values())[::-1]

    def approve(self, sid: str) -> None:
        self._contents[sid] = replace(self._contents[sid], is_approved=True)
        self._save()

    def remove(self, sid: str) -> None:
        del self._contents[sid]
        self._save()

    def _save(self) -> None:
        part = self._path.with_suffix(".part")
        part.write_text(json.dumps([asdict(content) for content in self._contents.values()]))
        os.replace(part, self._path)


def parse_content(asked: Mapping[str, Any], *, sid: str) -> Content:
    types, language = asked.get("types"), asked.get("language")
    if not isinstance(types, dict) or not types or not isinstance(language, str) or not language:
        raise ContentRefused(20001)
    for name, content in types.items():
        _check_shape(name, content)
    variables = asked.get("variables") or {}
    if not isinstance(variables, dict) or not all(isinstance(each, str) for each in variables.values()):
        raise ContentRefused(20001)
    return Content(
        sid=sid,
        friendly_name=str(asked.get("friendly_name") or ""),
        language=language,
        variables=variables,
        types=types,
        created_at=datetime.now(UTC).isoformat(),
    )


def fill_content(content: Content, variables: str | None) -> FilledContent:
    """The template with its variables, checked against the channel's limits. Raises ContentRefused."""
    values = {**content.variables, **_read_variables(variables)}
    name = next((each for each in (LIST, BUTTONS, TEXT) if each in content.types), None)
    if name is None:
        raise ContentRefused(63021)
    shape = content.types[name]
    body = _fill(shape["body"], values)
    if not body.strip() or len(body) > LONGEST_BODY:
        raise ContentRefused(63021)
    if name == TEXT:
        return FilledContent(body=body)
    if name == BUTTONS:
        buttons = tuple(
            Button(title=_fill(each["title"], values), payload=_fill(each.get("id", each["title"]), values))
            for each in shape["actions"]
        )
        _check_buttons(buttons, most=MOST_BUTTONS, longest=LONGEST_BUTTON, longest_id=LONGEST_BUTTON_ID)
        return FilledContent(body=body, buttons=buttons)
    rows = tuple(
        Button(title=_fill(each["item"], values), payload=_fill(each["id"], values), is_row=True)
        for each in shape["items"]
    )
    _check_buttons(rows, most=MOST_ROWS, longest=LONGEST_ROW, longest_id=LONGEST_ROW_ID)
    opener = _fill(shape["button"], values)
    if not opener.strip() or len(opener) > LONGEST_OPENER:
        raise ContentRefused(63021)
    return FilledContent(body=body, buttons=rows, list_opener=opener)


def _check_shape(name: str, content: Any) -> None:
    needed = {TEXT: {"body"}, BUTTONS: {"body", "actions"}, LIST: {"body", "button", "items"}}.get(name)
    if needed is None or not isinstance(content, dict) or set(content) != needed:
        raise ContentRefused(20001)
    rows = content.get("actions", content.get("items", []))
    wanted = {BUTTONS: {"title"}, LIST: {"item", "id"}}.get(name, set())
    if not isinstance(rows, list) or not all(isinstance(row, dict) and wanted <= set(row) for row in rows):
        raise ContentRefused(20001)


def _check_buttons(buttons: tuple[Button, ...], *, most: int, longest: int, longest_id: int) -> None:
    titles = [button.title.strip() for button in buttons]
    ids = [button.payload for button in buttons]
    are_fit = all(
        button.title.strip() and len(button.title) <= longest and 0 < len(button.payload) <= longest_id
        for button in buttons
    )
    # WhatsApp refuses two buttons that say the same, and two rows with one id.
    is_unique = len(set(titles)) == len(titles) and len(set(ids)) == len(ids)
    if not 0 < len(buttons) <= most or not are_fit or not is_unique:
        raise ContentRefused(63021)


def _read_variables(text: str | None) -> dict[str, str]:
    if not text:
        return {}
    try:
        values = json.loads(text)
    except ValueError as error:
        raise ContentRefused(21656) from error
    # A line end inside a variable is refused by WhatsApp, as is an empty one.
    if not isinstance(values, dict) or not all(isinstance(each, str) and each for each in values.values()):
        raise ContentRefused(21656)
    return values


def _fill(text: str, values: Mapping[str, str]) -> str:
    def value(found: re.Match[str]) -> str:
        if found[1] not in values:
            raise ContentRefused(21656)
        return values[found[1]]

    return PLACEHOLDER.sub(value, text)
