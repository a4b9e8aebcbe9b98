"""Signed heads: what an anchor says, and how signed ones are written into and found again in lines of text.

An anchor is the state of all chains at one moment. Kept outside, where whoever can change the database cannot reach, it
shows a rewriting that is whole in itself, and records cut off at the end. Pure.
"""

import base64
import binascii
import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from casework.model.audit_chain import SHARDS, Head

FOLD = 72
LARGEST = 2**63
# A compact JWS of ours. Mail may fold it: what goes on begins with a space, as headers do (RFC 5322, 2.2.3).
SIGNED = re.compile(r"eyJ[A-Za-z0-9_-]{20,}\.[A-Za-z0-9_-]{20,}\.[A-Za-z0-9_-]{80,}")
FOLDED = re.compile(r"\r?\n[ \t]")


class AnchorUnreadable(ValueError):
    """Signed by us, and no anchor."""


@dataclass(frozen=True, kw_only=True)
class Anchor:
    """`number` counts from 1 without a gap; `heads` are of the chains that have a record, in order."""

    number: int
    at: datetime
    heads: tuple[Head, ...]


def write_anchor(anchor: Anchor) -> bytes:
    """What is signed: JSON in canonical form, short enough for one datagram of syslog."""
    heads = [[each.shard, each.seq, _shorten(each.hash)] for each in anchor.heads]
    said = {"at": anchor.at.isoformat(timespec="seconds"), "heads": heads, "number": anchor.number}
    return json.dumps(said, separators=(",", ":"), sort_keys=True).encode()


def read_anchor(content: bytes) -> Anchor:
    """Raises AnchorUnreadable."""
    try:
        said = json.loads(content)
        heads = tuple(Head(int(shard), int(seq), _lengthen(hash_)) for shard, seq, hash_ in said["heads"])
        for each in heads:
            if not (0 <= each.shard < SHARDS and 0 < each.seq < LARGEST and len(each.hash) == 64):
                raise ValueError("no head of ours")
        return Anchor(number=int(said["number"]), at=datetime.fromisoformat(said["at"]), heads=heads)
    except (ValueError, KeyError, TypeError, AttributeError, binascii.Error) as fault:
        raise AnchorUnreadable(str(fault)) from fault


def _shorten(hash_: str) -> str:
    return base64.urlsafe_b64encode(bytes.fromhex(hash_)).decode().rstrip("=")


def _lengthen(short: str) -> str:
    return base64.urlsafe_b64decode(short + "=").hex()


def fold(signed: str) -> str:
    """In lines that a mail server leaves as they are."""
    return "\n ".join(signed[place : place + FOLD] for place in range(0, len(signed), FOLD))


def find_signed(text: str) -> Sequence[str]:
    """Every signed head in a text, whatever stands around it: lines of syslog, saved mail, our own file."""
    return SIGNED.findall(FOLDED.sub("", text))
