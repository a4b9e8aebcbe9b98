"""What a check is given and what it gives."""

import json
import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from casework.adapters.backups import NotHere, check_stopped
from casework.adapters.settings import Settings
from casework.adapters.storage.database import create_engine
from casework.adapters.vault.key_services import FileKeys
from launcher.up import Plan, make_plan

# Whatever does not answer in this time is away.
LOOK_SECONDS = 5.0
USUAL_PORT, USUAL_CONSOLE_PORT = 8080, 8081


@dataclass(frozen=True)
class Finding:
    """`what`: the fixed words of docs/doctor.md. `detail`: what was seen, and where it is wrong the remedy."""

    what: str
    is_well: bool
    detail: str


def _now() -> datetime:
    return datetime.now(UTC)


@dataclass(frozen=True, kw_only=True)
class Examined:
    """The machine as this shell's settings describe it. `now`: aware."""

    root: Path
    data_dir: Path
    now: Callable[[], datetime] = _now

    @cached_property
    def plan(self) -> Plan:
        """Raises SettingsInvalid for a port that is none."""
        ports = [
            int(os.environ.get(name, "").strip() or usual)
            for name, usual in (
                ("WAYMARK_PORT", USUAL_PORT),
                ("WAYMARK_CONSOLE_PORT", USUAL_CONSOLE_PORT),
            )
        ]
        return make_plan(self.root, data_dir=self.data_dir, port=ports[0], console_port=ports[1])

    @cached_property
    def settings(self) -> Settings:
        """Raises SettingsInvalid."""
        return Settings.from_env(self.plan.environ)

    @property
    def is_real(self) -> bool:
        """Whether real people may write: everything is looked at harder then."""
        return self.plan.sandbox_port is None

    @property
    def is_running(self) -> bool:
        """Whether `./waymark up` runs on this data folder."""
        try:
            check_stopped(self.data_dir)
        except NotHere:
            return True
        return False

    @cached_property
    def run_file(self) -> Mapping[str, Any] | None:
        """What `./waymark up` wrote of what it started; None where it wrote nothing."""
        path = self.data_dir / "run.json"
        if not path.exists():
            return None
        found: Mapping[str, Any] = json.loads(path.read_text())
        return found

    @property
    def database_file(self) -> Path | None:
        """None on PostgreSQL."""
        url = sa.make_url(self.settings.database_url)
        return Path(url.database or "") if url.get_backend_name() == "sqlite" else None

    @contextmanager
    def engine(self) -> Iterator[sa.Engine]:
        made = create_engine(self.settings.database_url, FileKeys(self.settings.keys_file))
        try:
            yield made
        finally:
            made.dispose()

    @contextmanager
    def connect(self) -> Iterator[sa.Connection]:
        """For reading: on SQLite nothing is locked."""
        with self.engine() as engine, engine.connect().execution_options(waymark_read=True) as connection:
            yield connection

    @property
    def has_database(self) -> bool:
        """False for a SQLite file nobody has made: to look into it would make it."""
        return self.database_file is None or self.database_file.exists()


Check = Callable[[Examined], Iterator[Finding]]
