"""Words published over those of the release: what a version of a text is, and where they are kept."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from typing import Protocol

from casework.model.messages import Channel

ContentRef = tuple[str, int]
"""A text by its name, and which version of it."""

DIRECTORY_PREFIX = "directory."


class ContentKind(StrEnum):
    REPLY = "reply"  # what the assistant says
    RIGHT = "right"  # of it, what tells of a right
    DIRECTORY = "directory"  # an entry of the list of who can help


class ContentStatus(StrEnum):
    BASE = "base"  # as a release had it; the newest of these is what it says now
    DRAFT = "draft"
    PUBLISHED = "published"
    REPLACED = "replaced"  # by a newer one
    REFUSED = "refused"  # a draft nobody published
    TAKEN_BACK = "taken_back"  # published, and then gone back from


@dataclass(frozen=True, kw_only=True)
class BaseText:
    """A text of this release that may be published over.

    `title`: what people call it. `forms`: "web" for every channel and, where SMS has one of its own, "sms"; of an
    entry of the directory its fields. `choices`: the titles of its buttons, which nobody changes here.
    """

    name: str
    title: str
    kind: ContentKind
    forms: Mapping[str, str]
    source: str
    review_by: date | None
    choices: tuple[str, ...] = ()


BaseTexts = Mapping[str, BaseText]


@dataclass(frozen=True, kw_only=True)
class NewVersion:
    name: str
    kind: ContentKind
    version: int
    forms: Mapping[str, str]
    source: str
    review_by: date | None
    status: ContentStatus
    drafted_by: str
    note: str = ""


@dataclass(frozen=True, kw_only=True)
class ContentVersion(NewVersion):
    """Who: ids of staff, or `release`."""

    id: str
    drafted_at: datetime
    approved_by: str | None
    published_at: datetime | None


@dataclass(frozen=True, kw_only=True)
class Told:
    """A message that was made of a text. `has_left`: it, or a copy of it, went to the person."""

    conversation_id: str
    outbox_id: int
    channel: Channel
    at: datetime
    has_left: bool


class Contents(Protocol):
    def record(self, version: NewVersion) -> bool:
        """False when that version of that name, or another draft of it, is there."""

    def list_of(self, name: str) -> list[ContentVersion]:
        """Every version, newest first."""

    def list_standing(self) -> list[ContentVersion]:
        """What each name says and what waits for it: of the release, published, drafts; by name, newest first."""

    def list_published(self) -> list[ContentVersion]:
        """By name."""

    def list_sayable(self, names: Sequence[str]) -> list[ContentVersion]:
        """Of these names what is published and what a release said, newest first."""

    def change_status(
        self, version: ContentVersion, status: ContentStatus, *, approved_by: str | None = None
    ) -> bool:
        """False when its status is not that of `version` any more. To be published is to be so from now."""

    def record_told(self, outbox_id: int, contents: Sequence[ContentRef]) -> None: ...

    def list_told(self, name: str, version: int, *, since: datetime | None = None) -> Iterator[Told]:
        """Oldest first."""
