"""Twilio's list as the sweep reads it, from the sandbox over a socket: pages, days, media, whose messages they are."""

import json
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import asdict, dataclass, replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from casework.adapters.settings import Settings
from casework.model.messages import Channel, Origin
from casework.services.sweeps import Listed, ProviderUnreachable
from channels.sandbox.record import Direction, RecordedMessage
from channels.sweep import OurAddresses, TwilioList, parse_listed
from channels.twilio_reads import MOST_PAGES, JsonObject, TooManyPages, TwilioAccount, TwilioReader
from tests.channels.provider_stand_ins import ACCOUNT_SID, HANDSET, SERVICE, TOKEN, running_sandbox, serving

NOON = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)
NOWHERE = "http://127.0.0.1:1"
OURS = OurAddresses(numbers=frozenset({SERVICE}), messaging_service=None)


@dataclass
class Stage:
    url: str

    @asynccontextmanager
    async def list(
        self, *, ours: OurAddresses = OURS, page_size: int = 1000, tokens: Sequence[str] = (TOKEN,)
    ):  # type: ignore[no-untyped-def]
        account = TwilioAccount(account_sid=ACCOUNT_SID, auth_tokens=tokens, api_url=self.url)
        async with TwilioReader(account) as reader:
            yield TwilioList(reader, ours, page_size=page_size)


def came(number: int, at: datetime, **values: Any) -> RecordedMessage:
    return _recorded(number, at, direction=Direction.INBOUND, from_=HANDSET, to=SERVICE, **values)


def went(number: int, at: datetime, **values: Any) -> RecordedMessage:
    return _recorded(number, at, direction=Direction.OUTBOUND, from_=SERVICE, to=HANDSET, **values)


def _recorded(number: int, at: datetime, **values: Any) -> RecordedMessage:
    return RecordedMessage(
        **{
            "seq": number,
            "sid": f"SM{number:032x}",
            "handset": HANDSET,
            "body": f"text {number}",
            "status": "received",
            "created_at": at.isoformat(),
            "updated_at": at.isoformat(),
            "is_settled": True,
            **values,
        }
    )


def _write_record(folder: Path, messages: Sequence[RecordedMessage]) -> None:
    lines = (json.dumps(asdict(message)) + "\n" for message in messages)
    (folder / "sandbox-messages.jsonl").write_text("".join(lines))


@asynccontextmanager
async def provider_with(folder: Path, *messages: RecordedMessage) -> AsyncIterator[Stage]:
    """The sandbox, whose record already holds these."""
    _write_record(folder, messages)
    async with running_sandbox(folder, service_url=NOWHERE) as sandbox:
        yield Stage(sandbox.url)


async def list_since(stage: Stage, day: date, *, at: datetime = NOON, **how: Any) -> Listed:
    async with stage.list(**how) as provider:
        listed: Listed = await provider.list_since(day, received_at=at)
        return listed


def ids(listed: Listed) -> list[int]:
    return [int(each.provider_message_id[2:], 16) for each in listed.inbound]


async def test_every_page_of_both_directions_is_read_oldest_first_and_each_message_once(
    tmp_path: Path,
) -> None:
    """Red when `next_page_uri` is not followed: seven of them are on later pages."""
    messages = [
        (came if number % 3 else went)(number, NOON - timedelta(minutes=60 - number))
        for number in range(1, 11)
    ]
    async with provider_with(tmp_path, *messages) as stage:
        listed = await list_since(stage, NOON.date(), page_size=3)

    assert ids(listed) == [1, 2, 4, 5, 7, 8, 10]
    assert [int(each.provider_message_id[2:], 16) for each in listed.outbound] == [3, 6, 9]


async def test_the_newest_are_read_as_far_as_a_page_beyond_the_moment_asked_for(tmp_path: Path) -> None:
    """Red when the whole list is read; or when one that was written long ago and stands among them ends it."""
    messages = [came(number, NOON - timedelta(minutes=60 - number)) for number in range(1, 60)]
    messages.append(came(60, NOON - timedelta(days=2)))
    async with provider_with(tmp_path, *messages) as stage, stage.list(page_size=3) as provider:
        listed = await provider.list_newest(NOON - timedelta(minutes=10), received_at=NOON)

    assert ids(listed) == [60, *range(47, 60)]


async def test_what_the_provider_answers_by_itself_is_no_send_of_ours(tmp_path: Path) -> None:
    """Its own answer to a STOP. Red when it is compared: each STOP would be a send unaccounted for."""
    reply = _recorded(2, NOON - timedelta(minutes=4), direction=Direction.REPLY, from_=SERVICE, to=HANDSET)
    async with provider_with(tmp_path, went(1, NOON - timedelta(minutes=5)), reply) as stage:
        listed = await list_since(stage, NOON.date())

    assert [int(each.provider_message_id[2:], 16) for each in listed.outbound] == [1]


