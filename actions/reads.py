"""What the actions may know. The service implements it over its own storage; nothing here writes."""

from dataclasses import dataclass
from datetime import date
from typing import Protocol

from casework.model.cases import Case
from casework.model.may_tell import FOR_EVERYONE, Piece
from casework.model.standings import Standing
from casework.services.support_directory import Opening


@dataclass(frozen=True, kw_only=True)
class AssistantView:
    """What one conversation's person may be told.

    `case` is None below LINKED, whatever the service knows; `told` is what of it may be told here, and nothing else is.
    `is_neutral`: in words that name neither police nor crime. `hear_by`: the day by which the Victims' Code says they
    should hear. `code_is_pending` means a code was asked for,
    whether or not one was sent: the answer must not say if the reference matched. `code_has_expired` means one was
    asked for and none can be given any more, told apart in the same way. `is_new_visit`: nothing was written here for
    half a day, so nothing said before may be taken for granted.
    """

    standing: Standing
    case: Case | None = None
    told: frozenset[Piece] = FOR_EVERYONE
    is_neutral: bool = False
    hear_by: date | None = None
    code_is_pending: bool = False
    code_has_expired: bool = False
    is_new_visit: bool = False


@dataclass(frozen=True, kw_only=True)
class SupportService:
    """One service as shown to a person; its source and check date stay with the service's list.

    `phone` and `hours` are as short as a text message wants them; empty `hours`: no source agrees, so nothing is
    said of them. `reach` is the end of a sentence, "You can ...", with every way there is.
    """

    name: str
    phone: str
    hours: str
    for_whom: str
    reach: str = ""
    opening: Opening = Opening.UNKNOWN


class CaseReads(Protocol):
    async def read_view(self, conversation_id: str, *, as_if_code: str | None = None) -> AssistantView:
        """The view now or, with `as_if_code`, the view there would be once that code were confirmed.

        A code that would not be accepted changes nothing.
        """

    async def would_accept_code(self, conversation_id: str, code: str) -> bool:
        """Whether confirming the code now would link the person. Counts nothing and consumes nothing."""

    async def find_support(self, crime_type: str | None, *, topic: str | None = None) -> list[SupportService]:
        """Services whose details are within their check date, best first. May be empty.

        What was asked for (`topic`, one of the support topics) comes before what happened (`crime_type`).
        """
