"""The board, lines, second looks, measures and everybody's own page, through the real desk.

Red when: a route is open to another role, a hidden number reaches the page or the file, a broadcast does not reach an
open page, or a formula starts a cell.
"""

import csv
import html
import io
import re
from dataclasses import replace
from datetime import timedelta

import pytest

from casework.adapters.storage.desk_tables import transfer
from casework.adapters.storage.supervision_tables import broadcast, quality_review, staff_break
from casework.adapters.storage.tables import audit, conversation, desk_item
from casework.model.desk import HandoffReason, Outcome
from casework.model.disclosures import Category
from casework.model.messages import Channel
from casework.services.measures import FEW
from console.pages import PAGES as DESK_PAGES
from console.supervisor.charts import Figure, draw_bars
from console.supervisor.measures_pages import say_seconds
from tests.console.desk_site import DeskSite, Detective, read_event

PAGES = (
    *("/console/board", "/console/measures", "/console/quality", "/console/broadcast", "/console/intake"),
    "/console/me",
)


@pytest.fixture(name="alex")
async def supervisor(site: DeskSite) -> Detective:
    return await site.detective("alex", "Alex Lee", role="supervisor")


async def get_page(who: Detective, path: str) -> str:
    answer, page = await who.get(path)
    assert answer.status == 200, (path, answer.status)
    return page


def staff_id(site: DeskSite, login: str) -> str:
    return site.service.database.read_now(lambda tx: tx.staff.find(login)).id  # type: ignore[union-attr]


def words_of(page: str) -> str:
    return " ".join(html.unescape(re.sub(r"<[^>]+>", " ", page)).split())


# --- who may -------------------------------------------------------------------------------------


@pytest.mark.parametrize("role", ["triage", "investigator", "trainer", "auditor", "admin"])
async def test_other_roles_see_only_what_is_theirs(site: DeskSite, role: str) -> None:
    who = await site.detective("casey", "Casey Hill", role=role)

    seen = {path for path in PAGES if (await who.get(path))[0].status == 200}

    theirs = {"triage": {"/console/me"}, "investigator": {"/console/me"}, "auditor": {"/console/measures"}}
    assert seen == theirs.get(role, set())


async def test_a_supervisor_opens_every_page(alex: Detective) -> None:
    for path in PAGES:
        await get_page(alex, path)


# --- the board -----------------------------------------------------------------------------------


async def test_the_board_counts_by_grade_and_lists_what_is_overdue_in_any(
    site: DeskSite, alex: Detective
) -> None:
    site.victim_writes(category=Category.STALKING_ESCALATION)
    site.victim_writes(reason=HandoffReason.ASKED_FOR_PERSON)
    site.clock.advance(days=3)
    await alex.log_in("alex")
    site.victim_writes(category=Category.IMMEDIATE_DANGER)

    page = await get_page(alex, "/console/board")

    rows = dict(re.findall(r'<tr id="grade-(\d)">(.*?)</tr>', page, re.S))
    assert "under 1 min" in rows["1"]
    assert "1 overdue" in rows["2"]
    assert "1 overdue" in rows["3"]
    assert "overdue" not in rows["1"] + rows["4"]
    listed = re.findall(r'<li id="overdue-.*?</li>', page, re.S)
    assert len(listed) == 2
    # The longest over its time stands first, whatever its grade.
    assert "Asked for a person" in listed[1] or "Asked for a person" in listed[0]


async def test_the_board_shows_who_is_on_shift_and_what_runs(site: DeskSite, alex: Detective) -> None:
    sam = await site.detective()
    talk = site.victim_writes(category=Category.IMMEDIATE_DANGER)
    await sam.claim(talk)
    site.clock.advance(minutes=91)
    await alex.log_in("alex")
    site.write(lambda tx: tx.beats.beat("worker"))

    page = await get_page(alex, "/console/board")

    row = words_of(re.findall(rf'<tr id="staff-{staff_id(site, "sam")}">(.*?)</tr>', page, re.S)[0])
    assert row == "Sam Price Due a break 1 91 1"
    assert "Working." in page
    assert "Shown when three or more are on shift" in page
    site.clock.advance(minutes=1)
    assert "Silent since" in await get_page(alex, "/console/board")


