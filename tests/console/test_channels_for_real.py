"""The desk over what the channels' own parts write, from the message received to the provider's news.

Red when: a part calls an outcome, a reason or a failure by a name that the desk has no words for.
"""

import re
from collections.abc import Mapping
from typing import Any

from casework.adapters.storage.tables import conversation, outbox
from casework.model.messages import Channel, InboundMedia, OutboxStatus
from casework.services.deliver import Delivering, deliver_next_message
from casework.services.media import TOO_LARGE, Fetching, FileRefused, fetch_next_media
from casework.services.ports import Delivery, LeasedMedia, Sender
from casework.services.receipts import record_receipt
from channels.media_types import find_media_type
from channels.twilio_errors import name_failure
from tests.console.desk_site import DeskSite
from tests.console.pictures import PDF, PNG
from tests.console.test_contact_panel import agree_to_anything
from tests.console.test_messages import words_of
from tests.support.builders import an_sms
from tests.support.fakes import FakeSender

NUMBER = "+447700900105"


def receive(site: DeskSite, text: str, **values: Any) -> str:
    """Through the same door as a webhook; the conversation."""
    message = an_sms(text, **({"external_id": NUMBER, "received_at": site.clock.now()} | values))
    received = site.write(lambda tx: site.service.receive(tx, message))
    site.open_glass()
    return received.conversation_id


async def deliver(site: DeskSite, sender: Sender, channel: Channel = Channel.SMS) -> None:
    senders: Mapping[Channel, Sender] = {channel: sender}
    service = site.service
    delivering = Delivering(
        store=service.database,
        senders=senders,
        texts=service.texts,
        worker_id="w",
        name_failure=name_failure,
    )
    while await deliver_next_message(delivering):
        pass


async def read(site: DeskSite, conversation_id: str) -> str:
    return words_of(await site.detectives[0].open(conversation_id))


async def test_exit_and_stop_are_marked_and_a_stop_is_in_the_queue(site: DeskSite) -> None:
    detective = await site.detective()
    conversation_id = receive(site, "Exit.")
    receive(site, "STOP")
    _, queue = await detective.get("/console")

    page = await read(site, conversation_id)

    assert "Exit. Left by text. Nothing was sent." in page
    assert "STOP Asked us to stop. Nothing unasked is sent." in page
    assert "Asked us to stop on 21 Nov 2026, 12:00" in page
    assert "Asked us to stop. Find out another way whether they are safe" in queue


async def test_a_refusal_of_the_network_is_told_on_the_message_in_the_panel_and_in_the_queue(
    site: DeskSite,
) -> None:
    detective = await site.detective()
    conversation_id = receive(site, "what is happening with my case")
    await detective.claim(conversation_id)
    await detective.reply(conversation_id, "Hello, this is Sam")
    refused = Delivery(status=OutboxStatus.FAILED, error_code="21610", failure="opted_out")
    await deliver(site, FakeSender(outcomes=[refused]))
    _, queue = await detective.get("/console")

    page = await read(site, conversation_id)

    assert (
        "Not delivered: our text provider refuses texts to them because of a STOP Hello, this is Sam" in page
    )
    assert "Our text provider refuses texts to them since" in page
    assert "Texts to them are refused. Reach them another way" in queue


async def test_words_for_whatsapp_after_its_time_wait_and_say_so(site: DeskSite) -> None:
    detective = await site.detective()
    conversation_id = receive(site, "hello", channel=Channel.WHATSAPP)
    agree_to_anything(site, conversation_id, NUMBER)
    await detective.claim(conversation_id)
    site.clock.advance(hours=25)
    await detective.log_in()
    await detective.reply(conversation_id, "Hello, this is Sam")
    await deliver(site, FakeSender(), Channel.WHATSAPP)

    page = await read(site, conversation_id)

    assert "Waits until they write again Hello, this is Sam" in page
    assert "1 message of ours waits until they write again." in page


async def test_the_news_of_a_provider_becomes_words(site: DeskSite) -> None:
    detective = await site.detective()
    conversation_id = receive(site, "hello")
    await detective.claim(conversation_id)
    said = []
    for words, status, code in (
        ("one", "delivered", None),
        ("two", "read", None),
        ("three", "undelivered", "30006"),
    ):
        await detective.reply(conversation_id, words)
        await deliver(
            site, FakeSender(outcomes=[Delivery(status=OutboxStatus.SENT, provider_message_id=words)])
        )
        site.write(
            lambda tx, words=words, status=status, code=code: record_receipt(
                tx, words, status, error_code=code, name_failure=name_failure
            )
        )
        said += re.findall(rf"\d\d:\d\d ([^\d]+?) {words} ", await read(site, conversation_id))

    assert said[:2] == ["Delivered", "Delivered"]
    assert said[2].startswith("Not delivered: ")
    assert "code 30006" not in said[2]


async def test_a_file_that_was_fetched_is_there_and_one_that_was_refused_says_why(site: DeskSite) -> None:
    detective = await site.detective()
    names = ("picture", "letter", "film")
    media = tuple(InboundMedia(source=f"https://api.twilio.com/{name}", stated_type="x/y") for name in names)
    conversation_id = receive(site, "look", channel=Channel.WHATSAPP, media=media, media_count=3)
    fetching = Fetching(store=site.service.database, files=_Files(), find_type=find_media_type)
    while await fetch_next_media(fetching):
        pass

    page = await detective.open(conversation_id)
    ids = re.findall(r'(?:href)="/console/media/(\d+)"', page)
    contents = []
    for media_id in ids:
        async with detective.http.get(f"/console/media/{media_id}") as answer:
            contents.append(await answer.read())

    assert contents == [PNG, PDF]
    assert "Picture, 124 bytes." in page
    assert "not here: too large to take in" in page


class _Files:
    async def fetch(self, media: LeasedMedia) -> bytes:
        name = media.source.rpartition("/")[2]
        if name == "film":
            raise FileRefused(TOO_LARGE)
        return {"picture": PNG, "letter": PDF}[name]


async def test_a_choice_of_a_list_that_left_shows_both(site: DeskSite) -> None:
    await site.detective()
    conversation_id = receive(site, "hello")
    [row] = site.rows(conversation, conversation.c.id == conversation_id)
    site.assistant_answers(row.id, "What would help?", OutboxStatus.SENT, choices=("My case", "My rights"))
    receive(site, "2.")

    page = await read(site, conversation_id)

    assert "2. Stands for My rights" in page
    assert len(site.rows(outbox)) == 1
