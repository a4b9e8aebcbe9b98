"""One trained model and one Rasa process for all tests here; WAYMARK_TEST_MODEL names a trained model."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from launcher.training import find_current_model, train
from tests.actions.fake_reads import FakeReads
from tests.bot.rasa_process import ActionsBeside, Rasa, running_rasa
from tests.support.running import ROOT


@pytest.fixture(scope="session")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The model of the present files, trained once if it is not there: training takes minutes."""
    if given := os.environ.get("WAYMARK_TEST_MODEL"):
        return Path(given)
    current = find_current_model(ROOT)
    return (current or train(ROOT, log_path=tmp_path_factory.mktemp("model") / "train.log")).path


@pytest.fixture(scope="session")
def actions_beside() -> Iterator[ActionsBeside]:
    beside = ActionsBeside(FakeReads())
    beside.run_thread()
    yield beside
    beside.close()


@pytest.fixture(scope="session")
def rasa(
    model: Path, actions_beside: ActionsBeside, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Rasa]:
    log = tmp_path_factory.mktemp("rasa") / "rasa.log"
    with running_rasa(model, actions_beside.port, log) as running:
        yield running


@pytest.fixture
def reads(actions_beside: ActionsBeside) -> Iterator[FakeReads]:
    """The reads behind the running actions, emptied for each test, and after it for those that do not ask for them."""
    actions_beside.reads.__init__()  # type: ignore[misc]
    yield actions_beside.reads
    actions_beside.reads.__init__()  # type: ignore[misc]
