"""A request for a copy, on the desk: looked through, agreed by a second person, taken by whoever proves who they are.

Red when: a step leaves out its audit row (`test_every_step_is_on_record`); `answer_second` lets the same person agree
(`test_nobody_agrees_with_themselves`); GIVE_ACCESS asks for no fresh proof (`test_the_copy_needs_fresh_proof`).
"""

import io
import re
import zipfile
from urllib.parse import unquote

import pytest

from casework.adapters.storage.access_tables import access_decision, access_request
from casework.adapters.storage.keeping_tables import hold
from casework.adapters.storage.tables import audit, media_content
from casework.model.messages import InboundMedia
from tests.console.desk_site import DeskSite, Detective
from tests.support.rows import put_rows

NEIGHBOUR = "my neighbour Wendolyth Drexwold saw him"
PNG = b"\x89PNG\r\n\x1a\n a picture"
OPENING = {
    "reference": "43260012345",
    "asked_on": "2026-11-20",
    "asked_by": "Themselves, by letter",
    "identity": "Passport seen at the front desk",
}


@pytest.fixture
async def alex(site: DeskSite) -> Detective:
    site.is_glass_open = False
    return await site.detective("alex", "Alex Test-Supervisor", role="supervisor")


@pytest.fixture
async def kim(site: DeskSite) -> Detective:
    return await site.detective("kim", "Kim Test-Supervisor", role="supervisor")


@pytest.fixture
def conversation_id(site: DeskSite) -> str:
    written = site.victim_writes(
        NEIGHBOUR,
        media=(InboundMedia(source="https://example.org/picture", stated_type="image/png"),),
        media_count=1,
    )
    site.link_case(written)

    def keep(tx: object) -> None:
        connection = tx.connection  # type: ignore[attr-defined]
        put_rows(connection, media_content, {"media_id": 1, "content": PNG})

    site.write(keep)
    return written


async def open_request(detective: Detective, **fields: str) -> str:
    answer, page = await detective.post("/console/copies", OPENING | fields)
    assert answer.status == 303, page
    return answer.headers["Location"]


async def look(detective: Detective, path: str) -> str:
    answer, page = await detective.get(f"{path}/look")
    assert answer.status == 200
    return page


async def give_page(detective: Detective, path: str) -> None:
    page = await look(detective, path)
    names = re.findall(r'name="(item\d*)" value="([^"]+)"', page)
    fields = dict(each for each in names if each[0] != "item") or dict(names[:1])
    answer, _ = await detective.post(f"{path}/look", fields | {"act": "give"})
    assert answer.status == 303


async def give_all(detective: Detective, path: str) -> None:
    while "Nothing is left to look at" not in await look(detective, path):
        await give_page(detective, path)


async def hold_back(detective: Detective, path: str, words: str = "", **fields: str) -> tuple[int, str]:
    """The item that says NEIGHBOUR."""
    page = await look(detective, path)
    section = next(each for each in page.split("<section") if NEIGHBOUR in each)
    item = re.search(r'name="item" value="([^"]+)"', section)
    assert item
    form = {"act": "hold", "item": item[1], "reason": "rights_of_others", "text": "Names a neighbour"}
    answer, page = await detective.post(f"{path}/look", form | {"words": words} | fields)
    return answer.status, page


async def second(detective: Detective, path: str, agrees: str = "yes") -> tuple[int, str]:
    _, page = await detective.get(path)
    item = re.search(r'name="item" value="([^"]+)"', page)
    answer, page = await detective.post(f"{path}/second", {"item": item[1] if item else "", "agrees": agrees})
    return answer.status, page


async def step(detective: Detective, path: str, act: str, text: str = "") -> tuple[int, str]:
    answer, page = await detective.post(f"{path}/step", {"act": act, "text": text})
    return answer.status, page


async def take(detective: Detective, path: str) -> dict[str, bytes]:
    body = {"csrf_token": detective.csrf_token}
    async with detective.http.post(
        f"{path}/give", data=body, headers={"Sec-Fetch-Site": "same-origin"}, allow_redirects=False
    ) as answer:
        assert answer.status == 200
        assert answer.content_type == "application/zip"
        with zipfile.ZipFile(io.BytesIO(await answer.read())) as bundle:
            return {name: bundle.read(name) for name in bundle.namelist()}


async def test_from_the_asking_to_the_giving(
    site: DeskSite, alex: Detective, kim: Detective, conversation_id: str
) -> None:
    path = await open_request(alex)
    assert [row.reason for row in site.rows(hold, hold.c.lifted_at.is_(None))] == ["access_request"]
    await give_page(alex, path)

    assert (await hold_back(alex, path, "Wendolyth Drexwold"))[0] == 303
    await give_all(alex, path)
    assert (await step(alex, path, "finish"))[0] == 409
    assert (await second(kim, path))[0] == 303
    assert (await step(alex, path, "finish"))[0] == 303
    files = await take(kim, path)
    assert (await step(kim, path, "given", "Handed over at the front desk"))[0] == 303

    told = files["copy.html"].decode()
    assert "my neighbour [held back] saw him" in told
    assert "Drexwold" not in told + files["copy.json"].decode() + unquote(files["copy.json"].decode())
    assert files["files/0001.bin"] == PNG
    assert site.rows(hold, hold.c.lifted_at.is_(None)) == []
    [row] = site.rows(access_request)
    assert (row.status, row.ended_how) == ("given", "Handed over at the front desk")
    _, page = await alex.get(path)
    assert "s.45(4)(e)" in page
    assert "Names a neighbour" in page


