"""Set-up on a bare machine: what is current is left alone, and what cannot be done says the remedy."""

from pathlib import Path

import pytest

from launcher.environments import (
    Environment,
    SetupFailed,
    bot_environment,
    find_uv,
    prepare,
    service_environment,
)
from tests.support.running import ROOT


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A checkout whose service environment is installed and whose Rasa environment is not."""
    (tmp_path / "bot").mkdir()
    (tmp_path / "requirements.lock").write_text("six==1.17.0\n")
    (tmp_path / "bot" / "requirements.lock").write_text("six==1.17.0\n")
    install(service_environment(tmp_path))
    uv = find_uv(ROOT)
    assert uv is not None
    (tmp_path / ".tools" / "bin").mkdir(parents=True)
    (tmp_path / ".tools" / "bin" / "uv").symlink_to(uv)
    return tmp_path


def install(environment: Environment) -> None:
    environment.executable.parent.mkdir(parents=True)
    environment.executable.touch()
    environment.stamp.write_text(environment.fingerprint())


def test_without_a_python_310_it_says_how_to_get_one(checkout: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WAYMARK_PYTHON310", "/no/such/python3.10")

    with pytest.raises(SetupFailed) as refused:
        prepare(checkout, ["up"])

    for remedy in ("uv python install 3.10", "pyenv install 3.10", "WAYMARK_PYTHON310"):
        assert remedy in str(refused.value)


def test_what_is_current_is_not_installed_again(checkout: Path) -> None:
    install(bot_environment(checkout))
    (checkout / ".tools" / "bin" / "uv").unlink()  # whoever asked for uv now would fail

    assert prepare(checkout, ["up"]) == service_environment(checkout).executable


def test_a_command_that_needs_no_rasa_does_not_wait_for_it(checkout: Path) -> None:
    assert prepare(checkout, ["queue", "--json"]) == service_environment(checkout).executable


def test_a_changed_lock_is_noticed(checkout: Path) -> None:
    environment = service_environment(checkout)
    assert environment.is_current()

    environment.lock.write_text("six==1.16.0\n")

    assert not environment.is_current()


@pytest.mark.parametrize("lock", ["requirements.lock", "bot/requirements.lock"])
def test_every_locked_package_has_a_hash_and_no_registry(lock: str) -> None:
    text = (ROOT / lock).read_text()
    pinned = [line for line in text.splitlines() if "==" in line and not line.startswith((" ", "#"))]

    assert len(pinned) > 50
    assert all(line.endswith("\\") for line in pinned)
    assert "://" not in text
