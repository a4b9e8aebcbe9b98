"""Rows that are written once: what is shown is always what a fresh page would show, and nobody gets another's token.

Red when, each tried once: the token is written into the kept row, the items or the minute are left out of `_looks_of`,
or rows are kept without end. For editions: a number is given twice, the token or the viewer is
left out of the edition, or rows are named that look another way.
"""

import re

import pytest
import sqlalchemy as sa

from casework.adapters.storage.tables import desk_item
from casework.model.desk import Grade
from casework.model.disclosures import Category
from console.desk.queue_pages import ROWS
from console.desk.queue_rows import MOST_EDITIONS, KeptRow
from tests.console.desk_site import DeskSite, Detective, field_in


def rows_of(page: str) -> list[str]:
    return re.findall(r'<tr role="row" id="row-.*?</tr>', page, flags=re.DOTALL)


async def queue(detective: Detective) -> str:
    answer, page = await detective.get("/console")
    assert answer.status == 200
    return page


async def test_each_viewer_has_their_own_token_in_every_row(site: DeskSite) -> None:
    site.victim_writes(category=Category.IMMEDIATE_DANGER)
    sam = await site.detective("sam", "Sam Price")
    alex = await site.detective("alex", "Alex Reed")

    seen = {each.csrf_token: await queue(each) for each in (sam, alex, sam)}

    assert len(seen) == 2
    for token, page in seen.items():
        others = set(seen) - {token}
        assert {field_in(row, "csrf_token") for row in rows_of(page)} == {token}
        assert not any(other in page for other in others)
        assert "token-" not in page


async def test_a_kept_row_is_what_a_fresh_one_would_be(site: DeskSite) -> None:
    """After every step the page of a desk that has kept rows is that of a desk that has kept none."""
    first = site.victim_writes(category=Category.IMMEDIATE_DANGER)
    second = site.victim_writes(category=Category.STALKING_ESCALATION)
    sam = await site.detective("sam", "Sam Price")
    alex = await site.detective("alex", "Alex Reed", role="supervisor")

    async def look() -> None:
        kept = [rows_of(await queue(each)) for each in (sam, alex)]
        site.app[ROWS]._kept.clear()
        fresh = [rows_of(await queue(each)) for each in (sam, alex)]
        assert kept == fresh

    await look()
    for seconds in (30, 40, 300, 900):
        site.clock.advance(seconds=seconds)
        await look()
    await sam.claim(first)
    await look()
    await alex.claim(second)
    await look()
    site.writes_again(first, "are you there")
    site.clock.advance(minutes=20)
    await look()
    await sam.post(f"/console/c/{first}/return")
    await look()
    site.write(lambda tx: tx.desk.raise_open(first, highest=Grade.DANGER_NOW))
    await look()
    # Nothing but what the row says of why it is there.
    threat = {"category": Category.THREATS_TO_KILL_OR_WEAPONS.value}
    site.write(lambda tx: tx.connection.execute(sa.update(desk_item).values(**threat)))
    await look()


async def test_no_more_rows_are_kept_than_fit(site: DeskSite) -> None:
    site.victim_writes(category=Category.IMMEDIATE_DANGER)
    sam = await site.detective("sam", "Sam Price")
    kept = site.app[ROWS]._kept
    kept.update({("filler", number): KeptRow(number, "") for number in range(5000)})
    await queue(sam)
    assert len(kept) <= 5000


# --- what a page has is only named -----------------------------------------------------------------------------

NAMED = re.compile(r'<tr id="row-([0-9a-f]{32})" data-same></tr>')
EDITION = re.compile(r'data-edition="([0-9a-f]+)"')
ROW_ID = re.compile(r'id="row-([0-9a-f]{32})"')


async def refresh(detective: Detective, had: str) -> tuple[dict[str, str], list[str], str]:
    """The rows sent whole by their conversation, those only named, and the edition. Of the queue as it is now."""
    await queue(detective)
    answer, pane = await detective.get("/console", X_Pane="queue", X_Have=had)
    assert answer.status == 200
    whole = {ROW_ID.findall(row)[0]: row for row in rows_of(pane)}
    return whole, NAMED.findall(pane), EDITION.findall(pane)[0]


async def test_a_page_is_sent_what_looks_another_way_and_the_rest_by_name(site: DeskSite) -> None:
    """After every step what the page has, put together as the script does, is what a fresh page would show."""
    first = site.victim_writes(category=Category.IMMEDIATE_DANGER)
    second = site.victim_writes(category=Category.STALKING_ESCALATION)
    sam = await site.detective("sam", "Sam Price")
    alex = await site.detective("alex", "Alex Reed", role="supervisor")
    shown, _, edition = await refresh(sam, "")
    sent: list[int] = []

    async def step() -> None:
        nonlocal edition
        whole, named, edition = await refresh(sam, edition)
        shown.update(whole)
        for gone in set(shown) - set(whole) - set(named):
            del shown[gone]
        fresh, _, _ = await refresh(sam, "")
        assert shown == fresh
        sent.append(len(whole))

    await step()
    third = site.victim_writes(category=Category.SUICIDE_OR_SELF_HARM)
    await step()
    await alex.claim(second)
    await step()
    await sam.claim(first)
    await step()
    site.clock.advance(minutes=20)
    await step()

    assert third in shown and second in shown
    assert sent == [0, 1, 1, 1, 3]


async def test_what_another_has_is_nothing_that_this_page_has(site: DeskSite) -> None:
    """Their rows hold their token, and say what is theirs."""
    site.victim_writes(category=Category.IMMEDIATE_DANGER)
    sam = await site.detective("sam", "Sam Price")
    alex = await site.detective("alex", "Alex Reed")
    _, _, edition = await refresh(sam, "")

    whole, named, _ = await refresh(alex, edition)
    assert named == []
    assert {field_in(row, "csrf_token") for row in whole.values()} == {alex.csrf_token}


@pytest.mark.parametrize("had", ["", "0" * 16, "nobody's", "' OR 1=1"])
async def test_an_edition_nobody_knows_is_answered_with_every_row(site: DeskSite, had: str) -> None:
    site.victim_writes(category=Category.IMMEDIATE_DANGER)
    sam = await site.detective("sam", "Sam Price")

    whole, named, _ = await refresh(sam, had)

    assert (len(whole), named) == (1, [])


async def test_a_whole_page_never_names_rows_it_does_not_hold(site: DeskSite) -> None:
    site.victim_writes(category=Category.IMMEDIATE_DANGER)
    sam = await site.detective("sam", "Sam Price")
    _, _, edition = await refresh(sam, "")

    _, page = await sam.get("/console", X_Have=edition)

    assert NAMED.findall(page) == [] and len(rows_of(page)) == 1


async def test_no_more_editions_are_kept_than_fit(site: DeskSite) -> None:
    sam = await site.detective("sam", "Sam Price")
    for _ in range(MOST_EDITIONS + 5):
        site.victim_writes(category=Category.STALKING_ESCALATION)
        await refresh(sam, "")

    assert len(site.app[ROWS]._editions) <= MOST_EDITIONS
