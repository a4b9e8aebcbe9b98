"""A real process that takes steps of a shadow and kills itself with SIGKILL where it stores one.

    python -m tests.launcher.dying_shadow ROOT MARK

The models were asked, and the statements of the step up to the message `MARK` ran; nothing is committed.
"""

import asyncio
import os
import sys
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from casework.adapters.service import Service
from casework.adapters.settings import Settings
from casework.bootstrap import build_service
from launcher.shadow import Shadowing
from tests.faults.dying import die_at
from tests.support.clock import SetClock
from tests.support.models import LIMITS

# Of the day of the clock of a test, some hours after the messages came.
LATER = datetime(2026, 11, 21, 18, 0, tzinfo=UTC)


async def take_all(service: Service) -> None:
    shadowing = Shadowing(service, limits=LIMITS)
    while True:
        await shadowing.take()


def main(root: str, mark: str) -> None:
    settings = replace(Settings.from_env(os.environ), training_root=Path(root))
    service = build_service(settings, clock=SetClock(LATER))
    die_at(service.database.engine, ("UPDATE shadow SET", int(mark)), "before")
    asyncio.run(take_all(service))


if __name__ == "__main__":
    main(*sys.argv[1:])
