"""A device that makes and uses passkeys, in software: it signs as a phone does, and lies where a test says so."""

import hashlib
import json
from dataclasses import dataclass, field
from typing import Any

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from webauthn.helpers import base64url_to_bytes, bytes_to_base64url, encode_cbor

PRESENT, VERIFIED, HAS_KEY = 0x01, 0x04, 0x40
_made = iter(range(1, 1_000_000))


@dataclass
class Device:
    """`keys`: credential id to private key. `counts` False: a passkey copied between devices, always at 0."""

    origin: str
    rp_id: str
    is_verified: bool = True
    counts: bool = True
    sign_count: int = 0
    keys: dict[str, ec.EllipticCurvePrivateKey] = field(default_factory=dict)

    def make(self, options: dict[str, Any]) -> dict[str, Any]:
        """What a browser posts after `navigator.credentials.create` with these options."""
        number = next(_made)
        credential_id = hashlib.sha256(f"credential {number}".encode()).digest()
        key = ec.generate_private_key(ec.SECP256R1())
        self.keys[bytes_to_base64url(credential_id)] = key
        point = key.public_key().public_numbers()
        public_key = encode_cbor(
            {1: 2, 3: -7, -1: 1, -2: point.x.to_bytes(32, "big"), -3: point.y.to_bytes(32, "big")}
        )
        attested = bytes(16) + len(credential_id).to_bytes(2, "big") + credential_id + public_key
        about = self._describe(HAS_KEY) + attested
        response = {
            "clientDataJSON": self._say("webauthn.create", options["challenge"]),
            "attestationObject": bytes_to_base64url(
                encode_cbor({"fmt": "none", "attStmt": {}, "authData": about})
            ),
        }
        return _answer(bytes_to_base64url(credential_id), response)

    def sign(self, options: dict[str, Any], *, with_key: str | None = None) -> dict[str, Any]:
        """What a browser posts after `navigator.credentials.get`. Raises LookupError when none asked for is here."""
        asked = [each["id"] for each in options["allowCredentials"]]
        credential_id = with_key or next(each for each in asked if each in self.keys)
        self.sign_count += self.counts
        about = self._describe()
        said = self._say("webauthn.get", options["challenge"])
        signed = about + hashlib.sha256(base64url_to_bytes(said)).digest()
        response = {
            "clientDataJSON": said,
            "authenticatorData": bytes_to_base64url(about),
            "signature": bytes_to_base64url(self.keys[credential_id].sign(signed, ec.ECDSA(SHA256()))),
        }
        return _answer(credential_id, response)

    def _describe(self, more: int = 0) -> bytes:
        flags = PRESENT | more | (VERIFIED if self.is_verified else 0)
        return (
            hashlib.sha256(self.rp_id.encode()).digest() + bytes([flags]) + self.sign_count.to_bytes(4, "big")
        )

    def _say(self, kind: str, challenge: str) -> str:
        said = {"type": kind, "challenge": challenge, "origin": self.origin, "crossOrigin": False}
        return bytes_to_base64url(json.dumps(said).encode())


def _answer(credential_id: str, response: dict[str, str]) -> dict[str, Any]:
    return {
        "id": credential_id,
        "rawId": credential_id,
        "type": "public-key",
        "clientExtensionResults": {},
        "response": response,
    }
