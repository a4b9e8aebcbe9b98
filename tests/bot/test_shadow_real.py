"""A shadow with two real Rasa processes of one training under two names: every turn asked, and not one differs.

What the record of a turn says is set beside the candidate's own answer here, so this is also where it shows that the
record may stand for asking again. Red when: `find_recorded` takes a turn whose words were masked.
"""

import asyncio
import io
import json
import tarfile
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from casework.adapters.model_signing import load_signing_key
from casework.adapters.service import Service
from casework.adapters.settings import Settings
from casework.adapters.storage.model_tables import comparison, replay_answer, shadow
from casework.bootstrap import build_service
from casework.services import model_releases, shadows
from casework.services.ports import AssistantAnswer
from launcher.model_files import read_birth
from launcher.model_loader import check_birth
from launcher.replay import running_model
from launcher.replay_input import a_strangers_turn
from launcher.replay_reads import ReplayReads
from launcher.shadow import Shadowing
from tests.support.clock import SetClock
from tests.support.databases import copy_sqlite, put_keys
from tests.support.line import Line
from tests.support.models import LIMITS, a_birth, a_paper, a_report, sign
from tests.support.running import ROOT

pytestmark = [pytest.mark.rasa, pytest.mark.slow]

NEW = "f" * 32
PLAIN = [
    "what is happening with my case",
    "he is outside my house now with a knife",
    "thank you",
    "who are you",
]
NAMED = ["my name is kezia canary and i want to know whats happening", "its 07700 900123 any news"]


def make_tree(folder: Path, model: Path, model_id: str) -> Path:
    """This tree with two models: the given one, and the same under another id."""
    folder.mkdir()
    for path in ROOT.iterdir():
        if path.name != "models":
            (folder / path.name).symlink_to(path)
    models = folder / "models"
    models.mkdir()
    (models / f"{model_id}.tar.gz").symlink_to(model)
    with (
        tarfile.open(model) as given,
        tarfile.open(models / f"{NEW}.tar.gz", "w:gz", compresslevel=1) as made,
    ):
        for member in given.getmembers():
            content = given.extractfile(member)
            raw = content.read() if content else b""
            if member.name.endswith("metadata.json"):
                raw = json.dumps(json.loads(raw) | {"model_id": NEW}).encode()
                member.size = len(raw)
            made.addfile(member, io.BytesIO(raw) if content else None)
    return folder


def build(root: Path, data_dir: Path, url: str) -> Service:
    put_keys(data_dir)
    settings = Settings.from_env(
        {
            "WAYMARK_DATA_DIR": str(data_dir),
            "WAYMARK_DATABASE_URL": url,
            "WAYMARK_TURN_SECRET": "s" * 40,
            "WAYMARK_RASA_URLS": "http://127.0.0.1:1",
            "TWILIO_ACCOUNT_SID": "AC" + "0" * 32,
            "TWILIO_AUTH_TOKEN": "t" * 32,
            "WAYMARK_SMS_FROM": "+447700900999",
            "WAYMARK_TRAINING_USE": "allowed",
        }
    )
    return build_service(replace(settings, training_root=root), clock=SetClock())


def record_models(service: Service, root: Path, live: str) -> None:
    key = load_signing_key(service.settings.data_dir)
    births = {each: a_birth(each, root / "models" / f"{each}.tar.gz") for each in (live, NEW)}
    founding = a_paper(births[live], kind="founding", report=None, approved_by=None)
    candidate = a_paper(births[NEW], kind="candidate", approved_by=None)

    def write(tx: Any) -> None:
        model_releases.found(tx, births[live], file=f"{live}.tar.gz", paper=sign(founding, key))
        model_releases.record_trained(tx, births[NEW], file=f"{NEW}.tar.gz", by="toni")
        model_releases.record_report(tx, a_report(NEW), limits=LIMITS, paper=sign(candidate, key), by="toni")
        shadows.start(tx, NEW, hours=24, by="toni")

    service.database.write_now(write)


async def ask_live(root: Path, model: Path, folder: Path, texts: Sequence[str]) -> dict[str, AssistantAnswer]:
    """What the live model gives to strangers who write just that."""
    checked = check_birth(model, read_birth(model), run_dir=folder)
    turns = {text: a_strangers_turn(f"turn {number}", text) for number, text in enumerate(texts)}
    async with running_model(root, checked, ReplayReads(turns.values())) as assistant:
        return {
            text: await assistant.ask(
                turn_id=turn.turn_id, conversation=turn.turn_id, text=text, state=None, facts=turn.facts
            )
            for text, turn in turns.items()
        }


@pytest.mark.timeout(400)
async def test_the_same_model_in_its_own_shadow_differs_in_nothing(
    model: Path, tmp_path: Path, sqlite_template: Path
) -> None:
    live = read_birth(model).model_id
    root = await asyncio.to_thread(make_tree, tmp_path / "tree", model, live)
    service = build(root, tmp_path / "var", copy_sqlite(sqlite_template, tmp_path / "waymark.db"))
    record_models(service, root, live)
    line = Line(database=service.database, clock=service.clock)
    line.assistant.answers = await ask_live(root, model, tmp_path / "asked", [*PLAIN, *NAMED])
    for number, text in enumerate(line.assistant.answers):
        line.receive(text, external_id=f"+44770090050{number}")
    await line.answer_all()
    line.clock.advance(seconds=31)
    shadowing = Shadowing(service, limits=LIMITS)
    try:
        while await shadowing.take():
            pass
        loaded = shadowing.models.loaded
    finally:
        await shadowing.let_go()
        service.database.close()

    made = line.row(comparison)
    assert (made.turns, sum(made.counts.values()), line.row(shadow).unanswered) == (6, 0, 0)
    assert loaded == {live, NEW}
    asked = [row.model_id for row in line.rows(replay_answer)]
    assert (asked.count(NEW), asked.count(live)) == (len(PLAIN) + len(NAMED), len(NAMED))
