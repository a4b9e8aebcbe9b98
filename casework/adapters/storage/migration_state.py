"""Whether a database has the tables of this version, without what it takes to change them: that is a lot of memory."""

from functools import cache
from pathlib import Path

import sqlalchemy as sa

VERSIONS = Path(__file__).parent / "migrations" / "versions"
_HAVE = sa.text("SELECT version_num FROM alembic_version")


def is_current(connection: sa.Connection) -> bool:
    """True when no migration is missing."""
    if not sa.inspect(connection).has_table("alembic_version"):
        return False
    return connection.execute(_HAVE).scalar() == find_newest()


@cache
def find_newest() -> str:
    """The number of the newest migration, as its file is named."""
    return max(path.name.partition("_")[0] for path in VERSIONS.glob("[0-9]*.py"))
