"""What is set at Twilio for our number or Messaging Service, read from Twilio itself, and what is wrong with it.

Where a message goes, and how often it is tried, is decided there and not here. The rules: docs/recovery.md; the fields:
Twilio's IncomingPhoneNumbers (2010-04-01) and Messaging Service (v1) resources.
"""

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from urllib.parse import parse_qs, urldefrag, urlsplit

import structlog

from casework.adapters.service import Service
from casework.adapters.settings import Settings
from casework.services.ports import Transaction
from casework.services.sweeps import ProviderUnreachable
from channels.spool import MESSAGE_PATH, STATUS_PATH
from channels.twilio_reads import JsonObject, TwilioReader

log = structlog.get_logger()

ALARM = "webhook_not_set"
EVERY_SECONDS = 3600.0
AFTER_A_FAILURE_SECONDS = 60.0
# Twilio's own defaults are one more try, and only after a failed connection.
WANTED_OVERRIDES = "rc=5&rp=all&ct=2000&rt=5000&tt=15000"


@dataclass(frozen=True, kw_only=True)
class SettingFound:
    """One setting of the provider's. `is_vital`: while it is wrong, messages do not reach us at all."""

    what: str
    is_well: bool
    detail: str
    is_vital: bool = False


async def check_twilio_settings(reader: TwilioReader, settings: Settings) -> list[SettingFound]:
    """What Twilio has set for WAYMARK_SMS_FROM. Raises ProviderUnreachable."""
    # The sandbox posts to this machine, whatever the public address is.
    origin = f"http://127.0.0.1:{settings.port}" if settings.is_sandbox else settings.public_url
    wanted = _Wanted(
        message=origin + MESSAGE_PATH,
        fallback=None if settings.spool_url is None else settings.spool_url + MESSAGE_PATH,
        status=origin + STATUS_PATH,
    )
    if not settings.sms_from.startswith("MG"):
        return await _check_number(reader, settings.sms_from, wanted)
    url = f"{reader.account.messaging_url}/v1/Services/{settings.sms_from}"
    service = await reader.find(url)
    if service is None:
        return [_missing("Messaging Service", "this account has none of that id; see WAYMARK_SMS_FROM")]
    if not service.get("use_inbound_webhook_on_number"):
        return list(_judge_service(service, wanted))
    return await _check_numbers_of_service(reader, url, wanted)


@dataclass(frozen=True, kw_only=True)
class _Wanted:
    message: str
    fallback: str | None
    status: str


async def _check_number(reader: TwilioReader, number: str, wanted: _Wanted) -> list[SettingFound]:
    path = (
        f"{reader.account.api_url}/2010-04-01/Accounts/{reader.account.account_sid}/IncomingPhoneNumbers.json"
    )
    answer = await reader.find(path, {"PhoneNumber": number})
    entries = (answer or {}).get("incoming_phone_numbers") or []
    found = next((each for each in entries if each.get("phone_number") == number), None)
    if found is None:
        return [_missing("number", "this account has no such number; see WAYMARK_SMS_FROM")]
    return list(_judge_number(found, wanted))


async def _check_numbers_of_service(reader: TwilioReader, url: str, wanted: _Wanted) -> list[SettingFound]:
    """The service leaves it to its numbers: each of them must be right."""
    answer = await reader.find(url + "/PhoneNumbers", {"PageSize": "100"})
    numbers = [str(each.get("phone_number")) for each in (answer or {}).get("phone_numbers") or []]
    if not numbers:
        return [_missing("Messaging Service", "it leaves messages to its numbers, and names none")]
    return [found for number in numbers for found in await _check_number(reader, number, wanted)]


def _judge_number(number: JsonObject, wanted: _Wanted) -> Iterator[SettingFound]:
    if number.get("sms_application_sid"):
        yield _missing(
            "webhook", "sms_application_sid is set, so Twilio ignores every address of the number; clear it"
        )
        return
    yield from _judge_webhook("sms_url", number.get("sms_url"), number.get("sms_method"), wanted.message)
    yield from _judge_fallback(
        "sms_fallback_url", number.get("sms_fallback_url"), number.get("sms_fallback_method"), wanted
    )


