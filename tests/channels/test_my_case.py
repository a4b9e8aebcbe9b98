"""The pages about somebody's own case over a real socket, as a browser without JavaScript asks for them.

Red when: a template shows a value of the case itself; the pages of who proved nothing differ by whether there is a
case; `save_copy` asks for no form of our own; a page that is only loaded ahead marks the news as read.
"""

import html
import re
from collections.abc import AsyncIterator
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import aiohttp
import pytest
import pytest_asyncio

from casework.adapters.storage.access_tables import access_request
from casework.adapters.storage.keeping_tables import hold
from casework.adapters.storage.tables import audit, case_notice, conversation, desk_item, standing
from casework.adapters.storage.transaction import SqlTransaction
from casework.model.case_changes import FROM_FEED, FeedEvent
from casework.model.cases import Case, CaseEvent
from casework.model.may_tell import CaseFlags, Piece, may_tell
from casework.model.messages import Channel
from casework.model.safe_contact import parse_safe_contact
from casework.model.stages import Stage
from casework.model.standings import Standing
from casework.services.case_feed import record_events
from channels.webchat.timeline import MOST_DONE, WIDTH, draw_timeline
from tests.channels.states_my_case import FLAGGED, HISTORY, a_long_case, an_ended_case, moves
from tests.channels.webchat_site import WebchatSite, run_webchat
from tests.support.builders import REFERENCE, a_case
from tests.support.news import feed_of

PAGES = ("/my", "/my/dates", "/my/copy")
Answer = tuple[int, str]


class Visitor:
    """Keeps its cookie and posts forms; follows no redirect by itself."""

    def __init__(self, site: WebchatSite) -> None:
        self.site = site
        self._http = aiohttp.ClientSession(cookie_jar=aiohttp.CookieJar(unsafe=True))

    async def ask(self, method: str, path: str, **given: Any) -> aiohttp.ClientResponse:
        headers = {"Origin": self.site.url} | given.pop("headers", {})
        response = await self._http.request(
            method, self.site.url + path, headers=headers, allow_redirects=False, **given
        )
        await response.read()
        return response

    async def get(self, path: str, **given: Any) -> Answer:
        response = await self.ask("GET", path, **given)
        return response.status, response.headers.get("Location") or await response.text()

    async def start(self, case: Case | None = None, standing: Standing = Standing.UNKNOWN) -> "Visitor":
        await self.ask("POST", "/start", data={"text": "hello, it is me"})
        if case is not None:
            self.site.add_case(case)
            if standing >= Standing.LINKED:
                self.site.link(standing, case=case)
        return self

    async def close(self) -> None:
        await self._http.close()


@pytest_asyncio.fixture
async def site(tmp_path: Path) -> AsyncIterator[WebchatSite]:
    async with run_webchat(tmp_path) as running:
        yield running


@pytest_asyncio.fixture
async def visitor(site: WebchatSite) -> AsyncIterator[Visitor]:
    made = Visitor(site)
    yield made
    await made.close()


def happens(site: WebchatSite, kind: str, detail: str = "") -> None:
    now = site.clock.now()
    event = FeedEvent(
        crime_reference=REFERENCE, event_id=f"{FROM_FEED}{kind}{detail}", at=now, kind=kind, detail=detail
    )
    site.service.database.write_now(
        lambda tx: record_events(tx, [event], feed=feed_of(), source="api", by="test")
    )


def words_of(page: str) -> str:
    """What is read, with the name of what is drawn."""
    main = page.split("<main", 1)[1].split("</main>", 1)[0]
    return " ".join(html.unescape(re.sub(r"<[^>]+>", " ", main)).split())


# --- who sees what --------------------------------------------------------------------------------


async def test_without_a_visit_every_page_leads_to_the_start(visitor: Visitor) -> None:
    for path in PAGES:
        assert await visitor.get(path) == (303, "/")
    response = await visitor.ask("POST", "/my/copy")
    assert (response.status, response.headers["Location"]) == (303, "/")


