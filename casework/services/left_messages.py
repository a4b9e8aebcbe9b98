"""Words left on a page of the web beside the chat: received like every message, and not answered by the assistant.

The page that took them says what becomes of them. The assistant still reads them for danger.
"""

from dataclasses import dataclass, replace

from casework.model.bands import Bands
from casework.model.disclosures import Category
from casework.model.messages import InboundMessage
from casework.services.ports import Transaction
from casework.services.receive import Received, Screen, receive_message
from casework.services.safety_lines import NO_CATEGORY, SafetyLines
from casework.services.service_texts import ServiceTexts

LEFT_FOR = "left_for"
"""The key of `InboundMessage.details` that says whom the words are for."""
FOR_OFFICER, FOR_CASE, FOR_PLAN = "officer", "case", "plan"
# Told not to send it, and that nobody opens pictures: untrue where they have just been asked for.
NOT_FOR_UPLOADS = (Category.NEW_EVIDENCE_OR_DETAILS.value, "media_only")


@dataclass(frozen=True, kw_only=True)
class Receiving:
    """What receiving a message needs, wired once."""

    screen: Screen
    safety_lines: SafetyLines
    bands: Bands
    texts: ServiceTexts


def receive_left(
    tx: Transaction, message: InboundMessage, receiving: Receiving, *, left_for: str = ""
) -> Received:
    """As receive_message: stored, screened, with desk item and safety line. Without `left_for` it is answered too."""
    details = {**message.details, LEFT_FOR: left_for} if left_for else message.details
    return receive_message(
        tx,
        replace(message, details=details),
        screen=receiving.screen,
        safety_lines=find_lines_for(left_for, receiving.safety_lines),
        bands=receiving.bands,
        texts=receiving.texts,
    )


def find_lines_for(left_for: str | None, lines: SafetyLines) -> SafetyLines:
    """What may be said to whoever left these words."""
    if left_for != FOR_CASE:
        return lines
    return {**lines, **dict.fromkeys(NOT_FOR_UPLOADS, lines[NO_CATEGORY])}
