"""Counting tries where it can hurt nobody but who makes them. What is counted, and for whom, is the caller's.

Never asked about storing, screening or answering a message, so an urgent one is never held up. See docs/standing.md.
"""

from datetime import timedelta

from casework.model.throttles import Throttle, Tried, count_try, is_closed, load_limits
from casework.services.ports import Transaction

# Longer than any bucket cools; a bucket that old says nothing any more.
FORGOTTEN_AFTER = timedelta(days=14)
FORGETTABLE = (Tried.REFERENCES_OF_SENDER, Tried.WRONG_CODES_OF_SENDER_AND_CASE, Tried.CODE_SENDS_OF_CASE)


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


def clear(tx: Transaction, tried: Tried, *of: str) -> None:
    tx.throttles.clear(name_bucket(tried, *of))


def forget_old(tx: Transaction) -> None:
    for tried in FORGETTABLE:
        tx.throttles.forget(tried.value, before=tx.now - FORGOTTEN_AFTER)


def name_bucket(tried: Tried, *of: str) -> str:
    return ":".join([tried.value, *of])
