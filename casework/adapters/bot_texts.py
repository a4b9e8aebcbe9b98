"""The assistant's own answers about stages, outcomes and rights, for pages that must say the same.

Read from bot/domain, the one place where they are written: the full form, which names no channel.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from functools import cache
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML

from casework.model.content_lint import LEAD, WEB
from casework.model.errors import SettingsInvalid
from casework.model.outcomes import RESPONSES_OF_OUTCOMES
from casework.model.stage_line import ALL_RIGHTS
from casework.model.stages import Stage
from casework.services.content_ports import ContentVersion

DOMAIN_FOLDER = Path(__file__).parents[2] / "bot" / "domain"
FILES = ("stages.yml", "case_outcomes.yml", "rights.yml")
STAGE, NEXT, RIGHT = "utter_stage_", "utter_next_", "utter_"


@dataclass(frozen=True, kw_only=True)
class BotText:
    """One answer. Nobody is shown it after `review_by`, until somebody has read its source again."""

    paragraphs: tuple[str, ...]
    source: str
    review_by: date


@dataclass(frozen=True, kw_only=True)
class BotTexts:
    by_name: Mapping[str, BotText]

    def find(self, name: str, *, today: date) -> tuple[str, ...]:
        """Its paragraphs; none for an answer that is not there or past its review date."""
        text = self.by_name.get(name)
        return text.paragraphs if text is not None and today <= text.review_by else ()

    def over(self, published: Mapping[str, ContentVersion]) -> "BotTexts":
        """With what is published over the answers, by their name, in place of their own words."""
        changed = {
            name: BotText(
                paragraphs=tuple(words.split("\n\n")), source=version.source, review_by=version.review_by
            )
            for name, version in published.items()
            if name in self.by_name
            and version.review_by
            and "{" not in (words := _leave_lead(version.forms[WEB]))
        }
        return BotTexts(by_name={**self.by_name, **changed}) if changed else self


@cache
def load_bot_texts(folder: Path = DOMAIN_FOLDER) -> BotTexts:
    """Raises SettingsInvalid, with the answer's name, for one that is missing or that no page can show."""
    rows: dict[str, Any] = {}
    for file in FILES:
        rows |= YAML(typ="safe").load((folder / file).read_text(encoding="utf-8"))["responses"]
    return BotTexts(by_name={name: _parse(name, rows) for name in _list_names()})


def _list_names() -> list[str]:
    stages = [f"{prefix}{stage.value}" for prefix in (STAGE, NEXT) for stage in Stage]
    return [*stages, *RESPONSES_OF_OUTCOMES.values(), *(RIGHT + right for right in ALL_RIGHTS)]


def _parse(name: str, rows: Mapping[str, Any]) -> BotText:
    try:
        [form] = [row for row in rows[name] if "channel" not in row]
        words = _leave_lead(form["text"])
        source = form["metadata"]["source"]
        review_by = date.fromisoformat(str(form["metadata"]["review_by"]))
    except (KeyError, TypeError, ValueError) as fault:
        raise SettingsInvalid(f"bot/domain, {name}: {fault!r} is missing or of the wrong kind") from fault
    if "{" in words:
        raise SettingsInvalid(f"bot/domain, {name}: a gap that no page can fill")
    return BotText(paragraphs=tuple(words.split("\n\n")), source=source, review_by=review_by)


def _leave_lead(words: str) -> str:
    """A page says the day beside the words, so what stands before them is left out."""
    return LEAD.sub("", words, count=1)
