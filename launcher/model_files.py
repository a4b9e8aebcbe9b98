"""Where models, their birth certificates and their papers stand on disk."""

import hashlib
import json
import platform
import shutil
import tarfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from casework.model.errors import WaymarkError
from casework.model.model_papers import BirthCertificate, birth_from_json

# The training draws no number: the same texts and the same packages give the same model.
SEED = "texts and fixed seeds"
LARGEST_METADATA = 16 * 1024 * 1024


class ModelUnreadable(WaymarkError):
    """Not a model file as Rasa writes them."""


def models_dir(data_dir: Path) -> Path:
    """Papers and private copies; the trained files themselves stand in `models/` of the tree."""
    return data_dir / "models"


def run_dir(data_dir: Path) -> Path:
    """The checked copies that Rasa is given."""
    return models_dir(data_dir) / "run"


def taught_dir(data_dir: Path, model_id: str) -> Path:
    """The trainers' rows as that model was taught them."""
    return models_dir(data_dir) / "taught" / model_id


def upgrade_dir(data_dir: Path) -> Path:
    """The tree an upgrade is trained from, with the live model's rows in place of what nobody has judged."""
    return data_dir / "upgrade"


def list_kept(data_dir: Path) -> list[Path]:
    """Every folder outside the tree that holds rows of trainers'."""
    folders = [
        *(models_dir(data_dir) / "taught").glob("*"),
        upgrade_dir(data_dir) / "data" / "workbench" / "nlu",
    ]
    return sorted(folder for folder in folders if folder.is_dir())


def keep_taught(root: Path, data_dir: Path, model_id: str) -> None:
    """Keeps the trainers' rows of the tree a model was just trained from: an upgrade is made with them."""
    kept = taught_dir(data_dir, model_id)
    given = root / "data" / "workbench" / "nlu"
    if kept.exists():
        return
    new = kept.with_name(f".{model_id}.new")
    shutil.rmtree(new, ignore_errors=True)
    new.mkdir(parents=True, mode=0o700)
    for path in sorted(given.glob("*.yml")) if given.is_dir() else []:
        shutil.copyfile(path, new / path.name)
    new.replace(kept)


def certificate_path(model: Path) -> Path:
    return model.with_name(model.name.removesuffix(".tar.gz") + ".json")


def read_birth(model: Path) -> BirthCertificate:
    """The certificate beside a model file; what an older one does not say is read from the file and the tree."""
    given: dict[str, Any] = json.loads(certificate_path(model).read_text())
    return birth_from_json(_blank(model, given) | given)


def _blank(model: Path, given: Mapping[str, Any]) -> dict[str, Any]:
    if "model_id" in given:
        return {}
    return {
        "model_id": read_model_id(model),
        "parts": {},
        "data_version": None,
        "packages": "",
        "seed": SEED,
    }


def read_model_id(model: Path) -> str:
    """The id Rasa gave the model, from its `metadata.json`. Raises ModelUnreadable."""
    try:
        with tarfile.open(model, "r:gz") as archive:
            member = archive.getmember("metadata.json")
            if not member.isfile() or member.size > LARGEST_METADATA:
                raise ModelUnreadable(f"{model.name}: its metadata.json is no file of a sensible size.")
            content = archive.extractfile(member)
            assert content is not None  # it is a file
            found = json.loads(content.read())["model_id"]
    except (tarfile.TarError, KeyError, TypeError, ValueError, EOFError, OSError) as fault:
        raise ModelUnreadable(f"{model.name} is not a model.") from fault
    if not isinstance(found, str):
        raise ModelUnreadable(f"{model.name} has no id.")
    return found


def hash_packages(root: Path) -> str:
    """Of the locked packages a model is trained with, and of the Python that runs them."""
    lock = root / "bot" / "requirements.lock"
    version = root / "bot" / ".python-version"
    digest = hashlib.sha256()
    for path in (lock, version):
        digest.update(path.read_bytes() if path.exists() else b"")
    digest.update(platform.machine().encode())
    return digest.hexdigest()
