"""Rows that are written once: what is shown is always what a fresh page would show, and nobody gets another's token.

Red when, each tried once: the token is written into the kept row, the items or the minute are left out of `_looks_of`,
or rows are kept without end.
"""

import re

import sqlalchemy as sa

from casework.adapters.storage.tables import desk_item
from casework.model.desk import Grade
from casework.model.disclosures import Category
from console.desk.queue_pages import ROWS
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
    kept.update({("filler", number): "" for number in range(5000)})
    await queue(sam)
    assert len(kept) <= 5000
