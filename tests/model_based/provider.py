"""A Twilio with memory: what people wrote to us, what it took from us, what became of each, and how it is today.

It is asked through the real code as far as that is not a socket: forms and list entries are read by the real parsers,
the sender is the real one behind this in place of Twilio's own library.
"""

from collections.abc import AsyncIterator, Callable, Collection, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any
from urllib.parse import quote_plus

from casework.model.messages import Channel, OutboundMessage
from casework.services.sweeps import ProviderUnreachable
from channels.twilio_errors import Delivery, DeliveryOutcome, sort_refusal
from channels.twilio_forms import WHATSAPP_PREFIX, ProviderStatus
from channels.twilio_reads import TwilioAccount
from channels.twilio_sms import OutcomeStillUnknown
from tests.model_based.faults import Died, HangingCalls
from tests.support.clock import SetClock

OURS = "+447700900900"
ACCOUNT = TwilioAccount(account_sid="AC" + "0" * 32, auth_tokens=("x" * 32,), api_url="http://127.0.0.1:9")
WINDOW = timedelta(hours=24)
ON_ITS_WAY = timedelta(seconds=5)

# What it does with the next message. Those that it does not take are here with its answer.
REFUSALS: Mapping[str, Delivery] = {
    "says 500, not taken": sort_refusal(status=500, code=None),
    "refuses the connection": Delivery(outcome=DeliveryOutcome.TRY_AGAIN),
    "times out, not taken": Delivery(outcome=DeliveryOutcome.UNKNOWN),
    "too many": sort_refusal(status=429, code=20429),
    "they opted out": sort_refusal(status=400, code=21610),
    "no mobile": sort_refusal(status=400, code=21614),
    "account refused": sort_refusal(status=401, code=20003),
}
UNHEARD = ("says 500, taken", "times out, taken", "times out, taken a moment later")
MOODS = (
    "takes it",
    *REFUSALS,
    *UNHEARD,
    "process dies before",
    "process dies after",
    "hangs, taken",
    "hangs, not taken",
)


@dataclass
class Written:
    """A text of a person, as the provider keeps it."""

    sid: str
    channel: Channel
    number: str
    text: str
    media: int
    at: datetime
    was_accepted: bool = False  # we told the provider so
    is_danger: bool = False

    @property
    def address(self) -> str:
        return WHATSAPP_PREFIX + self.number if self.channel is Channel.WHATSAPP else self.number

    def make_form(self) -> bytes:
        """The webhook's body. Half an emoji goes through as the bytes a careless sender would write."""
        fields = {
            "MessageSid": self.sid,
            "AccountSid": ACCOUNT.account_sid,
            "From": self.address,
            "To": OURS,
            "Body": self.text,
            "NumMedia": str(self.media),
        }
        for number in range(self.media):
            fields[f"MediaUrl{number}"] = f"{ACCOUNT.api_url}/Media/ME{number}"
            fields[f"MediaContentType{number}"] = "image/jpeg"
        return "&".join(
            f"{name}={quote_plus(value.encode('utf-8', 'surrogatepass'))}" for name, value in fields.items()
        ).encode()

    def make_entry(self) -> dict[str, Any]:
        return _entry(self.sid, "inbound", self.address, OURS, self.text, self.at) | {
            "num_media": str(self.media)
        }


@dataclass
class Taken:
    """A message of ours that it took. `seen_from`: not in its lists before."""

    sid: str
    message: OutboundMessage
    at: datetime
    seen_from: datetime
    status: str = "queued"
    error_code: int | None = None

    @property
    def address(self) -> str:
        is_whatsapp = self.message.channel is Channel.WHATSAPP
        return WHATSAPP_PREFIX + self.message.to if is_whatsapp else self.message.to

    def make_entry(self) -> dict[str, Any]:
        entry = _entry(self.sid, "outbound-api", OURS, self.address, self.message.text, self.at)
        return entry | {"status": self.status, "error_code": self.error_code}


def _entry(sid: str, direction: str, from_: str, to: str, body: str, at: datetime) -> dict[str, Any]:
    return {
        "sid": sid,
        "account_sid": ACCOUNT.account_sid,
        "direction": direction,
        "from": from_,
        "to": to,
        "body": body,
        "date_created": format_datetime(at.astimezone(UTC)),
    }