async def test_an_open_board_is_told_of_change_and_of_time(site: DeskSite, alex: Detective) -> None:
    page = await get_page(alex, "/console/board")
    events = re.findall(r'data-events="([^"]+)"', page)[0]
    async with alex.http.get(events) as stream:
        talk = site.victim_writes(category=Category.IMMEDIATE_DANGER)
        first = await read_event(stream)
        assert first["event"] == "board"
        site.clock.advance(minutes=2)
        site.write(lambda tx: tx.beats.beat("worker"))
        second = await read_event(stream)
        assert second["id"] != first["id"]

    pane = (await alex.get("/console/board", X_Pane="board"))[1]
    assert pane.lstrip().startswith('<section id="pane"')
    assert talk in pane


async def test_a_supervisor_reassigns_takes_over_and_releases(site: DeskSite, alex: Detective) -> None:
    sam, robin = await site.detective(), await site.detective("robin", "Robin Day")
    talk = site.victim_writes(category=Category.IMMEDIATE_DANGER)
    other = site.victim_writes(category=Category.IMMEDIATE_DANGER)
    await sam.claim(talk)
    await robin.claim(other)
    address = f"/console/board/c/{talk}"
    page = await get_page(alex, address)
    assert "Sam Price has it." in page
    assert "Robin Day" in page

    refused, again = await alex.post(address, {"do": "release"})
    assert refused.status == 422
    assert "not silent for too long" in again
    no_reason, _ = await alex.post(address, {"do": "take_over", "reason": ""})
    assert no_reason.status == 422
    asked, _ = await alex.post(
        address, {"do": "reassign", "to": staff_id(site, "robin"), "reason": "Sam has three"}
    )
    assert asked.status == 303
    [offer] = site.rows(transfer, transfer.c.status == "offered")
    assert (offer.conversation_id, offer.to_id) == (talk, staff_id(site, "robin"))
    taken, _ = await alex.post(address, {"do": "take_over", "reason": "No answer for long"})
    assert taken.headers["Location"] == f"/console/c/{talk}"
    [row] = site.rows(conversation, conversation.c.id == talk)
    assert row.owner_id == staff_id(site, "alex")


# --- lines ---------------------------------------------------------------------------------------


async def test_a_broadcast_stands_on_every_page_and_reaches_an_open_one(
    site: DeskSite, alex: Detective
) -> None:
    sam = await site.detective()
    _, queue = await sam.get("/console")
    events = re.findall(r'data-events="([^"]+)"', queue)[0].replace("&amp;", "&")
    async with sam.http.get(events) as stream:
        sent, _ = await alex.post("/console/broadcast", {"text": "<b>Lifts</b> are out", "hours": "1"})
        assert sent.status == 303
        told = await read_event(stream)

    assert "." in told["id"]
    for path in ("/console", "/console/me", "/console/clocks"):
        assert "&lt;b&gt;Lifts&lt;/b&gt; are out" in await get_page(sam, path)
    pane = (await sam.get("/console", X_Pane="queue"))[1]
    assert "are out" in pane
    site.clock.advance(hours=1)
    await sam.log_in()
    assert "are out" not in await get_page(sam, "/console")


async def test_a_refused_broadcast_keeps_the_words(site: DeskSite, alex: Detective) -> None:
    answer, page = await alex.post("/console/broadcast", {"text": "Half a line", "hours": "3"})

    assert answer.status == 422
    assert 'value="Half a line"' in page
    assert site.rows(broadcast) == []


async def test_the_line_to_people_who_write_is_chosen_shown_and_ended(
    site: DeskSite, alex: Detective
) -> None:
    free, _ = await alex.post("/console/intake", {"text_name": "We are closed", "hours": "1"})
    assert free.status == 422
    await alex.post("/console/intake", {"text_name": "intake_slow", "hours": "2"})
    page = await get_page(alex, "/console/intake")
    assert "End it now" in page
    await alex.post("/console/intake/end")
    assert "No line is shown now" in await get_page(alex, "/console/intake")


# --- second looks --------------------------------------------------------------------------------


