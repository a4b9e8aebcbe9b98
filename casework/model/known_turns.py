"""Two texts with a known answer, and whether what was heard is it."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any

from casework.model.errors import SettingsInvalid
from casework.model.toml_files import as_text, read_toml

KNOWN_TURNS_FILE = Path(__file__).with_name("known_turns.toml")


class Heard(StrEnum):
    """What became of asking, the worst last."""

    WELL = "well"
    AWAY = "away"  # no whole answer in time, or nobody there to ask
    WRONG_REPLY = "wrong_reply"
    FALSE_DANGER = "false_danger"
    MISSED_DANGER = "missed_danger"

    @property
    def is_wrong(self) -> bool:
        """It answers, and not as it should: that it is away is noticed by everybody, this by nobody."""
        return self not in (Heard.WELL, Heard.AWAY)


@dataclass(frozen=True, kw_only=True)
class KnownTurns:
    """`replies`: names of responses. `at_most`, `at_least`: probabilities of urgent, 0 to 1."""

    calm: str
    replies: frozenset[str]
    at_most: float
    danger: str
    at_least: float

    def judge_calm(self, responses: Sequence[str], urgency: float | None) -> Heard:
        """`responses` in the order they were said; `urgency`: None where the detector said nothing."""
        if not responses or responses[0] not in self.replies or urgency is None:
            return Heard.WRONG_REPLY
        return Heard.WELL if urgency <= self.at_most else Heard.FALSE_DANGER

    def judge_danger(self, urgency: float | None) -> Heard:
        return Heard.WELL if urgency is not None and urgency >= self.at_least else Heard.MISSED_DANGER


def find_worst(heard: Sequence[Heard]) -> Heard:
    """WELL for none."""
    return max(heard, key=list(Heard).index, default=Heard.WELL)


def load_known_turns(path: Path = KNOWN_TURNS_FILE) -> KnownTurns:
    """Raises SettingsInvalid naming what is missing, unknown or of the wrong kind."""
    tables = read_toml(path)
    try:
        return _parse(tables["calm"], tables["danger"])
    except (KeyError, TypeError, ValueError) as fault:
        raise SettingsInvalid(f"{path.name}: {fault!r} is missing, unknown or of the wrong kind") from fault


def _parse(calm: dict[str, Any], danger: dict[str, Any]) -> KnownTurns:
    found = KnownTurns(
        calm=as_text(calm["text"]),
        replies=frozenset(as_text(each) for each in calm["replies"]),
        at_most=float(calm["at_most"]),
        danger=as_text(danger["text"]),
        at_least=float(danger["at_least"]),
    )
    if not (found.replies and 0 <= found.at_most < found.at_least <= 1):
        raise ValueError("a reply, and probabilities that leave room between calm and danger")
    return found
