"""A disclosure in front of a person: handed over at once, or to be checked beside the assistant's answer."""

from collections.abc import Iterable
from datetime import timedelta

from casework.model.bands import TIER_OF_UNREADABLE, BandDecision, Bands
from casework.model.desk import DeskItem, Grade, HandoffReason, ItemEvidence, grade_of_check
from casework.model.disclosure_screen import UNREADABLE_TIERS
from casework.model.disclosures import Evidence
from casework.model.messages import Author, Lane, SendKind
from casework.services import outgoing
from casework.services.ports import Conversation, Transaction
from casework.services.safety_lines import SafetyLines, find_safety_line

# While a person owns the conversation only danger to life or serious risk is answered by a fixed text.
TIERS_ANSWERED_WHILE_OWNED = (1, 2)
MOST_REASONS_KEPT = 100


def hand_over(
    tx: Transaction,
    conversation: Conversation,
    decision: BandDecision,
    *,
    inbox_id: int,
    turn_id: str,
    by: str,
    bands: Bands,
    safety_lines: SafetyLines,
) -> None:
    """RED: the message's own desk item and its safety line, each once whoever asks for them.

    `conversation` must be held. `by`: which layer noticed, for the record.
    """
    tier = decision.tier or TIER_OF_UNREADABLE
    recorded = tx.desk.record_item(
        conversation_id=conversation.id,
        reason=HandoffReason.UNREADABLE if _is_unreadable(decision) else HandoffReason.DISCLOSURE,
        grade=Grade(tier),
        dedupe_key=f"disclosure:{inbox_id}",
        inbox_id=inbox_id,
        tier=tier,
        category=decision.category.value if decision.category else None,
        owner_id=conversation.owner_id,
        evidence=_explain(decision.evidence, inbox_id, bands),
        quiet_due_at=tx.now + timedelta(minutes=bands.limits.quiet_minutes(tier)),
    )
    if recorded is not None:
        tx.audit.record("desk_item_opened", by=by, conversation_id=conversation.id, thing=f"in-{inbox_id}")
    if conversation.owner_id is not None and tier not in TIERS_ANSWERED_WHILE_OWNED:
        return
    line = find_safety_line(decision, conversation.channel, safety_lines)
    outgoing.send(
        tx,
        outgoing.address(
            conversation,
            line.text,
            lane=Lane.SAFETY,
            kind=SendKind.SAFETY_LINE,
            author=Author.SERVICE,
            template=line.template_name,
            dedupe_key=f"safety:{inbox_id}",
            turn_id=turn_id,
        ),
    )


def request_check(
    tx: Transaction,
    conversation_id: str,
    decision: BandDecision,
    *,
    inbox_id: int,
    by: str,
    bands: Bands,
) -> DeskItem | None:
    """AMBER: the conversation's one open CHECK item, made now or told more; None when this message's was closed.

    A message of a more urgent tier raises it. It never sinks.
    """
    held = tx.conversations.hold(conversation_id)
    reasons = _explain(decision.evidence, inbox_id, bands)
    known = tx.desk.find_check(conversation_id)
    if known is not None:
        _tell_more(tx, known, decision, reasons)
        return known
    recorded = tx.desk.record_item(
        conversation_id=conversation_id,
        reason=HandoffReason.CHECK,
        grade=grade_of_check(decision.tier),
        dedupe_key=f"check:{inbox_id}",
        inbox_id=inbox_id,
        tier=decision.tier,
        category=decision.category.value if decision.category else None,
        owner_id=held.owner_id,
        evidence=reasons,
        quiet_due_at=tx.now + timedelta(minutes=bands.limits.quiet_minutes(decision.tier)),
    )
    if recorded is None:
        return None
    tx.audit.record("desk_item_opened", by=by, conversation_id=conversation_id, thing=f"in-{inbox_id}")
    return tx.desk.find_check(conversation_id)


def _tell_more(
    tx: Transaction, known: DeskItem, decision: BandDecision, reasons: tuple[ItemEvidence, ...]
) -> None:
    grade = grade_of_check(decision.tier)
    is_worse = grade < known.grade
    evidence = tuple(dict.fromkeys((*known.evidence, *reasons)))[-MOST_REASONS_KEPT:]
    if not is_worse and evidence == known.evidence:
        return
    category = decision.category.value if decision.category else None
    tx.desk.raise_check(
        known.id,
        grade=grade if is_worse else known.grade,
        tier=decision.tier if is_worse else known.tier,
        category=category if is_worse else known.category,
        evidence=evidence,
    )


def _is_unreadable(decision: BandDecision) -> bool:
    return decision.category is None and all(each.rule in UNREADABLE_TIERS for each in decision.evidence)


def _explain(evidence: Iterable[Evidence], inbox_id: int, bands: Bands) -> tuple[ItemEvidence, ...]:
    return tuple(
        ItemEvidence(
            inbox_id=inbox_id,
            rule=each.rule,
            start=each.start,
            end=each.end,
            says=bands.says(each.rule),
        )
        for each in evidence
    )
