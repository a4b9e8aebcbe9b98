"""Frozen sets: a figure means the same as the last one only while the messages behind it are the same."""

import hashlib
import tomllib
from pathlib import Path

from casework.model.errors import WaymarkError

FOLDER = Path("data/held_out")
FROZEN_FILE = FOLDER / "frozen.toml"
TRAINERS_OWN = "workbench/"
NOT_OF_A_SET = "README.md"
SHORT_SHA = 12


class SetAltered(WaymarkError):
    """A frozen set is not the one that was frozen; nothing is measured on another in its name."""


def check_frozen(root: Path, name: str) -> str:
    """The sha256 of a set, by its path under data/held_out. Raises SetAltered where it is not the frozen one."""
    if name.startswith(TRAINERS_OWN):
        return check_written(root / FOLDER / name)
    frozen = _read_frozen(root / FROZEN_FILE)
    if name not in frozen:
        raise SetAltered(f"{FROZEN_FILE} does not name {name}. Put the file back as it was")
    sha256 = sha_of(root / FOLDER / name)
    if sha256 != frozen[name]:
        raise SetAltered(f"{FOLDER / name} was changed since it was frozen. Put it back as it was")
    return sha256


def sha_path(path: Path) -> Path:
    """Where the sha256 of a set that trainers wrote stands, as `sha256sum --check` reads it."""
    return path.with_name(f"{path.name}.sha256")


def check_written(path: Path) -> str:
    """The sha256 of a set that trainers wrote (launcher/taught_tests.py). Raises SetAltered where it is another now."""
    beside, sha256 = sha_path(path), sha_of(path)
    if not beside.is_file() or beside.read_text().split()[:1] != [sha256]:
        raise SetAltered(f"{path.name} was changed since it was written. Put it back as it was")
    return sha256


def _read_frozen(path: Path) -> dict[str, str]:
    try:
        table = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as fault:
        raise SetAltered(f"{FROZEN_FILE} cannot be read: {fault}. Put the file back") from fault
    return {str(name): str(sha256) for name, sha256 in table["sha256"].items()}


def sha_of(path: Path) -> str:
    """Of a file its sha256; of a folder, over the names and contents of its files, without what explains them."""
    if path.is_file():
        return hashlib.sha256(path.read_bytes()).hexdigest()
    digest = hashlib.sha256()
    for file in sorted(path.iterdir()):
        if file.is_file() and file.name != NOT_OF_A_SET:
            digest.update(f"{file.name}\0{hashlib.sha256(file.read_bytes()).hexdigest()}\n".encode())
    return digest.hexdigest()
