"""The service's own line over one database in this process, with stand-ins for the assistant and the provider."""

import secrets
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial

from casework.bootstrap import Service
from casework.model.messages import Channel, InboundMessage, OutboundMessage, OutboxStatus
from casework.services import answer, deliver
from casework.services.ports import AssistantAnswer, AssistantReply, Delivery, JsonObject
from casework.services.promises import load_promising
from casework.services.receipts import record_receipt
from channels.twilio_errors import name_failure

NEWS = ("sent", "delivered")
# As large as the assistant's own, a few turns into a conversation.
STATE = {"v": 1, "events": [{"event": "slot", "name": f"slot_{n}", "value": "x" * 20} for n in range(20)]}
RAW = b"ToCountry=GB&SmsStatus=received&" * 16


@dataclass
class StandInAssistant:
    """Says the same to everything."""

    async def ask(
        self,
        *,
        turn_id: str,
        conversation: str,
        text: str,
        state: JsonObject | None,
        facts: JsonObject,
        models: tuple[str, ...] = (),
    ) -> AssistantAnswer:
        said = AssistantReply(response="utter_bench", text="Your case is with an officer. Write any time.")
        return AssistantAnswer(replies=(said,), effects=(), state=dict(STATE), model="bench")


@dataclass
class StandInSender:
    """Takes everything, and says what each was numbered."""

    sent: list[str] = field(default_factory=list)

    async def deliver(self, message: OutboundMessage) -> Delivery:
        self.sent.append(f"SM{secrets.token_hex(16)}")
        return Delivery(status=OutboxStatus.SENT, provider_message_id=self.sent[-1])

    async def find_sent(self, message: OutboundMessage, *, since: datetime) -> Delivery | None:
        return None


class Line:
    """A message's whole way through one database, one step after the other."""

    def __init__(self, service: Service) -> None:
        self._service = service
        self._sender = StandInSender()
        self._answering = answer.Answering(
            store=service.database,
            assistant=StandInAssistant(),
            texts=service.texts,
            codes=service.codes,
            bands=service.bands,
            safety_lines=service.safety_lines,
            worker_id="bench",
            promising=load_promising(service.texts, service.clocks.hours),
        )
        self._delivering = deliver.Delivering(
            store=service.database,
            senders={Channel.SMS: self._sender},
            texts=service.texts,
            worker_id="bench",
            name_failure=name_failure,
        )

    async def take(self, phone: str, text: str) -> int:
        """From its arrival to the provider's last news of the reply. How many replies left."""
        service = self._service
        message = InboundMessage(
            channel=Channel.SMS,
            provider_message_id=f"SM{secrets.token_hex(16)}",
            external_id=phone,
            text=text,
            received_at=service.clock.now(),
            raw=RAW,
        )
        await service.database.write(lambda tx: service.receive(tx, message))
        while await answer.answer_next_turn(self._answering):
            pass
        while await deliver.deliver_next_message(self._delivering):
            pass
        sent, self._sender.sent = self._sender.sent, []
        for sid in sent:
            for news in NEWS:
                await service.database.write(
                    partial(
                        record_receipt,
                        provider_message_id=sid,
                        status=news,
                        error_code=None,
                        name_failure=name_failure,
                        texts=service.texts,
                    )
                )
        return len(sent)
