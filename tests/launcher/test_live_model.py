"""What is live at a start: the release; a first one is founded, and only a developer's change goes live by itself."""

import json
from pathlib import Path

import pytest

from casework.adapters.model_signing import load_public_key, read_signed
from casework.adapters.storage.database import Database
from casework.adapters.storage.workbench_tables import example
from casework.model.model_papers import read_paper
from casework.services.model_ports import ModelVersion
from launcher import training
from launcher.live_model import Places, ensure_released, find_changed_parts
from launcher.model_files import certificate_path, read_birth, taught_dir
from tests.support.models import develop, make_stand_in_root, teach
from tests.support.rows import put_rows


class Started:
    """Starts of one data folder over one tree."""

    def __init__(self, tmp_path: Path, database: Database) -> None:
        self.root = make_stand_in_root(tmp_path / "tree")
        self.data_dir = tmp_path / "var"
        self.database = database

    def start(self) -> list[str]:
        """What was said."""
        said: list[str] = []
        places = Places(root=self.root, training_root=self.root, data_dir=self.data_dir)
        ensure_released(places, self.database, say=said.append)
        return [line for line in said if "rain" not in line or "trainers" in line]

    @property
    def live(self) -> ModelVersion:
        found = self.database.read_now(
            lambda tx: tx.model_releases.find_version(tx.model_releases.find_live() or "")
        )
        assert found is not None
        return found

    @property
    def kinds(self) -> list[str]:
        return [each.kind for each in self.database.read_now(lambda tx: tx.model_releases.list_releases())]


@pytest.fixture
def started(tmp_path: Path, database: Database) -> Started:
    return Started(tmp_path, database)


def test_a_new_database_founds_the_trees_model_and_signs_for_it(started: Started) -> None:
    assert started.start() == []

    live = started.live
    assert (live.model_id, live.status, live.trained_by) == ("m-r1-", "released", "launcher")
    paper = read_paper(read_signed(live.paper or "", load_public_key(started.data_dir)))
    assert (paper.kind, paper.report, paper.approved_by) == ("founding", None, None)
    assert paper.birth == read_birth(started.root / "models" / live.file)
    assert (started.data_dir / "models" / "m-r1-.jws").read_text().strip() == live.paper


def test_a_second_start_changes_nothing(started: Started) -> None:
    started.start()

    assert started.start() == []
    assert started.kinds == ["founding"]


def test_what_trainers_wrote_is_not_live_by_a_restart(started: Started) -> None:
    """Red when: live is the model of the tree."""
    started.start()
    teach(started.root, "unjudged")

    assert started.start() == [
        "What trainers have taught since waits to be trained and judged. Nothing of it is live yet."
    ]
    assert started.live.model_id == "m-r1-"
    assert started.kinds == ["founding"]


def test_a_developers_change_is_an_upgrade_that_says_it_was_not_judged(started: Started) -> None:
    started.start()
    develop(started.root, "r2")
    said = started.start()

    assert len(said) == 1
    assert said[0].startswith("NOT JUDGED: the assistant's data changed.")
    assert started.live.model_id == "m-r2-"
    assert started.kinds == ["upgrade", "founding"]
    paper = read_paper(read_signed(started.live.paper or "", load_public_key(started.data_dir)))
    assert (paper.kind, paper.report) == ("upgrade", None)
    assert started.start() == []


def test_nobodys_unjudged_words_ride_along_with_an_upgrade(started: Started) -> None:
    """Red when: the upgrade is trained from the tree as it stands."""
    teach(started.root, "judged")
    started.start()
    teach(started.root, "unjudged")
    develop(started.root, "r2")
    started.start()

    assert started.live.model_id == "m-r2-judged"
    assert (started.root / "models" / started.live.file).exists()
    assert started.start() == [
        "What trainers have taught since waits to be trained and judged. Nothing of it is live yet."
    ]


