"""What stands in a sealed record: every row that belongs to it, in one order, with what needs a second look.

Records are told apart from each other by their kind, hold what is stored and no word of ours, and say every time twice:
in UTC and as the clock of the station showed it.
"""

import hashlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from typing import Any

from casework.model.masking import CaseValues, Layer, Masker, MaskKind
from casework.model.media_endings import find_ending
from casework.model.messages import Author
from casework.model.record_verifier import FIRST, canonical, seal
from casework.model.safe_contact import SendReason
from casework.model.station_times import STATION_ZONE
from casework.services.disclosure_export_ports import (
    INTERNAL,
    OPENING,
    Entry,
    ExportReads,
    ExportScope,
    Key,
    RecordKind,
    Row,
)

AT_ONCE = 100
"""Records read together: the raw forms of so many messages are held at one time."""

Record = dict[str, Any]
KeepFile = Callable[[str, bytes], Mapping[str, Any]]
"""Puts a file into the bundle under that path; its path, sha256 and size."""

RANK = {kind: place for place, kind in enumerate(RecordKind)}
PEOPLE = frozenset(
    [
        "owner_id",
        "staff_id",
        "by_id",
        "from_id",
        "to_id",
        "to_staff_id",
        "by_staff_id",
        "actor",
        "owner",
        "told_by",
    ]
)
"""Columns that hold who of the staff, or the word for a part of the service."""

# Where somebody may have written of somebody else.
FREE_WORDS: Mapping[RecordKind, tuple[str, ...]] = {
    RecordKind.CASE_EVENT: ("detail",),
    RecordKind.MESSAGE_IN: ("text",),
    RecordKind.REGRADE: ("reason",),
    RecordKind.TRANSFER: ("reason", "promised"),
    RecordKind.OFFICER_MESSAGE: ("text",),
    RecordKind.MESSAGE_OUT: ("text",),
    RecordKind.HAND_BACK: ("text",),
    **dict.fromkeys(INTERNAL, ("text",)),
}
# Of whom else a text may tell. A handle is found in too many plain words to be worth a look.
TELLS_OF_SOMEBODY = frozenset(MaskKind) - {MaskKind.OFFICER, MaskKind.PLACE, MaskKind.URL, MaskKind.HANDLE}
CONTACT_DETAILS: Mapping[RecordKind, tuple[str, ...]] = {
    RecordKind.CASE: ("victim_name", "contact_mobile", "contact_email", "oic_contact"),
    RecordKind.CONVERSATION: ("external_id",),
    RecordKind.MESSAGE_IN: ("details", "raw"),
    RecordKind.MESSAGE_OUT: ("to",),
}
# Decisions that tell nothing of how somebody may be reached: they had just written.
ANSWERS = frozenset({SendReason.ANSWERS_A_MESSAGE.value, SendReason.SAFETY_LINE.value})
PLAN_ACTS = frozenset({"plan_changed"})


