"""What the person of a conversation has proved, the case it is about, and which pieces of it they may use there now."""

from dataclasses import dataclass, replace

from casework.model.cases import Case
from casework.model.errors import WaymarkError
from casework.model.may_tell import FOR_EVERYONE, Piece, flags_of, may_tell
from casework.model.standings import Standing
from casework.services import outgoing
from casework.services.notices import is_withheld
from casework.services.ports import Transaction


class StandingTooLow(WaymarkError):
    """What was asked needs more than is proved here now. Nothing was changed."""


@dataclass(frozen=True, kw_only=True)
class Proved:
    """`case` is None below LINKED. `told`: what every plan allows that this conversation may fall under."""

    standing: Standing = Standing.UNKNOWN
    case: Case | None = None
    told: frozenset[Piece] = FOR_EVERYONE


NOTHING_PROVED = Proved()


def find_proved(tx: Transaction, conversation_id: str | None) -> Proved:
    """Reads only."""
    standing, reference = tx.standings.find(conversation_id) if conversation_id else (Standing.UNKNOWN, None)
    # A proof that has run out still names its case.
    case = tx.cases.find(reference) if reference and standing >= Standing.LINKED else None
    if conversation_id is None or case is None:
        return NOTHING_PROVED
    conversation = tx.conversations.get(conversation_id)
    plans = outgoing.list_plans(tx, conversation.channel, conversation.external_id, conversation_id)
    reach = tx.people.find_of_case(case.crime_reference)
    plans += [outgoing.get_plan(reach)] if reach is not None else []
    flags = replace(flags_of(case), is_news_waiting=is_withheld(tx, case))
    told = frozenset.intersection(
        *(may_tell(standing, channel=conversation.channel, plan=plan, flags=flags) for plan in plans)
    )
    return Proved(standing=standing, case=case, told=told)
