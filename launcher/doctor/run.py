"""All checks, one after the other, and what is said of them."""

import json
from collections.abc import Sequence
from http.client import HTTPException
from pathlib import Path

import sqlalchemy as sa

from casework.adapters.vault.key_files import KeysWrong
from casework.model.errors import SettingsInvalid, WaymarkError
from launcher.doctor import addresses, assistants, calendars, databases, files, here, outside, secrets
from launcher.doctor.findings import Check, Examined, Finding

# Settings first: without them most others have nothing to look at.
CHECKS: tuple[Check, ...] = (
    here.check_settings,
    here.check_environments,
    here.check_open_files,
    here.check_time_zones,
    here.check_model,
    here.check_supply,
    here.check_containment,
    here.check_audit_anchors,
    secrets.check_tokens,
    secrets.check_sandbox,
    secrets.check_reuse,
    secrets.check_key_file,
    files.check_data_folder,
    files.check_spool_folder,
    files.check_disk,
    files.check_file_system,
    files.check_backups,
    databases.check_migrations,
    databases.check_durability,
    databases.check_encoding,
    databases.check_connections,
    databases.check_rights,
    databases.check_clock,
    databases.check_alarms,
    addresses.check_public_address,
    addresses.check_spool_address,
    addresses.check_desk_address,
    addresses.check_private_address,
    addresses.check_ports,
    calendars.check_review_dates,
    calendars.check_bank_holidays,
    calendars.check_staffed_hours,
    assistants.check_addresses,
    assistants.check_answers,
    assistants.check_models,
    outside.check_provider,
    outside.check_provider_clock,
    outside.check_mail,
    outside.check_identities,
    here.check_running,
)


def run_doctor(root: Path, data_dir: Path, *, as_json: bool = False, checks: Sequence[Check] = CHECKS) -> int:
    """Prints every finding. 0: all are well; 1: something is to be mended. As JSON: a list of findings."""
    found = examine(Examined(root=root, data_dir=data_dir), checks)
    wrong = sum(not each.is_well for each in found)
    if as_json:
        print(json.dumps([{"what": e.what, "well": e.is_well, "detail": e.detail} for e in found], indent=1))
        return 1 if wrong else 0
    for each in found:
        print(f"{'ok  ' if each.is_well else 'FIX '} {each.what}: {each.detail}")
    print("Everything looks well." if not wrong else f"{wrong} to fix. docs/doctor.md says more of each.")
    return 1 if wrong else 0


def examine(examined: Examined, checks: Sequence[Check]) -> list[Finding]:
    """A check that could not look says so as a finding of its own; a setting that is wrong is told once."""
    found: list[Finding] = []
    for check in checks:
        found += [each for each in _run(check, examined) if each not in found]
    return found


def _run(check: Check, examined: Examined) -> list[Finding]:
    name = check.__name__.removeprefix("check_").replace("_", " ")
    try:
        return list(check(examined))
    except KeysWrong as refusal:
        return [Finding("keys", False, str(refusal).splitlines()[0])]
    except SettingsInvalid as refusal:
        return [Finding("settings", False, str(refusal).splitlines()[0])]
    except (WaymarkError, OSError, ValueError, HTTPException, sa.exc.SQLAlchemyError) as error:
        # The first line alone: a driver's second one may hold the whole address with its password.
        said = (str(error).splitlines() or [""])[0]
        return [Finding(f"could not look: {name}", False, said or type(error).__name__)]
