"""The fixed text that answers an urgent message at once: looked up here, worded in the template."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from functools import cache
from pathlib import Path
from typing import Any

from casework.model.bands import BandDecision
from casework.model.disclosure_screen import SCREEN_FAILED, UNREADABLE_TIERS
from casework.model.disclosures import Band, Category, ScreenResult
from casework.model.errors import SettingsInvalid
from casework.model.messages import Channel, Lane, OutboundMessage, SendKind
from casework.model.safe_contact import LIVE_MINUTES
from casework.model.toml_files import read_toml

SAFETY_LINES_FILE = Path(__file__).parents[1] / "templates" / "safety_lines.toml"
NO_CATEGORY = "no_category"
# Our own choice: words for a danger of a moment ago are wrong an hour later.
OLDEST_SAFETY_LINE = timedelta(minutes=LIVE_MINUTES)
KINDS = (*(category.value for category in Category), NO_CATEGORY, *UNREADABLE_TIERS)


@dataclass(frozen=True, kw_only=True)
class SafetyLine:
    """What to send, and the name it is recorded under."""

    text: str
    template_name: str


@dataclass(frozen=True, kw_only=True)
class SafetyLineEntry:
    """One kind of message: its two texts, where they come from, when to look again, who approved them."""

    sms: str
    web: str
    source: tuple[str, ...]
    review_by: date
    signed_off: str

    def on(self, channel: Channel) -> tuple[str, str]:
        """The form's name and text. Anything that may light up a lock screen gets the short neutral form."""
        return ("web", self.web) if channel is Channel.WEBCHAT else ("sms", self.sms)


SafetyLines = Mapping[str, SafetyLineEntry]


def load_safety_lines(path: Path = SAFETY_LINES_FILE) -> SafetyLines:
    """Every category and every kind of unreadable message; refuses a missing or incomplete entry."""
    tables = read_toml(path)
    missing = sorted(set(KINDS) - tables.keys())
    if missing:
        kinds = ", ".join(missing)
        raise SettingsInvalid(f"{path.name} has no entry for {kinds}: add sms, web, source and review_by")
    return {kind: _parse_entry(path.name, kind, tables[kind]) for kind in KINDS}


def find_safety_line(
    result: ScreenResult | BandDecision, channel: Channel, lines: SafetyLines | None = None
) -> SafetyLine:
    """The line for an urgent verdict on that channel; refuses a calm one, which has nothing to answer."""
    if result.band is Band.GREEN:
        raise ValueError("a calm message has no safety line: ask only for RED or AMBER")
    kind = result.category.value if result.category else _kind_without_category(result)
    form, text = (lines or _packaged_lines())[kind].on(channel)
    return SafetyLine(text=text, template_name=f"safety.{kind}.{form}")


def is_over(message: OutboundMessage, *, age: timedelta) -> bool:
    """Whether this is a safety line whose moment has gone: "where are you" is no answer to the day after."""
    is_safety_line = message.lane is Lane.SAFETY or message.kind is SendKind.SAFETY_LINE
    return is_safety_line and age > OLDEST_SAFETY_LINE


@cache
def _packaged_lines() -> SafetyLines:
    return load_safety_lines()


def _kind_without_category(result: ScreenResult | BandDecision) -> str:
    unreadable = [item.rule for item in result.evidence if item.rule in UNREADABLE_TIERS]
    return next(iter(unreadable), NO_CATEGORY if result.evidence else SCREEN_FAILED)


def _parse_entry(file_name: str, kind: str, table: Mapping[str, Any]) -> SafetyLineEntry:
    entry = SafetyLineEntry(
        sms=table.get("sms", ""),
        web=table.get("web", ""),
        source=tuple(table.get("source", ())),
        review_by=table.get("review_by", date.min),
        signed_off=table.get("signed_off", ""),
    )
    if not (entry.sms and entry.web and entry.source) or entry.review_by == date.min:
        raise SettingsInvalid(f"{file_name}, {kind}: sms, web, source and review_by must all be filled in")
    return entry
