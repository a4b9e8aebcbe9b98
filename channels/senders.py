"""Each channel's sender, behind the port the outbox knows."""

from collections.abc import Mapping
from datetime import datetime

from casework.adapters.storage.database import Database
from casework.bootstrap import Service
from casework.model.messages import Channel, OutboundMessage, OutboxStatus
from casework.services.ports import Delivery, Sender
from channels.twilio_sms import Delivery as TwilioDelivery
from channels.twilio_sms import DeliveryOutcome, OutcomeStillUnknown, TwilioSender
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


def _delivery(delivery: TwilioDelivery) -> Delivery:
    return Delivery(
        status=STATUS_OF_OUTCOME[delivery.outcome],
        provider_message_id=delivery.provider_message_id,
        error_code=str(delivery.error_code) if delivery.error_code else None,
        retry_after_seconds=delivery.retry_after_seconds,
    )


class WebchatSender:
    """The page reads the outbox itself: a message is sent by becoming visible."""

    async def deliver(self, message: OutboundMessage) -> Delivery:
        return Delivery(status=OutboxStatus.SENT)

    async def find_sent(self, message: OutboundMessage, *, since: datetime) -> Delivery | None:
        return None


def build_senders(service: Service) -> Mapping[Channel, Sender]:
    settings = service.settings
    twilio = TwilioSender(
        TwilioSettings(
            account_sid=settings.twilio_account_sid,
            auth_token=settings.twilio_auth_tokens[0],
            sms_from=settings.sms_from,
            whatsapp_from=settings.whatsapp_from,
            api_url=settings.twilio_api_url,
            status_callback_url=f"{settings.public_url}/webhooks/twilio/status",
        )
    )
    sms = SmsSender(twilio, service.database)
    return {Channel.SMS: sms, Channel.WHATSAPP: sms, Channel.WEBCHAT: WebchatSender()}
