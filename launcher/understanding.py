"""Asking both layers about messages without starting the service."""

import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, Protocol

import msgspec

from casework.adapters.assistant import Probability, Urgency, read_wish
from casework.model.bands import BandDecision, BandLimits, Learned, Wish, decide_band
from casework.model.disclosures import Band, Evidence, ScreenResult
from casework.model.errors import WaymarkError
from launcher.training import Model, rasa_environ

TICK_SECONDS = 5.0


class Message(Protocol):
    @property
    def text(self) -> str: ...
    @property
    def channel(self) -> str: ...


class Parsed(msgspec.Struct, frozen=True, kw_only=True):
    """What the model makes of one message, as bot.understand prints it. Older models have no urgency."""

    intent: str
    outcome: str
    outcome_confidence: Probability
    sub: str | None = None
    to_person: bool = False
    urgency: Urgency | None = None

    def learned(self) -> Learned | None:
        return self.urgency.as_learned() if self.urgency else None

    def wish(self) -> Wish:
        return read_wish(self.intent, self.outcome_confidence)


@dataclass(frozen=True, kw_only=True)
class Understood:
    """Both layers on one message. RED makes it urgent, whatever the wish; nothing else changes the wish."""

    screen: ScreenResult
    parsed: Parsed
    decision: BandDecision

    @property
    def is_red(self) -> bool:
        return self.decision.band is Band.RED

    @property
    def outcome(self) -> str:
        return "urgent" if self.is_red else self.parsed.outcome

    @property
    def outcome_confidence(self) -> float:
        """0 to 1. A rule of the screen is certain; the detector is as sure as it says."""
        if not self.is_red:
            return self.parsed.outcome_confidence
        if self.screen.band is Band.RED or self.parsed.urgency is None:
            return 1.0
        return self.parsed.urgency.probability

    @property
    def to_person(self) -> bool:
        return self.is_red or self.parsed.to_person

    @property
    def is_automated(self) -> bool:
        """Answered with nobody asked to look: neither RED nor AMBER nor on its way to a person."""
        return self.decision.band is Band.GREEN and not self.to_person


def decide(screen: ScreenResult, parsed: Parsed, limits: BandLimits) -> Understood:
    decision = decide_band(screen, parsed.learned(), parsed.wish(), limits)
    return Understood(screen=screen, parsed=parsed, decision=decision)


def screen_to_line(screen: ScreenResult) -> dict[str, Any]:
    """What `./waymark screen` prints of a message: `urgent` means any rule hit."""
    return {
        "urgent": screen.urgent,
        "tier": screen.tier,
        "category": screen.category,
        "evidence": _evidence(screen.evidence),
        "band": screen.band,
    }


def understood_to_line(understood: Understood) -> dict[str, Any]:
    """What `./waymark understand` prints of a message: `urgent` means RED; the evidence is of both layers."""
    decision = understood.decision
    return {
        "urgent": understood.is_red,
        "tier": decision.tier,
        "category": decision.category,
        "evidence": _evidence(decision.evidence),
        "band": decision.band,
        "to_person": understood.to_person,
        "outcome": understood.outcome,
        "outcome_confidence": understood.outcome_confidence,
        "sub": understood.parsed.sub,
        "intent": understood.parsed.intent,
    }


def _evidence(evidence: Sequence[Evidence]) -> list[dict[str, Any]]:
    return [{"rule": e.rule, "start": e.start, "end": e.end} for e in evidence]


class UnderstandingFailed(WaymarkError):
    """The model gave no answer for every message; its own words are above."""


def understand_lines(root: Path, model: Model, lines: Sequence[Message]) -> Iterator[Parsed]:
    """One answer a message, in order and as they come, from one process; says on stderr how far it is.

    Raises UnderstandingFailed if fewer answers came than messages went.
    """
    if not lines:
        return
    command = [str(root / "bot" / ".venv" / "bin" / "python"), "-m", "bot.understand"]
    with tempfile.TemporaryFile() as asked, tempfile.TemporaryFile() as said:
        asked.writelines(_asked_lines(lines))
        asked.seek(0)
        count = 0
        with subprocess.Popen(
            [*command, "--model", str(model.path)],
            cwd=root,
            env=rasa_environ(),
            stdin=asked,
            stdout=subprocess.PIPE,
            stderr=said,
        ) as process:
            assert process.stdout is not None
            for parsed in _parsed_lines(process.stdout, of=len(lines)):
                count += 1
                yield parsed
        if process.returncode != 0 or count != len(lines):
            # Only then: Rasa's libraries warn about each other at length.
            said.seek(0)
            sys.stderr.write(said.read().decode(errors="replace"))
            raise UnderstandingFailed(
                f"{count} answers to {len(lines)} messages, code {process.returncode}. The reason is above."
            )


def _asked_lines(lines: Sequence[Message]) -> Iterator[bytes]:
    for number, line in enumerate(lines):
        yield json.dumps({"id": number, "text": line.text, "channel": line.channel}).encode() + b"\n"


def _parsed_lines(stdout: IO[bytes], *, of: int) -> Iterator[Parsed]:
    count, told_at = 0, time.monotonic()
    for raw in stdout:
        if not raw.startswith(b"{"):
            continue
        try:
            yield msgspec.json.decode(raw, type=Parsed)
        except msgspec.ValidationError as fault:
            raise UnderstandingFailed(f"Answer {count + 1} of the model: {fault}") from fault
        count += 1
        if time.monotonic() - told_at >= TICK_SECONDS:
            told_at = time.monotonic()
            print(f"      understood {count} of {of}", file=sys.stderr, flush=True)


@dataclass(frozen=True, kw_only=True)
class TextOnly:
    """A message of which only the words matter."""

    text: str
    channel: str = "sms"


def understand_texts(root: Path, model: Model, texts: Sequence[str]) -> Mapping[str, Parsed]:
    """What the model makes of each different text, asked once each."""
    different = list(dict.fromkeys(texts))
    lines = [TextOnly(text=text) for text in different]
    return dict(zip(different, understand_lines(root, model, lines), strict=True))
