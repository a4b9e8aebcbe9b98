"""What the masking, the uncovering of a masked value and the consent to be taught from ask of storage."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from casework.model.masking import CaseValues
from casework.model.messages import Author
from casework.model.training_flags import TrainingFlag


@dataclass(frozen=True, kw_only=True)
class Written:
    """A message of a person, raw."""

    inbox_id: int
    conversation_id: str
    text: str


@dataclass(frozen=True, kw_only=True)
class Said:
    """A message of either side, raw, but that codes and keys of invites are out of it. `inbox_id`: of a person's."""

    at: datetime
    author: Author
    text: str
    inbox_id: int | None = None


@dataclass(frozen=True, kw_only=True)
class MarkedSpans:
    """What a trainer marked as still personal: start, end and kind, in the masked text whose sha is `text_sha`."""

    text_sha: str
    spans: tuple[tuple[int, int, str], ...]


class MaskingReads(Protocol):
    def find_values(self, conversation_id: str) -> CaseValues:
        """Of every case this conversation ever proved, of every other case of the same people, of the case that a
        reference typed here names, of the staff who had to do with it, and of the writer's own address. Empty for a
        stranger and for no conversation."""

    def get_written(self, inbox_id: int) -> Written:
        """The words as they came. Raises MessageNotFound."""

    def list_written(self, inbox_ids: Sequence[int]) -> list[Written]:
        """Those there are, by id."""

    def list_around(self, inbox_id: int, *, before: int, after: int) -> list[Said]:
        """The message with what either side said right before and after it, oldest first; of ours what left.
        Raises MessageNotFound."""

    def list_marked(self, inbox_id: int) -> list[MarkedSpans]:
        """Oldest first; without what was undone."""


class Unmaskings(Protocol):
    def record(self, inbox_id: int, staff_id: str, *, kind: str, reason: str) -> str:
        """Who uncovered a value of what kind, and why; never the value. Its id."""


@dataclass(frozen=True, kw_only=True)
class MarkedModel:
    """A model that was trained on what has since been withdrawn; `examples`: on how many."""

    model_id: str
    file: str
    status: str
    examples: int


class TrainingFlags(Protocol):
    def is_usable(self, inbox_id: int) -> bool:
        """False too for a message that was never stored."""

    def is_restricted(self, inbox_id: int) -> bool: ...

    def is_allowed_unless_said(self) -> bool:
        """What holds where nobody decided: the force's setting."""

    def find_open(self, conversation_id: str, inbox_id: int | None) -> TrainingFlag | None:
        """The flag of just that: of the message, or with None of all of the conversation."""

    def is_withdrawn(self, conversation_id: str, inbox_id: int | None) -> bool:
        """Whether that, or the whole conversation, was taken back."""

    def record(
        self, conversation_id: str, inbox_id: int | None, flag: TrainingFlag, *, by: str, why: str
    ) -> None:
        """In place of the one that is open there."""

    def remove_examples(
        self, conversation_id: str, inbox_id: int | None, *, by: str, as_written_only: bool
    ) -> int:
        """Accepted ones made of those messages, and what was made of those: they go with the next writing of the
        data. How many."""

    def withdraw_examples(self, conversation_id: str, inbox_id: int | None, *, by: str) -> int:
        """All ever made of those messages, and what was made of those, lose their words. How many."""

    def forget_answers(self, conversation_id: str, inbox_id: int | None) -> None:
        """What models gave to those messages, and their places in the queues of the workbench."""

    def count_tested(self, at: datetime) -> int:
        """How many rows stood in the set that was tested with at that moment, and were withdrawn since."""

    def list_marked_models(self, *, of: str | None = None) -> list[MarkedModel]:
        """Newest first. `of`: for what was withdrawn of that conversation alone."""

    def list_open(self, conversation_id: str) -> dict[int | None, TrainingFlag]:
        """What holds now, by message; None: for all of it."""

    def count_made_of(self, conversation_id: str) -> dict[str, int]:
        """Examples made of it, and all that was made of those, by their status."""

    def list_of_same_people(self, conversation_id: str) -> list[str]:
        """Other conversations where somebody ever proved a case of whoever proved one here, by id."""
