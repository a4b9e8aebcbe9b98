"""Who is at the desk. A shift is never asked for before danger is taken: a claim begins one by itself."""

from casework.services.desk_ports import DeskPreferences
from casework.services.ports import StaffMember, Transaction


def start_shift(
    tx: Transaction,
    *,
    by: StaffMember,
    sound_heard: bool | None,
    preferences: DeskPreferences,
) -> None:
    """Begins the shift, or says anew how the running one is; the preferences stay for the next.

    `sound_heard`: the answer to "Can you hear it?", None where there is none.
    """
    tx.shifts.hold_staff(by.id)
    tx.shifts.set_preferences(by.id, preferences)
    is_new = tx.shifts.find_running(by.id) is None
    tx.shifts.start(by.id, sound_heard=sound_heard, covers_words=preferences.covers_words)
    if is_new:
        tx.audit.record("shift_started", by=by.id)


def start_quietly(tx: Transaction, *, by: StaffMember) -> None:
    """For somebody who takes a conversation without having begun: the record says from when they were there."""
    if tx.shifts.find_running(by.id) is not None:
        return
    preferences = tx.shifts.get_preferences(by.id)
    if tx.shifts.start_quietly(by.id, covers_words=preferences.covers_words):
        tx.audit.record("shift_started", by=by.id, thing="by_claim")


def end_shift(tx: Transaction, *, by: StaffMember) -> bool:
    """False where none ran. What they still have stays theirs: passing it on is an act of its own."""
    if not tx.shifts.end(by.id):
        return False
    tx.audit.record("shift_ended", by=by.id)
    return True
