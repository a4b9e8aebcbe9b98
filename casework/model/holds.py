"""What keeps something from being deleted, and what an erasing may not begin with."""

from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum

from casework.model.stages import Stage


class SubjectKind(StrEnum):
    CONVERSATION = "conversation"
    CASE = "case"
    PERSON = "person"


@dataclass(frozen=True, kw_only=True, order=True)
class Subject:
    """A conversation, a case or a person. `id`: of a case its crime reference."""

    kind: SubjectKind
    id: str


class HoldReason(StrEnum):
    """Why something must stay. CPIA 1996 for disclosure; DPA 2018 s.47(2) for restriction instead of erasure."""

    DISCLOSURE = "disclosure"
    COMPLAINT = "complaint"
    ACCESS_REQUEST = "access_request"
    RESTRICTION = "restriction"


@dataclass(frozen=True, kw_only=True)
class Hold:
    """`review_on`: when somebody asks whether it is still needed; it holds until it is lifted. Times aware UTC."""

    id: str
    subject: Subject
    reason: HoldReason
    why: str
    placed_by: str
    placed_at: datetime
    review_on: date


class ErasureReason(StrEnum):
    """On what ground something is erased: DPA 2018 s.47(1)."""

    REQUEST = "request"  # the person asked, and nothing speaks against it
    ORDER = "order"  # a court or the Information Commissioner said so
    UNLAWFUL = "unlawful"  # it should not have been kept


class Refusal(StrEnum):
    """Why nothing is erased. The values name the words of the desk, and are kept with an erasing that stopped."""

    HELD = "held"
    OPEN_CASE = "open_case"
    IN_WORK = "in_work"  # somebody has it, it waits on the queue, or something of it has yet to leave
    IMPORT_WAITS = "import_waits"  # a case file that nobody decided on would bring it back
    NEW_MESSAGE = "new_message"  # they wrote since it was asked for
    NOT_AGREED = "not_agreed"  # a second person saw the warning, and said no
    NOT_THERE = "not_there"


class ErasureStage(StrEnum):
    """How far an erasing is; each bears being done twice."""

    WARNED = "warned"  # the force's record does not have all of it: a second person sees that first
    OUTSIDE = "outside"  # what is known by an address: the provider's list, files, counters
    KEYS = "keys"
    ROWS = "rows"
    TAUGHT = "taught"  # files of examples, written anew
    PAGES = "pages"  # what a database leaves of deleted rows
    DONE = "done"
    STOPPED = "stopped"


class LeftWhy(StrEnum):
    """Why a conversation that may be somebody's does not go with them: a person decides of each."""

    SHARED = "shared"  # somebody else has proved who they are there as well
    NUMBER = "number"  # from their number, nothing proved, and the number may have been another's


# Where nothing more comes of a case that words could be evidence in.
CLOSED_STAGES = frozenset({Stage.CLOSED_NO_FURTHER_LINES.value, Stage.OUT_OF_COURT.value})
