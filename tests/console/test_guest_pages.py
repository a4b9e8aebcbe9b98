"""Links for testers, and what they wrote, masked.

Red when: the page shows a tester's words as they stand; the address of a link is shown a second time.
"""

import re

import pytest

from casework.adapters.storage.model_tables import guest_link, guest_message
from casework.model.disclosures import Band
from casework.model.tokens import hash_token
from casework.services.guest_ports import NewGuestMessage
from console.words import load_words
from tests.console.desk_site import DeskSite, Detective
from tests.support.guests import CANDIDATE, make_candidate

GUESTS = "/workbench/guests"
FIELDS = {"model": CANDIDATE, "group": "Essex testers", "days": "7"}


@pytest.fixture
async def trainer(site: DeskSite) -> Detective:
    return await site.detective("toni", "Toni Test-Trainer", role="trainer")


async def make_link(site: DeskSite, trainer: Detective) -> str:
    """Its token."""
    site.write(make_candidate)
    answer, page = await trainer.post(GUESTS, FIELDS)
    assert answer.status == 200
    found = re.search(r"/try/([\w-]+)", page)
    assert found is not None
    return found[1]


async def test_a_link_is_shown_once_and_ended_by_a_press(site: DeskSite, trainer: Detective) -> None:
    token = await make_link(site, trainer)
    [row] = site.rows(guest_link)
    assert row.token_hash == hash_token(token)

    _, page = await trainer.get(GUESTS)
    assert token not in page
    assert "Essex testers" in page
    answer, _ = await trainer.post(f"{GUESTS}/{row.number}/end")

    assert answer.status == 303
    assert site.write(lambda tx: tx.guests.find_open(hash_token(token))) is None
    assert "guest_link_ended" in site.acts()
    _, page = await trainer.get(GUESTS)
    assert f"{GUESTS}/{row.number}/end" not in page


async def test_what_is_no_link_is_said_and_nothing_is_made(site: DeskSite, trainer: Detective) -> None:
    _, page = await trainer.get(GUESTS)
    assert load_words()["wb_guests"]["no_candidate"] in page
    site.write(make_candidate)

    for wrong in ({"days": "15"}, {"group": " "}, {"model": "another"}):
        answer, page = await trainer.post(GUESTS, FIELDS | wrong)
        assert answer.status == 422
        assert load_words()["wb_guests"]["link_unfit"] in page

    assert site.rows(guest_link) == []


async def test_what_testers_wrote_is_read_masked_and_leaves_the_list_once_it_was_seen(
    site: DeskSite, trainer: Detective
) -> None:
    token = await make_link(site, trainer)
    text = "my number is 07700 900123, he is outside"
    written = NewGuestMessage(text=text, state=None, responses=(), said=(), band=Band.RED, tier=1)
    site.write(lambda tx: tx.guests.record(hash_token(token), "a" * 32, written))
    [row] = site.rows(guest_message)

    _, page = await trainer.get(GUESTS)
    assert "900123" not in page
    assert 'class="masked"' in page
    # Blind, as elsewhere: what the model made of it comes after one's own label.
    assert load_words()["wb_guest_bands"]["red"] not in page
    await trainer.post(f"{GUESTS}/written/{row.id}/handled")
    assert "guest_message_handled" in site.acts()

    _, page = await trainer.get(GUESTS)
    assert load_words()["wb_guests"]["nothing_written"] in page
    assert f"{GUESTS}/written/{row.id}/handled" not in page


async def test_nobody_but_a_trainer_makes_a_link(site: DeskSite) -> None:
    site.write(make_candidate)
    supervisor = await site.detective(role="supervisor")

    answer, _ = await supervisor.post(GUESTS, FIELDS)

    assert answer.status == 403
    assert site.rows(guest_link) == []


async def test_the_tab_of_testers_leads_to_their_page(site: DeskSite, trainer: Detective) -> None:
    _, page = await trainer.get("/workbench")

    assert f'href="{GUESTS}"' in page


def test_every_band_has_words() -> None:
    assert set(load_words()["wb_guest_bands"]) == {band.value for band in Band}
