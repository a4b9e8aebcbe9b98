"""Twilio's list of messages as a sweep reads it: everything to and from our addresses, day by day.

Days are Twilio's, which are UTC. The list names fewer things than a webhook (no buttons, no places, no second name of
the person), so what it gives goes through the webhook's own parser as the form it would have been.
"""

import json
from collections.abc import Awaitable, Callable, Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Any
from urllib.parse import quote_plus

from casework.adapters.service import Service
from casework.adapters.settings import Settings
from casework.model.messages import Channel, InboundMessage, Origin
from casework.services.ports import Transaction
from casework.services.receipts import record_receipt
from casework.services.sweeps import Listed, ListedSend, Sweeping, Timetable
from channels.twilio_errors import name_failure
from channels.twilio_forms import MOST_MEDIA, WHATSAPP_PREFIX, FormInvalid, parse_inbound_sms
from channels.twilio_reads import JsonObject, TooManyPages, TwilioAccount, TwilioReader

PROVIDER = "twilio"
EVERY_SECONDS = 300.0
EVERY_SECONDS_IN_THE_SANDBOX = 60.0
# What Twilio answers by itself, to a STOP above all: no send of ours.
PROVIDERS_OWN = "outbound-reply"
LARGEST_PAGE = 1000
NEWEST_PAGE = 200


@dataclass(frozen=True, kw_only=True)
class OurAddresses:
    """What messages must be to or from to be ours: an account may have other numbers, which are no business of ours."""

    numbers: frozenset[str]
    messaging_service: str | None

    @classmethod
    def from_settings(cls, settings: Settings) -> "OurAddresses":
        given = [settings.sms_from, settings.whatsapp_from or ""]
        numbers = {each.removeprefix(WHATSAPP_PREFIX) for each in given if each and not each.startswith("MG")}
        service = settings.sms_from if settings.sms_from.startswith("MG") else None
        return cls(numbers=frozenset(numbers), messaging_service=service)

    def include(self, entry: JsonObject) -> bool:
        address = str(entry.get("to" if _is_inbound(entry) else "from") or "")
        if address.removeprefix(WHATSAPP_PREFIX) in self.numbers:
            return True
        return self.messaging_service is not None and (
            entry.get("messaging_service_sid") == self.messaging_service
        )


class TwilioList:
    """The provider's list behind the port the sweep knows."""

    def __init__(self, reader: TwilioReader, ours: OurAddresses, *, page_size: int = LARGEST_PAGE) -> None:
        self._reader = reader
        self._page_size = page_size
        self._newest_page_size = min(page_size, NEWEST_PAGE)
        self._ours = ours
        self._path = f"/2010-04-01/Accounts/{reader.account.account_sid}/Messages"

    async def list_since(self, day: date, *, received_at: datetime) -> Listed:
        entries: list[JsonObject] = []
        is_cut = False
        for each in _days(day, received_at.astimezone(UTC).date() + timedelta(days=1)):
            listed = self._list({"DateSent": each.isoformat(), "PageSize": str(self._page_size)})
            page: list[JsonObject] = []
            try:
                async for entry in listed:
                    page.append(entry)
            except TooManyPages:
                is_cut = True
            entries += reversed(page)
        # The newest again, whatever their date: one that has none yet is in no day.
        newest = self._list({"PageSize": str(self._newest_page_size)}, most_pages=1)
        entries += reversed([entry async for entry in newest if _created_at(entry).date() >= day])
        listed = _sort_out(entries, self._ours, self._reader.account, received_at)
        return replace(listed, is_cut=is_cut)

    async def list_newest(self, since: datetime, *, received_at: datetime) -> Listed:
        entries: list[JsonObject] = []
        older = 0
        with suppress(TooManyPages):
            async for entry in self._list({"PageSize": str(self._newest_page_size)}):
                entries.append(entry)
                # One that was written long ago and left just now stands among the newest: no reason to stop.
                older = older + 1 if _created_at(entry) < since else 0
                if older == self._newest_page_size:
                    break
        return _sort_out(reversed(entries), self._ours, self._reader.account, received_at)

    async def add_media(self, message: InboundMessage) -> InboundMessage:
        account, path = self._reader.account, f"{self._path}/{message.provider_message_id}/Media.json"
        answer = await self._reader.find(account.api_url + path, {"PageSize": "50"})
        if answer is None:
            return message  # deleted at the provider since
        media = [each for each in answer.get("media_list") or [] if isinstance(each, dict)][:MOST_MEDIA]
        entry = json.loads(message.raw)
        return parse_listed(entry, media, account=account, received_at=message.received_at)

    async def find_send(self, provider_message_id: str) -> ListedSend | None:
        url = f"{self._reader.account.api_url}{self._path}/{provider_message_id}.json"
        entry = await self._reader.find(url)
        return None if entry is None else parse_send(entry)

    def _list(self, query: dict[str, str], **more: Any) -> Any:
        return self._reader.list_all(self._path + ".json", query, key="messages", **more)