def _judge_service(service: JsonObject, wanted: _Wanted) -> Iterator[SettingFound]:
    inbound, method = service.get("inbound_request_url"), service.get("inbound_method")
    if not inbound:
        yield _missing(
            "webhook",
            "inbound_request_url is not set: Twilio drops what people write and keeps no record, so no sweep finds it. "
            f"Set it to {wanted.message}#{WANTED_OVERRIDES}",
        )
    else:
        yield from _judge_webhook("inbound_request_url", inbound, method, wanted.message)
    yield from _judge_fallback(
        "fallback_url", service.get("fallback_url"), service.get("fallback_method"), wanted
    )
    status = str(service.get("status_callback") or "")
    yield SettingFound(
        what="Twilio: news of delivery",
        is_well=not status or _is_same(status, wanted.status),
        detail="asked for with each message" if not status else f"status_callback is {_plain(status)}",
    )


def _judge_webhook(name: str, url: object, method: object, wanted: str) -> Iterator[SettingFound]:
    given = str(url or "")
    if not _is_same(given, wanted):
        said = _plain(given) if given else "not set"
        yield _missing("webhook", f"{name} is {said}; set it to {wanted}#{WANTED_OVERRIDES}")
        return
    if str(method or "POST").upper() != "POST":
        yield _missing("webhook", f"{name} is called with {method}; set it to POST")
        return
    yield SettingFound(
        what="Twilio: webhook", is_well=True, detail=f"{name} is {_plain(given)}", is_vital=True
    )
    weak = list(_weak_overrides(given))
    yield SettingFound(
        what="Twilio: tries",
        is_well=not weak,
        detail=f"{name}: {'; '.join(weak)}. Set #{WANTED_OVERRIDES}, or the same in the Webhooks configuration API"
        if weak
        else f"{name} has #{urlsplit(given).fragment}",
    )


def _weak_overrides(url: str) -> Iterator[str]:
    given = parse_qs(urlsplit(url).fragment)
    count = (given.get("rc") or ["1"])[0]
    if not count.isdigit() or int(count) < 1:
        yield "it is not tried again (rc)"
    retried = set((given.get("rp") or ["ct"])[0].lower().split(","))
    if "all" not in retried and not {"ct", "rt", "5xx"} <= retried:
        yield "not every failure is tried again (rp)"


def _judge_fallback(name: str, url: object, method: object, wanted: _Wanted) -> Iterator[SettingFound]:
    given = str(url or "")
    what = "Twilio: fallback"
    if not given:
        where = f" Set it to {wanted.fallback}" if wanted.fallback else " See docs/recovery.md"
        yield SettingFound(what=what, is_well=False, detail=f"{name} is not set.{where}")
    elif str(method or "POST").upper() != "POST":
        yield SettingFound(what=what, is_well=False, detail=f"{name} is called with {method}; set it to POST")
    elif wanted.fallback is None:
        yield SettingFound(
            what=what, is_well=False, detail=f"WAYMARK_SPOOL_URL is not set; Twilio calls {_plain(given)}"
        )
    else:
        is_same = _is_same(given, wanted.fallback)
        detail = f"{name} is {_plain(given)}" + ("" if is_same else f"; the spool is at {wanted.fallback}")
        yield SettingFound(what=what, is_well=is_same, detail=detail)


def _missing(what: str, detail: str) -> SettingFound:
    return SettingFound(what=f"Twilio: {what}", is_well=False, detail=detail, is_vital=True)


def _is_same(url: str, wanted: str) -> bool:
    return urldefrag(url).url == wanted  # to the letter: a slash more is another signature and another route


def _plain(url: str) -> str:
    """Without a password, which some put into an address."""
    parts = urlsplit(urldefrag(url).url)
    host = parts.netloc.rpartition("@")[2]
    return f"{parts.scheme}://{host}{parts.path}"


# --- in the worker ------------------------------------------------------------------------------


@dataclass
class HourlyCheck:
    """Looks at start and every hour, and keeps the alarm as what it found says."""

    service: Service
    reader: TwilioReader
    monotonic: Callable[[], float] = time.monotonic
    due_at: float = float("-inf")

    async def check_if_due(self) -> bool:
        """A worker step; never work for another round."""
        if self.monotonic() < self.due_at:
            return False
        self.due_at = self.monotonic() + AFTER_A_FAILURE_SECONDS
        try:
            found = await check_twilio_settings(self.reader, self.service.settings)
        except ProviderUnreachable as failure:
            log.warning("settings_not_read", code=failure.code)  # the sweep sounds the alarm for that
            return False
        wrong = [each for each in found if each.is_vital and not each.is_well]
        await self.service.database.write(lambda tx: _set_alarm(tx, wrong))
        self.due_at = self.monotonic() + EVERY_SECONDS
        return False


def _set_alarm(tx: Transaction, wrong: list[SettingFound]) -> None:
    if wrong:
        tx.alarms.sound(ALARM, wrong[0].detail)
    else:
        tx.alarms.end(ALARM)
