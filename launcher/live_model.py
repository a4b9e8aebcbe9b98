"""What is live when everything starts: the newest release, never simply what the tree would be trained to.

Trainers change the tree, so the tree only says what a candidate would be made of. A developer's change goes live as an
upgrade; a new database founds its first model.
"""

import shutil
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from casework.adapters.model_signing import keep_paper, load_signing_key, now_text, sign_paper
from casework.adapters.storage.database import Database
from casework.adapters.storage.transaction import SqlTransaction
from casework.adapters.training_files import read_folder, write_folder
from casework.model.model_papers import BirthCertificate, PaperKind, birth_from_json
from casework.services import model_releases
from casework.services.model_ports import ModelVersion
from launcher import model_files, training
from launcher.model_keeper import find_file
from launcher.taught_texts import TAUGHT
from launcher.withdrawn_rows import leave_out_withdrawn

TAUGHT_WAITS = "What trainers have taught since waits to be trained and judged. Nothing of it is live yet."
TAUGHT_RIDES_ALONG = (
    "NOT JUDGED: what the live model was taught is not kept here. "
    "What data/workbench holds now goes in with it."
)
UPGRADED = (
    "NOT JUDGED: the assistant's {parts} changed. The model made of it is live as an upgrade and has not passed the "
    "gates. See ./waymark models"
)
MISSING = "None of the released models is in models/ any more"
# What a training reads beside the trainers' rows.
UPGRADE_LINKS = ("bot", "casework", "config.yml", "models", ".rasa")
UPGRADE_DATA_LINKS = ("nlu", "rules", "stories", "corpus")


@dataclass(frozen=True, kw_only=True)
class Places:
    """`root`: the code. `training_root`: where data is written and trained; mostly the same."""

    root: Path
    training_root: Path
    data_dir: Path

    @property
    def model_dirs(self) -> Sequence[Path]:
        return tuple(dict.fromkeys((self.training_root / "models", self.root / "models")))


Say = Callable[[str], None]


def ensure_released(places: Places, database: Database, *, say: Say) -> None:
    """Some model is live afterwards: found where none was, upgraded where a developer changed what it is made of.

    Trains where it must, which takes minutes. Raises TrainingFailed, and ModelAltered for a first model whose
    file is not the one that was trained.
    """
    allowed = database.read_now(_list_allowed)
    if not allowed:
        _found(places, database, say=say)
        return
    live = birth_from_json(allowed[0].birth)
    is_missing = not any(find_file(places.model_dirs, each.file).exists() for each in allowed)
    changed = find_changed_parts(places.training_root, live)
    if is_missing:
        say(MISSING)
        _upgrade(places, database, live, ["files"], say=say)
    elif set(changed) - {training.TAUGHT}:
        _upgrade(places, database, live, [name for name in changed if name != training.TAUGHT], say=say)
    elif changed:
        say(TAUGHT_WAITS)


def find_changed_parts(root: Path, birth: BirthCertificate) -> list[str]:
    """Which kinds of inputs are others now than the model was made of."""
    if training.fingerprint(root) == birth.fingerprint:
        return []
    return [name for name, digest in training.parts(root).items() if birth.parts.get(name) != digest]


def get_trained(root: Path, data_dir: Path, *, say: Say) -> training.Model:
    """The model of the present inputs, trained now if it was not."""
    model = training.find_current_model(root)
    if model is not None:
        return model
    say(
        "Training the assistant: its data or code is new (5 to 15 minutes; 1 or 2 where only the dialogue is)"
    )
    started = time.monotonic()
    model = training.train(root, log_path=data_dir / "logs" / "train.log")
    say(f"      trained in {time.monotonic() - started:.0f} s")
    return model


def _list_allowed(tx: SqlTransaction) -> list[ModelVersion]:
    found = [tx.model_releases.find_version(model_id) for model_id in tx.model_releases.list_allowed()]
    return [each for each in found if each is not None]


def _found(places: Places, database: Database, *, say: Say) -> None:
    model = get_trained(places.training_root, places.data_dir, say=say)
    birth, signed = _sign_own(places, places.training_root, model, PaperKind.FOUNDING)
    database.write_now(lambda tx: model_releases.found(tx, birth, file=model.path.name, paper=signed))


def _upgrade(
    places: Places, database: Database, live: BirthCertificate, parts: Sequence[str], *, say: Say
) -> None:
    root = _find_upgrade_root(places, live, database, say=say)
    model = get_trained(root, places.data_dir, say=say)
    birth, signed = _sign_own(places, root, model, PaperKind.UPGRADE)
    database.write_now(
        lambda tx: model_releases.upgrade(
            tx, birth, file=model.path.name, paper=signed, reason=f"not judged; changed: {', '.join(parts)}"
        )
    )
    say(UPGRADED.format(parts=" and ".join(parts)))


def _find_upgrade_root(places: Places, live: BirthCertificate, database: Database, *, say: Say) -> Path:
    """The tree, with what the live model was taught in place of what nobody has judged, less what was withdrawn."""
    root = places.training_root
    taught = root / TAUGHT
    if training.parts(root)[training.TAUGHT] != live.parts.get(training.TAUGHT):
        kept = model_files.taught_dir(places.data_dir, live.model_id)
        if kept.is_dir():
            taught = kept
        else:
            say(TAUGHT_RIDES_ALONG)
    files = read_folder(taught)
    merged = leave_out_withdrawn(files, database)
    if taught == root / TAUGHT and not merged.removed:
        return root
    made = model_files.upgrade_dir(places.data_dir)
    shutil.rmtree(made, ignore_errors=True)
    (made / "data" / "workbench").mkdir(parents=True)
    links = [*UPGRADE_LINKS, *(f"data/{name}" for name in UPGRADE_DATA_LINKS)]
    for name in links:
        if (root / name).exists():
            (made / name).symlink_to((root / name).resolve())
    write_folder(made / TAUGHT, {}, merged.files)
    return made


def _sign_own(
    places: Places, root: Path, model: training.Model, kind: PaperKind
) -> tuple[BirthCertificate, str]:
    birth = model_files.read_birth(model.path)
    if not birth.parts:
        # A certificate from before parts were told; it is the model of this tree, so these are its parts.
        birth = replace(birth, parts=training.parts(root))
    paper = model_releases.make_own_paper(kind, birth, at=now_text())
    signed = sign_paper(paper, load_signing_key(places.data_dir))
    keep_paper(places.data_dir, birth.model_id, signed)
    model_files.keep_taught(root, places.data_dir, birth.model_id)
    return birth, signed
