"""What is wanted is loaded, what is not is ended, and what was refused answers nobody.

Over a program that stands where Rasa would, with a database and papers as they really are.
"""

from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from casework.adapters.model_signing import load_signing_key
from casework.adapters.storage.database import Database
from casework.adapters.storage.model_tables import guest_link
from casework.services import model_releases
from launcher.model_files import run_dir
from launcher.model_keeper import Keeping, ModelKeeper, Slot, find_file
from launcher.model_loader import ask_model
from launcher.processes import Supervisor, find_free_port
from tests.support.clock import SetClock
from tests.support.models import (
    LIMITS,
    a_birth,
    a_paper,
    a_report,
    add_comparison,
    answer_as,
    make_model_file,
    make_stand_in_root,
    sign,
)
from tests.support.running import eventually


@dataclass
class Kept:
    root: Path
    data_dir: Path
    database: Database
    clock: SetClock
    supervisor: Supervisor
    keeping: Keeping
    said: list[str]
    keeper: ModelKeeper

    def paper(self, model_id: str, **values: Any) -> str:
        path = self.root / "models" / f"{model_id}.tar.gz"
        return sign(a_paper(a_birth(model_id, path), **values), load_signing_key(self.data_dir))

    def train(self, model_id: str) -> Any:
        return a_birth(model_id, make_model_file(self.root / "models" / f"{model_id}.tar.gz", model_id))

    def found(self, model_id: str) -> None:
        birth = self.train(model_id)
        paper = self.paper(model_id, kind="founding", report=None, approved_by=None)
        assert self.database.write_now(
            lambda tx: model_releases.found(tx, birth, file=f"{model_id}.tar.gz", paper=paper)
        )

    def make_candidate(self, model_id: str) -> None:
        birth = self.train(model_id)
        paper = self.paper(model_id, kind="candidate", approved_by=None)

        def record(tx: Any) -> None:
            model_releases.record_trained(tx, birth, file=f"{model_id}.tar.gz", by="toni")
            report = a_report(model_id, against=tx.model_releases.find_live())
            model_releases.record_report(tx, report, limits=LIMITS, paper=paper, by="toni")
            add_comparison(tx, model_id)

        self.database.write_now(record)

    def promote(self, model_id: str) -> None:
        self.make_candidate(model_id)

        def release(tx: Any) -> None:
            number = model_releases.propose(tx, model_id, by="toni", limits=LIMITS)
            paper = model_releases.make_release_paper(tx, number, by="alex")
            signed = sign(paper, load_signing_key(self.data_dir))
            model_releases.approve(tx, number, by="alex", paper=signed, limits=LIMITS)

        self.database.write_now(release)

    def roll_back(self) -> None:
        self.database.write_now(lambda tx: model_releases.roll_back(tx, by="sam", reason="it misses danger"))

    def invite_guests(self, model_id: str) -> None:
        row = {
            "token_hash": f"hash of {model_id}",
            "number": 1,
            "model_id": model_id,
            "group_name": "testers",
            "issued_by": "toni",
            "issued_at": self.clock.now(),
            "expires_at": self.clock.now().replace(year=2030),
        }
        self.database.write_now(lambda tx: tx.connection.execute(guest_link.insert().values(row)))

    def alarms(self) -> dict[str, str]:
        return {each.kind: each.detail for each in self.database.read_now(lambda tx: tx.alarms.list_open())}

    async def served(self) -> dict[str, str]:
        async with aiohttp.ClientSession() as session:
            found = {slot.name: await ask_model(session, slot.address) for slot in self.keeping.slots}
        return {name: model_id for name, model_id in found.items() if model_id is not None}

    async def until_served(self, **wanted: str) -> None:
        """Looks until exactly these are served: program (`rasa_2` for `rasa-2`) -> model."""
        named = {name.replace("_", "-"): model_id for name, model_id in wanted.items()}

        async def look() -> bool:
            await self.keeper.look()
            return await self.served() == named

        await eventually(look, within_seconds=20, what=f"{named} being served")
        await self.keeper.look()


@pytest.fixture
async def kept(tmp_path: Path, database: Database, clock: SetClock) -> AsyncIterator[Kept]:
    root, data_dir = make_stand_in_root(tmp_path / "tree"), tmp_path / "var"
    slots = [Slot(name, find_free_port()) for name in ("rasa", "rasa-2", "rasa-3")]
    supervisor = Supervisor(root=root, data_dir=data_dir, addresses={})
    said: list[str] = []
    keeping = Keeping(
        root=root,
        data_dir=data_dir,
        model_dirs=[root / "models"],
        slots=slots,
        environ={},
        limits=LIMITS,
        say=said.append,
    )
    keeper = ModelKeeper(keeping, supervisor, database)
    yield Kept(root, data_dir, database, clock, supervisor, keeping, said, keeper)
    await supervisor.stop()


