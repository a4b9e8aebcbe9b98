"""What the tests of the evaluation need: answers from a file instead of a model, and judged messages."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import msgspec

from bot.corpus import Example
from casework.model.bands import load_band_limits
from casework.model.disclosures import CALM, ScreenResult
from launcher.evaluation.figures import Judged
from launcher.understanding import Parsed, Urgency, decide

DATA = Path("tests/data/evaluation")
LIMITS = load_band_limits(Path("tests/data/bands.toml"))
NOT_UNDERSTOOD = Parsed(intent="nlu_fallback", outcome="unclear", outcome_confidence=0.3)


class FakeUnderstanding:
    """Answers from a file of JSON lines, keyed by text; a text it does not know is not understood."""

    def __init__(self, path: Path = DATA / "parses.jsonl") -> None:
        rows = [msgspec.json.decode(line) for line in path.read_bytes().splitlines()]
        self._answers = {row["text"]: msgspec.convert(row, Parsed) for row in rows}
        self.asked: list[Sequence[str]] = []

    def __call__(self, texts: Sequence[str]) -> dict[str, Parsed]:
        self.asked.append(texts)
        return {text: self._answers.get(text, NOT_UNDERSTOOD) for text in texts}


def a_parsed(outcome: str = "ask_status", probability: float | None = None, **values: Any) -> Parsed:
    urgency = (
        None if probability is None else Urgency(probability=probability, categories=values.pop("kinds", {}))
    )
    defaults: dict[str, Any] = {"intent": outcome, "outcome": outcome, "outcome_confidence": 0.9}
    return Parsed(**(defaults | {"urgency": urgency} | values))


def a_judged(
    meant: str = "ask_status",
    *,
    category: str | None = None,
    screen: ScreenResult = CALM,
    parsed: Parsed | None = None,
    text: str = "any news",
    **labels: Any,
) -> Judged:
    outcome = None if category else meant
    example = Example(
        text=text, outcome=outcome, category=category, **({"scenario": "s", "style": "plain"} | labels)
    )
    return Judged(example=example, text=text, understood=decide(screen, parsed or a_parsed(meant), LIMITS))
