"""Who signed a webhook: Twilio's HMAC over the address and the raw form, by either of its two schemes.

An auth token signs with SHA-1. A SharedKey, named in a header of its own, signs with SHA-256. The meaning of a form
is read with `parse_form`, the parser its signature was checked with, so no field can be seen by one and missed by the
other. Both schemes are those of `twilio.request_validator`; the tests keep the two in step.
"""

import hmac
from base64 import b64encode
from collections.abc import Mapping, Sequence
from hashlib import sha1, sha256
from typing import Any
from urllib.parse import unquote_to_bytes, urlparse

from multidict import CIMultiDict, CIMultiDictProxy
from twilio.request_validator import (
    HMAC_SHA1,
    HMAC_SHA256,
    add_port,
    remove_port,
)

from casework.model.errors import SettingsInvalid, SignatureInvalid

SIGNATURE_HEADER = "X-Twilio-Signature"
SIGNATURE_SETTINGS_HEADER = "X-Twilio-Webhooks-Signature-Settings"
SHORTEST_TOKEN = 32
Headers = CIMultiDict[str] | CIMultiDictProxy[str]


class WebhookUnsigned(SignatureInvalid):
    """Neither scheme signed this request; `reason` is what it is counted under, and says nothing of its content."""

    def __init__(self, words: str, *, reason: str) -> None:
        super().__init__(words)
        self.reason = reason


_HASH_OF_ALGORITHM: Mapping[str, Any] = {HMAC_SHA1: sha1, HMAC_SHA256: sha256}


def check_tokens(tokens: Sequence[str]) -> None:
    """Refuses (SettingsInvalid) an empty list and any token under 32 characters.

    An empty token would accept a forged request: its signature can be computed by anyone.
    """
    if not tokens:
        raise SettingsInvalid("TWILIO_AUTH_TOKEN is not set. Copy the Auth Token from the Twilio console.")
    if any(len(token.strip()) < SHORTEST_TOKEN for token in tokens):
        raise SettingsInvalid(
            f"TWILIO_AUTH_TOKEN is shorter than {SHORTEST_TOKEN} characters. Copy the whole Auth Token."
        )


def check_shared_keys(shared_keys: Mapping[str, str]) -> None:
    """Refuses (SettingsInvalid) a SharedKey without a name, or with a secret under 32 characters."""
    if any(not name.strip() or len(secret.strip()) < SHORTEST_TOKEN for name, secret in shared_keys.items()):
        raise SettingsInvalid(
            f"WAYMARK_TWILIO_SHARED_KEYS: each is name=secret, the secret at least {SHORTEST_TOKEN} characters."
        )


def check_webhook(
    *,
    tokens: Sequence[str],
    shared_keys: Mapping[str, str],
    url: str,
    body: bytes,
    headers: Headers,
) -> None:
    """Refuses (WebhookUnsigned) a request that neither scheme signed, or whose signature headers are there twice.

    `url` is the configured public origin with the raw path and query, never one built from request headers.
    """
    signatures = headers.getall(SIGNATURE_HEADER, [])
    settings = headers.getall(SIGNATURE_SETTINGS_HEADER, [])
    if len(signatures) > 1 or len(settings) > 1:
        raise WebhookUnsigned("A signature header is there twice.", reason="header_twice")
    check_signature(
        tokens=tokens,
        shared_keys=shared_keys,
        url=url,
        body=body,
        header=signatures[0] if signatures else None,
        settings_header=settings[0] if settings else None,
    )


def check_signature(
    *,
    tokens: Sequence[str],
    url: str,
    body: bytes,
    header: str | None,
    shared_keys: Mapping[str, str] | None = None,
    settings_header: str | None = None,
) -> None:
    """Refuses (WebhookUnsigned) a request that none of `tokens`, nor the SharedKey its settings name, signed.

    Several tokens are accepted so that one can be rotated without losing a message. A request that names a SharedKey
    is checked with that key alone: an auth token does not sign in its place.
    """
    check_tokens(tokens)
    secrets, algorithm = _find_secrets(tokens, shared_keys or {}, settings_header or "")
    if not header:
        raise WebhookUnsigned(f"The request has no {SIGNATURE_HEADER} header.", reason="no_signature")
    given = header.encode("utf-8", "surrogateescape")
    wanted = [
        compute_signature(token=secret, url=address, body=body, algorithm=algorithm).encode()
        for secret in secrets
        for address in _addresses(url)
    ]
    # Every candidate is compared, so the time taken says nothing about which one matched.
    matches = [hmac.compare_digest(given, signature) for signature in wanted]
    if not any(matches):
        raise WebhookUnsigned(f"The {SIGNATURE_HEADER} header does not match the request.", reason="wrong")


def compute_signature(*, token: str, url: str, body: bytes, algorithm: str = HMAC_SHA1) -> str:
    """The value Twilio puts in X-Twilio-Signature when it posts the urlencoded `body` to `url`."""
    signed = url.encode("utf-8", "surrogateescape")
    # A set, because Twilio signs a field once however often the same value is repeated.
    for name, value in sorted(set(parse_form(body))):
        signed += name + value
    return b64encode(hmac.new(token.encode(), signed, _HASH_OF_ALGORITHM[algorithm]).digest()).decode()


def parse_form(body: bytes) -> list[tuple[bytes, bytes]]:
    """The fields of a urlencoded body in order, as bytes, blank values kept.

    Bytes, because `urllib.parse.parse_qsl` cannot give back percent-encoded bytes that are not UTF-8.
    """
    pieces = (piece.partition(b"=") for piece in body.split(b"&") if piece)
    return [(_decode(name), _decode(value)) for name, _, value in pieces]


def _find_secrets(
    tokens: Sequence[str], shared_keys: Mapping[str, str], settings_header: str
) -> tuple[Sequence[str], str]:
    """What may have signed a request that says this of its signature; refuses what it names and we do not know."""
    said = _parse_settings(settings_header)
    algorithm, key = said.get("algorithm", "").upper(), said.get("key", "")
    if algorithm and algorithm not in _HASH_OF_ALGORITHM:
        raise WebhookUnsigned("The signature's algorithm is not known.", reason="unknown_algorithm")
    # No algorithm named: an auth token signed it (twilio.request_validator.get_signature_algorithm).
    if not algorithm or (algorithm == HMAC_SHA1 and not key):
        return tokens, HMAC_SHA1
    if key not in shared_keys:
        raise WebhookUnsigned("The signature's key is not one of ours.", reason="unknown_key")
    check_shared_keys(shared_keys)
    return [shared_keys[key]], algorithm


def _parse_settings(header: str) -> dict[str, str]:
    said: dict[str, str] = {}
    for part in header.split(","):
        name, _, value = part.partition("=")
        if name.strip() in said:
            raise WebhookUnsigned("The signature settings say a thing twice.", reason="header_twice")
        said[name.strip()] = value.strip()
    return said


def _decode(piece: bytes) -> bytes:
    return unquote_to_bytes(piece.replace(b"+", b" "))


def _addresses(url: str) -> tuple[str, str]:
    # Twilio is inconsistent about naming the port in what it signs; its own library tries both.
    parsed = urlparse(url)
    return remove_port(parsed), add_port(parsed)
