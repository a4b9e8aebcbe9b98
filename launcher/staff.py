"""Local staff accounts from the command line."""

import secrets
from pathlib import Path

from casework.adapters.service import Service
from casework.model.errors import WaymarkError
from casework.services.ports import Transaction

SANDBOX_LOGIN = "sam"
SHORTEST_PASSWORD = 12
ROLES = ("triage", "investigator", "supervisor", "trainer", "auditor", "admin")


class PasswordTooShort(WaymarkError):
    """Too easy to guess for an account that reads victims' words."""


def add_member(service: Service, *, login: str, display_name: str, role: str, password: str) -> str:
    """The new member's id. Raises LoginTaken, and PasswordTooShort under twelve characters."""
    if len(password) < SHORTEST_PASSWORD:
        raise PasswordTooShort(f"The password needs at least {SHORTEST_PASSWORD} characters.")
    password_hash = service.passwords.hash(password)

    def add(tx: Transaction) -> str:
        staff_id = tx.staff.add(
            login=login, display_name=display_name, role=role, password_hash=password_hash
        )
        tx.audit.record("staff_added", by="command_line", thing=staff_id)
        return staff_id

    return service.database.write_now(add)


def make_password() -> str:
    """Four groups a person can copy from a screen; about 80 bits."""
    return "-".join(secrets.token_hex(3)[:5] for _ in range(4))


def ensure_sandbox_member(service: Service, data_dir: Path) -> str | None:
    """The first detective of a sandbox, so that there is someone to sign in as.

    The password is kept beside the synthetic data it protects; a real deployment never comes here.
    """
    kept = data_dir / "keys" / "sandbox-staff-password"
    if service.database.read_now(lambda tx: tx.staff.find(SANDBOX_LOGIN)) is None:
        password = make_password()
        add_member(
            service, login=SANDBOX_LOGIN, display_name="Sam Price", role="investigator", password=password
        )
        kept.touch(mode=0o600)
        kept.write_text(password)
    return kept.read_text() if kept.exists() else None
