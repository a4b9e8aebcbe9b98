"""Secrets in an address or a cookie: random enough that a plain hash is enough at rest (auth.md section 1)."""

import hashlib
import secrets

ADDRESS_BYTES = 24  # 192 random bits, 32 letters


def make_address_token() -> str:
    """What stands in an invite's or an officer's link; shown or sent once and kept nowhere."""
    return secrets.token_urlsafe(ADDRESS_BYTES)


def hash_token(token: str) -> str:
    # Whatever stands in an address or a cookie may come here, half characters too.
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).hexdigest()


def make_password() -> str:
    """Four groups a person can copy from a screen; 80 bits."""
    return "-".join(secrets.token_hex(3)[:5] for _ in range(4))
