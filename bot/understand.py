"""What the assistant would make of each message, one JSON line in and one out, in order.

    python -m bot.understand --model models/NAME.tar.gz < messages.jsonl

In: {"id", "text", "channel"}. Out: {"id", "intent", "outcome", "outcome_confidence", "sub", "to_person"} and, from
a model with a detector, "urgency": {"probability", "categories", "spans"}; spans are offsets into the text as sent.
The tables are bot/outcomes.yml and bot/topics.yml.
"""

import argparse
import asyncio
import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any, TextIO

from rasa.core.agent import Agent
from rasa.shared.utils.io import read_yaml_file

from bot.log_privacy import keep_words_out_of_logs
from bot.topics import TOPICS_FILE, Named, Topics
from bot.turn_answer import neutralised, urgency_of

OUTCOMES_FILE = Path(__file__).with_name("outcomes.yml")


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--model", required=True, type=Path)
    model = arguments.parse_args().model
    if not model.is_file():
        raise SystemExit(f"There is no model at {model}. Train one with ./waymark train")
    keep_words_out_of_logs()
    asyncio.run(understand(Agent.load(model), sys.stdin, sys.stdout))


async def understand(agent: Agent, asked: TextIO, answered: TextIO) -> None:
    """One line out for every line in; a line that is no message stops everything, with its number."""
    outcomes = read_yaml_file(OUTCOMES_FILE)["outcomes"]
    topics = Topics.from_table(read_yaml_file(TOPICS_FILE))
    for number, line in enumerate(asked, 1):
        if not line.strip():
            continue
        try:
            message = json.loads(line)
            text = str(message["text"])
        except (ValueError, TypeError, KeyError):
            raise SystemExit(f"Line {number} is not a message. It needs id, text and channel.") from None
        parsed = await agent.parse_message(neutralised(text))
        answer = {"id": message.get("id"), **_outcome_of(parsed, outcomes, topics)}
        if parsed.get("urgency"):
            answer["urgency"] = urgency_of(parsed["urgency"], text)
        print(json.dumps(answer, ensure_ascii=False), file=answered, flush=True)


def _outcome_of(
    parsed: Mapping[str, Any], outcomes: Mapping[str, Mapping[str, Any]], topics: Topics
) -> dict[str, Any]:
    intent = parsed["intent"]["name"] or "nlu_fallback"
    outcome = outcomes[intent]
    return {
        "intent": intent,
        "outcome": outcome["outcome"],
        "outcome_confidence": round(float(parsed["intent"]["confidence"]), 4),
        "sub": topics.sub_of(intent, Named.from_entities(parsed["entities"])) or outcome.get("sub"),
        "to_person": outcome["to_person"],
    }


if __name__ == "__main__":
    main()