@pytest.mark.parametrize("safe_contact", ["any", "none"])
@pytest.mark.parametrize("is_news_waiting", [False, True])
@pytest.mark.parametrize("crime_type", [FLAGGED, "Burglary - canarycrime"])
@pytest.mark.parametrize("standing", Standing)
async def test_every_word_of_a_case_stands_only_where_it_may_be_told(
    visitor: Visitor, standing: Standing, crime_type: str, is_news_waiting: bool, safe_contact: str
) -> None:
    """The whole table over the finished pages; a person who proved nothing has no word of it."""
    case = a_case(
        crime_type=crime_type,
        safe_contact=safe_contact,
        stage="recorded",
        stage_since=date(2026, 11, 20),
        oic_name="Canaryname",
        oic_collar_number="Canarycollar",
        oic_contact="Canarycontact",
        next_update_due=date(2027, 1, 31),
        victim_name="Canaryvictim",
        contact_email="canary@example.org",
        events=(
            *moves(("reported", date(2026, 11, 19)), ("recorded", date(2026, 11, 20))),
            CaseEvent(at=datetime(2026, 11, 19, tzinfo=UTC), kind="update_given", detail="canarydetail"),
        ),
    )
    await visitor.start(case, standing)
    if is_news_waiting:
        happens(visitor.site, "must_give_evidence", "canarydetail")
    flags = CaseFlags(is_flagged=crime_type == FLAGGED, is_news_waiting=is_news_waiting)
    plan = parse_safe_contact(safe_contact)
    told = may_tell(standing, channel=Channel.WEBCHAT, plan=plan, flags=flags)

    pages = {path: words_of((await visitor.get(path))[1]) for path in PAGES}

    pieces = {
        "Canaryname": Piece.OFFICER_NAME,
        "Canarycollar": Piece.OFFICER_NAME,
        "Canarycontact": Piece.OFFICER_CONTACT,
        "Recorded as a crime": Piece.NEUTRAL_STATUS,
        "from 20 November 2026": Piece.NEUTRAL_STATUS,
        "We are deciding what to do": Piece.NEXT_STEPS,
        "You told us": Piece.EVENT_HISTORY,
        "from 19 November 2026": Piece.EVENT_HISTORY,
    }
    assert {word: word in pages["/my"] for word in pieces} == {
        word: piece in told for word, piece in pieces.items()
    }
    assert ("by Monday 23 November 2026" in pages["/my/dates"]) == (Piece.CODE_CLOCK_DATES in told)
    assert ("Your rights that matter most now" in pages["/my/dates"]) == (Piece.CODE_CLOCK_DATES in told)
    assert ("hello, it is me" in pages["/my/copy"]) == (Piece.MESSAGE_HISTORY in told)
    assert ("Save a copy" in pages["/my/copy"]) == (Piece.OWN_EXPORT in told)
    whole = " ".join(pages.values())
    never = ("canarycrime", "Domestic", "Canaryvictim", "canary@", "+447700", "4326", "canarydetail")
    assert [word for word in never if word in whole] == []
    if standing < Standing.LINKED or safe_contact == "none":
        shown = [word for word in pieces if word in whole]
        assert shown == []


async def test_news_that_a_person_tells_first_is_said_to_be_there_and_no_more(visitor: Visitor) -> None:
    await visitor.start(a_long_case(crime_type=FLAGGED), Standing.STEPPED_UP)

    for path in ("/my", "/my/dates"):
        words = words_of((await visitor.get(path))[1])
        assert "There is an update Your officer will speak to you." in words
        assert "Call 999" in words
        assert [
            word
            for word in ("arrested", "18 November", "big step in your case", "matter most")
            if word in words
        ] == []


async def test_who_proved_nothing_sees_the_same_whether_or_not_there_is_a_case(site: WebchatSite) -> None:
    """No conversation, no case, a case typed by its reference, a proof that has run out: one page, byte for byte."""
    site.add_case(a_case())
    visitors = [Visitor(site) for _ in range(4)]
    await visitors[0].ask("POST", "/start")
    await visitors[1].start()
    await visitors[2].ask("POST", "/start", data={"text": REFERENCE})
    await visitors[3].start(a_case(), Standing.STEPPED_UP)

    def let_run_out(tx: SqlTransaction) -> None:
        long_ago = datetime(2026, 10, 1, tzinfo=UTC)
        tx.connection.execute(standing.update().values(proved_at=long_ago))

    site.service.database.write_now(let_run_out)

    for path in PAGES:
        answers = {await each.get(path) for each in visitors}
        assert len(answers) == 1, path
        assert answers.pop()[0] == 200
    for each in visitors:
        assert (await each.ask("POST", "/my/copy")).status == 403
        await each.close()
    assert "There is nothing to open yet" in words_of((await _once(site))[1])


