"""Effects: what an action may declare, and nothing else. The worker commits them with the reply."""

from typing import Any, Literal

import msgspec

from casework.model.desk import HandoffReason
from casework.model.errors import EffectUnknown
from casework.services import prove
from casework.services.hand_off import request_person
from casework.services.officer_thread import leave_message
from casework.services.ports import LeasedTurn, Transaction
from casework.services.promises import Promising


class EffectRefused(Exception):
    """An effect could not be carried out as the reply says; the reply must not leave."""


class _Effect(msgspec.Struct, frozen=True, tag_field="effect", forbid_unknown_fields=True):
    pass


class RequestCode(_Effect, frozen=True, tag="request_code"):
    reference: str


class ConfirmCode(_Effect, frozen=True, tag="confirm_code"):
    code: str
    accepted: bool


class HandOff(_Effect, frozen=True, tag="hand_off"):
    reason: Literal["asked_for_person", "not_understood", "message_for_officer"]


Effect = RequestCode | ConfirmCode | HandOff


def parse_effect(declared: Any) -> Effect:
    """The effect, whole and known; raises EffectUnknown, never guesses."""
    try:
        effect: Effect = msgspec.convert(declared, Effect)
    except msgspec.ValidationError as error:
        raise EffectUnknown(str(error)) from error
    return effect


def commit_effect(
    tx: Transaction, turn: LeasedTurn, effect: Effect, codes: prove.CodeBook, promising: Promising
) -> str | None:
    """Carries it out; gives what the reply must say besides, where it made a promise."""
    match effect:
        case RequestCode(reference=reference):
            prove.request_code(tx, turn.conversation.id, reference)
        case ConfirmCode(code=code, accepted=accepted):
            confirmed = prove.confirm_code(tx, turn.conversation.id, code, codes=codes)
            if accepted and not confirmed:
                # The reply may hold case details; it was written for a standing that is not there.
                raise EffectRefused
        case HandOff(reason=reason):
            request_person(tx, turn.conversation.id, HandoffReason(reason), inbox_id=turn.inbox_id)
            if HandoffReason(reason) is HandoffReason.MESSAGE_FOR_OFFICER:
                return leave_message(
                    tx, turn.conversation, inbox_id=turn.inbox_id, text=turn.text, promising=promising
                )
    return None