async def test_every_step_is_on_record(
    site: DeskSite, alex: Detective, kim: Detective, conversation_id: str
) -> None:
    path = await open_request(alex)
    await give_page(alex, path)
    await hold_back(alex, path)
    await second(kim, path)
    await give_all(alex, path)
    for act, text in (("put_off", "Many requests"), ("finish", ""), ("again", ""), ("finish", "")):
        assert (await step(alex, path, act, text))[0] == 303, act
    await take(alex, path)
    await step(alex, path, "given", "By post")

    request_id = path.rpartition("/")[2]
    acts = {row.act for row in site.rows(audit) if (row.thing or "").startswith(request_id)}
    assert acts == {
        "access_copy_given",
        "access_copy_taken",
        "access_item_held_back",
        "access_item_looked_at",
        "access_items_read",
        "access_request_looked_again",
        "access_request_opened",
        "access_request_put_off",
        "access_request_ready",
        "access_restriction_agreed",
    }
    of_it = {row.act for row in site.rows(audit) if row.conversation_id == conversation_id}
    assert {"access_items_read", "access_copy_taken"} <= of_it
    assert NEIGHBOUR not in "".join(row.thing or "" for row in site.rows(audit))


async def test_nobody_agrees_with_themselves(
    site: DeskSite, alex: Detective, kim: Detective, conversation_id: str
) -> None:
    path = await open_request(alex)
    await give_page(alex, path)
    await hold_back(alex, path)
    [held] = site.rows(access_decision, access_decision.c.verdict == "hold_back")

    answer, page = await alex.post(f"{path}/second", {"item": f"{held.item} {held.digest}", "agrees": "yes"})

    assert answer.status == 409
    assert "Somebody else has to agree" in page
    assert (await second(kim, path, "no"))[0] == 303
    assert NEIGHBOUR in await look(kim, path)


async def test_the_copy_needs_fresh_proof(site: DeskSite, alex: Detective, conversation_id: str) -> None:
    path = await open_request(alex)
    await give_all(alex, path)
    await step(alex, path, "finish")
    site.clock.advance(minutes=6)

    answer, page = await alex.post(f"{path}/give")

    assert answer.status != 200
    assert "access_copy_taken" not in site.acts()
    assert "PK" not in page


@pytest.mark.parametrize(
    ("fields", "status", "said"),
    [
        ({"reference": "43260099999"}, 422, "There is no case of that reference"),
        ({"asked_on": "soon"}, 422, "Give the day they asked"),
        ({"identity": " "}, 422, "Say it in words"),
    ],
)
async def test_a_request_that_is_not_whole_is_given_back_with_its_words(
    site: DeskSite, alex: Detective, conversation_id: str, fields: dict[str, str], status: int, said: str
) -> None:
    answer, page = await alex.post("/console/copies", OPENING | fields)

    assert answer.status == status
    assert said in page
    assert "Themselves, by letter" in page
    assert site.rows(access_request) == []


async def test_one_person_has_one_request_at_a_time(alex: Detective, conversation_id: str) -> None:
    path = await open_request(alex)

    answer, page = await alex.post("/console/copies", OPENING)
    assert (answer.status, "Open that one" in page) == (409, True)
    assert (await step(alex, path, "close", "They took it back"))[0] == 303
    await open_request(alex)


async def test_words_that_are_not_in_it_hold_nothing_back(
    site: DeskSite, alex: Detective, conversation_id: str
) -> None:
    path = await open_request(alex)
    await give_page(alex, path)

    assert (await hold_back(alex, path, "Somebody Else"))[0] == 422
    assert (await hold_back(alex, path, "Wendolyth", untold="yes"))[0] == 422
    assert (await hold_back(alex, path, reason="convenience"))[0] == 422
    assert site.rows(access_decision, access_decision.c.verdict == "hold_back") == []


async def test_a_file_is_handed_out_sealed_and_only_if_it_is_theirs(
    site: DeskSite, alex: Detective, conversation_id: str
) -> None:
    path = await open_request(alex)

    async with alex.http.get(f"{path}/file?n=1") as answer:
        assert await answer.read() == PNG
    missing, _ = await alex.get(f"{path}/file?n=999")

    assert (answer.status, missing.status) == (200, 404)
    assert "sandbox" in answer.headers["Content-Security-Policy"]
    assert "media_opened" in site.acts()


async def test_a_press_from_a_page_that_is_out_of_date_decides_nothing(
    site: DeskSite, alex: Detective, conversation_id: str
) -> None:
    path = await open_request(alex)

    answer, page = await alex.post(f"{path}/look", {"act": "give", "item": "inbox:1 " + "0" * 64})

    assert (answer.status, "Look again" in page) == (409, True)
    assert site.rows(access_decision) == []