async def test_a_second_look_shows_the_words_and_keeps_the_verdict(site: DeskSite, alex: Detective) -> None:
    sam = await site.detective()
    talk = site.victim_writes("he is <i>outside</i>", category=Category.IMMEDIATE_DANGER)
    await sam.claim(talk)
    site.write(lambda tx: tx.desk.close_all(talk, Outcome.TOLD_TO_CALL_999))
    [item] = site.rows(desk_item)
    page = await get_page(alex, "/console/quality")
    assert "(1 due)" in page

    one = await get_page(alex, f"/console/quality/{item.id}")
    assert "he is &lt;i&gt;outside&lt;/i&gt;" in one
    reads = site.rows(audit, audit.c.act == "conversation_read", audit.c.conversation_id == talk)
    assert reads[-1].thing == "quality"
    half, again = await alex.post(f"/console/quality/{item.id}", {"verdict": "good", "words": "Kind words"})
    assert half.status == 422
    assert "Kind words" in again
    names = ("safety_first", "plan_kept", "grade_right", "plain_words", "promises_true")
    whole = {f"answer_{name}": "yes" for name in names} | {"verdict": "good", "words": "Kind words"}
    kept, _ = await alex.post(f"/console/quality/{item.id}", whole)
    assert kept.status == 303
    [review] = site.rows(quality_review)
    assert review.reviewer_id == staff_id(site, "alex")
    assert "quality_reviewed" in site.acts()
    assert (await alex.get(f"/console/quality/{item.id}"))[0].status == 409
    assert (await alex.get(f"/console/quality/{'0' * 32}"))[0].status == 404


async def test_a_handler_is_told_that_somebody_else_looks(site: DeskSite, alex: Detective) -> None:
    talk = site.victim_writes("help", category=Category.IMMEDIATE_DANGER)
    await alex.claim(talk)
    site.write(lambda tx: tx.desk.close_all(talk, Outcome.TOLD_TO_CALL_999))
    [item] = site.rows(desk_item)

    answer, page = await alex.get(f"/console/quality/{item.id}")

    assert answer.status == 409
    assert "You had a hand in it" in page
    assert "help" not in words_of(page).split()


# --- measures ------------------------------------------------------------------------------------


def add_items(site: DeskSite, count: int, category: Category, channel: Channel = Channel.SMS) -> None:
    for _ in range(count):
        site.victim_writes(category=category, channel=channel)


async def test_small_numbers_are_hidden_on_the_page_and_in_the_file(site: DeskSite, alex: Detective) -> None:
    add_items(site, 9, Category.IMMEDIATE_DANGER)
    add_items(site, 7, Category.STALKING_ESCALATION)
    add_items(site, 3, Category.OFFENDER_CONTACT_OR_RELEASE_FEAR)

    page = await get_page(alex, "/console/measures")
    answer, text = await alex.get("/console/measures/grades.csv")

    section = re.findall(r'id="measure-grades".*?</section>', page, re.S)[0]
    assert "fewer than 5" in words_of(section)
    assert ">3<" not in section
    assert ">7<" not in section
    assert answer.content_type == "text/csv"
    assert "attachment" in answer.headers["Content-Disposition"]
    rows = list(csv.reader(io.StringIO(text)))
    assert rows == [
        ["grade", "count"],
        ["1", "9"],
        ["2", FEW.value],
        ["3", FEW.value],
        ["4", "0"],
    ]
    assert [row.thing for row in site.rows(audit, audit.c.act == "measures_downloaded")]


async def test_a_language_that_is_a_formula_is_a_word_in_the_file(site: DeskSite, alex: Detective) -> None:
    add_items(site, 6, Category.IMMEDIATE_DANGER)
    talk = site.victim_writes(category=Category.IMMEDIATE_DANGER)
    site.link_case(talk, language="=1+1")
    for _ in range(5):
        # Enough of them to be shown.
        site.write(
            lambda tx: tx.desk.record_item(
                conversation_id=talk,
                reason=HandoffReason.CHECK,
                grade=tx.desk.list_of_conversation(talk)[0].grade,
                dedupe_key=f"more:{len(tx.desk.list_of_conversation(talk))}",
            )
        )

    _, text = await alex.get("/console/measures/languages.csv")

    assert "'=1+1" in text
    assert '"=1+1' not in text


async def test_periods(site: DeskSite, alex: Detective) -> None:
    today = site.clock.now().date()
    week = today - timedelta(days=6)
    chosen = await get_page(alex, f"/console/measures?from={week}&to={today}")
    assert f'value="{week}"' in chosen
    assert 'aria-current="page"' in await get_page(alex, "/console/measures?days=90")
    for query in (f"from={today}&to={today}", "from=x&to=y", "days=3", f"from={today}&to={week}"):
        answer, page = await alex.get(f"/console/measures?{query}")
        assert answer.status == 422, query
        assert "Choose 7 to 366 days" in page
    assert (await alex.get("/console/measures/claims.csv?days=3"))[0].status == 400
    assert (await alex.get("/console/measures/staff_member.csv"))[0].status == 404


