"""A signed head comes back from whatever it was kept in: a file, lines of syslog, saved mail."""

import hashlib
from datetime import UTC, datetime

import pytest

from casework.adapters import signing
from casework.model.audit_anchors import (
    Anchor,
    AnchorUnreadable,
    find_signed,
    fold,
    read_anchor,
    write_anchor,
)
from casework.model.audit_chain import SHARDS, Head

HEADS = tuple(Head(shard, 10**9, hashlib.sha256(bytes([shard])).hexdigest()) for shard in range(SHARDS))
ANCHOR = Anchor(number=123_456, at=datetime(2026, 11, 23, 9, 30, tzinfo=UTC), heads=HEADS)


@pytest.fixture(scope="module")
def signed(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    key = signing.load_signing_key(tmp_path_factory.mktemp("keys"), "audit_signing")
    return [signing.sign(write_anchor(Anchor(number=n, at=ANCHOR.at, heads=HEADS)), key) for n in (1, 2, 3)]


def test_an_anchor_says_what_was_written() -> None:
    assert read_anchor(write_anchor(ANCHOR)) == ANCHOR


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{}",
        b'{"at":"yesterday","heads":[],"number":1}',
        b'{"at":"2026-11-23T09:30:00+00:00","heads":[[16,1,"AAAA"]],"number":1}',
        b'{"at":"2026-11-23T09:30:00+00:00","heads":[[1,-1,"AAAA"]],"number":1}',
        b'{"at":"2026-11-23T09:30:00+00:00","heads":[[1]],"number":1}',
    ],
)
def test_what_is_no_anchor_is_refused(content: bytes) -> None:
    with pytest.raises(AnchorUnreadable):
        read_anchor(content)


def test_one_fits_into_a_datagram_of_syslog(signed: list[str]) -> None:
    """A receiver should take 2048 octets (RFC 5424 section 6.1), with some left for the line's own head."""
    assert len(signed[0]) < 1800


def test_each_is_found_again_in_a_file_in_syslog_and_in_saved_mail(signed: list[str]) -> None:
    """Red when: `fold` puts no space before what goes on, or `FOLDED` does not take it away."""
    in_file = "\n".join(signed) + "\n"
    in_syslog = "".join(f"Nov 23 09:30:00 host waymark - audit-anchor - {each}\n" for each in signed)
    in_mail = "".join(f"Subject: a head\r\n\r\nKeep it.\r\n\r\n{fold(each)}\r\n" for each in signed)

    assert find_signed(in_file) == find_signed(in_syslog) == signed
    assert find_signed(in_mail.replace("\r\n", "\n").replace("\n", "\r\n")) == signed
    assert max(len(line) for line in fold(signed[0]).splitlines()) <= 76
