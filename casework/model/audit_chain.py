"""The audit as a chain: what each record's hash is made of, and finding the first that is not as it was written.

    h(n) = SHA-256( h(n-1) || n as 8 bytes, big-endian || canonical JSON of the record )

There are sixteen chains, so that those who write at once seldom wait for each other; a record's is found from its
conversation, or from who acted where there is none. n counts from 1 in each, and h(0) names the chain. Canonical JSON
is that of RFC 8785 for what a record holds: keys in order, no spaces, times as text in UTC to the microsecond.
Pure: records in, hashes and faults out. What was ever signed cannot be told again, so none of this may change.
"""

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum

SHARDS = 16

_encode = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"), sort_keys=True).encode


@dataclass(frozen=True, slots=True)
class Entry:
    """What one record says. `at` is aware."""

    at: datetime
    actor: str
    act: str
    conversation_id: str | None = None
    thing: str | None = None


@dataclass(frozen=True, slots=True)
class Head:
    """Where a chain ends: its last record's number and hash (hexadecimal). An empty chain has number 0."""

    shard: int
    seq: int
    hash: str


@dataclass(frozen=True, slots=True)
class Record:
    """A record as it is stored."""

    shard: int
    seq: int
    hash: str
    entry: Entry


def find_shard(entry: Entry) -> int:
    key = entry.conversation_id or entry.actor
    return hashlib.sha256(key.encode("utf-8", "surrogatepass")).digest()[0] % SHARDS


def begin_chain(shard: int) -> Head:
    """The head of a chain that has no record yet."""
    return Head(shard, 0, hashlib.sha256(f"waymark audit chain {shard}".encode()).hexdigest())


def write_canonical(entry: Entry) -> bytes:
    """The same bytes for the same record, whatever database it was read from."""
    said = {
        "act": entry.act,
        "actor": entry.actor,
        "at": entry.at.astimezone(UTC).isoformat(timespec="microseconds"),
        "conversation": entry.conversation_id,
        "thing": entry.thing,
    }
    return _encode(said).encode("utf-8", "surrogatepass")


def compute_hash(before: str, seq: int, entry: Entry) -> str:
    """Of the record `seq` that follows the one whose hash is `before`."""
    link = bytes.fromhex(before) + seq.to_bytes(8, "big") + write_canonical(entry)
    return hashlib.sha256(link).hexdigest()


def chain(head: Head, entries: Iterable[Entry]) -> list[Record]:
    """The entries as records that follow `head`, in their order."""
    records = []
    seq, before = head.seq, head.hash
    for entry in entries:
        seq += 1
        before = compute_hash(before, seq, entry)
        records.append(Record(head.shard, seq, before, entry))
    return records


class FaultKind(StrEnum):
    CHANGED = "changed"
    MISSING = "missing"
    MOVED = "moved"
    INSERTED = "inserted"
    REWRITTEN = "rewritten"  # whole in itself, but not what was signed
    CUT_OFF = "cut_off"  # it ends before what was signed, or before its own head
    HEAD = "head"  # the note of where it ends is gone or says something else


@dataclass(frozen=True, kw_only=True)
class Fault:
    """The first bad record of a chain. `signed`: the number of the signed head that shows it."""

    shard: int
    seq: int
    kind: FaultKind
    signed: int | None = None


@dataclass
class _Walk:
    """How far one chain was followed; `agreed`: its last record that a signed head agreed with."""

    head: Head
    agreed: int = 0
    fault: Fault | None = None
    # What was signed of it, by number of the record, and how many of those were passed.
    signed: list[bytes] = field(default_factory=list)
    passed: int = 0


