"""No model answers victims but the very bytes two people released, with numbers that pass: `why` says what was wrong.

Red when: any one of the checks of launcher/model_loader.py is taken out; each was, once.
"""

import asyncio
import os
import shutil
import stat
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import aiohttp
import pytest
from joserfc.jwk import OKPKey

from casework.adapters.model_signing import load_public_key, load_signing_key, sign
from casework.model.model_papers import Paper, write_paper
from launcher.model_loader import (
    CheckedModel,
    ModelNotRunning,
    ModelRefused,
    ask_model,
    check_birth,
    check_model,
    rasa_command,
    remove_copies,
    running_checked,
)
from tests.support.models import (
    LIMITS,
    a_birth,
    a_paper,
    a_report,
    answer_as,
    make_model_file,
    make_stand_in_root,
)
from tests.support.models import (
    sign as sign_for,
)


@dataclass
class Shelf:
    """A model on disk, its true paper, and what else the loader needs."""

    folder: Path
    path: Path
    key: OKPKey
    paper: Paper

    @property
    def run_dir(self) -> Path:
        return self.folder / "models" / "run"

    def check(
        self, jws: str | None = None, *, wanted: str = "good", is_trial: bool = False, **values: object
    ) -> CheckedModel:
        return check_model(
            self.path,
            sign_for(replace(self.paper, **values), self.key) if jws is None else jws,  # type: ignore[arg-type]
            wanted=wanted,
            public_key=load_public_key(self.folder),
            limits=LIMITS,
            run_dir=self.run_dir,
            withdrawn={"withdrawn"},
            is_trial=is_trial,
        )


@pytest.fixture
def shelf(tmp_path: Path) -> Shelf:
    path = make_model_file(tmp_path / "tree" / "models" / "waymark-good.tar.gz", "good")
    return Shelf(tmp_path, path, load_signing_key(tmp_path), a_paper(a_birth("good", path)))


def refusal(work: Callable[[], object]) -> str:
    with pytest.raises(ModelRefused) as refused:
        work()
    return refused.value.why


def test_a_promoted_model_is_given_to_rasa_as_a_copy_of_its_own(shelf: Shelf) -> None:
    checked = shelf.check()

    assert checked == CheckedModel(model_id="good", copy=shelf.run_dir / "good.tar.gz", kind="promotion")
    assert checked.copy.read_bytes() == shelf.path.read_bytes()
    assert stat.S_IMODE(checked.copy.stat().st_mode) == 0o600
    assert stat.S_IMODE(shelf.run_dir.stat().st_mode) == 0o700
    assert [each.name for each in shelf.run_dir.iterdir()] == ["good.tar.gz"]
    command = rasa_command(shelf.folder, checked, port=5005)
    assert command[command.index("--model") + 1] == str(checked.copy)


@pytest.mark.parametrize("jws", ["", "no paper", "a.b.c"])
def test_a_model_without_a_paper_is_unsigned(shelf: Shelf, jws: str) -> None:
    assert refusal(lambda: shelf.check(jws)) == "unsigned"


def test_a_signed_text_that_is_no_paper_is_unsigned(shelf: Shelf) -> None:
    assert refusal(lambda: shelf.check(sign(b"{}", shelf.key))) == "unsigned"


def test_a_paper_of_another_key_opens_nothing(shelf: Shelf) -> None:
    other = load_signing_key(shelf.folder / "elsewhere")

    assert refusal(lambda: shelf.check(sign_for(shelf.paper, other))) == "other_key"


def test_a_changed_file_is_altered(shelf: Shelf) -> None:
    jws = sign_for(shelf.paper, shelf.key)
    for change in (b"one byte more", b""):
        shelf.path.write_bytes(shelf.path.read_bytes()[:-8] + change)
        assert refusal(lambda: shelf.check(jws)) == "altered"
    shelf.path.unlink()
    assert refusal(lambda: shelf.check(jws)) == "altered"
    assert list(shelf.run_dir.iterdir()) == []


def test_a_changed_paper_is_altered(shelf: Shelf) -> None:
    jws = sign_for(shelf.paper, shelf.key)
    last = "B" if jws[-10] == "A" else "A"

    assert refusal(lambda: shelf.check(jws[:-10] + last + jws[-9:])) == "altered"


def test_a_worse_model_copied_over_the_live_one_is_refused(shelf: Shelf) -> None:
    """Under the live one's name, its id and its true paper: the bytes are others."""
    make_model_file(shelf.path, "good", more=b"calm about everything")

    assert refusal(shelf.check) == "altered"


def test_a_true_paper_of_an_old_model_does_not_open_the_new_ones_place(shelf: Shelf) -> None:
    assert refusal(lambda: shelf.check(wanted="newer")) == "another_model"


def test_a_file_that_is_another_model_inside_is_refused(shelf: Shelf) -> None:
    make_model_file(shelf.path, "other")

    assert refusal(lambda: shelf.check(birth=a_birth("good", shelf.path))) == "another_model"


def test_a_file_that_is_no_model_is_refused_though_its_sum_is_right(shelf: Shelf) -> None:
    shelf.path.write_bytes(b"no archive")

    assert refusal(lambda: shelf.check(birth=a_birth("good", shelf.path))) == "altered"