async def _once(site: WebchatSite) -> Answer:
    visitor = await Visitor(site).start()
    answer = await visitor.get("/my")
    await visitor.close()
    return answer


# --- what the pages say ---------------------------------------------------------------------------


@pytest.mark.parametrize("stage", Stage)
async def test_every_stage_has_a_name_and_words(visitor: Visitor, stage: Stage) -> None:
    await visitor.start(a_case(stage=stage.value), Standing.LINKED)

    status, page = await visitor.get("/my")

    assert status == 200
    assert "A person can tell you what this means" not in page
    assert page.count('lang="en-GB">') >= 3  # the page itself, what it means, what may come next
    assert "1 November 2026" in words_of(page)


async def test_what_it_means_what_it_does_not_mean_and_when_it_was_confirmed(visitor: Visitor) -> None:
    await visitor.start(a_long_case(), Standing.LINKED)

    words = words_of((await visitor.get("/my"))[1])

    assert "Someone was arrested. Police have held someone to ask them questions." in words
    assert "It does not mean that they are charged" in words
    assert "last confirmed on 21 November 2026" in words
    assert "What may come next" in words
    assert "You should hear from us by Wednesday 25 November 2026" in words
    assert "As recorded on" not in words


async def test_how_it_ended_is_said_in_place_of_what_the_stage_means(visitor: Visitor) -> None:
    await visitor.start(an_ended_case(), Standing.STEPPED_UP)

    words = words_of((await visitor.get("/my"))[1])

    assert "How it ended" in words
    assert "Dealt with without going to court" not in words
    assert "What may come next" not in words


async def test_a_text_past_its_review_date_hides_itself_and_a_person_can_tell(site: WebchatSite) -> None:
    site.clock.advance(days=300)
    visitor = await Visitor(site).start(a_case(), Standing.LINKED)

    updates, dates = [words_of((await visitor.get(path))[1]) for path in ("/my", "/my/dates")]
    await visitor.close()

    assert "We are investigating" in updates
    assert "A person can tell you what this means" in updates
    assert "looking for evidence" not in updates
    assert dates.count("A person can tell you about this right") == 15
    assert "Police should" not in dates


async def test_all_twelve_rights_are_for_everyone_and_those_that_matter_now_come_first(
    site: WebchatSite,
) -> None:
    stranger, linked = Visitor(site), Visitor(site)
    await stranger.start()
    await linked.start(a_long_case(), Standing.LINKED)
    pages = [words_of((await each.get("/my/dates"))[1]) for each in (stranger, linked)]
    for each in (stranger, linked):
        await each.close()

    assert [page.count("Right 1") for page in pages] == [4, 4]  # 1, 10, 11 and 12
    assert "matter most now" not in pages[0]
    now, whole = pages[1].split("All 12 rights")
    assert "To be told about the investigation" in now
    assert "You should be told about a big step in your case." in now
    assert "This is 5 working days. With enhanced rights it is 1 working day." in now
    assert "To complain" in whole


async def test_an_enhanced_limit_and_a_met_one_say_so(visitor: Visitor) -> None:
    stands = {"stage_since": date(2026, 11, 20), "events": moves(("arrested", date(2026, 11, 20)))}
    await visitor.start(a_long_case(enhanced_rights=True, **stands), Standing.LINKED)
    before = words_of((await visitor.get("/my/dates"))[1])
    happens(visitor.site, "victim_told", "arrested")
    after = words_of((await visitor.get("/my/dates"))[1])

    assert "Still to come by Monday 23 November 2026" in before
    assert "with enhanced rights: 1 working day." in before
    assert "Done by Monday 23 November 2026" in after


async def test_a_mark_up_in_the_case_stays_text(visitor: Visitor) -> None:
    await visitor.start(a_case(oic_name="<b>Robin</b>"), Standing.LINKED)

    page = (await visitor.get("/my"))[1]

    assert "&lt;b&gt;Robin&lt;/b&gt;" in page


# --- the drawing ----------------------------------------------------------------------------------


