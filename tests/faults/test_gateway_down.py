"""The whole service gone while people write, and back: real processes, the provider trying once and never again.

The full ten minutes are `./waymark bench outage`; here the same thing takes seconds.
"""

from pathlib import Path

import pytest

from launcher.bench_outage import measure_outage

pytestmark = pytest.mark.journey

OUTAGE_SECONDS = 20.0
TEXTS_A_SECOND = 5.0
LONGEST_RECOVERY_SECONDS = 240.0


@pytest.mark.timeout(1500)
async def test_gateway_down_10min_then_sweep_recovers_all(tmp_path: Path) -> None:
    """Everything is killed; half of what is written then reaches the spool, half only the provider's list.

    Red when the worker runs no sweep (as many lost as were written with the spool down), when it runs no drain and
    no sweep, and when the inbox takes the same id twice.
    """
    found = await measure_outage(
        tmp_path,
        outage_seconds=OUTAGE_SECONDS,
        rate=TEXTS_A_SECOND,
        longest_recovery_seconds=LONGEST_RECOVERY_SECONDS,
    )

    assert found.during >= 0.8 * OUTAGE_SECONDS * TEXTS_A_SECOND
    assert (found.lost, found.duplicate_rows, found.duplicate_replies, found.unanswered) == (0, 0, 0, 0)
    assert min(found.taken_by[way] for way in ("webhook", "spool", "sweep")) > 0
    assert found.held == found.listed >= found.sent
