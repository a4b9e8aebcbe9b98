"""Values with defaults: a test names only what it is about."""

import itertools
from datetime import UTC, date, datetime
from typing import Any

from casework.model.bands import Learned
from casework.model.cases import Case
from casework.model.disclosures import Band, Category, Evidence, ScreenResult
from casework.model.messages import Author, Channel, InboundMessage, Lane, OutboundMessage, SendKind
from casework.services.ports import AssistantAnswer, AssistantReply

_numbers = itertools.count(1)

VICTIM = "+447700900001"
REFERENCE = "43260012345"


def an_sms(text: str = "what is happening with my case", **values: Any) -> InboundMessage:
    defaults: dict[str, Any] = {
        "channel": Channel.SMS,
        "provider_message_id": f"SM{next(_numbers):032x}",
        "external_id": VICTIM,
        "text": text,
        "received_at": datetime(2026, 11, 21, 12, 0, tzinfo=UTC),
    }
    return InboundMessage(**(defaults | values))


def a_case(**values: Any) -> Case:
    defaults: dict[str, Any] = {
        "crime_reference": REFERENCE,
        "crime_type": "burglary",
        "stage": "under_investigation",
        "stage_since": date(2026, 11, 1),
        "oic_name": "DC Robin Test-Officer",
        "oic_collar_number": "T0001",
        "oic_contact": "101 extension 0000 (synthetic)",
        "next_update_due": date(2026, 12, 10),
        "victim_name": "Alex Example",
        "contact_mobile": VICTIM,
        "contact_email": "alex@example.org",
        "safe_contact": "any",
        "enhanced_rights": False,
        "language": "en",
    }
    return Case(**(defaults | values))


def an_answer(text: str = "Your case is with an officer.", **values: Any) -> AssistantAnswer:
    defaults: dict[str, Any] = {
        "replies": (AssistantReply(response="utter_case_status", text=text),),
        "effects": (),
        "state": {"v": 1, "said": text},
        "model": "test",
    }
    return AssistantAnswer(**(defaults | values))


_CATEGORY_OF_TIER = {
    1: Category.IMMEDIATE_DANGER,
    2: Category.STALKING_ESCALATION,
    3: Category.OFFENDER_CONTACT_OR_RELEASE_FEAR,
    4: Category.NEW_EVIDENCE_OR_DETAILS,
}
UNREADABLE = ScreenResult(urgent=True)


def a_hit(tier: int = 1, **values: Any) -> ScreenResult:
    return ScreenResult(**({"urgent": True, "tier": tier, "category": _CATEGORY_OF_TIER[tier]} | values))


def an_amber_hit(tier: int = 2, start: int = 0, end: int = 2) -> ScreenResult:
    evidence = (Evidence(rule=f"{_CATEGORY_OF_TIER[tier]}.a_cue", start=start, end=end),)
    return a_hit(tier, band=Band.AMBER, evidence=evidence)


def a_learned(tier: int = 1, probability: float = 0.99, **values: Any) -> Learned:
    """The detector, that sure of a message of that tier."""
    defaults: dict[str, Any] = {
        "probability": probability,
        "categories": {_CATEGORY_OF_TIER[tier]: probability},
    }
    return Learned(**(defaults | values))


def an_outbound(conversation_id: str, text: str = "A text.", **values: Any) -> OutboundMessage:
    defaults: dict[str, Any] = {
        "conversation_id": conversation_id,
        "channel": Channel.SMS,
        "to": VICTIM,
        "text": text,
        "lane": Lane.ASSISTANT,
        "author": Author.ASSISTANT,
        "template": "test",
        "dedupe_key": f"test:{next(_numbers)}",
        "epoch": 0,
        "kind": SendKind.ASSISTANT_REPLY,
    }
    return OutboundMessage(**(defaults | values))
