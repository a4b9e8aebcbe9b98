"""What would change, message by message: danger first, masked, and opened by each person for themselves.

Red when, each tried once: words are read past `masked_reading`, a live talk's are shown, or a page that hid them counts
as opened; the list marks what a colleague opened.
"""

import re
from typing import Any

import pytest

from casework.adapters.storage.model_tables import comparison_opening
from casework.adapters.storage.tables import inbox
from casework.model.desk import HandoffReason
from casework.model.training_flags import TrainingFlag
from casework.model.turn_outcomes import Change
from casework.services import consents
from console.words import load_words
from tests.console.desk_site import DeskSite, Detective
from tests.console.model_desk import (
    ALERTED,
    ANSWERED,
    a_change,
    add_candidate,
    compare,
    found_live,
)
from tests.console.review_desk import add_item, item_of

NAME = "Ophelia Canarybird"


@pytest.fixture
async def toni(site: DeskSite) -> Detective:
    return await site.detective("toni", "Toni Test-Trainer", role="trainer")


@pytest.fixture(autouse=True)
def models(site: DeskSite) -> None:
    found_live(site)
    add_candidate(site)


async def open_page(who: Detective, path: str, status: int = 200) -> str:
    answer, page = await who.get(path)
    assert answer.status == status, (path, answer.status, page)
    return page


def path_of(comparison_id: str, place: int | None = None) -> str:
    return f"/workbench/comparisons/{comparison_id}" + ("" if place is None else f"/{place}")


def opened(site: DeskSite) -> list[int]:
    return sorted(row.place for row in site.rows(comparison_opening))


def test_every_kind_of_difference_has_words() -> None:
    assert set(load_words()["wb_change_kinds"]) == {kind.value for kind in Change}


async def test_what_touches_danger_and_is_newly_wrong_stands_first(site: DeskSite, toni: Detective) -> None:
    made = compare(
        site,
        a_change(add_item(site, "calm and right"), Change.NEWLY_RIGHT, is_risk=False, harm=5),
        a_change(add_item(site, "grave and wrong"), harm=1),
        a_change(add_item(site, "less grave and wrong"), harm=3),
    )

    page = await open_page(toni, path_of(made))

    places = [page.index(words) for words in ("grave and wrong", "less grave and wrong", "calm and right")]
    assert places == sorted(places)
    assert "Newly wrong: 2</strong>, 2 touch danger" in page
    assert "37 of 40 messages would get the same." in page
    assert "2 messages of danger that it newly gets wrong wait to be opened by you." in page
    assert opened(site) == []


async def test_an_opened_one_is_noted_for_whoever_opened_it_alone(site: DeskSite, toni: Detective) -> None:
    alex = await site.detective("alex", "Alex Test-Supervisor", role="supervisor")
    made = compare(site, a_change(add_item(site, "he is here")), a_change(add_item(site, "he has a knife")))

    page = await open_page(toni, path_of(made, 1))
    await open_page(toni, path_of(made, 1))

    assert "It is noted that you have opened it." in page
    assert f'href="{path_of(made, 2)}"' in page
    assert opened(site) == [1]
    assert "1 message of danger" in await open_page(toni, path_of(made))
    assert "2 messages of danger" in await open_page(alex, path_of(made))


async def test_asking_for_the_head_of_a_page_opens_nothing(site: DeskSite, toni: Detective) -> None:
    made = compare(site, a_change(add_item(site, "he is here")))

    async with toni.http.head(path_of(made, 1)) as answer:
        assert answer.status in (404, 405)

    assert opened(site) == []


async def test_both_sides_are_told_as_what_a_person_would_get(site: DeskSite, toni: Detective) -> None:
    amber = ANSWERED | {"band": "amber", "tier": 2, "responses": ["utter_safe_question"]}
    made = compare(
        site,
        a_change(add_item(site, "he is here"), before=ALERTED, after=ANSWERED),
        a_change(add_item(site, "he is here"), before=ANSWERED, after=amber),
    )
    page = await open_page(toni, path_of(made, 1))
    before, _, after = page.partition('id="after"')

    assert "A detective is alerted at once." in before
    assert "999" in before
    assert "No person looks at it." in after
    assert "You are welcome" in after
    assert "Read as: Danger now" in before and "Thanks, sure: 91 in 100" in after
    page = await open_page(toni, path_of(made, 2))
    assert "A person at the desk checks it." in page
    assert "(fixed words: safe question)" in page