async def test_the_drawing_has_a_mark_for_every_step_of_the_list_and_names_itself(visitor: Visitor) -> None:
    await visitor.start(a_long_case(), Standing.STEPPED_UP)

    page = (await visitor.get("/my"))[1]

    drawing = page.split("<svg", 1)[1].split("</svg>", 1)[0]
    assert [drawing.count(f"wm-path__{kind}") for kind in ("done", "now", "next")] == [4, 1, 4]
    assert page.count("wm-step--done") == len(HISTORY) - 1
    assert 'role="img" aria-labelledby="path-title path-about"' in drawing
    assert "4 steps are done. Now: Someone was arrested." in " ".join(drawing.split())
    assert [word for word in ("style=", "<style", "onclick", "href=") if word in drawing] == []


@pytest.mark.parametrize("done", [0, 1, 4, 9])
@pytest.mark.parametrize("may_follow", [0, 1, 3, 4])
def test_the_drawing_fits_its_frame_and_is_mirrored_for_right_to_left(done: int, may_follow: int) -> None:
    line = draw_timeline(done, may_follow, is_mirrored=False)
    mirrored = draw_timeline(done, may_follow, is_mirrored=True)

    marks = [*line.done, line.now, *line.may_follow]
    assert all(15 <= mark.x <= WIDTH - 7 and 7 <= mark.y <= line.height - 7 for mark in marks)
    assert [mark.x for mark in (*line.done, line.now)] == sorted({mark.x for mark in (*line.done, line.now)})
    assert line.has_earlier == (done > MOST_DONE)
    assert [WIDTH - mark.x for mark in marks] == pytest.approx(
        [mark.x for mark in (*mirrored.done, mirrored.now, *mirrored.may_follow)]
    )


# --- reading and saving ---------------------------------------------------------------------------


async def test_the_news_is_read_by_the_page_that_shows_it_and_by_no_other(visitor: Visitor) -> None:
    await visitor.start(a_case(), Standing.STEPPED_UP)
    happens(visitor.site, "stage_changed", "with_cps")

    for path in ("/my/dates", "/my/copy"):
        await visitor.get(path)
    # What a browser loads ahead, nobody has looked at.
    ahead = await visitor.get("/my", headers={"Sec-Purpose": "prefetch;prerender"})
    assert (ahead[0], "Prosecutors" in ahead[1]) == (503, False)
    assert visitor.site.rows(case_notice)[0].read_at is None

    assert "Prosecutors are deciding" in (await visitor.get("/my"))[1]
    assert visitor.site.rows(case_notice)[0].read_at is not None
    assert [row.act for row in visitor.site.rows(audit) if row.act == "update_read"] == ["update_read"]


async def test_a_saved_copy_is_a_text_file_of_a_neutral_name_with_who_and_when(visitor: Visitor) -> None:
    await visitor.start(a_case(), Standing.STEPPED_UP)
    await visitor.ask("POST", "/m", data={"text": "is <it> done?\n\nAssistant, Friday: it is not"})
    visitor.site.clock.advance(minutes=3)
    visitor.site.answer("An officer & a team have it.")

    response = await visitor.ask("POST", "/my/copy")

    assert response.headers["Content-Type"] == "text/plain; charset=utf-8"
    assert response.headers["Content-Disposition"] == 'attachment; filename="messages.txt"'
    assert response.headers["Cache-Control"] == "no-store"
    lines = (await response.text()).splitlines()
    assert lines[:2] == ["Messages", "Saved on Saturday 21 November 2026, 12:03pm. Times are British time."]
    assert [line for line in lines[2:] if line.strip()] == [
        "You, Saturday 21 November 2026, 12:00pm",
        "    hello, it is me",
        "You, Saturday 21 November 2026, 12:00pm",
        "    is <it> done?",
        # What they wrote is set in: no line of it can pass for one of ours.
        "    Assistant, Friday: it is not",
        "Assistant, Saturday 21 November 2026, 12:03pm",
        "    An officer & a team have it.",
    ]


async def test_opening_and_saving_a_copy_each_leave_a_line_in_the_audit(visitor: Visitor) -> None:
    await visitor.start(a_case(), Standing.STEPPED_UP)

    warned = words_of((await visitor.get("/my/copy"))[1])
    await visitor.ask("POST", "/my/copy")

    assert "A saved copy stays on this phone or computer." in warned
    acts = [row.act for row in visitor.site.rows(audit) if row.act.startswith("copy_")]
    assert acts == ["copy_opened", "copy_saved"]


