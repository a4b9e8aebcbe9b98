"""Notices and Code clocks together: what an event sets going, and what being told or reading ends."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from casework.model.case_changes import CaseChange, FeedEvent
from casework.model.errors import WaymarkError
from casework.model.notices import NoticeRules, load_notice_rules
from casework.model.stages import STAGE_IDS, VICTIM_TOLD
from casework.model.working_days import local_day
from casework.services import clocks, notices
from casework.services.case_feed import CaseFeed, record_events
from casework.services.clocks import CodeRules, load_code_rules
from casework.services.ports import StaffMember, Transaction

FROM_DESK = "desk"
NEWS_TOLD_BY = ("utter_stage_", "utter_next_", "utter_outcome_")
OUTCOME_PREFIX = "utter_outcome_"
LONGEST_NAME = 48


class TellingImpossible(WaymarkError):
    """Nobody can have told the victim then: before it happened, or still to come."""


@dataclass(frozen=True, kw_only=True)
class KeptInformed:
    """The two tables of rules, read once."""

    notices: NoticeRules
    code: CodeRules

    def note_change(self, tx: Transaction, change: CaseChange) -> None:
        """For `CaseFeed.on_event`."""
        notices.note_change(tx, change, rules=self.notices)
        clocks.note_change(tx, change, rules=self.code)


def load_kept_informed() -> KeptInformed:
    """Raises SettingsInvalid where a packaged table cannot be right."""
    return KeptInformed(notices=load_notice_rules(), code=load_code_rules())


def tells_news(responses: Iterable[str]) -> bool:
    """Whether a reply of these responses said where a case stands."""
    return any(_names_stage(response) or response.startswith(OUTCOME_PREFIX) for response in responses)


def _names_stage(response: str) -> bool:
    # utter_next_update_due and its like name no stage.
    return any(response.removeprefix(prefix) in STAGE_IDS for prefix in NEWS_TOLD_BY)


def mark_read(tx: Transaction, crime_reference: str, conversation_id: str, *, informed: KeptInformed) -> None:
    """The victim is being told how their case stands: what is not withheld is read, and so the clocks of it.

    For the transaction that commits such a reply, to a person whose link to the case is proved.
    """
    case = tx.cases.find(crime_reference)
    if case is None or notices.is_withheld(tx, case):
        return
    read = notices.note_read(tx, case)
    clocks.note_read(tx, case, rules=informed.code)
    if read:
        tx.audit.record(
            "update_read", by="person", conversation_id=conversation_id, thing=f"{len(read)} notices"
        )


def record_victim_told(
    tx: Transaction,
    crime_reference: str,
    news: str,
    *,
    at: datetime,
    told_by: str,
    by: StaffMember,
    feed: CaseFeed,
    informed: KeptInformed,
) -> None:
    """A person has told the victim of `news`: an event of the case, as the force's own system would tell it.

    Raises NewsUnknown for what does not wait in this case, TellingImpossible for a time when it cannot have been.
    """
    stored = tx.cases.find_stored([crime_reference], hold=True).get(crime_reference)
    if stored is None:
        raise notices.NewsUnknown(news)
    earliest = notices.get_earliest_telling(tx, stored.case, news)
    if at > tx.now or local_day(at) < earliest:
        raise TellingImpossible(news)
    event = FeedEvent(
        crime_reference=crime_reference,
        event_id=f"{FROM_DESK}:{news}:{at:%Y%m%dT%H%M}",
        at=at,
        kind=VICTIM_TOLD,
        detail=news,
    )
    teller = " ".join(told_by.split())[:LONGEST_NAME] or by.display_name[:LONGEST_NAME]
    for notice in tx.notices.list_of_cases([crime_reference]):
        if notice.kind == news and notices.is_untold(notice):
            tx.notices.record_told([notice.id], at=at, by=teller)
            notices.close_items_of(tx, [notice.id])
    record_events(tx, [event], feed=feed, source=FROM_DESK, by=by.id)
    # Who told them is kept with the notice and not here: a name typed in is content.
    tx.audit.record("victim_told", by=by.id, thing=f"{crime_reference}:{news}")
