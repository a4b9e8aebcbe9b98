"""Whether a database has the tables of this version, without what it takes to change them: that is a lot of memory."""

from functools import cache
from pathlib import Path

import sqlalchemy as sa

VERSIONS = Path(__file__).parent / "migrations" / "versions"
_HAVE = sa.text("SELECT version_num FROM alembic_version")


def is_current(connection: sa.Connection) -> bool:
    """True when no migration is missing. One that this version does not know yet takes nothing away that it reads.

    So the old version goes on while the new one comes (docs/deployment.md).
    """
    found = find_version(connection)
    return found is not None and found >= find_newest()


def find_version(connection: sa.Connection) -> str | None:
    """The number of the last migration it had; None when it had none."""
    if not sa.inspect(connection).has_table("alembic_version"):
        return None
    found: str | None = connection.execute(_HAVE).scalar()
    return found


@cache
def find_newest() -> str:
    """The number of the newest migration, as its file is named."""
    return max(path.name.partition("_")[0] for path in VERSIONS.glob("[0-9]*.py"))