async def test_no_page_shows_a_value_of_the_case(site: DeskSite, toni: Detective) -> None:
    inbox_id = add_item(site, f"it is {NAME} here, he is at the door")
    site.link_case(item_of(site, inbox_id).conversation_id, victim_name=NAME)
    made = compare(site, a_change(inbox_id))

    for path in (path_of(made), path_of(made, 1)):
        page = await open_page(toni, path)
        assert "at the door" in page
        assert "Ophelia" not in page and "Canarybird" not in page
        assert '<mark class="masked"' in page


async def test_of_a_live_talk_nothing_is_shown_and_nothing_counts_as_opened(
    site: DeskSite, toni: Detective
) -> None:
    live = site.victim_writes("words of now", reason=HandoffReason.ASKED_FOR_PERSON)
    quiet = add_item(site, "words of then")
    site.write(lambda tx: consents.flag(tx, live, None, TrainingFlag.ALLOWED, why="test", by="toni"))
    made = compare(site, a_change(latest(site, live)), a_change(quiet))
    pages = [await open_page(toni, path_of(made, place)) for place in (1, 2)]

    assert "words of now" not in "".join([*pages, await open_page(toni, path_of(made))])
    assert "Its words are shown when it is quiet" in pages[0]
    assert "words of then" in pages[1]
    assert opened(site) == [2]


async def test_places_a_person_has_opened_are_marked_and_each_leads_to_the_next_dangerous_one(
    site: DeskSite, toni: Detective
) -> None:
    alex = await site.detective("alex", "Alex Test-Supervisor", role="supervisor")
    calm = a_change(add_item(site, "calm"), Change.NEWLY_RIGHT, is_risk=False, harm=5)
    grave = [a_change(add_item(site, f"he is here {n}"), harm=n) for n in (1, 2, 3)]
    made = compare(site, *grave, calm)

    assert led_to(await open_page(toni, path_of(made, 2))) == path_of(made, 3)
    listed, first = await open_page(toni, path_of(made)), await open_page(toni, path_of(made, 1))

    assert re.findall(r'id="place-(\d)"|(Opened by you)', listed) == [
        *(("1", ""), ("2", ""), ("", "Opened by you"), ("3", ""), ("4", ""))
    ]
    assert led_to(listed) == path_of(made, 1)
    assert led_to(first) == path_of(made, 3)
    assert led_to(await open_page(toni, path_of(made, 4))) == path_of(made, 3)
    last = await open_page(toni, path_of(made, 3))
    assert led_to(last) is None and f'href="{path_of(made, 4)}"' in last
    assert led_to(await open_page(alex, path_of(made))) == path_of(made, 1)
    assert "Opened by you" not in await open_page(alex, path_of(made))


def led_to(page: str) -> str | None:
    found = re.search(r'id="next-unopened" href="([^"]*)"', page)
    return found[1] if found else None


def latest(site: DeskSite, conversation_id: str) -> int:
    return max(row.id for row in site.rows(inbox, inbox.c.conversation_id == conversation_id))


async def test_what_may_teach_no_more_is_shown_without_words_and_counts_as_opened(
    site: DeskSite, toni: Detective
) -> None:
    inbox_id = add_item(site, "not for you any more")
    made = compare(site, a_change(inbox_id))
    talk = item_of(site, inbox_id).conversation_id
    site.write(lambda tx: consents.flag(tx, talk, None, TrainingFlag.EXCLUDED, why="asked", by="toni"))

    page = await open_page(toni, path_of(made, 1))

    assert "not for you any more" not in page
    assert "may not be shown" in page
    assert opened(site) == [1]


async def test_a_long_comparison_is_read_in_parts(site: DeskSite, toni: Detective) -> None:
    inbox_id = add_item(site, "he is here")
    made = compare(site, *[a_change(inbox_id) for _ in range(26)])

    first = await open_page(toni, path_of(made))
    second = await open_page(toni, path_of(made) + "?after=25")

    assert 'id="place-25"' in first and 'id="place-26"' not in first
    assert 'id="place-26"' in second and 'id="place-25"' not in second


@pytest.mark.parametrize("role", ["admin", "investigator", "triage"])
async def test_the_desk_reads_no_comparison(site: DeskSite, role: str) -> None:
    made = compare(site, a_change(add_item(site, "he is here")))
    visitor = await site.detective("vis", "Vis Example", role=role)

    for path in (path_of(made), path_of(made, 1)):
        await open_page(visitor, path, 403)

    assert opened(site) == []


async def test_no_such_comparison_or_place_is_not_found(site: DeskSite, toni: Detective) -> None:
    made: Any = compare(site, a_change(add_item(site, "he is here")))

    for path in (path_of("f" * 32), path_of("f" * 32, 1), path_of(made, 2)):
        await open_page(toni, path, 404)
