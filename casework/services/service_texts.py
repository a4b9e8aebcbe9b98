"""The service's own fixed texts, read from a template with their source and review date."""

import tomllib
from dataclasses import dataclass
from pathlib import Path

from casework.model.messages import Channel

SMS_COSTS = ("free", "standard")
TEMPLATE = Path(__file__).parent.parent / "templates" / "service_texts.toml"


@dataclass(frozen=True)
class ServiceTexts:
    """`render` fills a named text for a channel; an unknown name is a KeyError at the first test."""

    texts: dict[str, dict[str, str]]
    sms_cost: str = "standard"

    def render(self, name: str, channel: Channel, /, **values: str) -> str:
        form = "web" if channel is Channel.WEBCHAT else "sms"
        return self.texts[name][form].format(**values)

    def cost(self) -> str:
        """What writing by SMS costs them, as a sentence."""
        return self.render(f"sms_cost_{self.sms_cost}", Channel.SMS)


def load_service_texts(*, sms_cost: str = "standard") -> ServiceTexts:
    """`sms_cost`: one of SMS_COSTS."""
    return ServiceTexts(tomllib.loads(TEMPLATE.read_text(encoding="utf-8")), sms_cost=sms_cost)