async def test_every_measure_says_what_it_counts_and_where_52_percent_is_from(
    site: DeskSite, alex: Detective
) -> None:
    page = words_of(await get_page(alex, "/console/measures"))

    for section in ("measure_titles", "measure_notes"):
        for text in site.app[DESK_PAGES].words[section].values():
            assert text in page
    assert "pilot survey of Northamptonshire, 2020: 52 %" in page


def test_bars_are_as_long_as_what_they_stand_for() -> None:
    chart = draw_bars(
        "x",
        [
            Figure(label="a", number=100, shown="100"),
            Figure(label="b", number=25.0, shown="25", mark=50),
            Figure(label="c", number=FEW, shown="fewer than 5"),
            Figure(label="d", number=None, shown="none"),
        ],
    )

    lengths = [bar.length for bar in chart.bars]
    assert lengths[1] == lengths[0] / 4
    assert lengths[2:] == [0, 0]
    assert chart.bars[1].mark == chart.bar_from + lengths[0] / 2
    assert len({bar.y for bar in chart.bars}) == 4


def test_times_in_words() -> None:
    said = [say_seconds(each) for each in (0, 59, 60, 3599, 3600, 172799, 172800)]

    assert said == ["0 s", "59 s", "1 min 0 s", "59 min 59 s", "1 h 0 min", "47 h 59 min", "2 days 0 h"]


# --- one's own page ------------------------------------------------------------------------------


async def test_a_break_in_one_press_from_any_page(site: DeskSite) -> None:
    sam = await site.detective()
    talk = site.victim_writes(category=Category.IMMEDIATE_DANGER)
    await sam.claim(talk)
    page = await get_page(sam, "/console")
    assert re.search(r'action="/console/break".*?data-key="B"', page, re.S)

    gone, _ = await sam.post("/console/break")

    assert gone.headers["Location"] == "/console/me"
    [row] = site.rows(conversation, conversation.c.id == talk)
    assert row.owner_id is None
    assert "You are on a break since" in await get_page(sam, "/console")
    await sam.post("/console/back")
    assert "You are on a break" not in await get_page(sam, "/console")
    [taken] = site.rows(staff_break)
    assert taken.ended_at is not None


async def test_a_conversation_goes_to_the_colleague_who_is_named(site: DeskSite) -> None:
    sam, robin = await site.detective(), await site.detective("robin", "Robin Day")
    await robin.claim(site.victim_writes(category=Category.IMMEDIATE_DANGER))
    talk = site.victim_writes(category=Category.IMMEDIATE_DANGER)
    await sam.claim(talk)
    page = await get_page(sam, "/console/me")
    assert "Ask Robin Day" in page

    await sam.post("/console/break", {f"to_{talk}": staff_id(site, "robin")})

    [offer] = site.rows(transfer, transfer.c.status == "offered")
    assert (offer.conversation_id, offer.to_id) == (talk, staff_id(site, "robin"))


async def test_ones_own_figures_are_on_no_page_of_a_supervisor(site: DeskSite, alex: Detective) -> None:
    sam = await site.detective()
    for number in range(3):
        talk = site.victim_writes(
            category=Category.SEXUAL_VIOLENCE_RECENT, external_id=f"+44770090000{number}"
        )
        await sam.open(talk)

    mine = words_of(await get_page(sam, "/console/me"))
    board = words_of(await get_page(alex, "/console/board"))

    assert "About a sexual offence 3" in mine
    assert "A pause is due" in mine
    assert "sexual offence" not in board.replace("about a sexual offence. Nobody's own", "")


async def test_after_grade_1_somebody_to_talk_to_is_offered_and_may_be_skipped(site: DeskSite) -> None:
    sam = await site.detective()
    talk = site.victim_writes(category=Category.IMMEDIATE_DANGER)
    await sam.claim(talk)
    site.write(lambda tx: tx.desk.close_all(talk, Outcome.TOLD_TO_CALL_999))
    assert 'id="debrief"' in await get_page(sam, "/console")

    await sam.post("/console/me/debrief", {"answer": "skip"})

    assert 'id="debrief"' not in await get_page(sam, "/console")


async def test_the_forces_own_page_is_linked_where_it_is_set(site: DeskSite) -> None:
    sam = await site.detective()
    assert "Its link is not set here" in await get_page(sam, "/console/me")
    object.__setattr__(
        site.service,
        "settings",
        replace(site.service.settings, occupational_health_url="https://wellbeing.example.org"),
    )
    assert 'href="https://wellbeing.example.org"' in await get_page(sam, "/console/me")
