"""This machine: packages, model, limits, and what is running."""

import json
import resource
import urllib.error
import urllib.request
from collections.abc import Iterator
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from launcher import training
from launcher.doctor.findings import LOOK_SECONDS, Examined, Finding
from launcher.environments import bot_environment, service_environment
from launcher.fence.command import find_containment, find_what_holds
from launcher.fence.rules import OFF, REQUIRED
from launcher.supply_audit import audit, say_certain, say_of_today

# Each reader of the desk or the chat holds a connection open, and each connection is a file.
FEWEST_OPEN_FILES = 4096
MOST_RESTARTS = 5
ZONE = "Europe/London"
# What a Rasa that was broken into could still do where that does not hold.
WITHOUT = {
    "network": "it could call whatever listens at the actions' port number on any address",
    "privileges": "it keeps the rights this user has, and nothing else holds either",
    "files": "it could read the database and the keys",
    "calls": "it could send datagrams, start programs and signal other processes",
}


def check_settings(examined: Examined) -> Iterator[Finding]:
    provider = "the built-in sandbox" if examined.settings.is_sandbox else "Twilio"
    yield Finding("settings", True, f"complete; messages go through {provider}")


def check_environments(examined: Examined) -> Iterator[Finding]:
    for environment in (service_environment(examined.root), bot_environment(examined.root)):
        well = environment.is_current()
        detail = "installed as locked" if well else "not as locked; ./waymark up installs it"
        yield Finding(f"packages of {environment.what}", well, detail)


def check_open_files(examined: Examined, *, fewest: int = FEWEST_OPEN_FILES) -> Iterator[Finding]:
    """The limit of this shell; a unit or a container has its own (LimitNOFILE, --ulimit)."""
    limit, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    well = limit >= fewest or limit == resource.RLIM_INFINITY or not examined.is_real
    remedy = "" if well else f"; with more readers than that pages stay empty: allow {fewest} (ulimit -n)"
    yield Finding("open files", well, f"{limit} a process{remedy}")


def check_time_zones(_examined: Examined) -> Iterator[Finding]:
    try:
        ZoneInfo.no_cache(ZONE)
    except ZoneInfoNotFoundError:
        yield Finding(
            "time zones",
            False,
            f"nothing is known of {ZONE}: every hour people are told would be wrong. "
            "Install the package tzdata, or run ./waymark up",
        )
        return
    yield Finding("time zones", True, f"{ZONE} is known")


def check_model(examined: Examined) -> Iterator[Finding]:
    model = training.find_current_model(examined.root)
    detail = (
        model.path.name
        if model
        else "none was trained from the present data and code; run ./waymark train, or ./waymark up"
    )
    yield Finding("assistant's model", model is not None, detail)


def check_supply(examined: Examined) -> Iterator[Finding]:
    """What is known against the packages, with today's date: strict, unlike `./waymark test`."""
    found = audit(examined.root)
    wrong = [*say_certain(found), *say_of_today(found, examined.now().date())]
    detail = (
        f"{wrong[0].splitlines()[0]} (./waymark supply has all {len(wrong)})"
        if wrong
        else "nothing undecided"
    )
    yield Finding("known flaws of packages", not wrong, detail)


def check_containment(examined: Examined) -> Iterator[Finding]:
    """What keeps Rasa from everything else, tried on this machine with a program that does nothing."""
    wanted = find_containment()
    if wanted == OFF:
        yield Finding(
            "containment of Rasa", False, "WAYMARK_CONTAINMENT is off: whoever gets into Rasa has everything"
        )
        return
    if examined.is_real and examined.plan.rasa_ports and wanted != REQUIRED:
        yield Finding(
            "containment of Rasa",
            False,
            "where real people write set WAYMARK_CONTAINMENT=required: Rasa then never starts with less than all of it",
        )
    for name, holds in find_what_holds().items():
        detail = "holds" if holds else f"does not hold here: {WITHOUT[name]}; see docs/containment.md"
        yield Finding(f"containment of Rasa: {name}", holds, detail)


def check_audit_anchors(examined: Examined) -> Iterator[Finding]:
    """Whether the signed heads of the audit go where whoever can change the database cannot change them."""
    settings = examined.settings
    outside = [each.name for each in settings.audit_anchors if each.is_outside(settings.data_dir)]
    detail = (
        f"handed to {', '.join(outside)}"
        if outside
        else "only in the data folder, which is not outside: set WAYMARK_AUDIT_ANCHORS (docs/audit.md)"
    )
    yield Finding("signed heads of the audit", bool(outside) or settings.is_sandbox, detail)


def check_running(examined: Examined) -> Iterator[Finding]:
    running = examined.run_file
    if running is None:
        yield Finding("processes", True, "not started by ./waymark up on this data folder")
        return
    if not examined.is_running:
        yield Finding(
            "processes", False, "the launcher was killed and left run.json behind; start it: ./waymark up"
        )
        return
    logs = examined.data_dir / "logs"
    parts = _ask_ready(running["addresses"]["public"])
    for name in ("database", "worker", "assistant"):
        answers = parts.get(name) is True
        yield Finding(
            f"running {name}", answers, "answers" if answers else f"does not answer; look in {logs}"
        )
    if parts.get("assistant_answers") is False:
        yield Finding(
            "running assistant: answers",
            False,
            "it runs, and did not answer the known texts as it should: docs/runbook/assistant-wrong.md",
        )
    for name, count in running["restarts"].items():
        yield Finding(
            f"{name} restarts", count < MOST_RESTARTS, f"{count} since start; see {logs / name}.log"
        )


def _ask_ready(address: str) -> dict[str, bool | None]:
    """Empty where nobody answers."""
    try:
        with urllib.request.urlopen(f"{address}/health/ready", timeout=LOOK_SECONDS) as response:
            parts: dict[str, bool | None] = json.load(response)
    except urllib.error.HTTPError as refusal:
        parts = json.load(refusal)
    except OSError:
        return {}
    return parts
