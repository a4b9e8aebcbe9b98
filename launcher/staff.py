"""Local staff accounts from the command line."""

from pathlib import Path

from casework.adapters.service import Service
from casework.adapters.storage.transaction import SqlTransaction
from casework.model.errors import WaymarkError
from casework.model.policy import Role
from casework.model.tokens import make_password as make_password
from casework.services import staffing
from casework.services.ports import StaffMember
from casework.services.staff_ports import ListedMember

SHORTEST_PASSWORD = 12
ROLES = tuple(Role)
BY = "command_line"
SANDBOX_LOGIN = "sam"
# One of each kind of work, so that a fresh clone can be looked at as any of them.
SANDBOX_MEMBERS = (
    (SANDBOX_LOGIN, "Sam Price", Role.INVESTIGATOR),
    ("alex", "Alex Test-Supervisor", Role.SUPERVISOR),
    ("robin", "Robin Test-Triage", Role.TRIAGE),
    ("toni", "Toni Test-Trainer", Role.TRAINER),
    # Two people label what is dangerous, and a third decides between them.
    ("jo", "Jo Test-Trainer", Role.TRAINER),
    ("kit", "Kit Test-Trainer", Role.TRAINER),
    ("ash", "Ash Test-Admin", Role.ADMIN),
    ("lee", "Lee Test-Auditor", Role.AUDITOR),
)


class PasswordTooShort(WaymarkError):
    """Too easy to guess for an account that reads victims' words."""


class NoSuchMember(WaymarkError):
    """No active member has that login."""


def add_member(
    service: Service,
    *,
    login: str,
    display_name: str,
    role: str,
    password: str,
    collar_number: str | None = None,
) -> str:
    """The new member's id. Raises LoginTaken, RolesClash, and PasswordTooShort under twelve characters."""
    if len(password) < SHORTEST_PASSWORD:
        raise PasswordTooShort(f"The password needs at least {SHORTEST_PASSWORD} characters.")
    password_hash = service.passwords.hash(password)
    return service.database.write_now(
        lambda tx: staffing.add_member(
            tx,
            login=login,
            display_name=display_name,
            role=role,
            password_hash=password_hash,
            collar_number=collar_number,
            by=BY,
        )
    )


def end_member(service: Service, login: str) -> None:
    """Ends the account and every session of theirs. Raises NoSuchMember."""
    service.database.write_now(lambda tx: staffing.end_member(tx, _get(tx, login).id, by=BY))


def reset_factor(service: Service, login: str) -> None:
    """Their second factor is set up anew at the next log-in. Raises NoSuchMember."""
    service.database.write_now(lambda tx: staffing.reset_factor(tx, _get(tx, login).id, by=BY))


def list_members(service: Service) -> list[str]:
    """A line a member: login, role, name, collar number, state."""
    members = service.database.read_now(lambda tx: tx.staff.list_members())
    return ["  ".join(_columns(each)) for each in members]


def _columns(member: ListedMember) -> tuple[str, ...]:
    factor = (
        "force account"
        if member.staff.issuer
        else "second factor"
        if member.has_factor
        else "no second factor"
    )
    return (
        f"{member.staff.login:20}",
        f"{member.staff.role:12}",
        f"{member.staff.collar_number or '-':10}",
        f"{factor if member.is_active else 'ended':16}",
        member.staff.display_name,
    )


def _get(tx: SqlTransaction, login: str) -> StaffMember:
    found = tx.staff.find(login)
    if found is None:
        raise NoSuchMember(f"There is no active staff member called {login}. See ./waymark staff list")
    return found


def ensure_sandbox_members(service: Service, data_dir: Path) -> str | None:
    """Somebody of each kind in a sandbox, so that there is someone to sign in as: the password of all of them.

    It is kept beside the synthetic data it protects; a real deployment never comes here.
    """
    kept = data_dir / "keys" / "sandbox-staff-password"
    is_new = service.database.read_now(lambda tx: tx.staff.find(SANDBOX_LOGIN)) is None
    if not is_new and not kept.exists():
        return None
    password = make_password() if is_new else kept.read_text()
    known = {each.staff.login for each in service.database.read_now(lambda tx: tx.staff.list_members())}
    for login, name, role in SANDBOX_MEMBERS:
        if login not in known:
            add_member(service, login=login, display_name=name, role=role, password=password)
    if is_new:
        kept.touch(mode=0o600)
        kept.write_text(password)
    return password
