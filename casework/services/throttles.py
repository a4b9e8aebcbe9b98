"""Counting tries where it can hurt nobody but who makes them. What is counted, and for whom, is the caller's.

Never asked about storing, screening or answering a message, so an urgent one is never held up. See docs/standing.md.
"""

from datetime import datetime, timedelta

from casework.model.throttles import Throttle, Tried, count_try, is_closed, load_limits
from casework.services.ports import Transaction

# Longer than a bucket of that kind counts and cools; one that old says nothing any more.
FORGOTTEN_AFTER = {
    Tried.REFERENCES_OF_SENDER: timedelta(days=14),
    Tried.WRONG_CODES_OF_SENDER_AND_CASE: timedelta(days=14),
    Tried.CODE_SENDS_OF_CASE: timedelta(days=14),
    # Anybody can type any name: these are many when somebody guesses.
    Tried.STAFF_PROOFS: timedelta(hours=1),
}


def is_open(tx: Transaction, tried: Tried, *of: str) -> bool:
    """Reads only: whether anything may come of one more try."""
    return not is_closed(tx.throttles.find(name_bucket(tried, *of)), load_limits()[tried], tx.now)


def count(tx: Transaction, tried: Tried, *of: str) -> Throttle:
    """The bucket after one more try, held until the transaction ends."""
    bucket = name_bucket(tried, *of)
    counted = count_try(tx.throttles.hold(bucket), load_limits()[tried], tx.now)
    tx.throttles.save(bucket, counted)
    return counted


def take(tx: Transaction, tried: Tried, *of: str) -> bool:
    """Counts one try if it is still let through; False, and nothing counted, if not."""
    bucket = name_bucket(tried, *of)
    held = tx.throttles.hold(bucket)
    if is_closed(held, load_limits()[tried], tx.now):
        return False
    tx.throttles.save(bucket, count_try(held, load_limits()[tried], tx.now))
    return True


def find_opening(tx: Transaction, tried: Tried, *of: str) -> datetime | None:
    """When one that cools lets a try through again; None where it has not cooled yet."""
    held = tx.throttles.find(name_bucket(tried, *of))
    return held.cools_until if held else None


def clear(tx: Transaction, tried: Tried, *of: str) -> None:
    tx.throttles.clear(name_bucket(tried, *of))


def forget_old(tx: Transaction) -> None:
    for tried, after in FORGOTTEN_AFTER.items():
        tx.throttles.forget(tried.value, before=tx.now - after)


def name_bucket(tried: Tried, *of: str) -> str:
    return ":".join([tried.value, *of])
