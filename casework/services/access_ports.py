"""What a request for one's own data needs of storage: values that cross the boundary, and the protocol."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Protocol

from casework.model.access_requests import RequestStatus, RestrictionReason, Verdict

Spans = Mapping[str, Sequence[tuple[int, int]]]
"""By column, the places of its text that are held back: from, to, as Python slices."""


@dataclass(frozen=True, kw_only=True)
class NewRequest:
    """What was asked for, as staff noted it. `identity`: how it was proved who asks."""

    person_id: str
    asked_on: date
    asked_by: str
    identity: str
    due_on: date
    names_staff: bool


@dataclass(frozen=True, kw_only=True)
class AccessRequest:
    """`names` and `references`: of the person's cases. `ended_how`: how it was given, or why it was closed."""

    id: str
    person_id: str
    names: tuple[str, ...]
    references: tuple[str, ...]
    asked_on: date
    asked_by: str
    identity: str
    due_on: date
    put_off_why: str | None
    status: RequestStatus
    names_staff: bool
    ready_at: datetime | None
    copy_sha256: str | None
    ended_at: datetime | None
    ended_how: str | None


@dataclass(frozen=True, kw_only=True)
class AccessDecision:
    """What somebody said of one item. `digest`: of what they read. `spans`: None where it is of all of it."""

    item: str
    digest: str
    verdict: Verdict
    reason: RestrictionReason | None
    why: str | None
    spans: Spans | None
    is_told: bool
    decided_at: datetime
    decided_by: str
    decided_name: str
    agreed_at: datetime | None
    agreed_name: str | None


@dataclass(frozen=True, kw_only=True)
class AccessItem:
    """One row of the person's that may speak of somebody else, or one of the conversations taken for theirs.

    `says`: what it is. `parts`: words and text of each. `media_id`: of the file it is, where it is one.
    """

    key: str
    says: str
    at: datetime | None
    parts: tuple[tuple[str, str], ...] = field(repr=False)
    texts: Mapping[str, str] = field(repr=False)  # by column
    digest: str
    media_id: int | None = None
    is_conversation: bool = False
    decision: AccessDecision | None = None

    @property
    def is_looked_at(self) -> bool:
        """Whether somebody decided of it as it stands now."""
        return self.decision is not None and self.decision.digest == self.digest

    @property
    def waits_for_second(self) -> bool:
        decision = self.decision
        return (
            self.is_looked_at
            and decision is not None
            and decision.verdict is not Verdict.GIVE
            and decision.agreed_at is None
        )


class AccessRequests(Protocol):
    def open(self, asked: NewRequest, *, by: str | None) -> str | None:
        """Its id; None where this person has one open. `by`: None where they asked themselves."""

    def find(self, request_id: str) -> AccessRequest | None: ...

    def find_open(self, person_id: str) -> AccessRequest | None:
        """The one of theirs that is not over."""

    def list_newest(self, *, limit: int) -> list[AccessRequest]:
        """Open ones first, by the day they are due."""

    def list_items(self, request_id: str) -> list[AccessItem]:
        """Everything of the person that a person looks at first, in the order of the copy."""

    def list_restrictions(self, request_id: str) -> list[AccessDecision]:
        """The register: whatever is not given, with its reason and both people."""

    def decide(
        self,
        request_id: str,
        item: AccessItem,
        verdict: Verdict,
        *,
        by: str,
        reason: RestrictionReason | None = None,
        why: str | None = None,
        spans: Spans | None = None,
        is_told: bool = True,
    ) -> None:
        """In place of what was decided of it before."""

    def agree(self, request_id: str, item: str, *, by: str) -> None: ...

    def forget(self, request_id: str, item: str) -> None:
        """It is to be looked at anew."""

    def put_off(self, request_id: str, *, due_on: date, why: str) -> None: ...

    def set_status(
        self, request_id: str, status: RequestStatus, *, by: str, how: str | None = None
    ) -> None: ...

    def record_copy(self, request_id: str, sha256: str) -> None: ...