def _days(first: date, last: date) -> Iterable[date]:
    # Tomorrow too: the provider's clock may be ahead of ours at midnight.
    return (first + timedelta(days=number) for number in range((last - first).days + 1))


def _sort_out(
    entries: Iterable[JsonObject], ours: OurAddresses, account: TwilioAccount, received_at: datetime
) -> Listed:
    compared = (each for each in entries if each.get("direction") != PROVIDERS_OWN and ours.include(each))
    once = {str(entry.get("sid")): entry for entry in compared}
    inbound: list[InboundMessage] = []
    outbound: list[ListedSend] = []
    unreadable = 0
    # Seconds are all the list knows; within one, its own order is kept.
    for entry in sorted(once.values(), key=_created_at):
        try:
            if _is_inbound(entry):
                inbound.append(parse_listed(entry, account=account, received_at=received_at))
            else:
                outbound.append(parse_send(entry))
        except FormInvalid:
            unreadable += 1
    return Listed(inbound=inbound, outbound=outbound, unreadable=unreadable)


def parse_listed(
    entry: JsonObject, media: Sequence[JsonObject] = (), *, account: TwilioAccount, received_at: datetime
) -> InboundMessage:
    """A listed message as its webhook would have given it, and when the provider took it. Raises FormInvalid.

    `raw` is the entry as JSON: what the provider said, as far as it said it.
    """
    form = {
        "MessageSid": entry.get("sid"),
        "AccountSid": entry.get("account_sid"),
        "From": entry.get("from"),
        "To": entry.get("to"),
        "Body": entry.get("body"),
        "NumMedia": entry.get("num_media"),
        "ErrorCode": entry.get("error_code"),
    }
    for number, each in enumerate(media):
        form[f"MediaUrl{number}"] = account.api_url + str(each.get("uri") or "").removesuffix(".json")
        form[f"MediaContentType{number}"] = each.get("content_type")
    message = parse_inbound_sms(
        _encode(form), account_sid=account.account_sid, received_at=received_at, api_url=account.api_url
    )
    return replace(
        message,
        raw=json.dumps(entry).encode(),
        origin=Origin.SWEEP,
        sent_at=min(_created_at(entry), received_at),
    )


def parse_send(entry: JsonObject) -> ListedSend:
    to, sid = str(entry.get("to") or ""), str(entry.get("sid") or "")
    if not sid or not to:
        raise FormInvalid("A listed message names no id or nobody.")
    code = entry.get("error_code")
    return ListedSend(
        provider_message_id=sid,
        channel=Channel.WHATSAPP if to.startswith(WHATSAPP_PREFIX) else Channel.SMS,
        to=to.removeprefix(WHATSAPP_PREFIX),
        status=str(entry.get("status") or ""),
        error_code=str(code) if code else None,
        created_at=_created_at(entry),
    )


def _is_inbound(entry: JsonObject) -> bool:
    return entry.get("direction") == "inbound"


def _created_at(entry: JsonObject) -> datetime:
    """When the provider took it (RFC 2822, in seconds). Now, for an entry that does not say."""
    for name in ("date_created", "date_sent"):
        try:
            said = parsedate_to_datetime(str(entry.get(name)))
        except ValueError:
            continue
        return said.replace(tzinfo=UTC) if said.tzinfo is None else said.astimezone(UTC)
    return datetime.now(UTC)


def _encode(form: dict[str, Any]) -> bytes:
    # Lone halves of an emoji go through as the bytes a careless sender would write.
    return "&".join(
        f"{quote_plus(name)}={quote_plus(str(value).encode('utf-8', 'surrogatepass'))}"
        for name, value in form.items()
        if value is not None
    ).encode()


def build_timetable(
    service: Service, reader: TwilioReader, *, take_earlier: Callable[[InboundMessage], Awaitable[None]]
) -> Timetable:
    """The sweep of this service, wired, and when it is due."""

    def record_news(tx: Transaction, send: ListedSend) -> None:
        record_receipt(
            tx,
            send.provider_message_id,
            send.status,
            error_code=send.error_code,
            name_failure=name_failure,
            texts=service.texts,
        )

    is_sandbox = service.settings.is_sandbox
    return Timetable(
        Sweeping(
            store=service.database,
            provider=TwilioList(reader, OurAddresses.from_settings(service.settings)),
            name=PROVIDER,
            channels=(Channel.SMS, Channel.WHATSAPP),
            receive=service.receive,
            record_news=record_news,
            every_seconds=EVERY_SECONDS_IN_THE_SANDBOX if is_sandbox else EVERY_SECONDS,
            take_earlier=take_earlier,
        )
    )