async def test_no_copy_is_saved_while_news_waits_for_a_person(visitor: Visitor) -> None:
    await visitor.start(a_long_case(crime_type=FLAGGED), Standing.STEPPED_UP)

    response = await visitor.ask("POST", "/my/copy")

    assert (response.status, "Content-Disposition" in response.headers) == (403, False)
    assert "You can not save a copy right now" in words_of(await response.text())
    assert [row for row in visitor.site.rows(audit) if row.act == "copy_saved"] == []


@pytest.mark.parametrize(
    ("given", "is_own"),
    [(Standing.LINKED, True), (Standing.UNKNOWN, True), (Standing.STEPPED_UP, False)],
)
async def test_no_copy_is_saved_from_below_the_standing_or_from_another_site(
    visitor: Visitor, given: Standing, is_own: bool
) -> None:
    await visitor.start(a_case(), given)

    headers = {} if is_own else {"Origin": "https://elsewhere.example"}
    response = await visitor.ask("POST", "/my/copy", headers=headers)

    assert response.status == 403
    assert "Content-Disposition" not in response.headers
    assert "hello, it is me" not in await response.text()
    assert [row for row in visitor.site.rows(audit) if row.act == "copy_saved"] == []


# --- asking for everything ------------------------------------------------------------------------


def requests_of(site: WebchatSite) -> list[tuple[str | None, str, date, date, bool]]:
    return [
        (row.opened_by, row.asked_by, row.asked_on, row.due_on, row.names_staff)
        for row in site.rows(access_request)
    ]


async def test_asking_for_everything_is_a_request_on_the_desk_once_with_the_laws_month(
    visitor: Visitor,
) -> None:
    """Red when: `ask_for_own_copy` opens no request, places no hold, or makes no task of it."""
    await visitor.start(a_case(), Standing.STEPPED_UP)
    before = words_of((await visitor.get("/my/copy"))[1])

    for _ in range(2):
        response = await visitor.ask("POST", "/my/copy/ask")
        assert (response.status, response.headers["Location"]) == (303, "/my/copy#everything")

    site = visitor.site
    assert "If you ask today the law gives us until Monday 21 December 2026." in before
    assert "it may take until Sunday 21 February 2027" in before
    assert requests_of(site) == [(None, a_case().victim_name, date(2026, 11, 21), date(2026, 12, 21), False)]
    assert [(row.subject_kind, row.reason, row.placed_by) for row in site.rows(hold)] == [
        ("person", "access_request", "person")
    ]
    assert [row.reason for row in site.rows(desk_item)] == ["copy_asked"]
    assert [row.act for row in site.rows(audit)].count("access_request_opened") == 1
    after = words_of((await visitor.get("/my/copy"))[1])
    assert "You asked for it on Saturday 21 November 2026." in after
    assert "The law gives us until Monday 21 December 2026." in after
    assert "Ask for a copy of everything" not in after


@pytest.mark.parametrize(
    ("given", "is_own"),
    [(Standing.LINKED, True), (Standing.UNKNOWN, True), (Standing.STEPPED_UP, False)],
)
async def test_nobody_asks_from_below_the_standing_or_from_another_site(
    visitor: Visitor, given: Standing, is_own: bool
) -> None:
    await visitor.start(a_case(), given)

    headers = {} if is_own else {"Origin": "https://elsewhere.example"}
    response = await visitor.ask("POST", "/my/copy/ask", headers=headers)

    assert response.status == (303 if is_own else 403)
    assert requests_of(visitor.site) == []
    assert visitor.site.rows(hold) == []


async def test_what_was_erased_says_so_on_their_own_pages_in_their_language(visitor: Visitor) -> None:
    """Red when: the pages' environments have no `finalize` (English on a Welsh page)."""
    await visitor.start(a_case(), Standing.STEPPED_UP)
    site = visitor.site
    [talk] = site.rows(conversation)
    visitor.site.answer("An answer of ours.")
    site.service.database.write_now(lambda tx: tx.data_keys.shred(talk.id))

    pages = {path: await visitor.get(path) for path in ("/m", "/my", "/my/copy", "/my/notes", "/my/readers")}
    await visitor.ask("POST", "/m/language", data={"language": "cy"})
    in_welsh = (await visitor.get("/my/copy"))[1]

    assert {path: status for path, (status, _) in pages.items()} == dict.fromkeys(pages, 200)
    assert words_of(pages["/my/copy"][1]).count("This was erased.") == 2
    assert "hello, it is me" not in pages["/m"][1]
    assert words_of(in_welsh).count("Dil\u00ebwyd hwn.") == 2
