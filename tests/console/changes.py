"""Everything that may change on a conversation's page without a new message."""

from collections.abc import Callable

import sqlalchemy as sa

from casework.adapters.storage.tables import inbound_media, outbox, turn
from casework.model.messages import Channel
from casework.services.ports import MediaStatus
from tests.console.channel_desk import FILE
from tests.console.desk_site import DeskSite


def _media_comes(site: DeskSite, _conversation_id: str) -> None:
    site.write(lambda tx: tx.media.record(site.latest_inbox_id(), [FILE]))


def _media_is_fetched(site: DeskSite, _conversation_id: str) -> None:
    [row] = site.rows(inbound_media)
    site.write(lambda tx: tx.media.give_up(row.id, status=MediaStatus.REFUSED, reason="too_large"))


def _is_delivered(site: DeskSite, _conversation_id: str) -> None:
    site.write(lambda tx: tx.connection.execute(sa.update(outbox).values(delivery_state="delivered")))


def _turn_begins(site: DeskSite, conversation_id: str) -> None:
    site.write(lambda tx: tx.turns.record_finished(site.latest_inbox_id(), conversation_id, "answered"))


def _turn_is_left(site: DeskSite, _conversation_id: str) -> None:
    site.write(lambda tx: tx.connection.execute(sa.update(turn).values(outcome="left")))


def _is_read_as(site: DeskSite, _conversation_id: str) -> None:
    site.write(lambda tx: tx.inbox.record_reading(site.latest_inbox_id(), "My case"))


def _opts_out(site: DeskSite, conversation_id: str) -> None:
    site.write(
        lambda tx: tx.opt_outs.record(
            Channel.WHATSAPP, tx.conversations.get(conversation_id).external_id, how="asked", word="STOP"
        )
    )


def _is_counted(site: DeskSite, conversation_id: str) -> None:
    now = site.clock.now()
    site.write(lambda tx: tx.sweeps.record_held(conversation_id, since=now, listed=5, held=4))


def _alarm_sounds(site: DeskSite, _conversation_id: str) -> None:
    site.write(lambda tx: tx.alarms.sound("sms_filtered", ""))


def _alarm_ends(site: DeskSite, _conversation_id: str) -> None:
    site.write(lambda tx: tx.alarms.end("sms_filtered"))


CHANGES: dict[str, Callable[[DeskSite, str], None]] = {
    "media comes": _media_comes,
    "media is fetched": _media_is_fetched,
    "is delivered": _is_delivered,
    "turn begins": _turn_begins,
    "turn is left": _turn_is_left,
    "is read as": _is_read_as,
    "opts out": _opts_out,
    "is counted": _is_counted,
    "alarm sounds": _alarm_sounds,
    "alarm ends": _alarm_ends,
}
