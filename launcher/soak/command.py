"""`./waymark soak`: asks for a run, shows its table and keeps its report. 0 only where every check found nothing."""

import argparse
import asyncio
import shutil
import signal
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from launcher.soak.disks import keep_mounts_to_ourselves
from launcher.soak.plan import FAULTS_A_MINUTE, Plan
from launcher.soak.report import Outcome, describe_run, render, write_report
from launcher.soak.run import run
from launcher.soak.schedule import PAUSES

RATE, RATE_OF_THE_STAND_IN = 3.0, 8.0
MINUTES = 10.0
MOST_MINUTES = 24 * 60.0
MOST_MESSAGES, MOST_FAULTS = 1_000_000, 10_000
# In a short run no fault takes more than this share of it, so that there is a run around it.
LARGEST_SHARE = 1 / 6


def make_plan(given: argparse.Namespace) -> Plan:
    """What was asked for, and what goes with it where nothing was said; never more than a run can hold."""
    rate = given.rate or (RATE_OF_THE_STAND_IN if given.stand_in else RATE)
    unasked = MINUTES if given.messages is None else MOST_MINUTES
    minutes = min(MOST_MINUTES, given.minutes or unasked)
    messages = min(MOST_MESSAGES, given.messages or round(minutes * 60 * rate))
    faults = given.faults if given.faults is not None else round(FAULTS_A_MINUTE * messages / rate / 60)
    return Plan(
        root=given.root,
        messages=messages,
        seconds=minutes * 60,
        faults=max(1, min(MOST_FAULTS, faults)),
        seed=given.seed,
        rate=rate,
        people=given.people,
        is_stand_in=given.stand_in,
        longest_fault_seconds=min(PAUSES[-1], LARGEST_SHARE * messages / rate),
    )


def run_soak(given: argparse.Namespace) -> int:
    # Before there is a thread: what is mounted in the run is gone with this process, however it ends.
    may_mount = keep_mounts_to_ourselves()
    plan = make_plan(given)
    folder = Path(tempfile.mkdtemp(prefix="waymark-soak-"))
    try:
        outcome = asyncio.run(_run(plan, folder, may_mount))
    finally:
        if given.keep:
            print(f"Kept: {folder}", file=sys.stderr)
        else:
            shutil.rmtree(folder, ignore_errors=True)
    report = given.report or given.data_dir / "soak.json"
    write_report(report, outcome, describe_run(plan.root))
    print("\n".join(render(outcome)))
    print(f"\nThe whole report: {report}")
    return 0 if outcome.is_well else 1


async def _run(plan: Plan, folder: Path, may_mount: bool) -> Outcome:
    enough = asyncio.Event()
    for each in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(each, enough.set)
    return await run(plan, folder, may_mount=may_mount, say=_make_say(), enough=enough)


def _make_say() -> Callable[[str], None]:
    began = time.monotonic()

    def say(line: str) -> None:
        print(f"{time.monotonic() - began:8.1f} s  {line}", file=sys.stderr, flush=True)

    return say
