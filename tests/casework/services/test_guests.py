"""A tester's talk is screened and answered as a victim's would be, and nothing of it happens.

Red when: `say` stores a message in the inbox, carries out an effect, or asks without `models`; `find_open` looks at no
date, no end or no candidate; `_keep` does not look again at what was written meanwhile.
"""

from datetime import timedelta
from typing import Any

import pytest

from casework.adapters.content_base import load_base_texts
from casework.adapters.storage.model_tables import guest_link, guest_message, model_version
from casework.adapters.storage.tables import audit, metadata
from casework.model.disclosures import Band
from casework.model.messages import Channel, InboundMessage
from casework.model.tokens import hash_token
from casework.services import guests
from casework.services.guest_ports import GuestMessage, NewGuestMessage, SaidKind
from casework.services.model_ports import VersionStatus
from casework.services.ports import AssistantReply
from tests.casework.services.test_contents import publish_new, seed
from tests.support.builders import a_hit, a_learned, an_amber_hit, an_answer, an_sms
from tests.support.guests import CANDIDATE, change_status, make_candidate
from tests.support.line import Line

VISIT = "a" * 32
DANGER = "he is outside my door"


@pytest.fixture
def token(line: Line) -> str:
    line.database.write_now(make_candidate)
    return open_link(line)


def open_link(line: Line, **values: Any) -> str:
    given: dict[str, Any] = {"group": "Essex testers", "days": 14, "by": "toni"} | values
    return line.database.write_now(lambda tx: guests.open_link(tx, CANDIDATE, **given))


def trying(line: Line) -> guests.Trying:
    return guests.Trying(
        store=line.database,
        assistant=line.assistant,
        screen=line.screen,
        bands=line.bands,
        safety_lines=line.safety_lines,
        texts=line.texts,
    )


async def say(
    line: Line, token: str, text: str, *, after: int | None = None, visit: str = VISIT
) -> list[GuestMessage]:
    written = line.database.read_now(lambda tx: tx.guests.list_visit(hash_token(token), visit))
    newest = written[-1].id if written else 0
    return await guests.say(
        trying(line), token, visit, a_message(line, text), after=newest if after is None else after
    )


def a_message(line: Line, text: str) -> InboundMessage:
    return an_sms(text, channel=Channel.WEBCHAT, external_id=f"guest-{VISIT}", received_at=line.clock.now())


def kinds(message: GuestMessage) -> list[SaidKind]:
    return [said.kind for said in message.said]


async def test_a_tester_is_answered_by_the_candidate_alone_as_somebody_of_whom_nothing_is_known(
    line: Line, token: str
) -> None:
    line.assistant.answer = an_answer("Hello.", state={"v": 1, "n": 1})
    [first] = await say(line, token, "hi")
    line.clock.advance(minutes=1)
    _, second = await say(line, token, "and now")

    assert [said.text for said in first.said] == ["Hello."]
    assert line.assistant.models == [(CANDIDATE,), (CANDIDATE,)]
    assert line.assistant.states == [None, {"v": 1, "n": 1}]
    assert [facts["standing"] for facts in line.assistant.facts] == ["unknown", "unknown"]
    assert line.assistant.facts[1]["earlier"] == ["hi"]
    assert second.band is Band.GREEN


async def test_nothing_but_the_testers_own_rows_is_ever_written(line: Line, token: str) -> None:
    line.screen.results = {DANGER: a_hit(1), "not sure": an_amber_hit()}
    line.assistant.answers = {
        "get me a person": an_answer(effects=({"effect": "hand_off", "reason": "asked_for_person"},)),
        "43260012345": an_answer(effects=({"effect": "request_code", "crime_reference": "43260012345"},)),
        "danger read": an_answer(learned=a_learned(1)),
    }
    before = {name: len(rows) for name, rows in line.everything().items()}

    for text in (DANGER, "not sure", "get me a person", "43260012345", "danger read", "STOP"):
        await say(line, token, text)

    after = {name: len(rows) for name, rows in line.everything().items()}
    # And the key their words are sealed with.
    assert {name for name in after if after[name] != before[name]} == {"guest_message", "data_key"}
    assert after["guest_message"] == 6
    assert {"conversation", "inbox", "turn", "outbox", "desk_item", "code_request"} <= {
        table.name for table in metadata.sorted_tables
    }


async def test_danger_gets_the_safety_line_and_the_model_is_not_asked(line: Line, token: str) -> None:
    line.screen.results = {DANGER: a_hit(1)}
    await say(line, token, "hello")

    _, danger = await say(line, token, DANGER)

    assert kinds(danger) == [SaidKind.SAFETY_LINE, SaidKind.TOLD_AT_ONCE]
    assert danger.said[0].text == line.safety_lines["immediate_danger"].web
    assert danger.state == {"v": 1, "said": "Your case is with an officer."}
    assert line.assistant.asked == ["hello"]


async def test_danger_that_the_model_reads_drops_its_answer(line: Line, token: str) -> None:
    line.assistant.answer = an_answer(learned=a_learned(1))

    [danger] = await say(line, token, "read by the model")

    assert kinds(danger) == [SaidKind.SAFETY_LINE, SaidKind.TOLD_AT_ONCE]
    assert (danger.band, danger.tier, danger.responses) == (Band.RED, 1, ())


