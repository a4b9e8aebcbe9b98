"""Who signed a webhook: Twilio's HMAC-SHA1 over the address and the raw form.

The meaning of a form is read with `parse_form`, the parser its signature was checked with, so no field can be
seen by one and missed by the other. The scheme is that of `twilio.request_validator`.
"""

import hmac
from base64 import b64encode
from collections.abc import Sequence
from hashlib import sha1
from urllib.parse import unquote_to_bytes, urlparse

from twilio.request_validator import add_port, remove_port

from casework.model.errors import SettingsInvalid, SignatureInvalid

SIGNATURE_HEADER = "X-Twilio-Signature"
SHORTEST_TOKEN = 32


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


def check_signature(*, tokens: Sequence[str], url: str, body: bytes, header: str | None) -> None:
    """Refuses (SignatureInvalid) a request that none of `tokens` signed.

    `url` is the configured public origin with the raw path and query, never one built from request headers.
    Several tokens are accepted so that one can be rotated without losing a message.
    """
    check_tokens(tokens)
    if not header:
        raise SignatureInvalid(f"The request has no {SIGNATURE_HEADER} header.")
    given = header.encode("utf-8", "surrogateescape")
    wanted = [
        compute_signature(token=token, url=address, body=body).encode()
        for token in tokens
        for address in _addresses(url)
    ]
    # Every candidate is compared, so the time taken says nothing about which one matched.
    matches = [hmac.compare_digest(given, signature) for signature in wanted]
    if not any(matches):
        raise SignatureInvalid(f"The {SIGNATURE_HEADER} header does not match the request.")


def compute_signature(*, token: str, url: str, body: bytes) -> str:
    """The value Twilio puts in X-Twilio-Signature when it posts the urlencoded `body` to `url`."""
    signed = url.encode("utf-8", "surrogateescape")
    # A set, because Twilio signs a field once however often the same value is repeated.
    for name, value in sorted(set(parse_form(body))):
        signed += name + value
    return b64encode(hmac.new(token.encode(), signed, sha1).digest()).decode()


def parse_form(body: bytes) -> list[tuple[bytes, bytes]]:
    """The fields of a urlencoded body in order, as bytes, blank values kept.

    Bytes, because `urllib.parse.parse_qsl` cannot give back percent-encoded bytes that are not UTF-8.
    """
    pieces = (piece.partition(b"=") for piece in body.split(b"&") if piece)
    return [(_decode(name), _decode(value)) for name, _, value in pieces]


def _decode(piece: bytes) -> bytes:
    return unquote_to_bytes(piece.replace(b"+", b" "))


def _addresses(url: str) -> tuple[str, str]:
    # Twilio is inconsistent about naming the port in what it signs; its own library tries both.
    parsed = urlparse(url)
    return remove_port(parsed), add_port(parsed)
