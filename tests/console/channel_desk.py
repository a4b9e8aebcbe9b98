"""A desk with everything on it that a channel can bring along: for tests of the page and for looking at it."""

from datetime import timedelta
from typing import Any

from casework.adapters.storage.tables import inbound_media
from casework.model.desk import HandoffReason
from casework.model.messages import Channel, DeliveryState, InboundMedia, Origin, OutboxStatus
from casework.services.ports import MediaStatus
from tests.console.desk_site import DeskSite
from tests.console.pictures import PNG

FILE = InboundMedia(source="http://127.0.0.1:1/media/ME1", stated_type="image/png")


def sends_file(
    site: DeskSite,
    content: bytes | None = PNG,
    found_type: str = "image/png",
    *,
    status: MediaStatus = MediaStatus.KEPT,
    reason: str = "too_large",
    text: str = "look",
    **values: Any,
) -> tuple[str, int]:
    """The conversation and the file's id, once the worker has fetched it or given it up."""
    conversation_id = site.victim_writes(text, media_count=1, media=(FILE,), **values)
    media_id: int = max(row.id for row in site.rows(inbound_media))
    if status is MediaStatus.KEPT and content is not None:
        site.write(lambda tx: tx.media.keep(media_id, content, found_type=found_type, sha256="0" * 64))
    elif status is not MediaStatus.WAITING:
        site.write(lambda tx: tx.media.give_up(media_id, status=status, reason=reason))
    return conversation_id, media_id


def fill_channels(site: DeskSite) -> dict[str, str]:
    """Conversations by the channel that each is on."""
    return {"sms": _fill_sms(site), "whatsapp": _fill_whatsapp(site), "alarms": _fill_alarms(site)}


def _fill_sms(site: DeskSite) -> str:
    now = site.clock.now()
    conversation_id = site.victim_writes(
        "hello", external_id="+447700900101", reason=HandoffReason.ASKED_FOR_PERSON
    )
    site.assistant_answers(
        conversation_id,
        "What would help? Reply 1 My case 2 My rights 3 Support near me 4 A person.",
        OutboxStatus.SENT,
        choices=("My case", "My rights", "Support near me", "A person"),
        delivery_state=DeliveryState.READ,
    )
    site.writes_again(conversation_id, "2", read_as="My rights", outcome="answered")
    site.assistant_answers(
        conversation_id,
        "You have the right to be told.",
        OutboxStatus.FAILED,
        delivery_state=DeliveryState.UNDELIVERED,
        reason="unreachable_now",
    )
    site.writes_again(
        conversation_id,
        "are you there",
        origin=Origin.SWEEP,
        sent_at=now - timedelta(minutes=8),
    )
    site.writes_again(conversation_id, "EXIT", outcome="left")
    site.writes_again(conversation_id, "STOP", outcome="stopped", reason=HandoffReason.ASKED_TO_STOP)
    site.write(lambda tx: tx.opt_outs.record(Channel.SMS, "+447700900101", how="asked", word="STOP"))
    site.write(lambda tx: tx.opt_outs.record(Channel.SMS, "+447700900101", how="provider", word="21610"))
    site.write(
        lambda tx: tx.sweeps.record_held(conversation_id, since=now - timedelta(days=1), listed=5, held=4)
    )
    return conversation_id


def _fill_whatsapp(site: DeskSite) -> str:
    now = site.clock.now()
    person: dict[str, Any] = {"channel": Channel.WHATSAPP, "external_id": "+447700900102"}
    conversation_id, _ = sends_file(site, text="this is what he did", **person, details={"forwarded": True})
    sends_file(site, None, status=MediaStatus.REFUSED, text="", **person)
    sends_file(site, None, status=MediaStatus.WAITING, text="and this", **person)
    sends_file(site, b"%PDF-1.7", "application/pdf", text="the letter", **person)
    place = {"latitude": "51.503364", "longitude": "-0.127625", "place": "Home, 10 Example Street"}
    site.victim_writes("", has_location=True, details={**place, "profile_name": "Sammy \u202e<b>"}, **person)
    site.assistant_answers(
        conversation_id, "Is it safe to write to you?", OutboxStatus.SENT, provider_message_id="SM1"
    )
    site.victim_writes("yes", details={"answers": "SM1"}, **person)
    site.victim_writes("he is my neighbour", provider_message_id="first", **person)
    site.victim_writes(
        "he is my ex", details={"edits": "first", "frequently_forwarded": True}, sent_at=now, **person
    )
    site.assistant_answers(
        conversation_id, "An officer wrote to you.", OutboxStatus.HELD, reason="window_closed"
    )
    site.assistant_answers(conversation_id, "You have a new message.", OutboxStatus.SENT, channel=Channel.SMS)
    site.write(
        lambda tx: tx.sweeps.record_held(conversation_id, since=now - timedelta(days=1), listed=9, held=9)
    )
    return conversation_id


def _fill_alarms(site: DeskSite) -> str:
    site.write(lambda tx: tx.alarms.sound("sms_account_refused", "sms 20003"))
    site.write(lambda tx: tx.alarms.sound("sweep_found_missing", "3 fetched"))
    return site.victim_writes("hello", channel=Channel.WEBCHAT, reason=HandoffReason.ASKED_FOR_HELP)
