"""Pictures and files for a case over real sockets: judged by their bytes, kept whole, and none lost for another's sake.

Red when, each tried once: a file is taken for what it is called, one bad file refuses the good ones, a file or the form
has no limit or only that of a header, an endless client is waited for, parts are taken on another route, or the words
are lost with a form that was cut off.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from hashlib import sha256
from http.cookies import SimpleCookie
from pathlib import Path

import pytest
import pytest_asyncio

from casework.adapters.storage.tables import desk_item, inbound_media, inbox, media_content, web_session
from casework.adapters.storage.transaction import SqlTransaction
from casework.model.messages import Channel
from casework.model.standings import HIGHEST_OF_METHOD, ProofMethod, Standing
from casework.services.media import LARGEST_BYTES
from channels.request_limits import LARGEST_UPLOAD_BYTES, RequestLimits
from channels.sandbox.samples import SAMPLES
from tests.channels.my_pages_browser import PlainBrowser, box_in, browsing, run_site_with_case, words_of
from tests.channels.twilio_door import Door, open_door, status_of
from tests.support.builders import REFERENCE, a_case
from tests.support.clock import SetClock
from tests.support.databases import copy_sqlite

PAGE = "/my/files"
NOTE = "the door, this morning"
URGENT = "he is outside my house with a knife and says he will kill me"
JPEG = SAMPLES["photo"].make()
PNG = SAMPLES["png"].make()
PDF = SAMPLES["pdf"].make()
PROGRAM = SAMPLES["program"].make()
PHOTO = ("IMG_0001.jpg", JPEG, "image/jpeg")


@pytest_asyncio.fixture
async def browser(tmp_path: Path) -> AsyncIterator[PlainBrowser]:
    async with run_site_with_case(tmp_path) as site, browsing(site) as opened:
        yield opened


def kept(browser: PlainBrowser) -> list[str]:
    """By their digests: a difference between megabytes is no reading."""
    rows = sorted(browser.site.rows(media_content), key=lambda row: int(row.media_id))
    return digests(*(bytes(row.content) for row in rows))


def digests(*contents: bytes) -> list[str]:
    return [sha256(content).hexdigest() for content in contents]


# --- what is taken -------------------------------------------------------------------------------


async def test_files_and_a_note_are_one_message_that_somebody_looks_at(browser: PlainBrowser) -> None:
    await browser.start(Standing.STEPPED_UP)

    answer = await browser.post_files(PAGE, [PHOTO, ("letter.pdf", PDF, "application/pdf")], note=NOTE)

    assert (answer.status, answer.location) == (303, PAGE)
    assert browser.site.texts_received() == [NOTE]
    assert kept(browser) == digests(JPEG, PDF)
    [first, _] = browser.site.rows(inbound_media)
    assert (first.status, first.found_type, first.sha256) == ("kept", "image/jpeg", sha256(JPEG).hexdigest())
    assert [row.reason for row in browser.site.rows(desk_item)] == ["files_sent"]
    said = words_of((await browser.get(PAGE)).page)
    assert "What you have sent here" in said
    assert "Picture," in said and "Document," in said
    assert b"IMG_0001.jpg" in browser.site.rows(inbox)[0].raw


async def test_the_hidden_details_of_a_picture_are_kept_byte_for_byte(browser: PlainBrowser) -> None:
    """With the EXIF that says when and where: it is evidence."""
    exif = b"\xff\xd8\xff\xe1\x00\x20Exif\0\0" + b"GPS 51.5 -0.1 2026:11:21" + JPEG[2:]
    await browser.start(Standing.STEPPED_UP)

    await browser.post_files(PAGE, [("a.jpg", exif, "image/jpeg")])

    assert kept(browser) == digests(exif)


@pytest.mark.parametrize(
    ("name", "content", "stated", "found"),
    [
        ("holiday.jpg", PROGRAM, "image/jpeg", None),
        ("page.png", b"<!DOCTYPE html><script>1</script>", "image/png", None),
        ("drawing.png", SAMPLES["script"].make(), "image/png", None),
        ("virus.exe", JPEG, "application/x-msdownload", "image/jpeg"),
        ("no type", PNG, "application/octet-stream", "image/png"),
        ("../../etc/passwd", PDF, "text/plain", "application/pdf"),
    ],
    ids=["program", "page", "drawing with a script", "photo", "png", "document"],
)
async def test_a_file_is_what_its_bytes_are(
    browser: PlainBrowser, name: str, content: bytes, stated: str, found: str | None
) -> None:
    await browser.start(Standing.STEPPED_UP)

    answer = await browser.post_files(PAGE, [(name, content, stated)], note=NOTE)

    [row] = browser.site.rows(inbound_media)
    if found is None:
        assert (row.status, row.reason, kept(browser)) == ("refused", "type_not_allowed", [])
        assert "it is no kind of file we can open here" in answer.page
    else:
        assert (row.status, row.found_type, kept(browser)) == ("kept", found, digests(content))


async def test_pressed_twice_it_is_kept_once(browser: PlainBrowser) -> None:
    await browser.start(Standing.STEPPED_UP)

    answers = await asyncio.gather(*(browser.post_files(PAGE, [PHOTO], note=NOTE) for _ in range(4)))

    assert {answer.status for answer in answers} == {303}
    assert (len(browser.site.rows(inbox)), kept(browser)) == (1, digests(JPEG))


async def test_other_files_from_the_same_page_are_not_swallowed(browser: PlainBrowser) -> None:
    await browser.start(Standing.STEPPED_UP)

    await browser.post_files(PAGE, [PHOTO], note=NOTE)
    await browser.post_files(PAGE, [("b.png", PNG, "image/png")], note=NOTE)

    assert kept(browser) == digests(JPEG, PNG)


async def test_a_picture_without_words_goes_to_a_person_at_once(browser: PlainBrowser) -> None:
    """As one that comes by WhatsApp: nobody can know what it shows."""
    await browser.start(Standing.STEPPED_UP)

    await browser.post_files(PAGE, [PHOTO])

    [item] = browser.site.rows(desk_item)
    assert (item.reason, item.grade) == ("unreadable", 2)
    assert kept(browser) == digests(JPEG)
    said = words_of((await browser.get(PAGE)).page)
    assert "999" in said
    assert "cannot open pictures" not in said


async def test_danger_in_the_note_is_answered_on_the_page_at_once(browser: PlainBrowser) -> None:
    await browser.start(Standing.STEPPED_UP)

    await browser.post_files(PAGE, [PHOTO], note=URGENT)

    assert [(row.reason, row.grade) for row in browser.site.rows(desk_item)] == [("disclosure", 1)]
    page = (await browser.get(PAGE)).page
    assert "999" in words_of(page.partition("<h1")[0] + "</main>")


# --- nothing is lost ----------------------------------------------------------------------------


async def test_when_one_of_three_is_refused_the_others_are_kept_and_it_is_named(
    browser: PlainBrowser,
) -> None:
    await browser.start(Standing.STEPPED_UP)

    answer = await browser.post_files(
        PAGE, [PHOTO, ("setup.jpg", PROGRAM, "image/jpeg"), ("b.png", PNG, "image/png")], note=NOTE
    )

    assert answer.status == 200
    assert kept(browser) == digests(JPEG, PNG)
    assert browser.site.texts_received() == [NOTE]
    said = words_of(answer.page)
    assert "2 files have reached us." in said
    assert "setup.jpg : it is no kind of file we can open here" in said
    assert box_in(answer.page) == ""


async def test_one_that_is_too_large_is_told_so_and_the_rest_is_kept(browser: PlainBrowser) -> None:
    await browser.start(Standing.STEPPED_UP)
    huge = JPEG + bytes(LARGEST_BYTES)

    answer = await browser.post_files(PAGE, [("film.jpg", huge, "image/jpeg"), PHOTO], note=NOTE)

    assert "film.jpg : it is larger than 16 MB." in words_of(answer.page)
    assert kept(browser) == digests(JPEG)
    assert [(row.status, row.reason) for row in browser.site.rows(inbound_media)] == [
        ("refused", "too_large"),
        ("kept", None),
    ]


async def test_of_more_than_five_the_first_five_are_kept_and_the_others_named(browser: PlainBrowser) -> None:
    await browser.start(Standing.STEPPED_UP)
    files = [(f"{number}.jpg", JPEG + bytes([number]), "image/jpeg") for number in range(7)]

    answer = await browser.post_files(PAGE, files, note=NOTE)

    assert len(kept(browser)) == 5
    said = words_of(answer.page)
    assert "5.jpg : it was more than 5 at once. Send it now by itself." in said
    assert "6.jpg" in said and "4.jpg" not in said


async def test_a_note_is_sent_though_every_file_is_refused(browser: PlainBrowser) -> None:
    await browser.start(Standing.STEPPED_UP)

    await browser.post_files(PAGE, [("setup.jpg", PROGRAM, "image/jpeg")], note=URGENT)

    assert browser.site.texts_received() == [URGENT]
    assert [row.reason for row in browser.site.rows(desk_item)] == ["disclosure"]


async def test_files_that_are_all_refused_without_a_note_leave_nothing(browser: PlainBrowser) -> None:
    await browser.start(Standing.STEPPED_UP)

    answer = await browser.post_files(
        PAGE, [("setup.jpg", PROGRAM, "image/jpeg"), ("empty.jpg", b"", "image/jpeg")]
    )

    assert answer.status == 422
    assert "empty.jpg : it is empty." in words_of(answer.page)
    assert browser.site.rows(inbox) == []


async def test_no_file_and_no_word_says_what_to_do(browser: PlainBrowser) -> None:
    await browser.start(Standing.STEPPED_UP)

    answers = [
        await browser.post_files(PAGE, [("", b"", "application/octet-stream")]),
        await browser.post(PAGE, {"msg_id": "0011223344556677", "text": ""}),
    ]

    for answer in answers:
        assert (answer.status, "Choose a file first, or write a note." in answer.page) == (422, True)
    assert browser.site.rows(inbox) == []


async def test_a_note_of_any_length_goes_with_its_files(browser: PlainBrowser) -> None:
    """A browser cannot choose the files again by itself, so nothing is sent back for its length."""
    await browser.start(Standing.STEPPED_UP)
    long = "abc " * 5000

    assert (await browser.post_files(PAGE, [PHOTO], note=long)).status == 303

    assert browser.site.texts_received() == [long]
    assert [row.reason for row in browser.site.rows(desk_item)] == ["unreadable"]


@pytest.mark.parametrize("standing", [None, Standing.LINKED])
async def test_below_a_step_up_nothing_is_kept_and_the_words_come_back(
    browser: PlainBrowser, standing: Standing | None
) -> None:
    await browser.start(standing)

    answer = await browser.post_files(PAGE, [PHOTO], note=NOTE)

    assert (answer.status, box_in(answer.page)) == (403, NOTE)
    assert '<form class="card kept" method="post" action="/m"' in answer.page
    assert browser.site.rows(inbox) == kept(browser) == []


async def test_after_the_visit_ended_the_words_come_back(browser: PlainBrowser) -> None:
    await browser.start(Standing.STEPPED_UP)
    browser.site.clock.advance(hours=1)

    answer = await browser.post_files(PAGE, [PHOTO], note=NOTE)

    assert (answer.status, box_in(answer.page)) == (401, NOTE)
    assert kept(browser) == []


async def test_a_form_from_another_site_leaves_nothing(browser: PlainBrowser) -> None:
    await browser.start(Standing.STEPPED_UP)

    answer = await browser.post(PAGE, b"", **{"Sec-Fetch-Site": "cross-site"})

    assert answer.status == 403
    assert browser.site.rows(inbox) == []


# --- through the real gateway: large, slow, broken -------------------------------------------------


BOUNDARY = b"wm-boundary"


@dataclass
class Gateway:
    """The real gateway, and a session in it that may send files."""

    door: Door
    cookie: str

    def request(self, body: bytes, *, length: int | None = None, path: str = PAGE, **headers: str) -> bytes:
        lines = [
            f"POST {path} HTTP/1.1",
            "Host: messages.example.org",
            "Connection: close",
            "Sec-Fetch-Site: same-origin",
            f"Cookie: {self.cookie}",
            f"Content-Type: multipart/form-data; boundary={BOUNDARY.decode()}",
            f"Content-Length: {len(body) if length is None else length}",
            *(f"{name.replace('_', '-')}: {value}" for name, value in headers.items()),
        ]
        return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


def a_field(name: str, value: bytes) -> bytes:
    return b'--%b\r\nContent-Disposition: form-data; name="%b"\r\n\r\n%b\r\n' % (
        BOUNDARY,
        name.encode(),
        value,
    )


def a_part(content: bytes, *, name: str = "a.jpg") -> bytes:
    return (
        b'--%b\r\nContent-Disposition: form-data; name="files"; filename="%b"\r\n'
        b"Content-Type: image/jpeg\r\n\r\n%b\r\n" % (BOUNDARY, name.encode(), content)
    )


WORDS = a_field("msg_id", b"0011223344556677") + a_field("text", NOTE.encode())
END = b"--%b--\r\n" % BOUNDARY


@asynccontextmanager
async def open_gateway(
    template: Path, folder: Path, clock: SetClock, limits: RequestLimits | None = None
) -> AsyncIterator[Gateway]:
    url = copy_sqlite(template, folder / "waymark.db")
    async with open_door(url, folder, clock, limits=limits) as door:
        headers = {"Sec-Fetch-Site": "same-origin"}
        async with door.http.post(door.url + "/start", headers=headers, allow_redirects=False) as answer:
            cookie: SimpleCookie = SimpleCookie(answer.headers["Set-Cookie"])
        [(name, morsel)] = cookie.items()

        def link(tx: SqlTransaction) -> None:
            tx.cases.record_all([a_case()])
            [row] = tx.connection.execute(web_session.select()).all()
            opened = tx.conversations.open(Channel.WEBCHAT, row.external_id)
            for method in (ProofMethod.INVITE, ProofMethod.PIN):
                tx.standings.record(opened.id, REFERENCE, HIGHEST_OF_METHOD[method], method=method.value)

        door.service.database.write_now(link)
        yield Gateway(door, f"{name}={morsel.value}")


async def test_the_gateway_takes_a_large_form_on_this_route(
    sqlite_template: Path, tmp_path: Path, clock: SetClock
) -> None:
    large = JPEG + bytes(LARGEST_BYTES - len(JPEG))
    async with open_gateway(sqlite_template, tmp_path, clock) as gateway:
        answer = await gateway.door.send_raw(gateway.request(WORDS + a_part(large) + END))

        assert status_of(answer) == 303
        [row] = gateway.door.rows(media_content)
        assert sha256(row.content).digest() == sha256(large).digest()


@pytest.mark.parametrize(
    "path", ["/m", "/my/notes", "/my/how", "/my/filesx", "/my/files/x", "/webhooks/twilio/message"]
)
async def test_no_other_route_takes_parts(
    sqlite_template: Path, tmp_path: Path, clock: SetClock, path: str
) -> None:
    async with open_gateway(sqlite_template, tmp_path, clock) as gateway:
        answer = await gateway.door.send_raw(gateway.request(WORDS + END, path=path))

        assert status_of(answer) == 415
        assert gateway.door.count(inbox) == 0


async def test_a_packed_form_is_refused(sqlite_template: Path, tmp_path: Path, clock: SetClock) -> None:
    async with open_gateway(sqlite_template, tmp_path, clock) as gateway:
        answer = await gateway.door.send_raw(gateway.request(WORDS + END, Content_Encoding="gzip"))

        assert status_of(answer) == 415


async def test_a_length_over_the_limit_is_refused_before_a_byte_of_it(
    sqlite_template: Path, tmp_path: Path, clock: SetClock
) -> None:
    async with open_gateway(sqlite_template, tmp_path, clock) as gateway:
        reader, writer = await gateway.door.connect()
        writer.write(gateway.request(b"", length=LARGEST_UPLOAD_BYTES + 1))

        answer = await reader.read()

        assert status_of(answer) == 413
        assert "Send fewer or smaller files at a time." in answer.decode()
        writer.close()


async def test_a_body_in_chunks_is_counted_as_it_comes(
    sqlite_template: Path, tmp_path: Path, clock: SetClock
) -> None:
    limits = RequestLimits(upload_bytes=100_000)
    body = WORDS + a_part(JPEG[:4] + bytes(200_000)) + END
    async with open_gateway(sqlite_template, tmp_path, clock, limits) as gateway:
        head, _, _ = gateway.request(b"").partition(b"\r\n\r\n")
        head = head.replace(b"Content-Length: 0", b"Transfer-Encoding: chunked")
        answer = await gateway.door.send_raw(head + b"\r\n\r\n%x\r\n" % len(body) + body + b"\r\n0\r\n\r\n")

        assert status_of(answer) == 413
        assert box_in(answer.decode()) == NOTE
        assert gateway.door.count(media_content) == 0


async def trickle(writer: asyncio.StreamWriter) -> None:
    with suppress(ConnectionError):
        while True:
            writer.write(b"x")
            await writer.drain()
            await asyncio.sleep(0.01)


@pytest.mark.parametrize(
    ("limits", "is_trickling"),
    [(RequestLimits(silence_seconds=0.5), False), (RequestLimits(upload_seconds=0.8), True)],
    ids=["silent", "endless"],
)
async def test_a_client_that_never_ends_is_cut_off_and_its_words_come_back(
    sqlite_template: Path, tmp_path: Path, clock: SetClock, limits: RequestLimits, is_trickling: bool
) -> None:
    async with open_gateway(sqlite_template, tmp_path, clock, limits) as gateway:
        reader, writer = await gateway.door.connect()
        part, _, _ = a_part(JPEG).rpartition(b"\r\n")
        writer.write(gateway.request(WORDS + part, length=10_000_000))
        slow = asyncio.create_task(trickle(writer)) if is_trickling else None

        head = await reader.readuntil(b"\r\n\r\n")
        body = b""
        with suppress(ConnectionResetError):
            while chunk := await reader.read(65536):
                body += chunk

        assert status_of(head) == 408
        assert box_in(body.decode()) == NOTE
        assert gateway.door.count(inbox) == gateway.door.count(media_content) == 0
        if slow is not None:
            slow.cancel()
        writer.close()


BROKEN = {
    "no end": WORDS + a_part(JPEG),
    "no boundary": b"hello",
    "parts within parts": WORDS
    + b'--%b\r\nContent-Disposition: form-data; name="files"\r\n' % BOUNDARY
    + b"Content-Type: multipart/mixed; boundary=in\r\n\r\n--in\r\n\r\nx\r\n--in--\r\n"
    + END,
    "a header without an end": WORDS
    + b"--%b\r\nContent-Disposition: " % BOUNDARY
    + b"x" * 20_000
    + b"\r\n\r\n",
    "another boundary": WORDS.replace(BOUNDARY, b"elsewhere"),
    "a header that is none": b"--%b\r\n\0\xff:::\r\n\r\nx\r\n" % BOUNDARY + END,
}


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("name", sorted(BROKEN))
async def test_a_broken_form_is_answered_and_keeps_nothing(
    sqlite_template: Path, tmp_path: Path, clock: SetClock, name: str
) -> None:
    async with open_gateway(sqlite_template, tmp_path, clock) as gateway:
        answer = await gateway.door.send_raw(gateway.request(BROKEN[name]))

        assert status_of(answer) == 400
        assert gateway.door.count(inbox) == gateway.door.count(inbound_media) == 0


async def test_a_client_that_leaves_in_the_middle_leaves_nothing(
    sqlite_template: Path, tmp_path: Path, clock: SetClock
) -> None:
    async with open_gateway(sqlite_template, tmp_path, clock) as gateway:
        reader, writer = await gateway.door.connect()
        body = WORDS + a_part(JPEG) + END
        writer.write(gateway.request(body[:-10], length=len(body)))
        writer.write_eof()

        with suppress(ConnectionResetError):
            await reader.read()

        assert gateway.door.count(inbox) == gateway.door.count(media_content) == 0
        writer.close()


async def test_a_name_from_outside_is_shown_as_words(browser: PlainBrowser) -> None:
    await browser.start(Standing.STEPPED_UP)
    attack = "<img src=x onerror=alert(1)>\u202egpj.exe"

    answer = await browser.post_files(PAGE, [(attack, PROGRAM, "image/jpeg"), PHOTO])

    assert "<img" not in answer.page
    assert "\u202e" not in answer.page
    assert "&lt;img src=x onerror=alert(1)&gt;gpj.exe" in answer.page
