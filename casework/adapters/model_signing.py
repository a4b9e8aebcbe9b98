"""Signing and keeping the papers of models, with a key of their own (`signing`).

In the adapters and not the launcher: the desk signs anew at the second person's word.
"""

import os
from datetime import UTC, datetime
from pathlib import Path

from joserfc.jwk import OKPKey

from casework.adapters import signing
from casework.adapters.signing import ALGORITHM, SignatureNotOurs, read_signed, sign
from casework.model.model_papers import Paper, write_paper

__all__ = ["ALGORITHM", "PaperNotOurs", "load_public_key", "load_signing_key", "read_signed", "sign"]

PURPOSE = "model_signing"
PaperNotOurs = SignatureNotOurs


def load_signing_key(data_dir: Path) -> OKPKey:
    """The private key of this data folder, made at the first call: readable by this account alone."""
    return signing.load_signing_key(data_dir, PURPOSE)


def load_public_key(data_dir: Path) -> OKPKey:
    """What checks the papers; FileNotFoundError where nothing was ever signed."""
    return signing.load_public_key(data_dir, PURPOSE)


def sign_paper(paper: Paper, key: OKPKey) -> str:
    """The paper as compact JWS."""
    return sign(write_paper(paper), key)


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
