"""What the workbench keeps: records of turns, messages to review, and what people decided of them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

from casework.model.disclosures import Band, ScreenResult
from casework.model.messages import Channel
from casework.model.review_queues import Queue
from casework.model.turn_outcomes import Truth

JsonObject = dict[str, Any]


@dataclass(frozen=True, kw_only=True)
class TurnRecord:
    """What the assistant was asked and gave, without a word of anybody's."""

    turn_id: str
    inbox_id: int
    conversation_id: str
    at: datetime
    model_id: str
    state: JsonObject | None  # it was asked with
    standing: str
    code_pending: bool
    safe_question: bool
    earlier_ids: tuple[int, ...]
    intent: str | None
    confidence: float
    runner_up: str | None
    runner_up_confidence: float
    urgency: float | None  # None: the model said nothing of it
    categories: Mapping[str, float]
    responses: tuple[str, ...]  # names
    effects: tuple[JsonObject, ...]  # each its kind and reason alone
    band: Band
    tier: int | None


@dataclass(frozen=True, kw_only=True)
class StoredTurn:
    """A message as it came to the assistant, to be asked again. `text` and `earlier` are raw: mask before use."""

    turn_id: str
    inbox_id: int
    conversation_id: str
    channel: Channel
    text: str
    earlier: tuple[str, ...]
    state: JsonObject | None
    standing: str
    code_pending: bool
    safe_question: bool
    screen: ScreenResult
    truth: Truth | None


class TurnRecords(Protocol):
    def record(self, record: TurnRecord) -> None: ...

    def list_for_replay(
        self, *, newest: int, only_urgent: bool = False, after: int = 0, upto: int | None = None
    ) -> list[StoredTurn]:
        """Usable ones, newest first; messages the screen alone decided, which have no record, too.

        `after`, `upto`: ids of messages, the first not among them.
        """

    def find_truths(self, inbox_ids: list[int]) -> dict[int, Truth]:
        """What people say of each: what two settled on before what a desk said. Nobody said: left out."""


@dataclass(frozen=True, kw_only=True)
class ReviewRow:
    """A message in one queue. `detail`: numbers and codes for the line that says why."""

    inbox_id: int
    conversation_id: str
    said_at: datetime
    channel: Channel
    harm: int  # 1 to 4: the tier; 5: none known
    why: str
    detail: JsonObject
    status: str
    cluster: str | None


class Reviews(Protocol):
    def add_item(self, inbox_id: int, **values: Any) -> None: ...

    def add_reason(
        self,
        inbox_id: int,
        queue: Queue,
        *,
        harm: int,
        why: str,
        detail: JsonObject,
        cluster: str | None = None,
    ) -> None: ...

    def list_open(
        self, queue: Queue, *, after: tuple[int, datetime, int] | None, limit: int
    ) -> list[ReviewRow]:
        """Behind `after` (harm, when said, inbox id); none of a conversation that is live."""

    def count_open(self, *, most: int = 1000) -> dict[Queue, int]: ...

    def settle(self, inbox_id: int, *, intent: str | None, sub: str | None, risks: Sequence[str]) -> None: ...


@dataclass(frozen=True, kw_only=True)
class Decided:
    """One press of a trainer. `spans`: start, end and kind, in the masked text whose sha is `text_sha`."""

    inbox_id: int
    form_id: str
    kind: str  # label, judgement, adjudication
    act: str  # decided, skipped, flagged
    risks: tuple[str, ...] = ()
    intent: str | None = None
    sub: str | None = None
    spans: tuple[tuple[int, int, str], ...] = ()
    text_sha: str = ""
    judgement: str | None = None
    was_blind: bool = True
    suggested: JsonObject | None = None
    seconds: float = 0.0
