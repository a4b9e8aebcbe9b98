"""What must not be read or taught is taken out of a person's words and something invented put in its place."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol


class MaskKind(StrEnum):
    PERSON = "person"
    OFFICER = "officer"
    PHONE = "phone"
    EMAIL = "email"
    URL = "url"
    POSTCODE = "postcode"
    ADDRESS = "address"
    PLACE = "place"
    NINO = "nino"  # National Insurance number
    VEHICLE = "vehicle"
    NHS = "nhs"
    BIRTH_DATE = "birth_date"
    REFERENCE = "reference"
    NUMBER = "number"
    ACCOUNT = "account"
    HANDLE = "handle"


class Layer(StrEnum):
    """What found it, in the order they are asked: an earlier one is surer of what it found."""

    CASE = "case"
    SHAPE = "shape"
    SPOKEN = "spoken"
    CONTEXT = "context"
    GAZETTEER = "gazetteer"
    TRAINER = "trainer"


@dataclass(frozen=True, kw_only=True)
class CaseValues:
    """What is known of whoever writes, and must never be read: raw, as stored. Empty for a stranger."""

    names: tuple[str, ...] = ()  # the victim's
    officers: tuple[str, ...] = ()
    phones: tuple[str, ...] = ()  # E.164
    emails: tuple[str, ...] = ()
    references: tuple[str, ...] = ()  # canonical
    others: tuple[str, ...] = ()  # collar numbers, profile names, ids of the channel


@dataclass(frozen=True, kw_only=True)
class Mask:
    """`start`, `end`: code points of the raw text; `at`, `until`: of the masked one."""

    kind: MaskKind
    layer: Layer
    start: int
    end: int
    at: int
    until: int
    surrogate: str


@dataclass(frozen=True, kw_only=True)
class MaskedText:
    """The text with its masks in order; they lie inside both texts and never overlap."""

    text: str
    masks: tuple[Mask, ...] = ()

    def to_raw(self, start: int, end: int) -> tuple[int, int]:
        """Where a span of the masked text stands in the raw one, widened over the masks it touches."""
        start, end = max(start, 0), max(end, start, 0)
        return self._moved_back(start, is_end=False), self._moved_back(end, is_end=True)

    def _moved_back(self, place: int, *, is_end: bool) -> int:
        shift = 0
        for mask in self.masks:
            if place <= mask.at:
                break
            if place < mask.until:
                return mask.end if is_end else mask.start
            shift = mask.end - mask.until
        return place + shift

    @property
    def sha(self) -> str:
        """16 hex digits of the masked text's SHA-256: which reading a trainer's spans belong to."""
        return hashlib.sha256(self.text.encode("utf-8", "surrogatepass")).hexdigest()[:16]


class Masker(Protocol):
    def mask(
        self, text: str, values: CaseValues, *, of: str, marked: Sequence[tuple[int, int, str]] = ()
    ) -> MaskedText:
        """Never raises. `of`: the conversation, which keys the surrogates. `marked`: raw spans a trainer added, with
        kind."""
