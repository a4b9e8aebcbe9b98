"""Who sent a case: HMAC-SHA256 over method, path, time and body, with a key the force and Waymark share."""

import hmac
from collections.abc import Sequence
from datetime import datetime, timedelta
from hashlib import sha256

from casework.model.errors import SignatureInvalid

SIGNATURE_HEADER = "X-Waymark-Signature"
TIMESTAMP_HEADER = "X-Waymark-Timestamp"
CLOCKS_MAY_DIFFER = timedelta(seconds=300)


class TimestampInvalid(SignatureInvalid):
    """Rightly signed, but too long ago or by a wrong clock."""


def compute_signature(*, key: str, method: str, path: str, timestamp: str, body: bytes) -> str:
    """The header's value. `path` as it is sent, percent-encoded and with its query; `timestamp` unix seconds."""
    signed = f"{method.upper()}\n{path}\n{timestamp}\n".encode("utf-8", "surrogateescape") + body
    return f"v1={hmac.new(key.encode(), signed, sha256).hexdigest()}"


def check_signature(
    *,
    keys: Sequence[str],
    method: str,
    path: str,
    body: bytes,
    timestamp: str | None,
    signature: str | None,
    now: datetime,
) -> None:
    """Raises SignatureInvalid, or TimestampInvalid for a request signed more than 5 minutes from `now`.

    Several keys are accepted so that one can be changed without losing a case.
    """
    given = (signature or "").encode("utf-8", "surrogateescape")
    # Every key is tried, so the time taken says nothing about which one matched.
    matches = [
        hmac.compare_digest(
            given,
            compute_signature(
                key=key, method=method, path=path, timestamp=timestamp or "", body=body
            ).encode(),
        )
        for key in keys
    ]
    if not any(matches):
        raise SignatureInvalid(f"The {SIGNATURE_HEADER} header does not match the request.")
    if timestamp is None or not (timestamp.isascii() and timestamp.isdigit() and len(timestamp) <= 12):
        raise TimestampInvalid(f"The {TIMESTAMP_HEADER} header is not a number of seconds.")
    if abs(now.timestamp() - int(timestamp)) > CLOCKS_MAY_DIFFER.total_seconds():
        raise TimestampInvalid(f"The {TIMESTAMP_HEADER} header is more than 300 seconds from now.")