async def test_days_are_the_providers_and_the_border_belongs_to_one_of_them(tmp_path: Path) -> None:
    """Red when London's days are asked for in summer, or the last second of a day falls between two."""
    summer = datetime(2026, 6, 30, 0, 30, tzinfo=UTC)  # half past one in London
    async with provider_with(
        tmp_path,
        came(1, datetime(2026, 6, 28, 23, 59, 59, tzinfo=UTC)),
        came(2, datetime(2026, 6, 29, 0, 0, 0, tzinfo=UTC)),
        came(3, datetime(2026, 6, 29, 23, 59, 59, tzinfo=UTC)),
        came(4, datetime(2026, 6, 30, 0, 0, 0, tzinfo=UTC)),
        came(5, datetime(2026, 7, 1, 0, 0, 0, tzinfo=UTC)),  # the provider's clock is ahead of ours
    ) as stage:
        listed = await list_since(stage, date(2026, 6, 29), at=summer, page_size=1)

    assert ids(listed) == [2, 3, 4, 5]
    # Nothing was written in the future, whatever the provider's clock says.
    assert max(each.sent_at for each in listed.inbound if each.sent_at) == summer


async def test_a_listed_message_is_what_its_webhook_would_have_given(tmp_path: Path) -> None:
    message = came(1, NOON - timedelta(hours=1), body="he’s outside \ud83d", num_media=0)
    async with provider_with(tmp_path, replace(message, form=())) as stage:
        [found] = (await list_since(stage, NOON.date())).inbound

    assert (found.channel, found.external_id, found.origin) == (Channel.SMS, HANDSET, Origin.SWEEP)
    assert found.text.startswith("he’s outside ")
    assert not found.is_readable  # half an emoji: the screen is told
    assert (found.sent_at, found.received_at) == (NOON - timedelta(hours=1), NOON)
    assert json.loads(found.raw)["sid"] == found.provider_message_id


async def test_only_what_is_to_or_from_our_addresses_is_ours(tmp_path: Path) -> None:
    """Red when every number of the account is swept: somebody who wrote to another desk would be answered by us."""
    elsewhere = "+447700900555"
    service = "MG" + "1" * 32
    messages = [
        came(1, NOON),
        replace(came(2, NOON), to=elsewhere),
        replace(came(3, NOON), to="whatsapp:" + SERVICE, from_="whatsapp:" + HANDSET),
        replace(came(4, NOON), to=elsewhere, messaging_service_sid=service),
        replace(went(5, NOON), from_=elsewhere),
    ]
    async with provider_with(tmp_path, *messages) as stage:
        by_number = await list_since(stage, NOON.date())
        by_service = await list_since(
            stage, NOON.date(), ours=OurAddresses(numbers=frozenset(), messaging_service=service)
        )

    assert ids(by_number) == [1, 3]
    assert [each.channel for each in by_number.inbound] == [Channel.SMS, Channel.WHATSAPP]
    assert by_number.outbound == []
    assert ids(by_service) == [4]


def test_our_addresses_are_those_of_the_settings() -> None:
    def ours(**given: str) -> OurAddresses:
        environ = {
            "WAYMARK_TURN_SECRET": "x" * 32,
            "WAYMARK_RASA_URLS": NOWHERE,
            "TWILIO_ACCOUNT_SID": ACCOUNT_SID,
            "TWILIO_AUTH_TOKEN": TOKEN,
            **given,
        }
        return OurAddresses.from_settings(Settings.from_env(environ))

    both = ours(WAYMARK_SMS_FROM=SERVICE, WAYMARK_WHATSAPP_FROM="whatsapp:+447700900998")
    pool = ours(WAYMARK_SMS_FROM="MG" + "1" * 32)

    assert both == OurAddresses(numbers=frozenset({SERVICE, "+447700900998"}), messaging_service=None)
    assert pool == OurAddresses(numbers=frozenset(), messaging_service="MG" + "1" * 32)


async def test_pictures_come_with_the_address_the_provider_keeps_them_at(tmp_path: Path) -> None:
    """Red when the Media resource is not read: the desk would know of a picture and never have it."""
    async with running_sandbox(tmp_path, service_url=NOWHERE) as sandbox:
        sent = await sandbox.send(body="look", num_media=2, webhook=False)
        stage = Stage(sandbox.url)
        now = datetime.now(UTC)
        async with stage.list() as provider:
            listed = await provider.list_since(now.date() - timedelta(days=1), received_at=now)
            [found] = listed.inbound
            whole = await provider.add_media(found)

    assert (found.media, found.media_count) == ((), 2)
    assert [each.source for each in whole.media] == [
        f"{sandbox.url}/2010-04-01/Accounts/{ACCOUNT_SID}/Messages/{sent['sid']}/Media/{sid}"
        for sid in sent["media"]
    ]
    assert {each.stated_type for each in whole.media} == {"image/jpeg"}
    assert replace(whole, media=()) == found


