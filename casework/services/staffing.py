"""Who is of the staff: added, given a role, ended. Whoever changes roles never changes their own."""

from casework.model.errors import WaymarkError
from casework.model.policy import READERS, Role
from casework.services.ports import StaffMember
from casework.services.staff_ports import StaffTransaction

LONGEST_LOGIN = 64
LONGEST_NAME = 96
LONGEST_COLLAR = 32
# What stands where a password would: it matches none.
NO_PASSWORD = "!"


class RoleUnknown(WaymarkError):
    """No such role."""


class RolesClash(WaymarkError):
    """Nobody reads conversations and trains on them: the same collar number has an account of the other kind."""


class OwnRole(WaymarkError):
    """Nobody changes their own role or ends their own account."""


class MemberInvalid(WaymarkError):
    """A name or login that cannot be: empty, too long, or with signs nobody can see."""


class RoleOfTheForce(WaymarkError):
    """Their role comes from the force's identity provider: it is changed there."""


def add_member(
    tx: StaffTransaction,
    *,
    login: str,
    display_name: str,
    role: str,
    password_hash: str,
    collar_number: str | None,
    by: str,
    issuer: str | None = None,
    subject: str | None = None,
) -> str:
    """The new member's id. Raises LoginTaken, MemberInvalid, RoleUnknown, RolesClash."""
    login, display_name, collar = login.strip(), display_name.strip(), clean_collar(collar_number)
    if not _is_plain(login, LONGEST_LOGIN) or not _is_plain(display_name, LONGEST_NAME):
        raise MemberInvalid("A member needs a login and a name, without line breaks or hidden signs.")
    check_role(tx, role, collar_number=collar, but=None)
    staff_id = tx.staff.add(
        login=login,
        display_name=display_name,
        role=role,
        password_hash=password_hash,
        collar_number=collar,
        issuer=issuer,
        subject=subject,
    )
    tx.audit.record("staff_added", by=by, thing=f"{staff_id}:{role}")
    return staff_id


def change_role(tx: StaffTransaction, staff_id: str, role: str, *, by: str) -> None:
    """Their sessions end at once: whatever they had open was opened under the old role."""
    if staff_id == by:
        raise OwnRole(staff_id)
    member = tx.staff.get(staff_id)
    if member.issuer is not None and by != "identity_provider":
        raise RoleOfTheForce(staff_id)
    if member.role == role:
        return
    check_role(tx, role, collar_number=member.collar_number, but=member)
    tx.staff.change(staff_id, role=role)
    tx.staff.end_sessions(staff_id)
    tx.audit.record("staff_role_changed", by=by, thing=f"{staff_id}:{member.role}:{role}")


def end_member(tx: StaffTransaction, staff_id: str, *, by: str) -> None:
    """No longer of the staff, at once and on every browser."""
    if staff_id == by:
        raise OwnRole(staff_id)
    member = tx.staff.get(staff_id)
    tx.staff.end(member.id)
    tx.audit.record("staff_ended", by=by, thing=member.id)


def reset_factor(tx: StaffTransaction, staff_id: str, *, by: str) -> None:
    """A lost phone: the second factor is set up anew at the next log-in, and every session ends."""
    if staff_id == by:
        raise OwnRole(staff_id)
    member = tx.staff.get(staff_id)
    tx.factors.reset(member.id)
    tx.staff.end_sessions(member.id)
    tx.audit.record("staff_factor_reset", by=by, thing=member.id)


def check_role(
    tx: StaffTransaction, role: str, *, collar_number: str | None, but: StaffMember | None
) -> None:
    """Raises RoleUnknown, and RolesClash where one person would both read and train."""
    if role not in set(Role):
        raise RoleUnknown(f"{role} is no role: {', '.join(Role)}.")
    if not collar_number:
        return
    others = [
        each.role for each in tx.staff.list_of_collar(collar_number) if but is None or each.id != but.id
    ]
    if _clash(role, others):
        raise RolesClash(f"{collar_number} has an account that reads or trains: nobody does both.")


def clean_collar(text: str | None) -> str | None:
    """Upper case without spaces, as case files hold it; None for none. Raises MemberInvalid."""
    collar = "".join((text or "").split()).upper()
    if collar and not (collar.isascii() and collar.isalnum() and len(collar) <= LONGEST_COLLAR):
        raise MemberInvalid("A collar number is letters and figures.")
    return collar or None


def _clash(role: str, others: list[str]) -> bool:
    if role == Role.TRAINER:
        return any(each in READERS for each in others)
    return role in READERS and Role.TRAINER in others


def _is_plain(text: str, longest: int) -> bool:
    return 0 < len(text) <= longest and text.isprintable()
