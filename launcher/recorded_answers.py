"""What the live model gave when a message came, read from the record of its turn instead of asking it again.

It is taken only where asking again would be the same question: then it is exact, for a model gives the same to the
same. Where a word was masked, a case told, a code waited for or the directory read, the candidate is asked something
else than the live model was, and both have to be asked alike.
"""

from casework.model.bands import Learned, Wish
from casework.model.disclosures import Category
from casework.model.standings import Standing
from casework.services.ports import AssistantAnswer, AssistantReply
from casework.services.workbench_ports import StoredTurn, TurnRecord
from launcher.replay_input import ReplayInput

# Their number and kind come from the directory of that day, and from the hour.
SUPPORT = "utter_support"
CODE = "confirm_code"


def find_recorded(record: TurnRecord, stored: StoredTurn, asked: ReplayInput) -> AssistantAnswer | None:
    """Names and numbers of what was given to exactly what would be asked; None where that was something else."""
    is_same_question = (asked.text, asked.earlier) == (stored.text, stored.earlier)
    knows_nothing = asked.standing < Standing.LINKED and not asked.code_pending
    # Half a day after the last message a talk begins anew; one that has words from lately, or none at all, did not.
    is_one_visit = asked.state is None or bool(asked.earlier)
    if not (is_same_question and knows_nothing and is_one_visit) or _reads_what_changes(record):
        return None
    return AssistantAnswer(
        replies=tuple(AssistantReply(response=name, text="") for name in record.responses),
        effects=record.effects,
        state={},
        model=record.model_id,
        learned=_learned(record),
        wish=None if record.intent is None else Wish(name=record.intent, confidence=record.confidence),
    )


def _reads_what_changes(record: TurnRecord) -> bool:
    is_code = any(effect.get("effect") == CODE for effect in record.effects)
    return is_code or any(name.startswith(SUPPORT) for name in record.responses)


def _learned(record: TurnRecord) -> Learned | None:
    if record.urgency is None:
        return None
    categories = {Category(name): value for name, value in record.categories.items()}
    return Learned(probability=record.urgency, categories=categories)
