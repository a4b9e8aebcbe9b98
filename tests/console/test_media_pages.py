"""Pictures and files on the desk: who gets the bytes, what is written down first, and that none of them can run.

Red when: `show_media` answers with the type as found or stated, `find_shown_type` does not look at the bytes again,
`_open` reads without the record, the route is on the list of open ones.
"""

import pytest
import sqlalchemy as sa
from sqlalchemy import text as sql

from casework.adapters.storage.tables import audit, inbound_media
from casework.model.media_endings import ENDINGS, find_ending
from casework.services.media import (
    ADDRESS_REFUSED,
    MISSING,
    NOT_ALLOWED,
    TOO_LARGE,
    TYPE_NOT_TAKEN,
    UNREACHABLE,
)
from casework.services.ports import MediaStatus
from channels.media_types import TAKEN
from console.desk.media_types import SHOWN_AS, name_kind
from console.words import load_words
from tests.console.channel_desk import sends_file
from tests.console.desk_site import DeskSite, Detective
from tests.console.pictures import DRAWING, GIF, JPEG, PAGE, PDF, PNG, WEBP

SHOWN = [("image/png", PNG), ("image/gif", GIF), ("image/jpeg", JPEG), ("image/webp", WEBP)]
SAVED = [
    ("application/pdf", PDF),
    ("video/mp4", b"\x00\x00\x00\x18ftypmp42"),
    ("image/heic", b"\x00\x00\x00\x18ftypheic"),
    ("text/vcard", b"BEGIN:VCARD"),
    ("image/svg+xml", DRAWING),
    ("text/html", PAGE),
    ("application/javascript", b"alert(1)"),
    # Said to be a picture, and is none.
    ("image/png", PAGE),
    ("image/webp", b"RIFF....WAVE" + PAGE),
    ("image/jpeg", b""),
    ("", PNG),
]


@pytest.mark.parametrize(("found_type", "content"), SHOWN)
async def test_a_picture_is_shown_as_what_it_is(site: DeskSite, found_type: str, content: bytes) -> None:
    detective = await site.detective()
    _, media_id = sends_file(site, content, found_type)

    async with detective.http.get(f"/console/media/{media_id}") as answer:
        assert answer.status == 200
        assert answer.content_type == found_type
        assert answer.headers["Content-Disposition"].startswith("inline;")
        assert await answer.read() == content


@pytest.mark.parametrize(("found_type", "content"), SAVED)
async def test_anything_else_is_only_ever_saved_and_named_by_us(
    site: DeskSite, found_type: str, content: bytes
) -> None:
    detective = await site.detective()
    _, media_id = sends_file(site, content, found_type)

    async with detective.http.get(f"/console/media/{media_id}") as answer:
        assert answer.status == 200
        assert answer.headers["Content-Type"] == "application/octet-stream"
        ending = find_ending(found_type)
        assert answer.headers["Content-Disposition"] == f'attachment; filename="file-{media_id}.{ending}"'
        assert await answer.read() == content


@pytest.mark.parametrize(("found_type", "content"), [SHOWN[0], SAVED[0]])
async def test_every_file_is_sealed_and_kept_nowhere(site: DeskSite, found_type: str, content: bytes) -> None:
    detective = await site.detective()
    _, media_id = sends_file(site, content, found_type)

    async with detective.http.get(f"/console/media/{media_id}") as answer:
        headers = answer.headers

    assert headers["Content-Security-Policy"] == "default-src 'none'; sandbox; frame-ancestors 'none'"
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Cache-Control"] == "no-store"
    assert headers["Cross-Origin-Resource-Policy"] == "same-origin"


async def test_each_opening_is_in_the_record_with_who_and_what(site: DeskSite) -> None:
    detective = await site.detective()
    conversation_id, media_id = sends_file(site)

    await detective.open(conversation_id)
    before = site.rows(audit, audit.c.act == "media_opened")
    for _ in range(2):
        async with detective.http.get(f"/console/media/{media_id}") as answer:
            assert answer.status == 200

    opened = site.rows(audit, audit.c.act == "media_opened")
    assert before == []
    assert [(row.conversation_id, row.thing) for row in opened] == [
        (conversation_id, f"media-{media_id}")
    ] * 2
    assert {row.actor for row in opened} == {
        row.actor for row in site.rows(audit, audit.c.act == "conversation_read")
    }