def test_where_what_was_taught_is_not_kept_it_says_that_more_went_in(started: Started) -> None:
    started.start()
    kept = taught_dir(started.data_dir, "m-r1-")
    kept.rename(kept.with_name("elsewhere"))
    teach(started.root, "unjudged")
    develop(started.root, "r2")

    assert any("What data/workbench holds now goes in with it" in line for line in started.start())


def test_where_every_released_file_is_gone_the_tree_is_trained_again(started: Started) -> None:
    started.start()
    (started.root / "models" / started.live.file).unlink()
    said = started.start()

    assert said[0] == "None of the released models is in models/ any more"
    assert started.kinds == ["upgrade", "founding"]
    assert (started.root / "models" / started.live.file).exists()


def test_a_first_model_that_is_not_the_one_that_was_trained_is_not_founded(started: Started) -> None:
    model = training.train(started.root, log_path=started.data_dir / "train.log")
    model.path.write_bytes(model.path.read_bytes() + b"more")

    with pytest.raises(training.ModelAltered):
        started.start()
    assert started.database.read_now(lambda tx: tx.model_releases.find_live()) is None


def test_a_certificate_of_before_parts_and_ids_is_filled_in(started: Started) -> None:
    model = training.train(started.root, log_path=started.data_dir / "train.log")
    path = certificate_path(model.path)
    old = json.loads(path.read_text())
    for name in ("model_id", "parts", "packages", "seed", "data_version"):
        del old[name]
    path.write_text(json.dumps(old))
    started.start()

    birth = read_birth(model.path)
    assert (birth.model_id, birth.parts) == ("m-r1-", {})
    assert started.live.birth["parts"] == training.parts(started.root)
    develop(started.root, "r2")
    assert started.start()[0].startswith("NOT JUDGED: the assistant's data changed.")


def test_each_part_of_the_inputs_is_told_by_itself(tmp_path: Path) -> None:
    root = make_stand_in_root(tmp_path)
    birth = read_birth(training.train(root, log_path=tmp_path / "log").path)
    assert find_changed_parts(root, birth) == []
    (root / "data" / "workbench" / "nlu" / "README.md").write_text("not taught")
    assert find_changed_parts(root, birth) == []

    teach(root, "x")
    assert find_changed_parts(root, birth) == ["taught"]
    for path, part in (
        ("config.yml", "config"),
        ("bot/domain/base.yml", "domain"),
        ("bot/turn.py", "code"),
        ("data/nlu/a.yml", "data"),
    ):
        (root / path).parent.mkdir(exist_ok=True, parents=True)
        (root / path).write_text("changed")
        assert part in find_changed_parts(root, birth)
    assert sorted(find_changed_parts(root, birth)) == ["code", "config", "data", "domain", "taught"]


def test_words_somebody_took_back_teach_no_upgrade_whatever_was_kept_of_them(started: Started) -> None:
    """Red when: an upgrade is trained from what was kept at the release, as it was kept."""
    row = {name: f"{number:018x}" for number, name in enumerate(("stays", "taken"))}
    items = "".join(
        f'\n  - text: "{name} with me"\n    metadata: {{row: {row[name]}, scenario: wb_1, category: immediate_danger}}'
        for name in row
    )
    teach(started.root, f'version: "3.1"\nnlu:\n- intent: urgent\n  examples:{items}\n')
    started.start()
    values = {"side": "train", "scenario": "wb_1", "is_reworded": False, "row_version": 1, "spans": []}
    values |= {"id": row["taken"], "text": "", "status": "withdrawn", "accepted_by": "toni"}
    started.database.write_now(lambda tx: put_rows(tx.connection, example, values | {"accepted_at": tx.now}))
    develop(started.root, "r2")
    started.start()

    taught = (started.data_dir / "upgrade" / "data" / "workbench" / "nlu" / "urgent.yml").read_text()
    assert "stays with me" in taught and "taken with me" not in taught
    assert started.kinds == ["upgrade", "founding"]