class ChainCheck:
    """Follows all chains at once through the records in the order they were stored; then asks `finish`.

    `signed`: every signed head, with the number of its anchor. Years of them are held at once, so each as 48 bytes.
    Once a chain has a fault the rest of it proves nothing and is passed over.
    """

    def __init__(self, signed: Iterable[tuple[int, Head]] = ()) -> None:
        self._walks = {shard: _Walk(begin_chain(shard)) for shard in range(SHARDS)}
        self._out_of_place: set[tuple[int, int]] = set()
        for number, head in signed:
            of_chain, packed = self._walks[head.shard].signed, _pack(number, head)
            # A chain at rest is signed again and again.
            if not of_chain or of_chain[-1][:40] != packed[:40]:
                of_chain.append(packed)
        for walk in self._walks.values():
            walk.signed.sort()

    def take(self, record: Record) -> None:
        """The next record, by its id."""
        walk = self._walks.get(record.shard)
        if walk is None:
            # No chain of ours: said with what is known of its place.
            self._walks[record.shard] = walk = _Walk(Head(record.shard, 0, ""))
            walk.fault = Fault(shard=record.shard, seq=record.seq, kind=FaultKind.INSERTED)
        if walk.fault is not None:
            self._out_of_place.add((record.shard, record.seq))
            return
        expected = walk.head.seq + 1
        if record.seq != expected:
            self._out_of_place.add((record.shard, record.seq))
            walk.fault = _find_fault_of_place(record, expected)
            return
        is_whole = record.hash == compute_hash(walk.head.hash, record.seq, record.entry)
        if not is_whole or find_shard(record.entry) != record.shard:
            walk.fault = Fault(shard=record.shard, seq=record.seq, kind=FaultKind.CHANGED)
            return
        walk.head = Head(record.shard, record.seq, record.hash)
        _compare(walk)

    def finish(self, heads: Mapping[int, Head]) -> list[Fault]:
        """Every chain's first fault, the chains in order; `heads` as they are stored beside the records."""
        for shard, walk in self._walks.items():
            walk.fault = walk.fault or _find_fault_at_end(walk, heads.get(shard))
        return [self._tell(walk.fault) for _, walk in sorted(self._walks.items()) if walk.fault is not None]

    def _tell(self, fault: Fault) -> Fault:
        """A record that was missing where it belongs was moved, if it stood somewhere else."""
        if fault.kind is FaultKind.MISSING and (fault.shard, fault.seq) in self._out_of_place:
            return Fault(shard=fault.shard, seq=fault.seq, kind=FaultKind.MOVED)
        return fault


def _find_fault_of_place(record: Record, expected: int) -> Fault:
    if record.seq < 1:  # no number a record has
        return Fault(shard=record.shard, seq=expected, kind=FaultKind.CHANGED)
    if record.seq < expected:
        return Fault(shard=record.shard, seq=record.seq, kind=FaultKind.INSERTED)
    return Fault(shard=record.shard, seq=expected, kind=FaultKind.MISSING)


def _pack(number: int, head: Head) -> bytes:
    return head.seq.to_bytes(8, "big") + bytes.fromhex(head.hash) + number.to_bytes(8, "big")


def _compare(walk: _Walk) -> None:
    """With all that was signed of a chain when it ended where the walk is now."""
    while walk.passed < len(walk.signed):
        packed = walk.signed[walk.passed]
        if int.from_bytes(packed[:8], "big") > walk.head.seq:
            return
        if packed[8:40].hex() != walk.head.hash:
            # Somewhere after the last one that agreed: which record it is cannot be told any more.
            walk.fault = Fault(
                shard=walk.head.shard,
                seq=walk.agreed + 1,
                kind=FaultKind.REWRITTEN,
                signed=int.from_bytes(packed[40:], "big"),
            )
            return
        walk.agreed = walk.head.seq
        walk.passed += 1


def _find_fault_at_end(walk: _Walk, stored: Head | None) -> Fault | None:
    shard, seq = walk.head.shard, walk.head.seq
    if walk.passed < len(walk.signed):
        number = int.from_bytes(walk.signed[walk.passed][40:], "big")
        return Fault(shard=shard, seq=seq + 1, kind=FaultKind.CUT_OFF, signed=number)
    if stored is not None and stored.seq > seq:
        return Fault(shard=shard, seq=seq + 1, kind=FaultKind.CUT_OFF)
    if stored is not None and stored.seq < seq:
        return Fault(shard=shard, seq=stored.seq + 1, kind=FaultKind.INSERTED)
    if (stored is None and seq > 0) or (stored is not None and stored.hash != walk.head.hash):
        return Fault(shard=shard, seq=seq, kind=FaultKind.HEAD)
    return None
