"""What binds one record to the next, to the byte: what was signed once can never be told in another way."""

import hashlib
import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone

import pytest

from casework.model.audit_chain import (
    SHARDS,
    ChainCheck,
    Entry,
    Head,
    begin_chain,
    chain,
    compute_hash,
    find_shard,
    write_canonical,
)

AT = datetime(2026, 11, 23, 9, 30, 0, 7, tzinfo=UTC)
ENTRY = Entry(AT, "worker", "gone_quiet", "c" * 32, "d" * 32)


def test_a_record_is_told_in_the_same_bytes_for_ever() -> None:
    """Red when: a key, their order, the time's form or the link's parts are other than on the day of writing."""
    said = (
        '{"act":"gone_quiet","actor":"worker","at":"2026-11-23T09:30:00.000007+00:00",'
        f'"conversation":"{"c" * 32}","thing":"{"d" * 32}"}}'
    )
    before = hashlib.sha256(b"waymark audit chain 3").hexdigest()
    link = bytes.fromhex(before) + (1).to_bytes(8, "big") + said.encode()

    assert write_canonical(ENTRY) == said.encode()
    assert begin_chain(3) == Head(3, 0, before)
    assert compute_hash(before, 1, ENTRY) == hashlib.sha256(link).hexdigest()


@pytest.mark.parametrize(
    "entry",
    [
        replace(ENTRY, conversation_id=None, thing=None),
        replace(ENTRY, actor="Zoë \U0001f600"),
        replace(ENTRY, actor="\udc80"),
        replace(ENTRY, thing='"}{'),
    ],
    ids=["empty", "letters", "half a character", "signs of JSON"],
)
def test_whatever_a_record_holds_is_told_without_doubt(entry: Entry) -> None:
    said = json.loads(write_canonical(entry).decode("utf-8", "surrogatepass"))

    assert said["actor"] == entry.actor
    assert said["thing"] == entry.thing
    assert write_canonical(entry) != write_canonical(ENTRY)


def test_the_same_moment_in_another_zone_is_the_same_record() -> None:
    """PostgreSQL gives times back in its session's zone."""
    elsewhere = replace(ENTRY, at=AT.astimezone(timezone(timedelta(hours=5, minutes=45))))

    assert write_canonical(elsewhere) == write_canonical(ENTRY)


def test_a_conversation_has_one_chain_and_many_share_all() -> None:
    """Red when: the chain is found from who acted although there is a conversation."""
    of_conversation = {find_shard(replace(ENTRY, actor=f"staff {number}")) for number in range(50)}
    of_many = {find_shard(replace(ENTRY, conversation_id=f"{number:032x}")) for number in range(500)}

    assert len(of_conversation) == 1
    assert of_many == set(range(SHARDS))


def test_a_whole_chain_has_no_fault() -> None:
    head = begin_chain(find_shard(ENTRY))
    records = chain(head, [ENTRY] * 5)
    check = ChainCheck((number, Head(each.shard, each.seq, each.hash)) for number, each in enumerate(records))

    for each in records:
        check.take(each)

    last = records[-1]
    assert check.finish({last.shard: Head(last.shard, last.seq, last.hash)}) == []
