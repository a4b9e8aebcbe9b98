"""A trial: the assistant answers those on a list. Whoever else writes is told so, and where to turn to.

Nothing is dropped: every message is stored, screened, and read by the assistant for danger. RED has its desk item and
its safety line, AMBER its CHECK item, whoever writes.
"""

import re
from datetime import timedelta

from casework.model.errors import WaymarkError
from casework.model.messages import PHONES, Channel
from casework.services import outgoing
from casework.services.gb_mobiles import is_gb_mobile
from casework.services.ports import Conversation, StaffMember, Transaction
from casework.services.service_texts import ServiceTexts

OUTCOME = "not_in_trial"
"""What becomes of a turn whose words were read for danger alone."""
TEXT, TEXT_ON_PAGES = "trial_only", "trial_page"
TOLD_AGAIN_AFTER = timedelta(days=1)
_PREFIX = re.compile(r"(?=.*[0-9])[0-9A-Z][0-9A-Z/-]{1,31}")


class TrialRefused(WaymarkError):
    """Nothing was changed; the message says why."""


def start(tx: Transaction, *, by: StaffMember) -> bool:
    """False where one goes on."""
    made = tx.trials.start(by=by.id)
    if made is not None:
        tx.audit.record("trial_started", by=by.id, thing=made)
    return made is not None


def end(tx: Transaction, *, by: StaffMember) -> bool:
    """Everybody is answered from now on. False where none went on."""
    is_ended = tx.trials.end(by=by.id)
    if is_ended:
        tx.audit.record("trial_ended", by=by.id)
    return is_ended


def add(tx: Transaction, written: str, *, by: StaffMember) -> bool:
    """A mobile number, or the beginning of crime references such as 4326. False where it is on the list.

    Raises TrialRefused for anything else.
    """
    number, prefix = _read(written)
    made = tx.trials.add_number(number, by=by.id) if number else tx.trials.add_prefix(prefix, by=by.id)
    if made is not None:
        tx.audit.record("trial_entry_added", by=by.id, thing=made)
    return made is not None


def remove(tx: Transaction, entry_id: str, *, by: StaffMember) -> bool:
    """False where it is not on the list."""
    is_gone = tx.trials.remove(entry_id)
    if is_gone:
        tx.audit.record("trial_entry_removed", by=by.id, thing=entry_id)
    return is_gone


def find_entry(tx: Transaction, written: str) -> str | None:
    """The id of the entry that says this."""
    number, prefix = _read(written)
    if number:
        return tx.trials.find_number(number)
    return next((each.id for each in tx.trials.list_entries() if each.reference_prefix == prefix), None)


def is_left_out(tx: Transaction, conversation: Conversation) -> bool:
    """Whether a trial goes on in which whoever writes there takes no part."""
    return tx.trials.find_current() is not None and not takes_part(tx, conversation)


def takes_part(tx: Transaction, conversation: Conversation) -> bool:
    """By their number; by a case that names it as contact; or by a case they were let into there."""
    if conversation.channel in PHONES and tx.trials.find_number(conversation.external_id) is not None:
        return True
    prefixes = tuple(tx.trials.list_prefixes())
    if not prefixes:
        return False
    reaches = tx.people.list_reaches(conversation.channel, conversation.external_id, conversation.id)
    return any(each.crime_reference.startswith(prefixes) for each in reaches)


def tell_left_out(tx: Transaction, conversation: Conversation, *, turn_id: str, texts: ServiceTexts) -> None:
    """Once a day: that this is a trial, and whom to turn to."""
    since = tx.now - TOLD_AGAIN_AFTER
    if conversation.owner_id is not None or tx.outbox.was_written(conversation.id, TEXT, since=since):
        return
    outgoing.reply_as_service(
        tx,
        conversation,
        texts.render(TEXT, conversation.channel),
        template=TEXT,
        dedupe_key=f"trial:{turn_id}",
        turn_id=turn_id,
    )


def find_page_line(tx: Transaction, texts: ServiceTexts) -> str:
    """What the web's first pages say meanwhile; empty when none goes on."""
    return texts.render(TEXT_ON_PAGES, Channel.WEBCHAT) if tx.trials.find_current() else ""


def _read(written: str) -> tuple[str, str]:
    """(number, ""), or ("", prefix)."""
    compact = re.sub(r"[\s.()]", "", written).upper()
    number = f"+44{compact[1:]}" if compact.startswith("07") else compact
    if is_gb_mobile(number):
        return number, ""
    if _PREFIX.fullmatch(compact):
        return "", compact
    raise TrialRefused("Give a mobile number, or the beginning of crime references: at least two signs.")
