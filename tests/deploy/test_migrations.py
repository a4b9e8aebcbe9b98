"""Old and new side by side on one database: what a migration may do, and that services live through one.

An upgrade rolls: first the database, then one process after another. For that time the version before reads and writes
tables of the version after (docs/deployment.md).
"""

import asyncio
import tomllib
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import sqlalchemy as sa
from packaging.version import Version

from casework.adapters.storage.migration_state import VERSIONS
from tests.deploy.migration_steps import find_contracts, find_marked
from tests.faults.stage import Stage, run_stage
from tests.support.databases import make_postgresql
from tests.support.running import ROOT

# As they are: written before anything rolled, and run with everything stopped.
BEFORE = {
    "0003": ["SQL: DROP COLUMN"],
    "0004": ["create_index(unique)"],
    "0006": ["create_index(unique)"],
    "0012": ["drop_table"],
    "0014": ["create_index(unique)"],
    "0015": ["alter_column(nullable=False)", "drop_table", "rename_table"],
    "0019": ["alter_column(type_)", "alter_column(type_)"],
}
FILES = sorted(VERSIONS.glob("[0-9]*.py"))


def list_contracts(path: Path) -> list[str]:
    return [each.partition(", line")[0] for each in find_contracts(path)]


def check_marked(path: Path, version: Version) -> str | None:
    """What is wrong with a migration that takes something away; None where nothing is."""
    found, since = find_contracts(path), find_marked(path)
    if not found:
        return None
    if since is None:
        return f"{path.name}: {'; '.join(found)}: and NO_LONGER_READ_SINCE names no release."
    if Version(since) >= version:
        return f"{path.name}: {since} is not before this release ({version}); its services may still run."
    return None


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_a_migration_takes_away_only_what_an_earlier_release_stopped_reading(path: Path) -> None:
    """Red when: one drops, renames, retypes or tightens what the version before still reads, in the same release."""
    number = path.name.partition("_")[0]
    if number in BEFORE:
        assert list_contracts(path) == BEFORE[number]
        return
    version = Version(tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"])
    assert check_marked(path, version) is None


TAKING = [
    ('op.drop_column("inbox", "text")', "drop_column"),
    ('op.drop_table("inbox")', "drop_table"),
    ('op.rename_table("inbox", "inbox_before")', "rename_table"),
    ('op.alter_column("inbox", "text", new_column_name="words")', "alter_column(new_column_name)"),
    ('op.alter_column("inbox", "text", nullable=False)', "alter_column(nullable=False)"),
    ('op.alter_column("inbox", "text", type_=sa.Text())', "alter_column(type_)"),
    ('op.execute("ALTER TABLE inbox DROP COLUMN text")', "SQL: DROP COLUMN"),
    ('op.execute("ALTER TABLE inbox RENAME TO x")', "SQL: RENAME"),
    ('op.execute(sa.text("ALTER TABLE inbox ALTER COLUMN text SET NOT NULL"))', "SQL: SET NOT"),
    ('op.execute(f"ALTER TABLE {1} ALTER COLUMN text TYPE bigint")', "SQL: ALTER COLUMN"),
    ('op.create_unique_constraint("u", "inbox", ["text"])', "create_unique_constraint"),
    ('op.create_index("i", "inbox", ["text"], unique=True)', "create_index(unique)"),
    (
        'op.add_column("inbox", sa.Column("x", sa.Text, nullable=False))',
        "add_column that must be written",
    ),
    ('with op.batch_alter_table("inbox") as b:\n        b.drop_column("text")', "drop_column"),
]
GIVING = [
    'op.add_column("inbox", sa.Column("x", sa.Text, nullable=True))',
    'op.add_column("inbox", sa.Column("x", sa.Text, nullable=False, server_default=""))',
    """op.create_table("new", sa.Column("x", sa.Text, nullable=False))
    op.create_index("i", "new", ["x"], unique=True)""",
    'op.create_index("i", "inbox", ["text"])',
    'op.drop_index("i", "inbox")',
    'op.alter_column("inbox", "text", nullable=True)',
]


def write_migration(folder: Path, step: str, *, marked: str = "") -> Path:
    path = folder / "0099_a_step.py"
    mark = f'NO_LONGER_READ_SINCE = "{marked}"\n' if marked else ""
    path.write_text(
        f"import sqlalchemy as sa\nfrom alembic import op\n{mark}\n\ndef upgrade():\n    _step()\n\n\n"
        f'def _step():\n    {step}\n\n\ndef downgrade():\n    op.drop_table("new")\n'
    )
    return path


@pytest.mark.parametrize(("step", "what"), TAKING, ids=[what for _, what in TAKING])
def test_a_step_that_takes_away_is_noticed_and_has_to_name_the_release(
    tmp_path: Path, step: str, what: str
) -> None:
    assert list_contracts(write_migration(tmp_path, step)) == [what]
    for marked, is_well in (("", False), ("0.3.0", False), ("0.2.0", True)):
        wrong = check_marked(write_migration(tmp_path, step, marked=marked), Version("0.3.0"))
        assert (wrong is None) is is_well, wrong


@pytest.mark.parametrize("step", GIVING)
def test_a_step_that_only_adds_is_none(tmp_path: Path, step: str) -> None:
    """Also what going back takes away again: `downgrade` is not run while an upgrade rolls."""
    assert list_contracts(write_migration(tmp_path, step)) == []


# --- and for real -----------------------------------------------------------------------------------------

PEOPLE = [f"+447700900{number:03}" for number in range(400, 440)]
EXPAND = (
    "ALTER TABLE inbox ADD COLUMN of_the_next_release text",
    "ALTER TABLE turn ADD COLUMN of_the_next_release integer NOT NULL DEFAULT 0",
    "CREATE TABLE of_the_next_release (id integer PRIMARY KEY)",
    "UPDATE alembic_version SET version_num = '9999'",
)


@pytest.fixture
async def stage(tmp_path: Path, postgresql_uri: str) -> AsyncIterator[Stage]:
    async with run_stage(tmp_path, make_postgresql(postgresql_uri, "waymark_rolling")) as made:
        yield made


@pytest.mark.journey
async def test_a_gateway_and_workers_of_this_version_go_on_while_the_next_ones_migration_runs(
    stage: Stage,
) -> None:
    """Red when: readiness or a worker asks for its own version alone, or a write names no columns."""
    stage.start("channels.worker")
    async with stage.gateway():
        for number, person in enumerate(PEOPLE):
            sent = await stage.sandbox.send(person, body=f"hello from {person}")
            assert sent["webhook_status"] == 200
            if number == len(PEOPLE) // 2:
                await asyncio.to_thread(migrate, stage.service.database.engine)
                # One that is started now, as after a crash in the middle of it.
                stage.start("channels.worker")
        await stage.until_quiet()

    assert [await stage.replies(person) for person in PEOPLE] == [[f"re: hello from {p}"] for p in PEOPLE]


def migrate(engine: sa.Engine) -> None:
    with engine.begin() as connection:
        connection.exec_driver_sql("SET LOCAL lock_timeout = '10s'")
        for statement in EXPAND:
            connection.exec_driver_sql(statement)
