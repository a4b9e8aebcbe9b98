"""A checkout to teach in: the same code, the corpus or a twentieth of it, and data folders of its own to write to."""

import shutil
from itertools import groupby
from pathlib import Path

from launcher import model_files, training

ROOT = Path(__file__).parent.parent.parent
EVERY = 20
OWN = (
    "config.yml",
    "endpoints.yml",
    "data/nlu",
    "data/rules",
    "data/stories",
    "data/workbench",
    "data/held_out",
)
SHARED = ("bot", "casework", "actions", "launcher", "data/cases")


def make_small_tree(path: Path) -> Path:
    """With a twentieth of the corpus: trains in a minute where the whole takes six."""
    _make(path)
    for folder in sorted(each for each in (ROOT / "data" / "corpus").iterdir() if each.is_dir()):
        _copy_every(folder, path / "data" / "corpus" / folder.name / "some.txt")
    return path


def make_whole_tree(path: Path) -> Path:
    """With everything a model is made of, and the one already trained of it: nothing trains before somebody teaches."""
    _make(path)
    (path / "data" / "corpus").symlink_to(ROOT / "data" / "corpus")
    trained = training.model_path(ROOT, training.fingerprint(ROOT))
    for file in (trained, model_files.certificate_path(trained)):
        if file.exists():
            shutil.copy(file, path / "models" / file.name)
    return path


def _make(path: Path) -> None:
    """What is written to is copied, code is a link."""
    for name in OWN:
        source, target = ROOT / name, path / name
        target.parent.mkdir(parents=True, exist_ok=True)
        if source.is_dir():
            shutil.copytree(source, target)
        else:
            shutil.copy(source, target)
    for name in SHARED:
        (path / name).parent.mkdir(parents=True, exist_ok=True)
        (path / name).symlink_to(ROOT / name)
    (path / "models").mkdir()


def _copy_every(folder: Path, target: Path) -> None:
    """Of each label every twentieth block, and at least its first."""
    blocks = [block for file in sorted(folder.glob("*.txt")) for block in _read_blocks(file)]
    kept = [
        block
        for _, alike in groupby(sorted(blocks, key=_label), key=_label)
        for block in list(alike)[::EVERY]
    ]
    target.parent.mkdir(parents=True)
    target.write_text("\n\n".join(kept) + "\n", encoding="utf-8")


def _read_blocks(file: Path) -> list[str]:
    text = file.read_text(encoding="utf-8").strip()
    return ["# " + block.strip() for block in ("\n" + text).split("\n# ")[1:]]


def _label(block: str) -> str:
    named = dict(part.partition("=")[::2] for part in block.splitlines()[0][2:].split())
    return f"{named.get('category') or ''} {named.get('outcome') or ''} {named.get('sub') or ''}"
