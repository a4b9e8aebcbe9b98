"""What the actions are given of a case: only what may be told there, from the database as it stands."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from actions.case import TellAboutCase
from actions.database_reads import DatabaseReads
from actions.reads import AssistantView
from actions.telling import Wish
from casework.adapters.service import Service
from casework.adapters.storage.database import Database, create_engine
from casework.bootstrap import build_service
from casework.model.may_tell import FOR_EVERYONE, Piece
from casework.model.messages import Channel
from casework.model.safe_contact import SafeContactPlan
from casework.model.standings import Standing
from casework.services.prove import request_code
from tests.actions.asking import Said, ask
from tests.channels.webchat_site import make_settings
from tests.support.builders import REFERENCE, VICTIM, a_case
from tests.support.clock import SetClock
from tests.support.databases import copy_sqlite
from tests.support.line import Line
from tests.support.news import agree_plan, happens, say_case

TODAY = date(2026, 11, 21)
FLAGGED = "Domestic abuse - assault"
ANSWERS_ANYWHERE = SafeContactPlan(answered_channels=frozenset(Channel))


@pytest.fixture
def line(tmp_path: Path, sqlite_template: Path, clock: SetClock) -> Iterator[Line]:
    database = Database(create_engine(copy_sqlite(sqlite_template, tmp_path / "waymark.db")), clock)
    yield Line(database=database, clock=clock)
    database.close()


@pytest.fixture
def reads(line: Line, tmp_path: Path) -> DatabaseReads:
    service: Service = build_service(make_settings(tmp_path, "http://127.0.0.1"), clock=line.clock)
    return DatabaseReads(replace(service, database=line.database, codes=line.codes))  # type: ignore[arg-type]


def link(line: Line, channel: Channel = Channel.SMS, level: Standing = Standing.LINKED) -> str:
    conversation_id = line.open(VICTIM if channel is Channel.SMS else "browser", channel)

    def prove(tx: Any) -> None:
        tx.standings.record(conversation_id, REFERENCE, Standing.LINKED, method="code")
        if level > Standing.LINKED:
            tx.standings.record(conversation_id, REFERENCE, level, method="pin")

    line.database.write_now(prove)
    return conversation_id


async def tell(reads: DatabaseReads, wish: Wish, conversation_id: str) -> Said:
    return await ask(TellAboutCase(reads, wish, lambda: TODAY), conversation=conversation_id)


async def test_a_stranger_is_given_nothing_of_any_case(line: Line, reads: DatabaseReads) -> None:
    line.add_cases(a_case())

    view = await reads.read_view(line.open("+447700900777"))

    assert view == AssistantView(standing=Standing.UNKNOWN, is_new_visit=True)
    assert view.told == FOR_EVERYONE


async def test_a_link_that_ran_out_is_given_nothing_either(line: Line, reads: DatabaseReads) -> None:
    line.add_cases(a_case())
    conversation_id = link(line)
    line.clock.advance(hours=25)

    view = await reads.read_view(conversation_id)

    assert (view.standing, view.case, view.told) == (Standing.UNKNOWN, None, FOR_EVERYONE)
    assert (await tell(reads, Wish.STATUS, conversation_id)).responses == ["utter_need_reference"]


async def test_a_code_about_to_be_confirmed_is_told_by_the_plan_of_its_case(
    line: Line, reads: DatabaseReads
) -> None:
    line.add_cases(a_case())
    agree_plan(
        line, replace(ANSWERS_ANYWHERE, unasked_channels=frozenset(Channel), is_unsolicited_agreed=True)
    )
    asker = line.open("+447700900777")
    line.database.write_now(lambda tx: request_code(tx, asker, REFERENCE))
    await line.issue_codes()

    view = await reads.read_view(asker, as_if_code=line.codes.issued[-1])

    assert view.standing is Standing.LINKED
    assert view.is_neutral
    assert Piece.OFFICER_NAME not in view.told


@pytest.mark.parametrize(
    ("level", "channel", "responses"),
    [
        (Standing.LINKED, Channel.SMS, ["utter_not_told_here"]),
        (Standing.LINKED, Channel.WEBCHAT, ["utter_not_told_here"]),
        (Standing.STEPPED_UP, Channel.WEBCHAT, ["utter_officer", "utter_officer_contact"]),
    ],
)
async def test_in_a_flagged_case_the_officers_name_waits_for_a_step_up(
    line: Line, reads: DatabaseReads, level: Standing, channel: Channel, responses: list[str]
) -> None:
    line.add_cases(a_case(crime_type=FLAGGED))

    assert (await tell(reads, Wish.OFFICER, link(line, channel, level))).responses == responses


async def test_where_words_must_be_neutral_a_phone_says_only_when_the_record_changed(
    line: Line, reads: DatabaseReads
) -> None:
    line.add_cases(a_case())
    agree_plan(line, ANSWERS_ANYWHERE)
    phone = link(line)

    status = await tell(reads, Wish.STATUS, phone)

    assert status.responses == ["utter_status_neutral"]
    assert "1 November 2026" in status.in_words()
    for wish in (Wish.NEXT_STEPS, Wish.OFFICER):
        assert (await tell(reads, wish, phone)).responses == ["utter_not_told_here"]


async def test_the_web_chat_of_the_same_person_says_it_plainly(line: Line, reads: DatabaseReads) -> None:
    line.add_cases(a_case())
    agree_plan(line, ANSWERS_ANYWHERE)

    said = await tell(reads, Wish.STATUS, link(line, Channel.WEBCHAT))

    assert said.responses[0] == "utter_stage_under_investigation"


async def test_while_a_person_has_news_to_tell_nothing_gives_it_away(
    line: Line, reads: DatabaseReads
) -> None:
    say_case(line, crime_type=FLAGGED)
    happens(line, "bail_breach_recorded")
    happens(line, "stage_changed", "arrested")
    phone = link(line, Channel.WEBCHAT)

    view = await reads.read_view(phone)

    assert view.told.isdisjoint(
        {Piece.NEUTRAL_STATUS, Piece.NEXT_STEPS, Piece.OUTCOME, Piece.CODE_CLOCK_DATES}
    )
    assert view.hear_by is None
    for wish in (Wish.STATUS, Wish.NEXT_STEPS):
        assert (await tell(reads, wish, phone)).responses == ["utter_update_by_officer"]


async def test_a_running_clock_of_the_victims_code_says_by_which_day_they_should_hear(
    line: Line, reads: DatabaseReads
) -> None:
    say_case(line, next_update_due=None, enhanced_rights=False)
    happens(line, "stage_changed", "arrested")
    conversation_id = link(line, Channel.WEBCHAT)

    view = await reads.read_view(conversation_id)
    said = await tell(reads, Wish.NEXT_STEPS, conversation_id)

    assert view.hear_by == date(2026, 11, 27)
    assert said.responses == ["utter_next_arrested", "utter_hear_by"]
    assert "You should hear from us by Friday 27 November." in said.in_words()
