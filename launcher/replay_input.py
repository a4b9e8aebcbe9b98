"""A stored turn as it is asked again: its words masked, and of the service only what the assistant was told then."""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass

import msgspec

from casework.model.bands import BandLimits
from casework.model.disclosures import CALM, ScreenResult
from casework.model.masking import CaseValues, Masker
from casework.model.messages import Channel
from casework.model.standings import Standing
from casework.model.turn_outcomes import Truth
from casework.services.ports import JsonObject
from casework.services.workbench_ports import StoredTurn

SHA_LENGTH = 32
STRANGER = "unknown"


@dataclass(frozen=True, kw_only=True)
class ReplayInput:
    """One turn to ask. `text` and `earlier` (oldest first) are masked; no model is shown `screen` and `truth`."""

    turn_id: str
    inbox_id: int
    channel: Channel
    text: str
    earlier: tuple[str, ...]
    state: JsonObject | None
    standing: Standing
    code_pending: bool
    safe_question: bool
    screen: ScreenResult
    truth: Truth | None = None

    @property
    def facts(self) -> JsonObject:
        """As `casework/services/answer.py` tells them."""
        return {
            "channel": self.channel.value,
            "standing": self.standing.name.lower(),
            "code_pending": self.code_pending,
            "safe_question": self.safe_question,
            "earlier": list(self.earlier),
        }


def find_input_sha(turn: ReplayInput, limits: BandLimits) -> str:
    """Of all that decides what comes of a turn but the model: another mask, state or limit is another question."""
    asked = {
        "turn_id": turn.turn_id,
        "text": turn.text,
        "state": turn.state,
        "facts": turn.facts,
        "screen": [turn.screen.urgent, turn.screen.band, turn.screen.tier, turn.screen.category],
        "limits": [(tier, own.red, own.amber) for tier, own in sorted(limits.tiers.items())],
        "unclear": (limits.least_wish_confidence, limits.amber_where_unclear),
    }
    return hashlib.sha256(msgspec.json.encode(asked, order="deterministic")).hexdigest()[:SHA_LENGTH]


def a_strangers_turn(
    turn_id: str,
    text: str = "",
    *,
    channel: Channel = Channel.SMS,
    standing: str = STRANGER,
    safe_question: bool = False,
) -> ReplayInput:
    """A first turn that was never stored: a message of a frozen set, or a talk."""
    return ReplayInput(
        turn_id=turn_id,
        inbox_id=0,
        channel=channel,
        text=text,
        earlier=(),
        state=None,
        standing=Standing[standing.upper()],
        code_pending=False,
        safe_question=safe_question,
        screen=CALM,
    )


def prepare(stored: StoredTurn, *, masker: Masker, values_of: Callable[[str], CaseValues]) -> ReplayInput:
    """`values_of`: the conversation's own values that must be masked."""
    values = values_of(stored.conversation_id)

    def mask(text: str) -> str:
        return masker.mask(text, values, of=stored.conversation_id).text

    return ReplayInput(
        turn_id=stored.turn_id,
        inbox_id=stored.inbox_id,
        channel=stored.channel,
        text=mask(stored.text),
        earlier=tuple(map(mask, stored.earlier)),
        state=stored.state,
        standing=Standing[stored.standing.upper()],
        code_pending=stored.code_pending,
        safe_question=stored.safe_question,
        screen=stored.screen,
        truth=stored.truth,
    )
