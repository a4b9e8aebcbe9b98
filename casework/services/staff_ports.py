"""What the services and the desk need to know of staff beyond their name: relations, second factors, glass openings."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from casework.model.policy import Relation
from casework.services.ports import Audit, StaffMember


@dataclass(frozen=True, kw_only=True)
class Related:
    """How somebody stands to a conversation. `exists` False: there is none of that id, and nobody is told so."""

    relations: frozenset[Relation]
    exists: bool


class Relations(Protocol):
    def find(self, conversation_id: str, staff: StaffMember) -> Related:
        """Every relation that holds now; NONE alone where no other does, or where there is no conversation."""


@dataclass(frozen=True, kw_only=True)
class Factor:
    """`last_step`: the 30 seconds whose code was taken last."""

    secret: str
    is_confirmed: bool
    last_step: int


@dataclass(frozen=True, kw_only=True)
class RecoveryCode:
    id: str
    code_hash: str


class Factors(Protocol):
    def find(self, staff_id: str) -> Factor | None: ...

    def begin(self, staff_id: str, secret: str) -> None:
        """Keeps an unconfirmed secret, instead of the one before. A confirmed one is left alone."""

    def confirm(self, staff_id: str) -> None: ...

    def take_step(self, staff_id: str, step: int) -> bool:
        """Whether the code of that step may count: False for one that was taken, or is older than one taken."""

    def reset(self, staff_id: str) -> None:
        """Forgets the secret and every recovery code; a new one is set up at the next log-in."""

    def keep_codes(self, staff_id: str, code_hashes: Sequence[str]) -> None:
        """Instead of every code before."""

    def list_codes(self, staff_id: str) -> list[RecoveryCode]:
        """Those not used yet."""

    def use_code(self, code_id: str) -> bool:
        """False if it was used at the same moment by somebody else."""


@dataclass(frozen=True, kw_only=True)
class GlassOpening:
    """A conversation opened beyond one's own work. Times aware UTC; `is_justified` None until it was reviewed."""

    id: str
    conversation_id: str
    staff_id: str
    staff_name: str
    reason: str
    opened_at: datetime
    until: datetime
    reviewer_name: str | None
    reviewed_at: datetime | None
    is_justified: bool | None
    review_words: str | None


class Glass(Protocol):
    def record(self, conversation_id: str, *, staff_id: str, reason: str, until: datetime) -> str: ...

    def find(self, opening_id: str) -> GlassOpening | None: ...

    def list_unreviewed(self, *, limit: int = 200) -> list[GlassOpening]:
        """The oldest first."""

    def list_reviewed(self, *, limit: int = 50) -> list[GlassOpening]:
        """The latest first."""

    def count_unreviewed(self) -> int: ...

    def review(self, opening_id: str, *, by: str, is_justified: bool, words: str) -> bool:
        """False where it was reviewed before."""


@dataclass(frozen=True, kw_only=True)
class SignInAttempt:
    """A log-in at the identity provider that has begun. `session_hash`: the session that is proved again."""

    browser_hash: str
    nonce: str
    verifier: str
    next_page: str
    session_hash: str | None
    started_at: datetime


class SignInAttempts(Protocol):
    def record(self, state_hash: str, attempt: SignInAttempt) -> None: ...

    def take(self, state_hash: str) -> SignInAttempt | None:
        """The attempt, once: whoever comes second with the same state gets None."""

    def forget(self, *, before: datetime) -> None: ...


@dataclass(frozen=True, kw_only=True)
class ListedMember:
    """A member of staff as the staff page lists them."""

    staff: StaffMember
    is_active: bool
    created_at: datetime
    ended_at: datetime | None
    has_factor: bool


class Members(Protocol):
    """The staff, as `staffing` changes it."""

    def add(
        self,
        *,
        login: str,
        display_name: str,
        role: str,
        password_hash: str,
        collar_number: str | None = None,
        issuer: str | None = None,
        subject: str | None = None,
    ) -> str:
        """Raises LoginTaken."""

    def get(self, staff_id: str) -> StaffMember: ...

    def change(self, staff_id: str, **values: object) -> None: ...

    def end(self, staff_id: str) -> None: ...

    def end_sessions(self, staff_id: str, *, but: str | None = None) -> int: ...

    def list_of_collar(self, collar_number: str) -> list[StaffMember]: ...


class StaffTransaction(Protocol):
    """What changing the staff needs of a transaction."""

    @property
    def now(self) -> datetime: ...
    @property
    def staff(self) -> Members: ...
    @property
    def factors(self) -> Factors: ...
    @property
    def audit(self) -> Audit: ...
