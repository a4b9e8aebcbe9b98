"""The pages of drills: who may start one, what the desk shows meanwhile, and the report.

Red when: the routes are missing from the table of access, the row carries no mark, or nothing stands over the pages.
"""

from datetime import UTC, datetime

import pytest

from casework.adapters.storage.drill_tables import drill, drill_line
from casework.adapters.storage.tables import audit
from casework.model.station_times import find_next_time
from casework.services.drills import Drilling, send_next_line
from tests.console.desk_site import DeskSite, Detective


@pytest.fixture
async def supervisor(site: DeskSite) -> Detective:
    return await site.detective("alex", "Alex Reed", role="supervisor")


def drilling(site: DeskSite) -> Drilling:
    service = site.service
    return Drilling(
        store=service.database,
        screen=service.screen,
        safety_lines=service.safety_lines,
        bands=service.bands,
        texts=service.texts,
    )


async def start(site: DeskSite, supervisor: Detective, script: str = "three_in_the_morning") -> str:
    answer, _ = await supervisor.post("/console/drills", {"script": script})
    assert answer.status == 303
    await send_next_line(drilling(site))
    return answer.headers["Location"]


async def test_a_supervisor_starts_a_drill_and_every_page_says_so(
    site: DeskSite, supervisor: Detective
) -> None:
    _, before = await supervisor.get("/console")
    address = await start(site, supervisor)

    _, queue = await supervisor.get("/console")
    _, page = await supervisor.get(address)
    _, drills = await supervisor.get("/console/drills")

    assert "A rehearsal is running" not in before
    for shown in (queue, page, drills):
        assert "A rehearsal is running" in shown
    assert "DRILL" in page and "A disclosure at three in the morning" in page
    assert "drill_started" in site.acts()


async def test_a_row_and_a_conversation_of_a_drill_are_marked_and_others_are_not(
    site: DeskSite, supervisor: Detective
) -> None:
    from casework.model.disclosures import Category

    real = site.victim_writes(category=Category.IMMEDIATE_DANGER)
    await start(site, supervisor)
    rehearsed = site.rows(drill_line, drill_line.c.sent_at.is_not(None))[0].conversation_id

    _, queue = await supervisor.get("/console")
    rows = {row.partition('"')[0]: row.partition("</tr>")[0] for row in queue.split('id="row-')[1:]}

    assert "drill-tag" in rows[rehearsed]
    assert "drill-tag" not in rows[real]
    assert "drill-tag" in await supervisor.open(rehearsed)
    assert "drill-tag" not in await supervisor.open(real)


@pytest.mark.parametrize("role", ["investigator", "triage", "auditor", "trainer", "admin"])
async def test_only_a_supervisor_runs_drills(site: DeskSite, supervisor: Detective, role: str) -> None:
    address = await start(site, supervisor)
    other = await site.detective("robin", "Robin Example", role=role)
    for path in ("/console/drills", address, f"{address}/report.csv"):
        answer, _ = await other.get(path)
        assert answer.status in (403, 404)
    for path in ("/console/drills", f"{address}/end"):
        answer, _ = await other.post(path, {"script": "wave_of_ten"})
        assert answer.status in (403, 404)
    [row] = site.rows(drill)
    assert row.ended_at is None


async def test_a_second_drill_an_unknown_one_and_a_time_that_is_none_are_refused(
    site: DeskSite, supervisor: Detective
) -> None:
    unknown, page = await supervisor.post("/console/drills", {"script": "nothing"})
    assert (unknown.status, "Choose one of the drills" in page) == (422, True)
    no_time, page = await supervisor.post("/console/drills", {"script": "wave_of_ten", "at": "25:99"})
    assert (no_time.status, "The time must be like" in page) == (422, True)
    await start(site, supervisor)
    second, page = await supervisor.post("/console/drills", {"script": "wave_of_ten"})
    assert (second.status, "End it first" in page) == (409, True)
    assert len(site.rows(drill)) == 1


async def test_the_report_counts_from_the_queue_to_the_claim_and_the_first_human_word(
    site: DeskSite, supervisor: Detective
) -> None:
    address = await start(site, supervisor)
    conversation_id = site.rows(drill_line, drill_line.c.sent_at.is_not(None))[0].conversation_id
    site.clock.advance(seconds=40)
    await supervisor.claim(conversation_id)
    site.clock.advance(seconds=200)
    await supervisor.reply(conversation_id, "I am Alex. Are you safe?")

    _, page = await supervisor.get(address)
    answer, table = await supervisor.get(f"{address}/report.csv")

    assert "40 s, <bdi>Alex Reed</bdi>" in page
    assert "4 min 0 s" in page
    assert "answered too late" in page
    assert answer.headers["Content-Disposition"].startswith("attachment")
    assert '"Alex Reed","40"' in table and '"240"' in table


async def test_ending_a_drill_takes_the_mark_from_every_page(site: DeskSite, supervisor: Detective) -> None:
    address = await start(site, supervisor)
    answer, _ = await supervisor.post(f"{address}/end")
    assert answer.status == 303
    _, queue = await supervisor.get("/console")
    assert "A rehearsal is running" not in queue
    assert [row.act for row in site.rows(audit) if row.act == "drill_ended"] == ["drill_ended"]


async def test_an_unknown_drill_is_not_found(supervisor: Detective) -> None:
    for path in ("", "/report.csv"):
        answer, _ = await supervisor.get(f"/console/drills/{'0' * 32}{path}")
        assert answer.status == 404


@pytest.mark.parametrize(
    ("written", "now", "expected"),
    [
        ("03:00", "2026-11-21T12:00", "2026-11-22T03:00"),
        ("13:00", "2026-11-21T12:00", "2026-11-21T13:00"),
        ("03:00", "2026-07-01T12:00", "2026-07-02T02:00"),
        ("3", "2026-11-21T12:00", None),
        ("24:00", "2026-11-21T12:00", None),
        ("a:b", "2026-11-21T12:00", None),
    ],
)
def test_the_next_time_the_station_clock_shows(written: str, now: str, expected: str | None) -> None:
    found = find_next_time(written, datetime.fromisoformat(now).replace(tzinfo=UTC))
    assert (None if found is None else found.astimezone(UTC).isoformat()[:16]) == expected
