"""What is asked of storage about who read what: the record by filter, a conversation's readers, a day's reading."""

from dataclasses import dataclass
from datetime import date, datetime
from typing import Protocol

from casework.model.unusual_reading import Finding, ReaderDay, ReadingLimits, Rule
from casework.services.ports import Audit


@dataclass(frozen=True, kw_only=True)
class AuditEntry:
    """One row of the record, by ids and codes. `actor_name` None: not a member of staff."""

    id: int
    at: datetime
    actor: str
    actor_name: str | None
    act: str
    conversation_id: str | None
    thing: str | None


@dataclass(frozen=True, kw_only=True)
class AuditSearch:
    """What is looked for, all of it at once; None: any. `since` counts, `until` does not."""

    since: datetime
    until: datetime
    conversation_id: str | None = None
    actor: str | None = None
    act: str | None = None


@dataclass(frozen=True, kw_only=True)
class Cursor:
    """The last row of a page: the next one begins after it."""

    at: datetime
    entry_id: int


@dataclass(frozen=True, kw_only=True)
class RecordedDeed:
    """`role` is the member's as it is now; "officer" for who came by the officer's link."""

    at: datetime
    actor: str
    role: str
    name: str
    act: str


@dataclass(frozen=True, kw_only=True)
class StoredFinding:
    """A finding as it is kept. `conversation_ids`: the first of the `counted`. `is_explained` None: not looked at."""

    id: str
    rule: Rule
    staff_id: str
    staff_name: str
    day: date
    conversation_ids: tuple[str, ...]
    counted: int
    usual: int | None
    found_at: datetime
    reviewer_name: str | None
    reviewed_at: datetime | None
    is_explained: bool | None
    review_words: str | None


class AuditReads(Protocol):
    def search(self, wanted: AuditSearch, *, after: Cursor | None, limit: int) -> list[AuditEntry]:
        """The newest first; `after` is the last of the page before."""

    def list_deeds(self, conversation_id: str, *, until: datetime, limit: int) -> list[RecordedDeed]:
        """What staff and the officer did with it before then, the newest first."""

    def find_duress(self, conversation_id: str, *, since: datetime) -> datetime | None:
        """When words that mean "I am not free to speak" were first heard there since then."""

    def find_conversation_of_message(self, inbox_id: int) -> str | None: ...


class UnusualReadings(Protocol):
    def find_newest_day(self) -> date | None:
        """The last day that was looked at."""

    def list_reader_days(self, day: date, limits: ReadingLimits) -> list[ReaderDay]:
        """Everybody of the staff who read, or opened with a reason, on that British day; by id."""

    def begin_day(self, day: date) -> bool:
        """False where it was looked at before."""

    def record(self, finding: Finding) -> str:
        """The id."""

    def find(self, finding_id: str) -> StoredFinding | None: ...

    def list_unreviewed(self, *, limit: int = 200) -> list[StoredFinding]:
        """The oldest day first."""

    def list_reviewed(self, *, limit: int = 50) -> list[StoredFinding]:
        """The latest first."""

    def review(self, finding_id: str, *, by: str, is_explained: bool, words: str) -> bool:
        """False where it was reviewed before."""


class ReadingTransaction(Protocol):
    """What this needs of a transaction."""

    @property
    def now(self) -> datetime: ...
    @property
    def audit(self) -> Audit: ...
    @property
    def audit_reads(self) -> AuditReads: ...
    @property
    def unusual_readings(self) -> UnusualReadings: ...
