"""The service's own fixed texts, read from a template with their source and review date."""

import tomllib
from dataclasses import dataclass
from pathlib import Path

from casework.model.messages import Channel

TEMPLATE = Path(__file__).parent.parent / "templates" / "service_texts.toml"


@dataclass(frozen=True)
class ServiceTexts:
    """`render` fills a named text for a channel; an unknown name is a KeyError at the first test."""

    texts: dict[str, dict[str, str]]

    def render(self, name: str, channel: Channel, /, **values: str) -> str:
        form = "web" if channel is Channel.WEBCHAT else "sms"
        return self.texts[name][form].format(**values)


def load_service_texts() -> ServiceTexts:
    return ServiceTexts(tomllib.loads(TEMPLATE.read_text(encoding="utf-8")))
