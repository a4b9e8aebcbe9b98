"""The record of a turn: what the assistant was asked with and what it gave, by names and numbers alone."""

from dataclasses import dataclass

from casework.model.bands import BandDecision
from casework.services.ports import AssistantAnswer, JsonObject, LeasedTurn, Transaction
from casework.services.workbench_ports import TurnRecord

# What the columns have room for: a name of the assistant's that is longer must not cost anybody their answer.
LONGEST_NAME = 64
LONGEST_STANDING = 24


@dataclass(frozen=True, kw_only=True)
class Asked:
    """What the assistant is asked with beside the message, and whose texts are read with it."""

    facts: JsonObject
    earlier_ids: tuple[int, ...]


def record_turn(
    tx: Transaction, turn: LeasedTurn, asked: Asked, answer: AssistantAnswer, decision: BandDecision
) -> None:
    """One row in the transaction of the answer, whatever becomes of the reply."""
    tx.turn_records.record(make_record(tx, turn, asked, answer, decision))


def make_record(
    tx: Transaction, turn: LeasedTurn, asked: Asked, answer: AssistantAnswer, decision: BandDecision
) -> TurnRecord:
    wish, learned, facts = answer.wish, answer.learned, asked.facts
    intent = wish.name[:LONGEST_NAME] if wish else None
    others = [each for each in answer.ranking if wish is None or each[0] != wish.name]
    runner_up, runner_up_confidence = others[0] if others else (None, 0.0)
    return TurnRecord(
        turn_id=turn.id,
        inbox_id=turn.inbox_id,
        conversation_id=turn.conversation.id,
        at=tx.now,
        model_id=answer.model[:LONGEST_NAME],
        state=turn.conversation.state,
        standing=str(facts["standing"])[:LONGEST_STANDING],
        code_pending=bool(facts["code_pending"]),
        safe_question=bool(facts["safe_question"]),
        earlier_ids=asked.earlier_ids,
        intent=intent,
        confidence=wish.confidence if wish else 0.0,
        runner_up=runner_up[:LONGEST_NAME] if runner_up else None,
        runner_up_confidence=runner_up_confidence,
        urgency=learned.probability if learned else None,
        categories={category.value: value for category, value in learned.categories.items()}
        if learned
        else {},
        responses=tuple(reply.response for reply in answer.replies),
        effects=tuple(
            {"effect": effect.get("effect"), "reason": effect.get("reason")} for effect in answer.effects
        ),
        band=decision.band,
        tier=decision.tier,
    )
