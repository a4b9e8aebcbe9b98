"""Signing, keeping and checking the papers of models: JWS with Ed25519, one key a data folder, made once.

In the adapters and not the launcher: the desk signs anew at the second person's word.
"""

import json
import os
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from joserfc import jws
from joserfc.errors import JoseError
from joserfc.jwk import OKPKey

from casework.model.errors import WaymarkError
from casework.model.model_papers import Paper, write_paper

ALGORITHM: Final = "Ed25519"
LONGEST_PAPER = 1024 * 1024


class PaperNotOurs(WaymarkError):
    """No signature of ours; `why` is unsigned, other_key or altered."""

    def __init__(self, why: str) -> None:
        super().__init__(f"The paper is not ours: {why}.")
        self.why = why


def load_signing_key(data_dir: Path) -> OKPKey:
    """The private key of this data folder, made at the first call: readable by this account alone."""
    path = data_dir / "keys" / "model_signing.json"
    if not path.exists():
        _make_keys(path)
    return OKPKey.import_key(json.loads(path.read_text()))


def load_public_key(data_dir: Path) -> OKPKey:
    """What checks the papers; FileNotFoundError where nothing was ever signed."""
    return OKPKey.import_key(json.loads((data_dir / "keys" / "model_signing.pub.json").read_text()))


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
    path.with_name("model_signing.pub.json").write_text(json.dumps(key.as_dict(private=False)) + "\n")


def sign_paper(paper: Paper, key: OKPKey) -> str:
    """The paper as compact JWS."""
    return sign(write_paper(paper), key)


def sign(content: bytes, key: OKPKey) -> str:
    header = {"alg": ALGORITHM, "kid": key.thumbprint()}
    return jws.serialize_compact(header, content, key, algorithms=[ALGORITHM])


def read_signed(signed: str, public_key: OKPKey) -> bytes:
    """What was signed. Raises PaperNotOurs: unsigned, by other_key, or altered since."""
    try:
        if not signed or len(signed) > LONGEST_PAPER:
            raise PaperNotOurs("unsigned")
        header = jws.extract_compact(signed.encode()).headers()
    except (JoseError, ValueError, RecursionError) as fault:
        raise PaperNotOurs("unsigned") from fault
    if header.get("alg") != ALGORITHM:
        # "none" and every algorithm that would take our public key for a shared secret.
        raise PaperNotOurs("unsigned")
    if header.get("kid") != public_key.thumbprint():
        raise PaperNotOurs("other_key")
    try:
        return jws.deserialize_compact(signed, public_key, algorithms=[ALGORITHM]).payload
    except (JoseError, ValueError) as fault:
        raise PaperNotOurs("altered") from fault


def paper_path(data_dir: Path, model_id: str) -> Path:
    return data_dir / "models" / f"{model_id}.jws"


def keep_paper(data_dir: Path, model_id: str, signed: str) -> Path:
    """Writes a paper beside the database's copy, for hosts without a database."""
    path = paper_path(data_dir, model_id)
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    new = path.with_name(f"{path.name}.{os.getpid()}.new")
    new.write_text(signed + "\n")
    new.replace(path)
    return path


def now_text() -> str:
    """The time as papers say it."""
    return datetime.now(UTC).isoformat(timespec="seconds")