@dataclass
class FakeTwilio:
    """`mood` is how it treats what is sent; `is_unreadable`: its lists cannot be had. `on_take` sees all it takes."""

    clock: SetClock
    hanging: HangingCalls
    on_take: Callable[[OutboundMessage], None]
    mood: str = "takes it"
    is_unreadable: bool = False
    written: list[Written] = field(default_factory=list)
    taken: list[Taken] = field(default_factory=list)
    account: TwilioAccount = ACCOUNT

    def write(self, channel: Channel, number: str, text: str, **values: Any) -> Written:
        """Somebody sends a text. Nobody has told us of it yet."""
        sid = f"SM{len(self.written) + 1:032x}"
        said = Written(sid, channel, number, text, at=self.clock.now(), **({"media": 0} | values))
        self.written.append(said)
        return said

    # --- as the sender asks it ---

    async def deliver(self, message: OutboundMessage) -> Delivery:
        if self.mood == "process dies before":
            raise Died
        if self._is_window_closed(message):
            return sort_refusal(status=400, code=63016)
        if self.mood in REFUSALS:
            return REFUSALS[self.mood]
        if self.mood == "hangs, not taken":
            await self.hanging.wait("provider")
            return Delivery(outcome=DeliveryOutcome.UNKNOWN)
        taken = self._take(message)
        if self.mood == "process dies after":
            raise Died
        if self.mood == "hangs, taken" and await self.hanging.wait("provider") != "an answer":
            return Delivery(outcome=DeliveryOutcome.UNKNOWN)
        if self.mood in UNHEARD:
            return Delivery(outcome=DeliveryOutcome.UNKNOWN)
        return Delivery(outcome=DeliveryOutcome.SENT, provider_message_id=taken.sid)

    def _take(self, message: OutboundMessage) -> Taken:
        self.on_take(message)
        now = self.clock.now()
        late = ON_ITS_WAY if self.mood == "times out, taken a moment later" else timedelta()
        taken = Taken(f"SM9{len(self.taken) + 1:031x}", message, at=now, seen_from=now + late)
        self.taken.append(taken)
        return taken

    def _is_window_closed(self, message: OutboundMessage) -> bool:
        """WhatsApp's own rule, by its own memory. A template may leave at any time."""
        if message.channel is not Channel.WHATSAPP or message.template == "waiting":
            return False
        theirs = [
            each.at for each in self.written if each.channel is Channel.WHATSAPP and each.number == message.to
        ]
        return not theirs or self.clock.now() - max(theirs) >= WINDOW

    async def find_sent(
        self, message: OutboundMessage, *, attempted_at: datetime, taken: Collection[str] = ()
    ) -> Delivery | None:
        """By address, words and time, as channels/twilio_sms.py looks: the provider knows nothing of our keys."""
        if self.is_unreadable:
            raise OutcomeStillUnknown
        since = attempted_at - timedelta(seconds=5)
        found = [
            each
            for each in self._seen()
            if (each.message.channel, each.message.to, each.message.text)
            == (message.channel, message.to, message.text)
            and each.sid not in taken
            and each.at >= since
        ]
        return Delivery(outcome=DeliveryOutcome.SENT, provider_message_id=found[0].sid) if found else None

    async def find_status(self, provider_message_id: str) -> ProviderStatus | None:
        if self.is_unreadable:
            raise OutcomeStillUnknown
        for each in self._seen():
            if each.sid == provider_message_id:
                return ProviderStatus(
                    provider_message_id=each.sid, status=each.status, error_code=each.error_code
                )
        return None

    def _seen(self) -> list[Taken]:
        return [each for each in self.taken if each.seen_from <= self.clock.now()]

    # --- as the sweep reads it ---

    async def list_all(
        self, _path: str, query: Mapping[str, str], *, key: str, most_pages: int = 0
    ) -> AsyncIterator[dict[str, Any]]:
        if self.is_unreadable:
            raise ProviderUnreachable("timeout")
        day = query.get("DateSent")
        kept = sorted([*self.written, *self._seen()], key=lambda each: each.at, reverse=True)
        for each in kept:
            if day is None or each.at.astimezone(UTC).date().isoformat() == day:
                yield each.make_entry()

    async def find(self, url: str, _query: Mapping[str, str] | None = None) -> dict[str, Any] | None:
        if self.is_unreadable:
            raise ProviderUnreachable("timeout")
        if url.endswith("/Media.json"):
            return {"media_list": []}
        for each in self._seen():
            if url.endswith(f"/{each.sid}.json"):
                return each.make_entry()
        return None