async def test_where_nothing_can_be_recorded_nothing_is_shown(site: DeskSite) -> None:
    detective = await site.detective()
    _, media_id = sends_file(site)
    site.write(lambda tx: tx.connection.execute(sql("ALTER TABLE audit RENAME TO audit_gone")))

    async with detective.http.get(f"/console/media/{media_id}") as answer:
        assert answer.status == 500
        assert PNG not in await answer.read()


async def test_a_stranger_gets_no_byte_and_leaves_no_row(site: DeskSite) -> None:
    _, media_id = sends_file(site)
    stranger = Detective(site)

    answer, body = await stranger.get(f"/console/media/{media_id}")
    head = await stranger.http.head(f"/console/media/{media_id}", allow_redirects=False)

    assert (answer.status, body) == (303, "303: See Other")
    assert head.status in (303, 405)
    assert "media_opened" not in site.acts()


@pytest.mark.parametrize("status", [MediaStatus.WAITING, MediaStatus.REFUSED, MediaStatus.FAILED])
async def test_what_is_not_here_is_a_page_not_found(site: DeskSite, status: MediaStatus) -> None:
    detective = await site.detective()
    _, media_id = sends_file(site, status=status)

    for address in (media_id, media_id + 1, "0", "9" * 18, "x", "1/../2"):
        answer, page = await detective.get(f"/console/media/{address}")
        assert answer.status == 404, address
        assert "This page does not exist" in page
    assert "media_opened" not in site.acts()


async def test_the_conversation_names_each_file_with_its_type_and_size(site: DeskSite) -> None:
    detective = await site.detective()
    writer = {"external_id": "+447700900101"}
    conversation_id, picture = sends_file(site, PNG, **writer)
    _, document = sends_file(site, PDF + bytes(3 * 1024 * 1024), "application/pdf", **writer)

    page = await detective.open(conversation_id)

    assert f"<summary>Picture, {len(PNG)} bytes." in page
    assert f'<img class="thumbnail" loading="lazy" src="/console/media/{picture}"' in page
    assert "Document, 3.0 MB." in page
    assert f'<a href="/console/media/{document}">Save' in page
    assert "not fetched yet" not in page


@pytest.mark.parametrize(
    ("status", "reason", "words"),
    [
        (MediaStatus.WAITING, "", "Picture, not fetched yet"),
        (MediaStatus.REFUSED, TOO_LARGE, "Picture, not here: too large to take in."),
        (MediaStatus.REFUSED, TYPE_NOT_TAKEN, "not here: not a kind of file that is taken in"),
        (MediaStatus.FAILED, UNREACHABLE, "the provider could not be reached, though it was tried often"),
        (MediaStatus.FAILED, "a reason of tomorrow", "not here: it could not be fetched"),
    ],
)
async def test_a_file_that_is_not_here_says_why(
    site: DeskSite, status: MediaStatus, reason: str, words: str
) -> None:
    detective = await site.detective()
    conversation_id, _ = sends_file(site, status=status, reason=reason)

    page = await detective.open(conversation_id)

    assert words in page
    assert "/console/media/" not in page


async def test_a_stated_type_is_never_shown(site: DeskSite) -> None:
    detective = await site.detective()
    conversation_id, media_id = sends_file(site, status=MediaStatus.WAITING)
    hostile = "<script>alert(1)</script>"
    site.write(
        lambda tx: tx.connection.execute(
            sa.update(inbound_media).where(inbound_media.c.id == media_id).values(stated_type=hostile)
        )
    )

    page = await detective.open(conversation_id)

    assert "<p>File, not fetched yet</p>" in page
    assert "alert(1)" not in page


def test_every_type_that_is_taken_in_has_an_ending_and_a_kind_with_words() -> None:
    words = load_words()

    assert set(TAKEN.values()) == set(ENDINGS)
    assert set(ENDINGS) >= SHOWN_AS
    assert {name_kind(each) for each in [*ENDINGS, "x", ""]} == set(words["media_kinds"])


def test_every_reason_for_a_missing_file_has_words() -> None:
    reasons = {ADDRESS_REFUSED, MISSING, NOT_ALLOWED, TOO_LARGE, TYPE_NOT_TAKEN, UNREACHABLE}

    assert set(load_words()["media_reasons"]) == {*reasons, "waiting", "unknown"}