def tell_moment(moment: datetime) -> dict[str, str]:
    """The same moment in UTC and as the station's clock showed it, with its offset."""
    return {
        "utc": moment.astimezone(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z"),
        "local": moment.astimezone(STATION_ZONE).isoformat(timespec="microseconds"),
    }


def write_chain(records: Iterator[Record]) -> Iterator[Record]:
    """The records numbered from 1, each with the hash of the one before and its own."""
    previous = FIRST
    for number, record in enumerate(records, start=1):
        sealed = seal({**record, "no": number, "previous": previous})
        previous = sealed["sha256"]
        yield sealed


@dataclass(kw_only=True)
class RecordMaker:
    """Makes the records of one scope from one snapshot.

    `find_values`: what is known of whoever writes in a conversation; `model_shas`: of models whose archives stand on
    disk, where the database does not know them.
    """

    reads: ExportReads
    scope: ExportScope
    masker: Masker
    find_values: Callable[[str], CaseValues]
    model_shas: Mapping[str, str]
    _staff: Mapping[str, Row] = field(init=False)
    _values: dict[str, CaseValues] = field(init=False, default_factory=dict)
    _models: dict[str, str | None] = field(init=False, default_factory=dict)

    def __post_init__(self) -> None:
        self._staff = self.reads.list_staff()

    def plan(self, *, internal: bool) -> list[Entry]:
        """What there is, in its order: first what it is about, then by time, and by kind and number at one moment."""
        kinds = [kind for kind in RecordKind if (kind in INTERNAL) is internal]
        entries = [entry for kind in kinds for entry in self.reads.list_entries(kind, self.scope)]
        return sorted(entries, key=_place)

    def make(self, entries: Sequence[Entry], keep: KeepFile) -> Iterator[Record]:
        """A record for each entry, in their order; its files are kept as it is made."""
        for start in range(0, len(entries), AT_ONCE):
            some = entries[start : start + AT_ONCE]
            rows = self._fetch(some)
            parts = self._fetch_parts(some)
            for entry in some:
                yield self._make(entry, rows[entry.kind][entry.key], parts.get((entry.kind, entry.key)), keep)

    def _fetch(self, entries: Sequence[Entry]) -> dict[RecordKind, dict[Key, Row]]:
        keys: dict[RecordKind, list[Key]] = {}
        for entry in entries:
            keys.setdefault(entry.kind, []).append(entry.key)
        return {kind: self.reads.fetch(kind, of_kind) for kind, of_kind in keys.items()}

    def _fetch_parts(self, entries: Sequence[Entry]) -> dict[tuple[RecordKind, Key], Any]:
        came = [entry.key[0] for entry in entries if entry.kind is RecordKind.MESSAGE_IN]
        went = [entry.key[0] for entry in entries if entry.kind is RecordKind.MESSAGE_OUT]
        inbound = self.reads.list_inbound_parts(came) if came else {}
        outbound = self.reads.list_outbound_parts(went) if went else {}
        return {
            **{(RecordKind.MESSAGE_IN, (each,)): parts for each, parts in inbound.items()},
            **{(RecordKind.MESSAGE_OUT, (each,)): parts for each, parts in outbound.items()},
        }

    def _make(self, entry: Entry, row: Row, parts: Any, keep: KeepFile) -> Record:
        body = self._tell(row)
        files: list[Mapping[str, Any]] = []
        if entry.kind is RecordKind.MESSAGE_IN:
            files = self._add_inbound(body, row, parts, keep)
        elif entry.kind is RecordKind.MESSAGE_OUT:
            self._add_outbound(body, row, parts)
        record: Record = {"kind": entry.kind.value, "at": tell_moment(entry.at), "body": body}
        review = self._find_review(entry.kind, row, body)
        if review:
            record["review"] = review
        if files:
            record["files"] = [dict(each) for each in files]
        return record

    def _tell(self, row: Row) -> Record:
        return {name: self._tell_value(name, value) for name, value in row.items() if name != "raw"}

    def _tell_value(self, name: str, value: Any) -> Any:
        if isinstance(value, datetime):
            return tell_moment(value)
        if isinstance(value, date):
            return value.isoformat()
        if name in PEOPLE and value in self._staff:
            member = self._staff[value]
            return {
                "id": value,
                "name": member["display_name"],
                "collar_number": member["collar_number"],
            }
        return value

    def _add_inbound(self, body: Record, row: Row, parts: Any, keep: KeepFile) -> list[Mapping[str, Any]]:
        """What came, byte for byte: the provider's form and each file."""
        raw = keep(f"raw/in-{row['id']}.bin", row["raw"]) if row["raw"] else None
        body["raw"] = raw
        body["turn"] = self._tell(parts.turn) if parts.turn is not None else None
        body["reading"] = self._tell_reading(parts.reading) if parts.reading is not None else None
        body["media"] = [self._tell_media(row["id"], each, keep) for each in parts.media]
        files = (raw, *(each["file"] for each in body["media"]))
        return [each for each in files if each is not None]

    def _tell_reading(self, reading: Row) -> Record:
        """How the model read it and what it gave; the sha256 is of its archive, None where nobody knows it here."""
        told = self._tell(reading)
        model_id = told.pop("model_id")
        if model_id not in self._models:
            self._models[model_id] = self.reads.find_model_sha(model_id) or self.model_shas.get(model_id)
        return told | {"model": {"id": model_id, "sha256": self._models[model_id]}}

    def _tell_media(self, inbox_id: int, media: Row, keep: KeepFile) -> Record:
        content = self.reads.find_media_content(media["id"])
        told = self._tell(media) | {"file": None}
        if content is not None:
            path = f"media/in-{inbox_id}-{media['position']}.{find_ending(media['found_type'])}"
            told["file"] = keep(path, content)
            # Kept beside each other: what it was when it came, and what it is now.
            told["is_as_it_came"] = hashlib.sha256(content).hexdigest() == media["sha256"]
        return told

    def _add_outbound(self, body: Record, row: Row, parts: Any) -> None:
        body["text"] = parts.words_shown
        body["is_text_whole"] = parts.words_shown == row["text"]
        body["attempts"] = [self._tell(each) for each in parts.attempts]
        body["news"] = [self._tell(each) for each in parts.news]
        body["told"] = [
            {
                "name": each["name"],
                "version": each["version"],
                "published_at": tell_moment(each["published_at"]) if each["published_at"] else None,
                "sha256": None
                if each["forms"] is None
                else hashlib.sha256(canonical(each["forms"])).hexdigest(),
            }
            for each in parts.told
        ]

    # --- what somebody should look at before it is given away ---

    def _find_review(self, kind: RecordKind, row: Row, body: Record) -> Record:
        review: Record = {}
        mentions = self._find_mentions(kind, row, body)
        if mentions:
            review["third_party"] = mentions
        if kind is RecordKind.MESSAGE_IN and body["media"]:
            review.setdefault("third_party", []).append({"field": "media"})
        plan = self._find_plan(kind, row)
        if plan:
            review["safe_contact"] = [{"field": plan}]
        contact = [name for name in CONTACT_DETAILS.get(kind, ()) if row[name]]
        if contact:
            review["contact_details"] = [{"field": name} for name in contact]
        reference = row.get("crime_reference")
        if self.scope.crime_reference and reference and reference != self.scope.crime_reference:
            review["other_case"] = [{"field": "crime_reference"}]
        if kind in INTERNAL:
            review["internal"] = [{"field": name} for name in FREE_WORDS[kind]]
        return review

    def _find_mentions(self, kind: RecordKind, row: Row, body: Record) -> list[Record]:
        """Stretches of free words that may tell of somebody else; what is known of the writer is theirs."""
        if kind is RecordKind.MESSAGE_OUT and row["author"] != Author.STAFF.value:
            return []
        mentions = []
        for name in FREE_WORDS.get(kind, ()):
            text = body[name] or ""
            of = row.get("conversation_id") or ""
            found = self.masker.mask(text, self._values_of(of), of=of).masks
            spans = [
                {"start": mask.start, "end": mask.end, "kind": mask.kind.value}
                for mask in found
                if mask.kind in TELLS_OF_SOMEBODY and mask.layer is not Layer.CASE
            ]
            if spans:
                mentions.append({"field": name, "spans": spans})
        return mentions

    def _values_of(self, conversation_id: str) -> CaseValues:
        if conversation_id not in self._values:
            self._values[conversation_id] = self.find_values(conversation_id)
        return self._values[conversation_id]

    def _find_plan(self, kind: RecordKind, row: Row) -> str | None:
        """The column that tells how somebody may be reached, or that they may not."""
        if kind is RecordKind.CASE:
            return "safe_contact"
        if kind is RecordKind.MESSAGE_OUT and row["safe_contact_decision"] not in ANSWERS:
            return "safe_contact_decision"
        return "act" if kind is RecordKind.DESK_ACT and row["act"] in PLAN_ACTS else None


def _place(entry: Entry) -> tuple[bool, datetime, int, Key]:
    """What it is about stands before everything, the case before its conversations."""
    if entry.kind in OPENING:
        return (False, datetime.min.replace(tzinfo=UTC, day=1 + RANK[entry.kind]), 0, (entry.at, *entry.key))
    return (True, entry.at, RANK[entry.kind], entry.key)
