"""The sealed record from the conversation page: one form, one press, and who had it made is in the audit.

Red when: the row of ROUTES asks for reading alone (`test_who_may_read_and_does_not_have_it_gets_nothing`); the zip
is sent before the disclosure is recorded (`test_one_press_gives_a_record_that_is_whole`).
"""

import io
import zipfile
from pathlib import Path

import pytest
import sqlalchemy as sa

from casework.adapters.storage.conversation_tables import staff_note
from casework.adapters.storage.tables import audit, conversation
from casework.model.desk import HandoffReason
from casework.model.holds import HoldReason, Subject, SubjectKind
from casework.model.record_verifier import Bundle, check
from casework.model.standings import Standing
from tests.console.desk_site import DeskSite, Detective

FORM = {"reason": "schedule", "number": "op-12/26"}
WORDS = "he is outside again"


@pytest.fixture
def conversation_id(site: DeskSite) -> str:
    site.is_glass_open = False
    return site.victim_writes(WORDS, reason=HandoffReason.ASKED_FOR_PERSON)


async def press(visitor: Detective, path: str, **fields: str) -> tuple[int, bytes, dict[str, str]]:
    """As a browser posts the form: the answer's status, its bytes and headers."""
    form = {"csrf_token": visitor.csrf_token} | FORM | fields
    async with visitor.http.post(
        path, data=form, allow_redirects=False, headers={"Sec-Fetch-Site": "same-origin"}
    ) as answer:
        return answer.status, await answer.read(), dict(answer.headers)


def exports(site: DeskSite) -> list[tuple[str, str | None, str | None]]:
    rows = [row for row in site.rows(audit) if row.act.startswith("record_export")]
    return [(row.act, row.conversation_id, row.thing) for row in rows]


async def test_one_press_gives_a_record_that_is_whole(
    site: DeskSite, conversation_id: str, tmp_path: Path
) -> None:
    sam = await site.detective()
    await sam.claim(conversation_id)
    page = await sam.open(conversation_id)
    assert f'href="/console/c/{conversation_id}/export"' in page

    status, content, headers = await press(sam, f"/console/c/{conversation_id}/export")

    assert (status, headers["Content-Type"], headers["Cache-Control"]) == (200, "application/zip", "no-store")
    assert int(headers["Content-Length"]) == len(content)
    (tmp_path / "record.zip").write_bytes(content)
    assert list(check(Bundle(str(tmp_path / "record.zip")))) == []
    with zipfile.ZipFile(io.BytesIO(content)) as bundle:
        assert WORDS in bundle.read("record.html").decode()
    asked, made = exports(site)
    assert asked == ("record_export_asked", conversation_id, "schedule:OP-12/26")
    sha256 = Bundle(str(tmp_path / "record.zip")).hash("manifest.json")[1]
    assert made == ("record_exported", conversation_id, sha256)
    assert f'filename="record-{sha256[:12]}.zip"' in headers["Content-Disposition"]
    assert list((site.service.settings.data_dir / "exports").iterdir()) == []


@pytest.mark.parametrize(
    "fields", [{"reason": ""}, {"reason": "curious"}, {"number": ""}, {"number": "Smith"}]
)
async def test_without_what_it_is_for_nothing_is_made_and_the_form_comes_back(
    site: DeskSite, conversation_id: str, fields: dict[str, str]
) -> None:
    sam = await site.detective()
    await sam.claim(conversation_id)

    answer, page = await sam.post(f"/console/c/{conversation_id}/export", FORM | fields)

    assert answer.status == 422
    assert "Nothing was made" in page
    assert f'value="{(FORM | fields)["number"]}"' in page
    assert exports(site) == []


@pytest.mark.parametrize("path", ["export", "export/any"])
async def test_who_may_read_and_does_not_have_it_gets_nothing(
    site: DeskSite, conversation_id: str, path: str
) -> None:
    """It waits on the queue, and whoever is at the desk reads it."""
    sam = await site.detective()
    assert "Make a sealed record" not in await sam.open(conversation_id)

    for answer, _ in (
        await sam.get(f"/console/c/{conversation_id}/{path}"),
        await sam.post(f"/console/c/{conversation_id}/{path}", FORM),
    ):
        assert answer.status in (403, 409)
    assert exports(site) == []


