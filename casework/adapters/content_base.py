"""The texts of this release that may be published over: the assistant's answers, and who can help.

Read from bot/domain and from the directory, where they are written. Left out, and so never changed here: what proves
who somebody is, and the words for whoever may not be alone with their phone.
"""

from collections.abc import Iterator, Mapping
from datetime import date
from functools import cache
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML

from casework.adapters.bot_texts import DOMAIN_FOLDER
from casework.model.content_lint import SMS, WEB
from casework.model.errors import SettingsInvalid
from casework.services.content_ports import DIRECTORY_PREFIX, BaseText, BaseTexts, ContentKind
from casework.services.support_directory import SupportService, get_support_services, read_fields

# Each must read the same whether or not there is a case, a code or a match.
PROOF_FILE = "proof.yml"
LOCKED = frozenset(
    {
        "utter_safe_question",
        "utter_safe_goodbye",
        "utter_hand_off_quiet",
        # Its words come from bot/languages.yml.
        "utter_interpreter_line",
    }
)
LONGEST_SOURCE = 300
_PREFIX = "utter_"


@cache
def load_base_texts(folder: Path = DOMAIN_FOLDER) -> BaseTexts:
    """By name, in the order of their files. Raises SettingsInvalid for one without a full form."""
    found = [*_read_domain(folder), *map(_of_service, get_support_services())]
    return {text.name: text for text in found}


def _read_domain(folder: Path) -> Iterator[BaseText]:
    for path in sorted(folder.glob("*.yml")):
        responses = YAML(typ="safe").load(path.read_text(encoding="utf-8")).get("responses", {})
        if path.name != PROOF_FILE:
            yield from (_of_reply(name, rows) for name, rows in responses.items() if name not in LOCKED)


def _of_reply(name: str, rows: list[Mapping[str, Any]]) -> BaseText:
    by_channel = {row.get("channel", WEB): row for row in rows}
    if WEB not in by_channel or set(by_channel) - {WEB, SMS}:
        raise SettingsInvalid(f"bot/domain, {name}: one full form, and at most one more for sms")
    full = by_channel[WEB]
    facts = full.get("metadata") or {}
    review_by = facts.get("review_by")
    return BaseText(
        name=name,
        title=name.removeprefix(_PREFIX).replace("_", " "),
        kind=ContentKind.RIGHT if "right" in facts else ContentKind.REPLY,
        forms={form: row["text"] for form, row in by_channel.items()},
        source=str(facts.get("source", ""))[:LONGEST_SOURCE],
        review_by=date.fromisoformat(str(review_by)) if review_by else None,
        choices=tuple(button["title"] for button in full.get("buttons") or ()),
    )


def _of_service(service: SupportService) -> BaseText:
    return BaseText(
        name=DIRECTORY_PREFIX + service.id,
        title=service.name,
        kind=ContentKind.DIRECTORY,
        forms=read_fields(service),
        source="; ".join(title for _, title in service.source)[:LONGEST_SOURCE],
        review_by=service.review_by,
    )
