"""What a tester wrote is labelled, decided and taught as any other message, masked, and blind.

Red when, each tried once: the model's band is shown before one's own label, the words stand as written, or a settled
message stays in the list.
"""

import pytest

from casework.adapters.storage.model_tables import guest_message
from casework.adapters.storage.tables import audit
from casework.adapters.storage.workbench_tables import example, guest_annotation
from casework.model.disclosures import Band
from casework.model.tokens import hash_token
from casework.services import examples
from casework.services.guest_ports import NewGuestMessage
from console.words import load_words
from tests.console.desk_site import DeskSite, Detective, field_in
from tests.support.guests import make_guest_link

TOKEN = "a-token"
CALM = "my number is 07700 900123, when is the court thing"
ONE = "/workbench/guests/written/{}"


def write(site: DeskSite, text: str = CALM, *, side: str = "train", band: Band = Band.GREEN) -> int:
    """A tester's message of a visit that is drawn to that side."""
    visit = next(
        name
        for name in (f"{number:032x}" for number in range(1000))
        if examples.find_side(f"guest-{name}") == side
    )
    written = NewGuestMessage(text=text, state=None, responses=(), said=(), band=band, tier=None)
    site.write(lambda tx: tx.guests.record(hash_token(TOKEN), visit, written))
    return int(site.rows(guest_message)[-1].id)


@pytest.fixture
async def toni(site: DeskSite) -> Detective:
    make_guest_link(site.service.database, TOKEN)
    return await site.detective("toni", "Toni Test-Trainer", role="trainer")


async def press(by: Detective, number: int, what: str, *, act: str = "label", **more: str) -> tuple[int, str]:
    _, page = await by.get(ONE.format(number))
    form = {"press": what, "form_id": field_in(page, "form_id")} | more
    answer, shown = await by.post(f"{ONE.format(number)}/{act}", form)
    return answer.status, shown


async def test_the_message_is_masked_and_what_the_model_made_of_it_comes_after_ones_label(
    site: DeskSite, toni: Detective
) -> None:
    number = write(site, band=Band.RED)
    red = load_words()["wb_guest_bands"]["red"]

    _, page = await toni.get(ONE.format(number))
    assert "900123" not in page and "court thing" in page and red not in page
    status, _ = await press(toni, number, "risk:stalking_escalation")

    assert status == 303
    _, page = await toni.get(ONE.format(number))
    assert red in page
    assert [row.risks for row in site.rows(guest_annotation)] == [["stalking_escalation"]]


async def test_a_settled_one_is_taught_masked_and_leaves_the_list(site: DeskSite, toni: Detective) -> None:
    number = write(site)
    await press(toni, number, "wish:ask_court", step="wish")
    jo = await site.detective("jo", "Jo Test-Trainer", role="trainer")
    await press(jo, number, "wish:ask_court", step="wish")

    status, _ = await press(jo, number, "teach", act="accept")

    assert status == 303
    [row] = site.rows(example)
    assert (row.intent, row.side, row.guest_message_id) == ("ask_court", "train", number)
    assert "900123" not in row.text and row.conversation_id is None
    _, page = await toni.get("/workbench/guests")
    assert ONE.format(number) not in page
    acts = [each.act for each in site.rows(audit) if each.act.startswith(("guest_message", "example"))]
    assert acts[-1] == "example_accepted" and "guest_message_labelled" in acts


async def test_danger_of_two_minds_is_decided_by_a_third(site: DeskSite, toni: Detective) -> None:
    number = write(site)
    await press(toni, number, "risk:stalking_escalation")
    jo = await site.detective("jo", "Jo Test-Trainer", role="trainer")
    await press(jo, number, "wish:ask_court", step="wish")
    kit = await site.detective("kit", "Kit Test-Trainer", role="trainer")

    _, page = await kit.get(ONE.format(number))
    assert f"{ONE.format(number)}/third" in page
    status, _ = await press(kit, number, "take:0", act="third")

    assert status == 303
    _, page = await kit.get(ONE.format(number))
    assert load_words()["wb_item"]["settled"] in page
    assert [row.kind for row in site.rows(guest_annotation)] == ["label", "label", "adjudication"]


async def test_undone_it_stands_in_the_list_again_and_is_not_taught(site: DeskSite, toni: Detective) -> None:
    number = write(site)
    jo = await site.detective("jo", "Jo Test-Trainer", role="trainer")
    for by in (toni, jo):
        await press(by, number, "wish:ask_court", step="wish")
    await press(toni, number, "teach", act="accept")

    for by in (toni, jo):
        await press(by, number, "", act="undo")

    assert [row.status for row in site.rows(example)] == ["removed"]
    _, page = await toni.get("/workbench/guests")
    assert ONE.format(number) in page


async def test_what_others_settled_leads_back_to_the_list_and_tells_nothing(
    site: DeskSite, toni: Detective
) -> None:
    """Red when: the page of another queue's items stands there, whose way on leads nowhere."""
    number = write(site)
    jo = await site.detective("jo", "Jo Test-Trainer", role="trainer")
    kit = await site.detective("kit", "Kit Test-Trainer", role="trainer")
    for by in (toni, jo):
        await press(by, number, "risk:stalking_escalation")

    _, page = await kit.get(ONE.format(number))

    item = page[page.index('id="item"') :]
    assert load_words()["wb_item"]["elsewhere"] in item
    assert item.count('id="next"') == 1 and "/workbench/inbox/guests" not in item
    assert load_words()["wb_labels"]["stalking_escalation"] not in item


async def test_there_is_no_such_message(toni: Detective) -> None:
    answer, _ = await toni.get(ONE.format(4711))
    assert answer.status == 404