async def test_one_of_ours_is_found_by_its_id_and_a_stranger_is_not(tmp_path: Path) -> None:
    async with provider_with(tmp_path, went(1, NOON, status="delivered")) as stage, stage.list() as provider:
        found = await provider.find_send(f"SM{1:032x}")
        stranger = await provider.find_send(f"SM{2:032x}")

    assert found is not None
    assert (found.to, found.status, found.created_at) == (HANDSET, "delivered", NOON)
    assert stranger is None


async def test_while_a_token_is_rotated_either_may_be_the_one_that_holds(tmp_path: Path) -> None:
    async with provider_with(tmp_path, came(1, NOON)) as stage:
        listed = await list_since(stage, NOON.date(), tokens=("0" * 32, TOKEN))
        with pytest.raises(ProviderUnreachable, match="http_401"):
            await list_since(stage, NOON.date(), tokens=("0" * 32,))

    assert ids(listed) == [1]


def answering(body: Any, *, status: int = 200) -> web.Application:
    async def answer(_request: web.Request) -> web.Response:
        if isinstance(body, bytes):
            return web.Response(body=body, status=status)
        return web.json_response(body, status=status)

    app = web.Application()
    app.router.add_get("/{path:.*}", answer)
    return app


FAULTS = {
    "429": answering({}, status=429),
    "a circle": answering(
        {"messages": [], "next_page_uri": f"/2010-04-01/Accounts/{ACCOUNT_SID}/Messages.json"}
    ),
    "a redirect": answering({}, status=302),
    "broken": answering({}, status=500),
    "no list": answering({"messages": None}),
    "not JSON": answering(b"<html>"),
}


@pytest.mark.parametrize("fault", sorted(FAULTS))
async def test_whatever_is_no_answer_is_an_unreachable_provider(fault: str) -> None:
    """Red when a page that cannot be read counts as an empty list: "nothing missing" would be a lie."""
    async with serving(FAULTS[fault]) as url:
        with pytest.raises(ProviderUnreachable):
            await list_since(Stage(url), NOON.date())


class EndlessReader(TwilioReader):
    """Every list has one entry and then more pages than are read."""

    async def list_all(self, *_: Any, most_pages: int = MOST_PAGES, **__: Any) -> AsyncIterator[JsonObject]:
        yield {
            "sid": "SM" + "1" * 32,
            "account_sid": ACCOUNT_SID,
            "direction": "inbound",
            "from": HANDSET,
            "to": SERVICE,
            "body": "still there?",
            "date_created": "Sat, 21 Nov 2026 11:00:00 +0000",
        }
        if most_pages == MOST_PAGES:
            raise TooManyPages


async def test_what_was_read_of_an_endless_list_is_not_thrown_away() -> None:
    account = TwilioAccount(account_sid=ACCOUNT_SID, auth_tokens=(TOKEN,), api_url=NOWHERE)
    async with EndlessReader(account) as reader:
        listed = await TwilioList(reader, OURS).list_since(NOON.date(), received_at=NOON)

    assert [each.text for each in listed.inbound] == ["still there?"]
    assert listed.is_cut


async def test_a_next_page_on_another_host_is_not_asked_for() -> None:
    """Red when `next_page_uri` is followed anywhere: another host would be handed the account's token."""
    asked: list[str] = []

    async def take(request: web.Request) -> web.Response:
        asked.append(request.headers.get("Authorization", ""))
        return web.json_response({"messages": []})

    elsewhere = web.Application()
    elsewhere.router.add_get("/{path:.*}", take)
    async with (
        serving(elsewhere) as other,
        serving(answering({"messages": [], "next_page_uri": other + "/next"})) as url,
    ):
        with pytest.raises(ProviderUnreachable):
            await list_since(Stage(url), NOON.date())

    assert asked == []


async def test_nobody_there_is_an_unreachable_provider() -> None:
    with pytest.raises(ProviderUnreachable):
        await list_since(Stage(NOWHERE), NOON.date())


def test_an_entry_without_a_date_counts_as_just_written() -> None:
    account = TwilioAccount(account_sid=ACCOUNT_SID, auth_tokens=(TOKEN,))
    entry = {
        "sid": "SM" + "1" * 32,
        "account_sid": ACCOUNT_SID,
        "from": HANDSET,
        "to": SERVICE,
        "body": "hello",
    }

    assert parse_listed(entry, account=account, received_at=NOON).sent_at == NOON
