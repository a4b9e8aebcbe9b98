"""Who gives a command that is somebody's decision, and whether their role makes it."""

import getpass
import sys
from argparse import Namespace

from casework.adapters.service import Service
from casework.model.errors import SignInRefused, WaymarkError
from casework.model.policy import Action, Relation, can_through_any
from casework.services.ports import StaffMember


class NotTheirs(WaymarkError):
    """Their role does not do this."""


def identify(service: Service, given: Namespace) -> StaffMember:
    """Whoever `--by` names; outside a sandbox with their password. Raises SignInRefused."""
    member = service.database.read_now(lambda tx: tx.staff.find(given.by))
    if service.settings.is_sandbox and member is not None:
        return member
    password = sys.stdin.readline().rstrip("\n") if given.password_stdin else getpass.getpass("Password: ")
    is_theirs = service.passwords.matches(password, member.password_hash if member else None)
    if member is None or not is_theirs:
        raise SignInRefused("Wrong name or password.")
    return member


def check_role(member: StaffMember, action: Action) -> None:
    """The role alone: nobody at a command line has a conversation before them. Raises NotTheirs."""
    if not can_through_any(member.role, action, Relation):
        raise NotTheirs(f"{member.login} is {member.role}: that role does not do this.")
