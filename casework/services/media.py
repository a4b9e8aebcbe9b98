"""Fetching the pictures and files that came with messages, apart from the messages: a webhook waits for none."""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Protocol

from casework.model.errors import WaymarkError
from casework.services.ports import LeasedMedia, MediaStatus, Store, Transaction

LARGEST_BYTES = 16 * 1024 * 1024
# Longer than the longest fetch: who holds the lease is alone.
LEASE_SECONDS = 90.0
FIRST_PAUSE = timedelta(seconds=20)
LONGEST_PAUSE = timedelta(hours=4)
MAX_ATTEMPTS = 8  # over about nine hours: long enough for a key or an account to be mended
MAX_ATTEMPTS_MISSING = (
    4  # what the provider says it does not have may still be on its way; after minutes it is not
)
# Why a file is not here: [media_reasons] of console/templates/words.toml.
TOO_LARGE, TYPE_NOT_TAKEN, ADDRESS_REFUSED = "too_large", "type_not_allowed", "address_refused"
MISSING, NOT_ALLOWED, UNREACHABLE = "not_found", "refused", "unreachable"


class FileRefused(WaymarkError):
    """The file is none we take, whoever asks again. `reason`: TOO_LARGE, TYPE_NOT_TAKEN or ADDRESS_REFUSED."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class FileNotGiven(WaymarkError):
    """The provider did not give it, now. `reason`: MISSING, NOT_ALLOWED or UNREACHABLE."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class ProviderFiles(Protocol):
    async def fetch(self, media: LeasedMedia) -> bytes:
        """The whole file, at most LARGEST_BYTES. Raises FileRefused or FileNotGiven."""


@dataclass(frozen=True, kw_only=True)
class Fetching:
    """What fetching needs, wired once. `find_type`: what a file is by its bytes, or None for what we do not take."""

    store: Store
    files: ProviderFiles
    find_type: Callable[[bytes], str | None]


async def fetch_next_media(fetching: Fetching) -> bool:
    """Fetches the next file that is due and keeps it, refuses it, or puts it off. False when none is due."""
    leased = await fetching.store.write(lambda tx: tx.media.lease_next(lease_seconds=LEASE_SECONDS))
    if leased is None:
        return False
    if leased.attempts > MAX_ATTEMPTS:
        # Whoever tried last did not live to say why.
        await fetching.store.write(lambda tx: _put_off(tx, leased, UNREACHABLE))
        return True
    try:
        content = await fetching.files.fetch(leased)
        found_type = _check(content, fetching)
    except FileRefused as refusal:
        reason = refusal.reason
        await fetching.store.write(
            lambda tx: tx.media.give_up(leased.media_id, status=MediaStatus.REFUSED, reason=reason)
        )
    except FileNotGiven as failure:
        reason = failure.reason
        await fetching.store.write(lambda tx: _put_off(tx, leased, reason))
    else:
        digest = hashlib.sha256(content).hexdigest()
        await fetching.store.write(
            lambda tx: tx.media.keep(leased.media_id, content, found_type=found_type, sha256=digest)
        )
    return True


def _check(content: bytes, fetching: Fetching) -> str:
    found_type = fetching.find_type(content)
    if len(content) > LARGEST_BYTES:
        raise FileRefused(TOO_LARGE)
    if found_type is None:
        raise FileRefused(TYPE_NOT_TAKEN)
    return found_type


def _put_off(tx: Transaction, leased: LeasedMedia, reason: str) -> None:
    most = MAX_ATTEMPTS_MISSING if reason == MISSING else MAX_ATTEMPTS
    if leased.attempts >= most:
        tx.media.give_up(leased.media_id, status=MediaStatus.FAILED, reason=reason)
    else:
        tx.media.postpone(leased.media_id, until=tx.now + get_pause(leased.attempts))


def get_pause(attempts: int) -> timedelta:
    """How long after that many tries in vain the next one is made."""
    return min(FIRST_PAUSE * (1 << 2 * (attempts - 1)), LONGEST_PAUSE)
