"""Which table each kind of record stands in, and which of its columns belong into a sealed record.

Every column of these tables is named here, in a record or among what is left out: a test asks about a new one.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import sqlalchemy as sa

from casework.adapters.storage.conversation_tables import (
    correction,
    draft,
    ending,
    follow_up,
    hand_back_summary,
    staff_note,
)
from casework.adapters.storage.desk_tables import regrade, transfer
from casework.adapters.storage.ladder_tables import escalation
from casework.adapters.storage.tables import (
    audit,
    case,
    case_event,
    case_notice,
    conversation,
    delivery_attempt,
    delivery_event,
    desk_item,
    inbound_media,
    inbox,
    officer_message,
    outbox,
    promise,
    standing,
    turn,
)
from casework.adapters.storage.workbench_tables import turn_record
from casework.services.disclosure_export_ports import (
    RecordKind,
)

# What was done in a conversation and stands in no table of its own. Who read or exported it is not part of what was
# said and done: it is in the audit, and a record would differ each time it is made.
DESK_ACTS = (
    *("conversation_claimed", "conversation_taken_over", "conversation_handed_back", "conversation_returned"),
    *("items_closed", "told_from_conversation", "status_told", "update_read", "plan_changed"),
    *("asked_to_stop", "opted_out_by_provider", "opt_out_ended"),
    *("blocked_by_person", "unblocked_by_person", "left_by_text", "web_session_left", "gone_quiet"),
    *("turn_held", "answer_dropped", "reply_suppressed"),
    *("code_requested", "code_sent", "code_refused", "officer_link_issued"),
)


@dataclass(frozen=True, kw_only=True)
class Source:
    """Where records of a kind stand. `at`: the column of when; `columns`: what is told of a row; `left_out`: what not.

    Left out are leases and keys of ours, what another record says already, and words made anew from the rest.
    """

    table: sa.Table
    at: str
    columns: tuple[str, ...]
    left_out: tuple[str, ...] = ()


def _names(names: str) -> tuple[str, ...]:
    return tuple(names.split())


SOURCES: Mapping[RecordKind, Source] = {
    RecordKind.CASE: Source(
        table=case,
        at="imported_at",
        columns=_names(
            "crime_reference crime_type stage stage_since oic_name oic_collar_number oic_contact next_update_due "
            "victim_name contact_mobile contact_email safe_contact enhanced_rights language imported_at"
        ),
        left_out=_names("person_id contact_mobile_sealed contact_email_sealed"),
    ),
    RecordKind.CONVERSATION: Source(
        table=conversation,
        at="created_at",
        columns=_names("id channel external_id created_at last_inbound_at owner_id owned_since epoch"),
        left_out=_names("external_id_sealed state is_drill awaiting_since model_id model_at"),
    ),
    RecordKind.CASE_EVENT: Source(
        table=case_event,
        at="at",
        columns=_names("crime_reference event_id at kind detail received_at"),
        left_out=("id",),
    ),
    RecordKind.MESSAGE_IN: Source(
        table=inbox,
        at="received_at",
        columns=_names(
            "id channel provider_message_id conversation_id received_at sent_at origin text read_as media_count "
            "has_location details screen raw"
        ),
        left_out=("told_index",),
    ),
    RecordKind.PROOF: Source(
        table=standing,
        at="proved_at",
        columns=_names("conversation_id crime_reference level method proved_at ended_at ended_why"),
        left_out=_names("id last_used_at"),
    ),
    RecordKind.DESK_ITEM: Source(
        table=desk_item,
        at="created_at",
        columns=_names(
            "id conversation_id inbox_id grade tier category reason status owner_id waiting_since created_at "
            "claimed_at closed_at outcome evidence asked_at answer quiet_since answered_at told"
        ),
        left_out=_names("dedupe_key quiet_due_at place_in_grade ladder_from ladder_step ladder_due_at"),
    ),
    RecordKind.DESK_ACT: Source(table=audit, at="at", columns=_names("conversation_id at actor act thing")),
    RecordKind.REGRADE: Source(
        table=regrade,
        at="at",
        columns=_names("item_id conversation_id from_grade to_grade by_id reason at"),
        left_out=_names("id row_key"),
    ),
    RecordKind.TRANSFER: Source(
        table=transfer,
        at="offered_at",
        columns=_names(
            "id conversation_id kind status from_id to_id by_id reason promised offered_at due_at settled_at"
        ),
    ),
    RecordKind.ESCALATION: Source(
        table=escalation,
        at="taken_at",
        columns=_names(
            "item_id conversation_id position step grade due_at taken_at name detail acknowledged_at"
        ),
        left_out=_names("id wait_from rota_entry_id token_hash"),
    ),
    RecordKind.CASE_NOTICE: Source(
        table=case_notice,
        at="created_at",
        columns=_names(
            "crime_reference event_id kind status needs_person happened_at blocked_why not_before created_at "
            "told_by_person_at told_by noticed_at read_at"
        ),
        left_out=_names("id import_id"),
    ),
    RecordKind.PROMISE: Source(
        table=promise,
        at="made_at",
        columns=_names("conversation_id crime_reference kind owner words made_at due_at status kept_at"),
        left_out=_names("id dedupe_key"),
    ),
    RecordKind.OFFICER_MESSAGE: Source(
        table=officer_message,
        at="created_at",
        columns=_names(
            "id crime_reference conversation_id author author_name inbox_id text created_at read_at status due_at"
        ),
    ),
    RecordKind.MESSAGE_OUT: Source(
        table=outbox,
        at="created_at",
        columns=_names(
            "id conversation_id turn_id lane channel to text choices template author staff_id epoch kind "
            "safe_contact_decision valid_for_seconds status reason provider_message_id delivery_state "
            "delivery_state_at not_before created_at sent_at"
        ),
        left_out=_names("to_sealed dedupe_key menu_token attempts fence leased_by lease_until"),
    ),
    RecordKind.ENDING: Source(
        table=ending,
        at="created_at",
        columns=_names(
            "conversation_id staff_id outcome log_number was_urgent about last_inbox_id created_at"
        ),
        left_out=("id",),
    ),
    RecordKind.HAND_BACK: Source(
        table=hand_back_summary,
        at="created_at",
        columns=_names("conversation_id staff_id done next due_on crime_reference text created_at said_at"),
        left_out=_names("id epoch"),
    ),
    RecordKind.STAFF_NOTE: Source(
        table=staff_note,
        at="created_at",
        columns=_names("conversation_id staff_id text created_at"),
        left_out=("id",),
    ),
    RecordKind.CORRECTION: Source(
        table=correction,
        at="created_at",
        columns=_names("conversation_id staff_id block text created_at handled_at"),
        left_out=("id",),
    ),
    RecordKind.FOLLOW_UP: Source(
        table=follow_up,
        at="created_at",
        columns=_names("conversation_id to_staff_id by_staff_id text created_at seen_at"),
        left_out=("id",),
    ),
    RecordKind.DRAFT: Source(
        table=draft, at="updated_at", columns=_names("conversation_id staff_id text updated_at")
    ),
}
TURN = Source(
    table=turn,
    at="created_at",
    columns=_names("id status outcome attempts created_at finished_at"),
    left_out=_names("inbox_id conversation_id fence leased_by lease_until"),
)
READING = Source(
    table=turn_record,
    at="at",
    columns=_names(
        "at model_id standing code_pending safe_question earlier_ids intent confidence runner_up "
        "runner_up_confidence urgency categories responses effects band tier"
    ),
    left_out=_names("turn_id inbox_id conversation_id state"),
)
MEDIA = Source(
    table=inbound_media,
    at="kept_at",
    columns=_names("id position source stated_type status reason found_type size sha256 attempts kept_at"),
    left_out=_names("inbox_id not_before"),
)
ATTEMPT = Source(
    table=delivery_attempt,
    at="at",
    columns=_names("at outcome error_code"),
    left_out=_names("id outbox_id"),
)
NEWS = Source(
    table=delivery_event,
    at="received_at",
    columns=_names("status error_code received_at"),
    left_out=_names("id provider_message_id"),
)
