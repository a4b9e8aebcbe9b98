"""`./waymark assistant` and `./waymark trial`: whether the assistant answers, and whom."""

from argparse import Namespace
from collections.abc import Callable

from casework.adapters.service import Service
from casework.adapters.storage.transaction import SqlTransaction
from casework.model.errors import SignInRefused
from casework.model.messages import Channel
from casework.model.policy import Action
from casework.services import kill_switch, trials
from casework.services.ports import StaffMember
from casework.services.trials import TrialRefused
from launcher.identities import check_role, identify

SWITCHES = ("status", "off", "on")
TRIAL_ACTS = ("list", "on", "off", "add", "remove")
CHANNELS = tuple(channel.value for channel in Channel if channel is not Channel.EMAIL)


def run_assistant(service: Service, given: Namespace) -> int:
    """Switches, or says how it stands: 0 where the assistant answers everywhere, 1 where it is off somewhere."""
    if given.act != "status":
        by = _identify(service, given)
        check_role(by, Action.SWITCH_ASSISTANT)
        channel = Channel(given.channel) if given.channel else None
        if given.act == "off":
            service.database.write_now(
                lambda tx: kill_switch.switch_off(tx, reason=given.reason or "", by=by, channel=channel)
            )
        else:
            service.database.write_now(lambda tx: kill_switch.switch_on(tx, by=by, channel=channel))
    return _say_switch(service, is_asked=given.act == "status")


def _identify(service: Service, given: Namespace) -> StaffMember:
    if given.by is None:
        raise SignInRefused("Say who does it: --by LOGIN")
    return identify(service, given)


def _say_switch(service: Service, *, is_asked: bool) -> int:
    off = service.database.read_now(lambda tx: tx.assistant_switch.list_off())
    for each in off:
        where = each.channel.value if each.channel else "every channel"
        print(f"OFF on {where} since {each.since:%d %b %H:%M} UTC, by {each.by_name}: {each.reason}")
    if not off:
        print("The assistant answers on every channel.")
    return 1 if off and is_asked else 0


def run_trial(service: Service, given: Namespace) -> int:
    """Starts, ends, adds, removes or lists. 1 where what is to be removed is not on the list."""
    if given.act in ("add", "remove") and not given.who:
        raise TrialRefused(f"Say who: ./waymark trial {given.act} NUMBER|PREFIX --by LOGIN")
    by = _identify(service, given)
    check_role(by, Action.MANAGE_TRIAL)
    return _ACTS[given.act](service, by, given.who)


def _list(service: Service, by: StaffMember, _who: str | None) -> int:
    service.database.write_now(lambda tx: tx.audit.record("trial_list_read", by=by.id))
    current, entries = service.database.read_now(
        lambda tx: (tx.trials.find_current(), tx.trials.list_entries())
    )
    print("A trial goes on: the assistant answers these alone." if current else "No trial goes on.")
    for each in entries:
        print(each.number or f"cases {each.reference_prefix}...")
    return 0


def _start(service: Service, by: StaffMember, _who: str | None) -> int:
    service.database.write_now(lambda tx: trials.start(tx, by=by))
    print("A trial goes on. Whoever is not on the list is told so, once a day.")
    return 0


def _end(service: Service, by: StaffMember, _who: str | None) -> int:
    service.database.write_now(lambda tx: trials.end(tx, by=by))
    print("No trial goes on. The assistant answers everybody.")
    return 0


def _add(service: Service, by: StaffMember, who: str | None) -> int:
    is_new = service.database.write_now(lambda tx: trials.add(tx, who or "", by=by))
    print("Added." if is_new else "It is on the list already.")
    return 0


def _remove(service: Service, by: StaffMember, who: str | None) -> int:
    def remove(tx: SqlTransaction) -> bool:
        entry_id = trials.find_entry(tx, who or "")
        return entry_id is not None and trials.remove(tx, entry_id, by=by)

    is_gone = service.database.write_now(remove)
    print("Removed." if is_gone else "It is not on the list.")
    return 0 if is_gone else 1


_ACTS: dict[str, Callable[[Service, StaffMember, str | None], int]] = {
    "list": _list,
    "on": _start,
    "off": _end,
    "add": _add,
    "remove": _remove,
}