async def test_a_doubt_is_asked_about_and_a_hand_off_is_told(line: Line, token: str) -> None:
    line.screen.results = {"not sure": an_amber_hit()}
    line.assistant.answer = an_answer("OK.", effects=({"effect": "hand_off", "reason": "asked_for_person"},))

    [doubt] = await say(line, token, "not sure")

    assert kinds(doubt) == [SaidKind.REPLY, SaidKind.CHECKED, SaidKind.TO_PERSON]
    assert doubt.said[0].text.startswith("OK.\n\n")


async def test_without_an_answer_danger_is_still_told(line: Line, token: str) -> None:
    line.assistant.is_down = True
    line.screen.results = {DANGER: a_hit(1)}

    [calm] = await say(line, token, "hello")
    _, danger = await say(line, token, DANGER)

    assert kinds(calm) == [SaidKind.NO_ANSWER]
    assert kinds(danger) == [SaidKind.SAFETY_LINE, SaidKind.TOLD_AT_ONCE]


async def test_testers_read_the_words_that_are_published(line: Line, token: str) -> None:
    seed(line)
    words = "You are welcome. You can write to us here."
    publish_new(line, "utter_thanks", {"web": words})
    base = load_base_texts()["utter_thanks"].forms["web"]
    line.assistant.answer = an_answer(replies=(AssistantReply(response="utter_thanks", text=base),))

    [thanked] = await say(line, token, "thank you")

    assert thanked.said[0].text == words
    assert line.rows(metadata.tables["told_content"]) == []


async def test_a_page_that_is_sent_twice_says_it_once(line: Line, token: str) -> None:
    [first] = await say(line, token, "hello")

    assert [each.id for each in await say(line, token, "hello", after=0)] == [first.id]
    assert len(line.rows(guest_message)) == 1


async def test_what_was_written_while_the_model_thought_is_not_written_over(line: Line, token: str) -> None:
    def write_from_another_window() -> None:
        line.assistant.while_answering = None
        line.database.write_now(
            lambda tx: tx.guests.record(
                hash_token(token),
                VISIT,
                NewGuestMessage(text="x", state=None, responses=(), said=(), band=Band.GREEN, tier=None),
            )
        )

    line.assistant.while_answering = write_from_another_window

    assert [each.text for each in await say(line, token, "hello")] == ["x"]


@pytest.mark.parametrize("why", ["another", "ended", "model refused", "model released", "too late"])
async def test_a_link_ends_and_every_end_is_the_same(line: Line, token: str, why: str) -> None:
    await say(line, token, "while it was open")
    if why == "too late":
        line.clock.advance(days=14)
    elif why == "ended":
        [link] = line.database.read_now(lambda tx: tx.guests.list_links())
        assert line.database.write_now(lambda tx: guests.end_link(tx, link.number, by="toni"))
        assert not line.database.write_now(lambda tx: guests.end_link(tx, link.number, by="toni"))
    elif why.startswith("model"):
        status = VersionStatus(why.removeprefix("model "))
        line.database.write_now(lambda tx: change_status(tx, status))

    with pytest.raises(guests.LinkOver):
        await say(line, "another" if why == "another" else token, "is it open")


async def test_a_link_holds_so_many_messages_and_no_more(line: Line, token: str) -> None:
    full = NewGuestMessage(text="x", state=None, responses=(), said=(), band=Band.GREEN, tier=None)

    def fill(tx: Any) -> None:
        for number in range(guests.MOST_A_LINK - 1):
            tx.guests.record(hash_token(token), f"{number // (guests.MOST_A_VISIT - 1):032x}", full)

    line.database.write_now(fill)
    await say(line, token, "the last of its visit", visit=f"{0:032x}")
    with pytest.raises(guests.TooManyWritten):
        await say(line, token, "one more", visit="f" * 32)
    assert len(line.rows(guest_message)) == guests.MOST_A_LINK


async def test_a_visit_that_is_full_says_so(line: Line, token: str) -> None:
    full = NewGuestMessage(text="x", state=None, responses=(), said=(), band=Band.GREEN, tier=None)

    def fill(tx: Any) -> None:
        for _ in range(guests.MOST_A_VISIT):
            tx.guests.record(hash_token(token), VISIT, full)

    line.database.write_now(fill)

    with pytest.raises(guests.TooManyWritten):
        await say(line, token, "one more")
    assert await say(line, token, "another visit", visit="b" * 32)


def test_a_link_is_made_for_a_candidate_for_two_weeks_at_most_and_its_token_is_kept_nowhere(
    line: Line, token: str
) -> None:
    row = line.row(guest_link)

    assert row.token_hash == hash_token(token)
    assert row.expires_at - row.issued_at == timedelta(days=14)
    assert len(token) >= 43
    assert token not in str(line.everything())
    assert [(each.act, each.thing) for each in line.rows(audit)] == [("guest_link_made", "guest-link:1")]
    for values in ({"days": 15}, {"days": 0}, {"group": "  "}, {"group": "x" * 81}):
        with pytest.raises(guests.LinkUnfit):
            open_link(line, **values)
    line.database.write_now(lambda tx: change_status(tx, VersionStatus.REFUSED))
    with pytest.raises(guests.LinkUnfit):
        open_link(line)
    assert line.row(model_version).status == "refused"