async def test_nothing_released_starts_nothing(kept: Kept) -> None:
    await kept.keeper.look()

    assert kept.keeper.held == {}


async def test_a_promoted_model_comes_beside_the_one_before_it_which_goes_after_three_days(
    kept: Kept,
) -> None:
    kept.found("a")
    await kept.until_served(rasa="a")
    kept.promote("b")
    await kept.until_served(rasa="a", rasa_2="b")
    kept.clock.advance(days=3)
    await kept.until_served(rasa_2="b")
    assert kept.alarms() == {}
    copy, work = sorted(each.name for each in run_dir(kept.data_dir).iterdir())
    assert (copy, work.startswith("b.tar.gz."), work.endswith(".work")) == ("b.tar.gz", True, True)


async def test_after_a_rollback_the_bad_model_is_ended_at_the_next_look(kept: Kept) -> None:
    """Red when: a model stays in its place until the one gone back to is ready."""
    kept.found("a")
    kept.promote("b")
    await kept.until_served(rasa="b", rasa_2="a")
    kept.roll_back()
    await kept.keeper.look()

    assert await kept.served() == {"rasa-2": "a"}


async def test_a_candidate_is_loaded_for_guests_beside_the_live_one(kept: Kept) -> None:
    kept.found("a")
    kept.make_candidate("c")
    kept.invite_guests("c")
    await kept.until_served(rasa="a", rasa_2="c")


async def test_a_worse_model_copied_over_the_live_one_is_refused_and_the_one_before_answers(
    kept: Kept,
) -> None:
    """Red when: the loader is not asked, or a live model that is refused leaves nobody to answer."""
    kept.found("a")
    kept.promote("b")
    kept.clock.advance(days=4)
    make_model_file(kept.root / "models" / "b.tar.gz", "b", more=b"calm about everything")
    await kept.until_served(rasa="a")

    assert kept.alarms() == {"model_refused": "b altered"}
    assert any("b.tar.gz" in line and "changed" in line for line in kept.said)
    assert len(kept.said) == 1


async def test_until_the_live_model_answers_the_one_before_it_is_not_ended(kept: Kept) -> None:
    """Red when: what is no longer wanted is ended before what is wanted in its place can answer."""
    kept.found("a")
    await kept.until_served(rasa="a")
    kept.promote("b")
    kept.clock.advance(days=4)
    (kept.root / "models" / "b.tar.gz").unlink()
    await kept.keeper.look()

    assert await kept.served() == {"rasa": "a"}


async def test_where_no_model_checks_no_rasa_starts(kept: Kept) -> None:
    kept.found("a")
    (kept.root / "models" / "a.tar.gz").unlink()
    make_model_file(kept.root / "models" / "newest.tar.gz", "worse")
    await kept.keeper.look()

    assert kept.keeper.held == {}
    assert kept.alarms() == {"model_refused": "a altered"}


async def test_a_file_that_is_put_back_is_loaded_and_the_alarm_ends(kept: Kept) -> None:
    kept.keeper = ModelKeeper(replace(kept.keeping, again_seconds=0.0), kept.supervisor, kept.database)
    kept.found("a")
    file = kept.root / "models" / "a.tar.gz"
    content = file.read_bytes()
    file.unlink()
    await kept.keeper.look()
    file.write_bytes(content)
    await kept.until_served(rasa="a")

    assert kept.alarms() == {}


async def test_a_process_that_says_it_is_another_model_is_ended(kept: Kept) -> None:
    """Red when: whoever was started is believed without being asked."""
    kept.found("a")
    answer_as(kept.root, "worse")

    async def refused() -> bool:
        await kept.keeper.look()
        return "model_refused" in kept.alarms()

    await eventually(refused, what="the other model being refused")
    assert kept.keeper.held == {}
    assert kept.alarms() == {"model_refused": "a another_model"}


async def test_a_model_that_falls_with_its_copy_gone_is_checked_anew(kept: Kept) -> None:
    kept.found("a")
    await kept.until_served(rasa="a")
    (run_dir(kept.data_dir) / "a.tar.gz").unlink()
    await kept.keeper.look()
    assert await kept.served() == {"rasa": "a"}

    await kept.supervisor.stop_one("rasa")
    await kept.until_served(rasa="a")


async def test_stopping_one_leaves_the_others_and_its_name_may_start_again(kept: Kept) -> None:
    kept.found("a")
    kept.promote("b")
    await kept.until_served(rasa="b", rasa_2="a")
    await kept.supervisor.stop_one("rasa-2")
    await kept.supervisor.stop_one("rasa-2")
    assert await kept.served() == {"rasa": "b"}


def test_the_name_in_the_database_opens_nothing_outside_the_folders(tmp_path: Path) -> None:
    (tmp_path / "secret.tar.gz").touch()
    folder = tmp_path / "models"

    assert find_file([folder], "../secret.tar.gz") == folder / "secret.tar.gz"
