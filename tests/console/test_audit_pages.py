"""The record searched, and unusual reading looked at, through real requests.

Red when: a filter is left out of the query; a page shows a word of somebody; a look into the record is not in it; a
supervisor judges their own reading.
"""

import re
from datetime import timedelta

import pytest

from casework.adapters.storage.tables import audit
from casework.model.policy import Relation
from casework.model.unusual_reading import Finding, Rule
from casework.model.working_days import local_day
from casework.services.desk import read_conversation
from casework.services.unusual_readings import record_day
from console.audit.audit_pages import PAGE
from tests.console.desk_site import DeskSite, Detective
from tests.console.test_route_audit import id_of

AUDIT, UNUSUAL = "/console/audit", "/console/audit/unusual"
WORDS = "words of theirs that no auditor reads"


@pytest.fixture
async def audrey(site: DeskSite) -> Detective:
    return await site.detective("audrey", "Audrey Test-Auditor", role="auditor")


@pytest.fixture
async def alex(site: DeskSite) -> Detective:
    return await site.detective("alex", "Alex Test-Supervisor", role="supervisor")


async def read_page(visitor: Detective, path: str, status: int = 200) -> str:
    answer, page = await visitor.get(path)
    assert answer.status == status, path
    return page


def rows_of(page: str) -> int:
    return page.count('<th scope="row">')


def find_unusual(site: DeskSite, login: str, rule: Rule = Rule.OFF_SHIFT) -> str:
    day = local_day(site.clock.now()) - timedelta(days=1)
    found = Finding(rule=rule, staff_id=id_of(site, login), day=day, conversation_ids=("c" * 32,))
    site.write(lambda tx: record_day(tx, day, [found]))
    [kept] = site.service.database.read_now(lambda tx: tx.unusual_readings.list_unreviewed())
    return kept.id


# --- the record -----------------------------------------------------------------------------------


async def test_each_filter_finds_its_own_and_no_word_of_anybody(site: DeskSite, audrey: Detective) -> None:
    sam, kim = await site.detective(), await site.detective("kim", "Kim Test-Officer")
    one, other = site.victim_writes(WORDS), site.victim_writes(WORDS)
    await sam.open(one)
    await kim.open(one)
    await kim.open(other)

    of_one = await read_page(audrey, f"{AUDIT}?conversation={one}")
    of_kim = await read_page(audrey, f"{AUDIT}?person={id_of(site, 'kim')}&act=conversation_read")
    of_others = await read_page(audrey, f"{AUDIT}?person=worker")
    whole = await read_page(audrey, AUDIT)

    assert (rows_of(of_one), rows_of(of_kim), rows_of(of_others)) == (2, 2, 0)
    assert "Sam Price" in of_one and other[:8] not in of_one
    assert WORDS not in whole + of_one + of_kim


async def test_the_days_are_british_days_and_both_are_counted(site: DeskSite, audrey: Detective) -> None:
    sam = await site.detective()
    talk = site.victim_writes()
    await sam.open(talk)
    today = local_day(site.clock.now())
    days = {
        "today": f"from={today}&to={today}",
        "before": f"from={today - timedelta(days=3)}&to={today - timedelta(days=1)}",
        "up to a day": f"to={today}",
    }

    found = {
        name: rows_of(await read_page(audrey, f"{AUDIT}?act=conversation_read&{asked}"))
        for name, asked in days.items()
    }

    assert found == {"today": 1, "before": 0, "up to a day": 1}


async def test_a_hundred_a_page_and_each_once(site: DeskSite, audrey: Detective) -> None:
    """All of one moment: the id decides their order."""
    site.write(lambda tx: [tx.audit.record("queue_read", by="f" * 32) for _ in range(PAGE + 30)] and None)
    first = await read_page(audrey, f"{AUDIT}?act=queue_read")
    older = re.search(r'rel="next" href="([^"]+)"', first)
    assert older is not None

    second = await read_page(audrey, older[1].replace("&amp;", "&"))

    assert (rows_of(first), rows_of(second)) == (PAGE, 30)
    assert 'rel="next"' not in second
    assert "There is nothing older" in await read_page(audrey, f"{AUDIT}?act=queue_read&after=1.1")


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ("conversation=%27+OR+1", "A conversation is 32"),
        ("person=somebody", "nobody of that name"),
        ("act=nothing", "Nothing of that name"),
        ("from=2026-11-20&to=2026-11-01", "Choose a first day"),
        ("from=yesterday", "Choose a first day"),
    ],
)
async def test_what_cannot_be_looked_for_is_said(
    site: DeskSite, audrey: Detective, asked: str, said: str
) -> None:
    assert said in await read_page(audrey, f"{AUDIT}?{asked}", 422)


async def test_a_look_into_the_record_is_in_it_with_what_was_looked_for(
    site: DeskSite, audrey: Detective
) -> None:
    talk = site.victim_writes()
    for asked in ("", f"?conversation={talk}", "?person=worker", "?act=queue_read"):
        await read_page(audrey, AUDIT + asked)

    looks = site.rows(audit, audit.c.act == "audit_read")
    assert {row.actor for row in looks} == {id_of(site, "audrey")}
    assert [row.thing for row in looks] == [
        *(None, f"conversation:{talk}", "person:worker", "act:queue_read"),
    ]


