"""Each channel's sender, behind the port the outbox knows."""

from collections.abc import Mapping
from datetime import datetime

from casework.adapters.email import EmailSender, parse_smtp_settings
from casework.adapters.settings import Settings
from casework.adapters.storage.database import Database
from casework.bootstrap import Service
from casework.model.messages import Channel, OutboundMessage, OutboxStatus
from casework.services.ports import Delivery, ProviderNews, Sender, Tracker
from channels.telegram_sender import TelegramSender
from channels.telegram_transport import build_bot, find_telegram_settings
from channels.twilio_errors import Delivery as TwilioDelivery
from channels.twilio_errors import DeliveryOutcome
from channels.twilio_sms import OutcomeStillUnknown, TwilioSender
from channels.twilio_transport import TwilioSettings

STATUS_OF_OUTCOME = {
    DeliveryOutcome.SENT: OutboxStatus.SENT,
    DeliveryOutcome.TRY_AGAIN: OutboxStatus.WAITING,
    DeliveryOutcome.GIVE_UP: OutboxStatus.FAILED,
    DeliveryOutcome.UNKNOWN: OutboxStatus.UNKNOWN,
}


class SmsSender:
    """Twilio behind the port."""

    def __init__(self, twilio: TwilioSender, database: Database) -> None:
        self._twilio = twilio
        self._database = database

    async def deliver(self, message: OutboundMessage) -> Delivery:
        return _delivery(await self._twilio.deliver(message))

    async def find_sent(self, message: OutboundMessage, *, since: datetime) -> Delivery | None:
        # Two messages may have the same words; one the database already knows is not this one.
        taken = await self._database.read(lambda tx: tx.outbox.list_provider_ids(message.conversation_id))
        try:
            found = await self._twilio.find_sent(message, attempted_at=since, taken=taken)
        except OutcomeStillUnknown:
            return Delivery(status=OutboxStatus.UNKNOWN)
        return None if found is None else _delivery(found)

    async def find_state(self, provider_message_id: str) -> ProviderNews | None:
        try:
            told = await self._twilio.find_status(provider_message_id)
        except OutcomeStillUnknown:
            return None
        if told is None:
            return None
        return ProviderNews(word=told.status, error_code=str(told.error_code) if told.error_code else None)


def _delivery(delivery: TwilioDelivery) -> Delivery:
    return Delivery(
        status=STATUS_OF_OUTCOME[delivery.outcome],
        provider_message_id=delivery.provider_message_id,
        error_code=str(delivery.error_code) if delivery.error_code else None,
        failure=delivery.failure,
        retry_after_seconds=delivery.retry_after_seconds,
    )


# Their page reads the outbox itself.
SHOWN = frozenset({Channel.WEBCHAT})


class WebchatSender:
    """The page reads the outbox itself: a message is sent by becoming visible."""

    async def deliver(self, message: OutboundMessage) -> Delivery:
        return Delivery(status=OutboxStatus.SENT)

    async def find_sent(self, message: OutboundMessage, *, since: datetime) -> Delivery | None:
        return None


def find_trackers(senders: Mapping[Channel, Sender]) -> Mapping[Channel, Tracker]:
    """Those of the senders that can be asked later what became of a message."""
    return {channel: sender for channel, sender in senders.items() if isinstance(sender, SmsSender)}


def build_twilio_settings(settings: Settings) -> TwilioSettings:
    return TwilioSettings(
        account_sid=settings.twilio_account_sid,
        auth_token=settings.twilio_auth_tokens[0],
        sms_from=settings.sms_from,
        whatsapp_from=settings.whatsapp_from,
        whatsapp_template=settings.whatsapp_template,
        api_url=settings.twilio_api_url,
        status_callback_url=f"{settings.public_url}/webhooks/twilio/status",
    )


def build_senders(service: Service) -> Mapping[Channel, Sender]:
    settings = service.settings
    twilio = TwilioSender(build_twilio_settings(settings))
    sms = SmsSender(twilio, service.database)
    senders: dict[Channel, Sender] = {
        Channel.SMS: sms,
        Channel.WHATSAPP: sms,
        Channel.WEBCHAT: WebchatSender(),
    }
    telegram = find_telegram_settings(settings)
    if telegram is not None:
        senders[Channel.TELEGRAM] = TelegramSender(build_bot(telegram), service.texts)
    smtp = parse_smtp_settings(settings)
    if smtp is not None:
        senders[Channel.EMAIL] = EmailSender(smtp, service.texts, service.clock)
    return senders
