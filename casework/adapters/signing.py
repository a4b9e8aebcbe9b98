"""Ed25519 signatures as compact JWS: one key a purpose and data folder, made once, readable by this account alone.

What is signed with them: the papers of models (`model_signing`) and the heads of the audit (`audit_signing`).
"""

import json
import os
from pathlib import Path
from typing import Final

from joserfc import jws
from joserfc.errors import JoseError
from joserfc.jwk import OKPKey

from casework.model.errors import WaymarkError

ALGORITHM: Final = "Ed25519"
LONGEST_SIGNED = 1024 * 1024


class SignatureNotOurs(WaymarkError):
    """No signature of ours; `why` is unsigned, other_key or altered."""

    def __init__(self, why: str) -> None:
        super().__init__(f"The signature is not ours: {why}.")
        self.why = why


def load_signing_key(data_dir: Path, purpose: str) -> OKPKey:
    """The private key of this data folder, made at the first call."""
    path = data_dir / "keys" / f"{purpose}.json"
    if not path.exists():
        _make_keys(path)
    return OKPKey.import_key(json.loads(path.read_text()))


def load_public_key(data_dir: Path, purpose: str) -> OKPKey:
    """What checks the signatures; FileNotFoundError where nothing was ever signed."""
    return read_public_key(data_dir / "keys" / f"{purpose}.pub.json")


def read_public_key(path: Path) -> OKPKey:
    return OKPKey.import_key(json.loads(path.read_text()))


def _make_keys(path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    key = OKPKey.generate_key(ALGORITHM)
    private = path.with_name(f"{path.name}.{os.getpid()}.new")
    private.touch(mode=0o600)
    private.write_text(json.dumps(key.as_dict(private=True)) + "\n")
    try:
        os.link(private, path)  # the first of two that start at once; the other takes what stands there
    except FileExistsError:
        return
    finally:
        private.unlink()
    path.with_suffix(".pub.json").write_text(json.dumps(key.as_dict(private=False)) + "\n")


def sign(content: bytes, key: OKPKey) -> str:
    header = {"alg": ALGORITHM, "kid": key.thumbprint()}
    return jws.serialize_compact(header, content, key, algorithms=[ALGORITHM])


def read_signed(signed: str, public_key: OKPKey) -> bytes:
    """What was signed. Raises SignatureNotOurs: unsigned, by other_key, or altered since."""
    try:
        if not signed or len(signed) > LONGEST_SIGNED:
            raise SignatureNotOurs("unsigned")
        header = jws.extract_compact(signed.encode()).headers()
    except (JoseError, ValueError, RecursionError) as fault:
        raise SignatureNotOurs("unsigned") from fault
    if header.get("alg") != ALGORITHM:
        # "none" and every algorithm that would take our public key for a shared secret.
        raise SignatureNotOurs("unsigned")
    if header.get("kid") != public_key.thumbprint():
        raise SignatureNotOurs("other_key")
    try:
        return jws.deserialize_compact(signed, public_key, algorithms=[ALGORITHM]).payload
    except (JoseError, ValueError) as fault:
        raise SignatureNotOurs("altered") from fault
