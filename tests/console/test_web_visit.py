"""What the desk is told of a web visit: who may see the screen, and that they left by the exit.

Red when: `find_last_visit` takes the oldest session or looks for another act, the panel leaves `visit` out of its
parts, the template says `no` for every answer.
"""

import pytest

from casework.model.messages import Channel
from console.desk.conversations import fingerprint_conversation
from console.words import load_words
from tests.console.desk_site import DeskSite
from tests.console.test_messages import words_of

VISITOR = "0123456789abcdef" * 2
WORDS = load_words()["contact"]


def visit(site: DeskSite, screen_seen: str | None = None, name: str = "one") -> str:
    site.write(lambda tx: tx.web_sessions.open(name, VISITOR, screen_seen=screen_seen))
    return site.victim_writes(channel=Channel.WEBCHAT, external_id=VISITOR)


async def read(site: DeskSite, conversation_id: str) -> str:
    return words_of(await (await site.detective()).open(conversation_id))


@pytest.mark.parametrize("answer", ["no", "unsure", "yes"])
async def test_what_they_said_of_their_screen_is_beside_their_messages(site: DeskSite, answer: str) -> None:
    page = await read(site, visit(site, answer))

    said = [words for words in WORDS["screen_seen"].values() if words in page]
    assert said == [WORDS["screen_seen"][answer]]


async def test_who_was_not_asked_is_said_nothing_of(site: DeskSite) -> None:
    page = await read(site, visit(site))

    assert not [words for words in WORDS["screen_seen"].values() if words in page]
    assert "Left quickly" not in page


async def test_the_newest_visit_counts_and_an_exit_is_told_with_its_time(site: DeskSite) -> None:
    conversation_id = visit(site, "no")
    site.clock.advance(minutes=1)
    site.write(lambda tx: tx.web_sessions.open("two", VISITOR, screen_seen="yes"))
    site.clock.advance(minutes=2)
    site.write(lambda tx: tx.audit.record("web_session_left", by="person", conversation_id=conversation_id))

    page = await read(site, conversation_id)

    assert WORDS["screen_seen"]["yes"] in page
    assert "Left quickly at 12:03. Contact them only as agreed." in page


async def test_an_open_page_of_the_desk_hears_of_the_exit(site: DeskSite) -> None:
    conversation_id = visit(site, "no")
    before = site.write(lambda tx: fingerprint_conversation(tx, conversation_id))
    site.write(lambda tx: tx.audit.record("web_session_left", by="person", conversation_id=conversation_id))

    assert site.write(lambda tx: fingerprint_conversation(tx, conversation_id)) != before


async def test_another_channel_has_no_visit(site: DeskSite) -> None:
    page = await read(site, site.victim_writes(external_id="+447700900103"))

    assert not [words for words in WORDS["screen_seen"].values() if words in page]
