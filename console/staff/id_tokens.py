"""An ID token of the force's identity provider, taken apart and believed in nothing that is not checked here.

joserfc checks the signature, with a key and an algorithm chosen here; the claims are our own assertions
(OpenID Connect Core 1.0, section 3.1.3.7; RFC 8725).
"""

import binascii
import hmac
import json
from base64 import urlsafe_b64decode
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import ECKey, RSAKey

from casework.model.errors import WaymarkError

KEY_OF_ALGORITHM = {"RS256": "RSA", "ES256": "EC"}
# A key, or the address of one, that the token itself brings is no proof of anything (RFC 8725, 3.10); an extension
# we do not know is not ours to leave out (RFC 7515, 4.1.11).
FORBIDDEN_HEADERS = frozenset({"jku", "x5u", "jwk", "x5c", "crit", "b64", "zip"})
LARGEST_TOKEN = 16 * 1024
LEEWAY = timedelta(seconds=60)
LOGGED_IN_WITHIN = timedelta(hours=12)
FRESH_WITHIN = timedelta(minutes=5)
LONGEST_SUBJECT = 255
SMALLEST_RSA_BITS = 2048

JsonObject = Mapping[str, Any]


class TokenRefused(WaymarkError):
    """`why` names the check that failed, for the log and the record; never anything the token held."""

    def __init__(self, why: str) -> None:
        super().__init__(why)
        self.why = why


@dataclass(frozen=True, kw_only=True)
class Expected:
    """`acr`: what proves a second factor where `amr` does not say mfa. `is_fresh`: logged in within five minutes."""

    issuer: str
    client_id: str
    nonce: str
    acr: str | None
    is_fresh: bool = False


@dataclass(frozen=True, kw_only=True)
class Identity:
    """Who logged in: `issuer` and `subject` together, never an e-mail address. `proved_at` aware UTC."""

    issuer: str
    subject: str
    proved_at: datetime
    claims: JsonObject


def read_header(token: str) -> JsonObject:
    """The header of a compact JWS. Raises TokenRefused for anything that is none."""
    if len(token) > LARGEST_TOKEN or token.count(".") != 2 or not token.isascii():
        raise TokenRefused("form")
    encoded = token.partition(".")[0]
    try:
        header = json.loads(urlsafe_b64decode(encoded + "=" * (-len(encoded) % 4)))
    except (ValueError, binascii.Error, RecursionError) as error:
        raise TokenRefused("form") from error
    if not isinstance(header, dict):
        raise TokenRefused("form")
    return header


def check_header(header: JsonObject) -> str:
    """The algorithm: RS256 or ES256 and no other."""
    if FORBIDDEN_HEADERS & set(header):
        raise TokenRefused("header")
    algorithm = header.get("alg")
    if not isinstance(algorithm, str) or algorithm not in KEY_OF_ALGORITHM:
        raise TokenRefused("algorithm")
    return algorithm


def find_key(keys: Sequence[JsonObject], header: JsonObject) -> JsonObject | None:
    """The provider's key that the header names, of the kind its algorithm needs; None where there is none."""
    kind, named = KEY_OF_ALGORITHM[check_header(header)], header.get("kid")
    fitting = [each for each in keys if _is_for(each, kind, str(header["alg"]))]
    if named is None:
        return fitting[0] if len(fitting) == 1 else None
    return next((each for each in fitting if each.get("kid") == named), None)


def _is_for(key: JsonObject, kind: str, algorithm: str) -> bool:
    return (
        key.get("kty") == kind
        and key.get("use", "sig") == "sig"
        and key.get("alg", algorithm) == algorithm
        and (kind != "EC" or key.get("crv") == "P-256")
    )


def check_token(token: str, key: JsonObject, expected: Expected, *, now: datetime) -> Identity:
    """Who it says they are. Raises TokenRefused naming the first check that failed."""
    algorithm = check_header(read_header(token))
    claims = _check_signature(token, key, algorithm)
    _check_parties(claims, expected)
    _check_times(claims, now=now)
    if not _is_same(claims.get("nonce"), expected.nonce):
        raise TokenRefused("nonce")
    if not _has_factor(claims, expected.acr):
        raise TokenRefused("factor")
    return Identity(
        issuer=expected.issuer,
        subject=_get_subject(claims),
        proved_at=_get_proof(claims, now=now, within=FRESH_WITHIN if expected.is_fresh else LOGGED_IN_WITHIN),
        claims=claims,
    )


def _check_signature(token: str, key: JsonObject, algorithm: str) -> JsonObject:
    public = {name: value for name, value in key.items() if name in ("kty", "kid", "n", "e", "crv", "x", "y")}
    try:
        made: RSAKey | ECKey
        if algorithm == "RS256":
            made = RSAKey.import_key(public)
            if made.raw_value.key_size < SMALLEST_RSA_BITS:
                raise TokenRefused("key")
        else:
            made = ECKey.import_key(public)
        decoded = jwt.decode(token, made, algorithms=[algorithm])
    except (JoseError, ValueError, TypeError, RecursionError) as error:
        raise TokenRefused("signature") from error
    if not isinstance(decoded.claims, dict):
        raise TokenRefused("form")
    return decoded.claims


def _check_parties(claims: JsonObject, expected: Expected) -> None:
    if not _is_same(claims.get("iss"), expected.issuer):
        raise TokenRefused("issuer")
    audience = claims.get("aud")
    named = [audience] if isinstance(audience, str) else audience
    if not isinstance(named, list) or expected.client_id not in named:
        raise TokenRefused("audience")
    if (len(named) > 1 or "azp" in claims) and claims.get("azp") != expected.client_id:
        raise TokenRefused("audience")


def _check_times(claims: JsonObject, *, now: datetime) -> None:
    if _get_time(claims, "exp", "expired") + LEEWAY <= now:
        raise TokenRefused("expired")
    issued = _get_time(claims, "iat", "issued")
    if not now - LOGGED_IN_WITHIN <= issued <= now + LEEWAY:
        raise TokenRefused("issued")
    if "nbf" in claims and _get_time(claims, "nbf", "issued") > now + LEEWAY:
        raise TokenRefused("issued")


def _get_proof(claims: JsonObject, *, now: datetime, within: timedelta) -> datetime:
    proved_at = _get_time(claims, "auth_time", "proof")
    if not now - within - LEEWAY <= proved_at <= now + LEEWAY:
        raise TokenRefused("proof")
    return min(proved_at, now)


def _get_time(claims: JsonObject, name: str, why: str) -> datetime:
    """Seconds since 1970 as a time. True is a number to Python and none to us."""
    value = claims.get(name)
    if not isinstance(value, int | float) or isinstance(value, bool):
        raise TokenRefused(why)
    try:
        return datetime.fromtimestamp(value, UTC)
    except (OverflowError, OSError, ValueError) as error:
        raise TokenRefused(why) from error


def _has_factor(claims: JsonObject, acr: str | None) -> bool:
    methods = claims.get("amr")
    if isinstance(methods, list) and "mfa" in methods:
        return True
    return acr is not None and _is_same(claims.get("acr"), acr)


def _get_subject(claims: JsonObject) -> str:
    subject = claims.get("sub")
    if not isinstance(subject, str) or not 0 < len(subject) <= LONGEST_SUBJECT or not subject.isprintable():
        raise TokenRefused("subject")
    return subject


def _is_same(given: object, expected: str) -> bool:
    return isinstance(given, str) and hmac.compare_digest(given.encode("utf-8", "replace"), expected.encode())