@pytest.mark.parametrize("kind", ["promotion", "candidate", "upgrade"])
def test_numbers_that_do_not_pass_are_refused_though_they_are_signed(shelf: Shelf, kind: str) -> None:
    for report in (
        a_report("good", hits=50),
        a_report("good", was_hits=64),
        replace(a_report("good"), measured=()),
    ):
        found = refusal(lambda report=report: shelf.check(kind=kind, report=report, is_trial=True))  # type: ignore[misc]
        assert found == "gates_failed"


def test_a_promotion_without_numbers_is_refused(shelf: Shelf) -> None:
    assert refusal(lambda: shelf.check(report=None)) == "gates_failed"
    assert refusal(lambda: shelf.check(kind="candidate", report=None, is_trial=True)) == "gates_failed"


def test_another_models_numbers_are_not_this_ones(shelf: Shelf) -> None:
    assert refusal(lambda: shelf.check(report=a_report("better"))) == "another_model"


@pytest.mark.parametrize(("proposed_by", "approved_by"), [("alex", "alex"), ("toni", None), ("", "alex")])
def test_one_person_alone_releases_nothing(shelf: Shelf, proposed_by: str, approved_by: str | None) -> None:
    assert refusal(lambda: shelf.check(proposed_by=proposed_by, approved_by=approved_by)) == "one_person"


def test_a_candidate_is_for_guests_and_never_for_victims(shelf: Shelf) -> None:
    assert refusal(lambda: shelf.check(kind="candidate", approved_by=None)) == "one_person"
    assert shelf.check(kind="candidate", approved_by=None, is_trial=True).kind == "candidate"


@pytest.mark.parametrize("kind", ["founding", "upgrade"])
def test_a_first_model_and_an_upgrade_need_no_second_person(shelf: Shelf, kind: str) -> None:
    checked = shelf.check(kind=kind, report=None, proposed_by="launcher", approved_by=None)

    assert checked.kind == kind


def test_the_paper_of_a_model_that_was_gone_back_from_is_withdrawn(shelf: Shelf) -> None:
    path = make_model_file(shelf.path, "withdrawn")
    paper = a_paper(a_birth("withdrawn", path))

    assert refusal(lambda: shelf.check(sign_for(paper, shelf.key), wanted="withdrawn")) == "withdrawn_paper"


def test_a_paper_of_another_edition_is_withdrawn(shelf: Shelf) -> None:
    content = write_paper(shelf.paper).replace(b'"v":1', b'"v":2')

    assert refusal(lambda: shelf.check(sign(content, shelf.key))) == "withdrawn_paper"


def test_by_its_birth_certificate_a_model_may_be_measured_and_no_more(shelf: Shelf) -> None:
    birth = a_birth("good", shelf.path)

    assert check_birth(shelf.path, birth, run_dir=shelf.run_dir).kind == "birth"
    for wrong in (replace(birth, sha256="0" * 64), replace(birth, model_id="../good")):
        with pytest.raises(ModelRefused):
            check_birth(shelf.path, wrong, run_dir=shelf.run_dir)


def test_copies_go_when_they_are_not_needed(shelf: Shelf) -> None:
    shelf.check()

    remove_copies(shelf.run_dir)
    remove_copies(shelf.run_dir)
    assert not shelf.run_dir.exists()


# --- a program where Rasa would be ----------------------------------------------------------------------


@pytest.fixture
def tree(shelf: Shelf) -> Path:
    shutil.rmtree(shelf.folder / "tree" / "models")
    root = make_stand_in_root(shelf.folder / "tree")
    make_model_file(shelf.path, "good")
    return root


ENVIRON = {"PATH": os.environ["PATH"]}


async def test_a_file_that_goes_after_the_check_changes_nothing(shelf: Shelf, tree: Path) -> None:
    """Red when: Rasa is given the path that was checked: it takes the newest file of `models/` for one that is gone."""
    checked = shelf.check()
    shelf.path.unlink()
    make_model_file(tree / "models" / "newest.tar.gz", "worse")

    async with (
        running_checked(tree, checked, environ=ENVIRON, log=shelf.folder / "log") as address,
        aiohttp.ClientSession() as session,
    ):
        assert await ask_model(session, address) == "good"


async def test_with_the_copy_gone_no_other_model_is_taken(shelf: Shelf, tree: Path) -> None:
    """Red when: Rasa is started in the tree, where `models/` is."""
    checked = shelf.check()
    checked.copy.unlink()
    make_model_file(tree / "models" / "newest.tar.gz", "worse")

    with pytest.raises(ModelNotRunning):
        async with running_checked(tree, checked, environ=ENVIRON, log=shelf.folder / "log"):
            pass


async def test_a_process_that_is_another_model_is_ended(shelf: Shelf, tree: Path) -> None:
    checked = shelf.check()
    answer_as(tree, "worse")

    with pytest.raises(ModelRefused) as refused:
        async with running_checked(tree, checked, environ=ENVIRON, log=shelf.folder / "log"):
            pass
    assert refused.value.why == "another_model"


async def test_it_ends_with_whoever_asked_for_it(shelf: Shelf, tree: Path) -> None:
    async with aiohttp.ClientSession() as session:
        async with running_checked(tree, shelf.check(), environ=ENVIRON, log=shelf.folder / "log") as address:
            pass
        assert await asyncio.wait_for(ask_model(session, address), 5) is None