@pytest.mark.parametrize("role", ["admin", "investigator", "supervisor", "trainer", "triage"])
async def test_nobody_but_an_auditor_searches_the_record(site: DeskSite, role: str) -> None:
    visitor = await site.detective("vic", "Vic Test-Visitor", role=role)

    await read_page(visitor, AUDIT, 403)


# --- unusual reading ------------------------------------------------------------------------------


async def test_a_finding_says_why_and_a_supervisor_says_what_it_was(site: DeskSite, alex: Detective) -> None:
    site.add_staff()
    finding_id = find_unusual(site, "sam")
    page = await read_page(alex, UNUSUAL)
    assert "Sam Price" in page
    assert "Read 1 conversation outside a shift." in page
    assert "No shift of theirs ran at that time" in page

    form = {"explained": "yes", "text": "They came in early for the handover"}
    answer, _ = await alex.post(f"{UNUSUAL}/{finding_id}", form)
    after = await read_page(alex, UNUSUAL)

    assert answer.status == 303
    assert "Nothing to look at." in after
    assert "They came in early for the handover" in after
    assert "unusual_reading_reviewed" in site.acts()


@pytest.mark.parametrize(
    ("form", "said"),
    [
        ({"text": "They came in early"}, "Choose whether there is a good reason"),
        ({"explained": "yes", "text": "ok"}, "in at least 10 letters"),
    ],
)
async def test_a_form_that_misses_something_records_nothing_and_keeps_the_words(
    site: DeskSite, alex: Detective, form: dict[str, str], said: str
) -> None:
    site.add_staff()
    finding_id = find_unusual(site, "sam")

    answer, page = await alex.post(f"{UNUSUAL}/{finding_id}", form)

    assert answer.status == 422
    assert said in page and f"\n{form['text']}</textarea>" in page
    assert "unusual_reading_reviewed" not in site.acts()


async def test_nobody_judges_their_own_reading_and_none_twice(site: DeskSite, alex: Detective) -> None:
    other = await site.detective("robin", "Robin Test-Supervisor", role="supervisor")
    finding_id = find_unusual(site, "alex")
    form = {"explained": "yes", "text": "I was asked to look at it"}
    assert "Somebody else has to look" in await read_page(alex, UNUSUAL)

    own, _ = await alex.post(f"{UNUSUAL}/{finding_id}", form)
    first, _ = await other.post(f"{UNUSUAL}/{finding_id}", form)
    second, _ = await other.post(f"{UNUSUAL}/{finding_id}", form)
    none, _ = await other.post(f"{UNUSUAL}/{'a' * 32}", form)

    assert (own.status, first.status, second.status, none.status) == (409, 303, 409, 404)


async def test_an_auditor_sees_what_was_found_and_says_nothing_of_it(
    site: DeskSite, audrey: Detective
) -> None:
    site.add_staff()
    finding_id = find_unusual(site, "sam")
    page = await read_page(audrey, UNUSUAL)

    answer, _ = await audrey.post(f"{UNUSUAL}/{finding_id}", {"explained": "yes", "text": "It was chance"})

    assert "Sam Price" in page and "<textarea" not in page
    assert answer.status == 403


@pytest.mark.parametrize("role", ["admin", "investigator", "trainer", "triage"])
async def test_who_read_unusually_is_for_supervisors_and_auditors(site: DeskSite, role: str) -> None:
    visitor = await site.detective("vic", "Vic Test-Visitor", role=role)

    await read_page(visitor, UNUSUAL, 403)


async def test_every_rule_has_words(site: DeskSite, alex: Detective) -> None:
    site.add_staff()
    for rule in Rule:
        finding = Finding(
            rule=rule,
            staff_id=id_of(site, "sam"),
            day=local_day(site.clock.now()),
            conversation_ids=("c" * 32, "d" * 32),
            usual=7,
        )
        site.write(lambda tx, kept=finding: tx.unusual_readings.record(kept))

    page = await read_page(alex, UNUSUAL)

    assert "{" not in page
    assert page.count("2 conversations") == len(Rule)


async def test_a_reason_and_a_name_are_shown_as_words(
    site: DeskSite, alex: Detective, audrey: Detective
) -> None:
    site.add_staff("mal", "<img src=x onerror=alert(1)>")
    finding_id = find_unusual(site, "mal")
    said = {"explained": "no", "text": "A reason <script>alert(1)</script>"}
    await alex.post(f"{UNUSUAL}/{finding_id}", said)

    pages = await read_page(alex, UNUSUAL) + await read_page(audrey, AUDIT)

    assert "<script>alert" not in pages and "<img src=x" not in pages
    assert "&lt;script&gt;alert" in pages


async def test_a_reading_by_its_relation_is_found_in_the_record(site: DeskSite, audrey: Detective) -> None:
    site.add_staff()
    sam = site.service.database.read_now(lambda tx: tx.staff.find("sam"))
    assert sam is not None
    talk = site.victim_writes()
    site.write(lambda tx: read_conversation(tx, talk, by=sam, relations=(Relation.COLLEAGUE,)))

    assert "<code>colleague</code>" in await read_page(audrey, f"{AUDIT}?conversation={talk}")