async def test_a_supervisor_may_without_having_it_and_of_the_whole_case(
    site: DeskSite, conversation_id: str
) -> None:
    alex = await site.detective("alex", "Alex Test-Supervisor", role="supervisor")
    site.link_case(conversation_id)
    other = site.victim_writes("on another channel", external_id="+447700900777")
    [reference] = {row.crime_reference for row in site.rows(standing_table())}
    site.write(lambda tx: tx.standings.record(other, reference, Standing.LINKED, method="link"))
    _, page = await alex.get(f"/console/c/{conversation_id}/export/any")
    assert f"The whole case {reference}" in page

    status, content, _ = await press(alex, f"/console/c/{conversation_id}/export/any", what="case")

    assert status == 200
    with zipfile.ZipFile(io.BytesIO(content)) as bundle:
        assert "on another channel" in bundle.read("record.jsonl").decode()
    assert {of for _, of, _ in exports(site)} == {conversation_id, other}

    status, content, _ = await press(alex, f"/console/c/{conversation_id}/export/any")
    with zipfile.ZipFile(io.BytesIO(content)) as bundle:
        assert "on another channel" not in bundle.read("record.jsonl").decode()


def standing_table() -> sa.Table:
    return conversation.metadata.tables["standing"]


async def test_one_to_which_nobody_proved_a_link_has_no_case(site: DeskSite, conversation_id: str) -> None:
    alex = await site.detective("alex", "Alex Test-Supervisor", role="supervisor")

    status, page, _ = await press(alex, f"/console/c/{conversation_id}/export/any", what="case")

    assert (status, exports(site)) == (409, [])
    assert b"Nobody has proved a link to a case" in page


async def test_it_asks_for_fresh_proof(site: DeskSite, conversation_id: str) -> None:
    sam = await site.detective()
    await sam.claim(conversation_id)
    site.clock.advance(minutes=6)

    opened, _ = await sam.get(f"/console/c/{conversation_id}/export")
    pressed, _ = await sam.post(f"/console/c/{conversation_id}/export", FORM)

    assert (opened.status, pressed.status) == (303, 401)
    assert "again" in opened.headers["Location"]
    assert exports(site) == []


async def test_a_drill_has_no_record(site: DeskSite, conversation_id: str) -> None:
    sam = await site.detective()
    await sam.claim(conversation_id)
    site.write(lambda tx: tx.connection.execute(sa.update(conversation).values(is_drill=True)))

    answer, page = await sam.post(f"/console/c/{conversation_id}/export", FORM)

    assert answer.status == 409
    assert "This is a drill" in page


async def test_a_hold_keeps_nothing_from_it(site: DeskSite, conversation_id: str) -> None:
    sam = await site.detective()
    await sam.claim(conversation_id)
    site.write(
        lambda tx: tx.holds.record(
            Subject(kind=SubjectKind.CONVERSATION, id=conversation_id),
            HoldReason.DISCLOSURE,
            why="a trial",
            review_on=tx.now.date(),
            by="x",
        )
    )

    status, _, _ = await press(sam, f"/console/c/{conversation_id}/export")

    assert status == 200


async def test_a_note_is_in_the_file_apart_alone(site: DeskSite, conversation_id: str) -> None:
    sam = await site.detective()
    await sam.claim(conversation_id)
    await sam.post(f"/console/c/{conversation_id}/notes", {"text": "between colleagues"})
    assert [row.text for row in site.rows(staff_note)] == ["between colleagues"]

    _, content, _ = await press(sam, f"/console/c/{conversation_id}/export")

    with zipfile.ZipFile(io.BytesIO(content)) as bundle:
        holding = [name for name in bundle.namelist() if b"between colleagues" in bundle.read(name)]
    assert holding == ["internal.jsonl", "internal.html"]
