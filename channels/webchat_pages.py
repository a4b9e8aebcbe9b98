"""The web chat's pages: templates and assets read once, filled per request. Every word is in a template."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import jinja2

from casework.model.messages import Author, OutboxStatus
from casework.services.ports import TranscriptEntry
from channels.webchat_forms import LONGEST_TEXT, ComposerForm, new_msg_id

HERE = Path(__file__).parent
CONTENT_TYPES = {".css": "text/css", ".js": "text/javascript"}

# Greets nobody by name, and is the default of GOV.UK's Exit this page: going there tells nothing.
EXIT_SITE = "https://www.bbc.co.uk/weather"


@dataclass(frozen=True)
class Asset:
    body: bytes
    content_type: str


class WebchatPages:
    """Renders whole pages and the one fragment that the live page asks for."""

    def __init__(self) -> None:
        environment = jinja2.Environment(
            loader=jinja2.FileSystemLoader(HERE / "templates" / "webchat"),
            autoescape=True,
            undefined=jinja2.StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        environment.filters["clock"] = _format_clock
        environment.globals.update(exit_site=EXIT_SITE, longest_text=LONGEST_TEXT)
        self._templates = {name: environment.get_template(name) for name in environment.list_templates()}
        self.assets = {
            path.name: Asset(path.read_bytes(), CONTENT_TYPES[path.suffix])
            for path in (HERE / "static" / "webchat").iterdir()
            if path.suffix in CONTENT_TYPES
        }

    def start(self, *, is_open: bool = False, kept: ComposerForm | None = None) -> str:
        """The page before the chat. `kept` is a message that could not be sent yet."""
        return self._templates["start.html"].render(is_open=is_open, kept=kept)

    def messages(
        self, transcript: Sequence[TranscriptEntry], *, kept: ComposerForm | None = None, problem: str = ""
    ) -> str:
        """`problem` is "", "empty" or "too_long"; `kept` refills the box."""
        # The same id again, so that a second press of a form that did arrive stays one message.
        msg_id = kept.msg_id if kept and problem else new_msg_id()
        return self._templates["messages.html"].render(
            **_conversation(transcript), kept=kept.text if kept else "", problem=problem, msg_id=msg_id
        )

    def log(self, transcript: Sequence[TranscriptEntry]) -> str:
        """The transcript and its quick replies, without the page around them."""
        return self._templates["log.html"].render(**_conversation(transcript))

    def refused(self) -> str:
        return self._templates["refused.html"].render()


def _conversation(transcript: Sequence[TranscriptEntry]) -> dict[str, object]:
    # Only what has left is shown: the rest may still be suppressed because a person took over.
    shown = [entry for entry in transcript if entry.status in (None, OutboxStatus.SENT)]
    answers = shown[-1].choices if shown and shown[-1].author is not Author.PERSON else ()
    return {"entries": shown, "choices": answers}


def _format_clock(at: datetime) -> str:
    local = at.astimezone(ZoneInfo("Europe/London"))
    return f"{local.hour % 12 or 12}:{local.minute:02}{'am' if local.hour < 12 else 'pm'}"
