"""Held-out talks of several turns, asked of a running assistant: does each turn come to what it should."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec
from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from bot.corpus import CorpusInvalid
from casework.model.bands import Bands
from casework.model.disclosure_screen import DisclosureScreen
from casework.model.disclosures import Band
from casework.model.errors import AssistantUnavailable
from casework.model.messages import Channel
from casework.services.ports import Assistant, JsonObject
from launcher.evaluation.frozen import FOLDER, check_frozen
from launcher.replay import find_outcome
from launcher.replay_input import STRANGER, ReplayInput, a_strangers_turn

NAME = "conversations"
AT_RISK = "risk"
CAUGHT = "caught"
NO_ANSWER = "no answer"


class TalkTurn(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`expects`: the responses in order; None where only the band counts. `band`: one of Band, or caught."""

    says: str
    expects: list[str] | None = None
    band: str = Band.GREEN.value


class Talk(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    id: str
    turns: list[TalkTurn]
    channel: Channel = Channel.WEBCHAT
    standing: str = STRANGER
    safe_question: bool = False
    is_at_risk: bool = False

    @property
    def touches_danger(self) -> bool:
        """Whether danger is told in it, or it stands among the talks of people at risk.

        AMBER alone also stands where nobody knows what is wanted.
        """
        return self.is_at_risk or any(turn.band in (Band.RED.value, CAUGHT) for turn in self.turns)

    @property
    def key(self) -> str:
        """Its conversation's id while it is held."""
        return f"talk-{self.id}"

    def as_input(self) -> ReplayInput:
        """What `ReplayReads` must know of it."""
        return a_strangers_turn(
            self.key, channel=self.channel, standing=self.standing, safe_question=self.safe_question
        )


@dataclass(frozen=True, kw_only=True)
class TalkHeld:
    """`wrong`: for each turn that came to something else, its number and what came."""

    talk: Talk
    wrong: tuple[tuple[int, str], ...]

    @property
    def passed(self) -> bool:
        return not self.wrong


def read_talks(root: Path) -> tuple[list[Talk], str]:
    """Every talk, and the sha256 of the set. Raises SetAltered, or CorpusInvalid for what cannot be read."""
    sha = check_frozen(root, NAME)
    talks = [talk for file in sorted((root / FOLDER / NAME).glob("*.yml")) for talk in _read_file(file)]
    if len({talk.id for talk in talks}) != len(talks):
        raise CorpusInvalid(f"{NAME}: an id stands twice")
    return talks, sha


def _read_file(file: Path) -> list[Talk]:
    try:
        content: Any = YAML(typ="safe").load(file.read_text(encoding="utf-8"))
        talks = msgspec.convert(content["talks"], list[Talk])
    except (YAMLError, KeyError, TypeError, msgspec.ValidationError) as fault:
        raise CorpusInvalid(f"{file.name}: {fault}") from fault
    return [msgspec.structs.replace(talk, is_at_risk=file.stem == AT_RISK) for talk in talks]


async def hold_talks(
    assistant: Assistant, talks: Sequence[Talk], *, screen: DisclosureScreen, bands: Bands
) -> list[TalkHeld]:
    """One after the other; `assistant` knows their standings through `ReplayReads`."""
    return [await _hold(assistant, talk, screen, bands) for talk in talks]


async def _hold(assistant: Assistant, talk: Talk, screen: DisclosureScreen, bands: Bands) -> TalkHeld:
    state: JsonObject | None = None
    said: list[str] = []
    wrong: list[tuple[int, str]] = []
    for number, turn in enumerate(talk.turns, 1):
        earlier = said[-bands.limits.earlier_texts :]
        try:
            answer = await assistant.ask(
                turn_id=f"{talk.key}-{number}",
                conversation=talk.key,
                text=turn.says,
                state=state,
                facts={**talk.as_input().facts, "earlier": earlier},
            )
        except AssistantUnavailable:
            return TalkHeld(talk=talk, wrong=(*wrong, (number, NO_ANSWER)))
        outcome = find_outcome(screen.screen_text(turn.says, earlier), answer, bands)
        is_answered = outcome.band is not Band.RED
        if not _is_band(turn, outcome.band) or (
            is_answered and turn.expects is not None and list(outcome.responses) != turn.expects
        ):
            wrong.append((number, f"{outcome.band}: {', '.join(outcome.responses) or 'the safety line'}"))
        # RED drops the answer, and the dialogue stays where it was.
        state = answer.state if is_answered else state
        said.append(turn.says)
    return TalkHeld(talk=talk, wrong=tuple(wrong))


def _is_band(turn: TalkTurn, band: Band) -> bool:
    return band is not Band.GREEN if turn.band == CAUGHT else band.value == turn.band
