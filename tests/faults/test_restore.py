"""A backup taken under traffic, the database lost, the backup put back: real processes, as `./waymark db rehearse`.

Both databases at once, PostgreSQL by pg_dump and pg_restore of its own version. Over a minute: the sweep leaves what
is younger than half a minute to the webhook.
"""

import asyncio
from pathlib import Path

import pytest

from launcher.rehearse import measure_restore
from tests.support.databases import run_postgresql_server

pytestmark = pytest.mark.journey


@pytest.mark.timeout(600)
async def test_a_restored_backup_loses_nothing_repeats_nothing_and_brings_nothing_erased_back(
    tmp_path: Path,
) -> None:
    """Red when `deliver._lease_next` does not ask `restored.doubt`: 24 of 27 answers the backup knew nothing of left
    again. Red when, on PostgreSQL, `note_restored` leaves the shredded keys.
    """
    embedded, other = tmp_path / "sqlite", tmp_path / "postgresql"
    for folder in (embedded, other):
        folder.mkdir()
    with run_postgresql_server() as server:
        found = await asyncio.gather(
            measure_restore(embedded),
            measure_restore(other, database_url=server.get_uri(), tools=server.bin_path),
        )

    for figures in found:
        assert figures.unknown_answers > 0, figures
        assert (figures.lost, figures.duplicate_rows) == (0, 0), figures
        assert (figures.duplicate_replies, figures.unanswered) == (0, 0), figures
        assert (figures.keys_come_back, figures.audit_faults) == (0, 0), figures
