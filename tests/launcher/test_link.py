"""`./waymark link`: what it writes, as a force's web team, a browser and a camera find it."""

import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import pytest
import segno
from playwright.async_api import Browser, Page

from channels.webchat.link_kit import LABELS, get_address, render_leaflet, render_snippet, render_strips
from tests.support.browser import (
    ON_ONE_LOOP,
    PATIENCE_MS,
    find_axe_violations,
    open_browser,  # noqa: F401
    sideways_scroll,
)
from tests.support.running import ROOT, clean_environ

URL = "https://messages.example.org"
ADDRESS = get_address(URL)
# The strictest policy a force's own page may have: the link needs nothing of it.
STRICT = "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
PAGE = """<!doctype html><html lang="en-GB"><head><meta charset="utf-8"><title>A force</title>
<link rel="icon" href="data:,"></head><body><main><h1>After a crime</h1>
{snippet}</main></body></html>"""
# Every word that would tell whoever opens the letter what it is about.
TELLING = re.compile(
    r"police|crime|victim|case|report|abuse|officer|court|offen[cd]e|assault|support|detective|witness", re.I
)
# The picture as a camera sees it: drawn square by square, dark is 1.
SEEN = """async (count) => {
  const svg = document.querySelector('svg'), size = count * 8
  const copy = svg.cloneNode(true)
  copy.setAttribute('width', size)
  copy.setAttribute('height', size)
  const picture = new Image()
  picture.src = 'data:image/svg+xml;base64,' + btoa(new XMLSerializer().serializeToString(copy))
  await picture.decode()
  const canvas = Object.assign(document.createElement('canvas'), { width: size, height: size })
  const pen = canvas.getContext('2d')
  pen.drawImage(picture, 0, 0, size, size)
  const { data } = pen.getImageData(0, 0, size, size)
  const rows = []
  for (let y = 0; y < count; y++) {
    rows.push([])
    for (let x = 0; x < count; x++) {
      const centre = 4 * ((y * 8 + 4) * size + x * 8 + 4)
      rows[y].push(data[centre + 3] > 128 && data[centre] < 128 ? 1 : 0)
    }
  }
  return rows
}"""


def waymark_link(folder: Path, *arguments: str, **settings: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "launcher", "link", *arguments, "--data-dir", str(folder)],
        cwd=ROOT,
        env=clean_environ(WAYMARK_ROOT=str(ROOT), PYTHONPATH=str(ROOT)) | settings,
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.slow
def test_the_link_is_printed_and_the_pages_are_written(tmp_path: Path) -> None:
    leaflet, strips = tmp_path / "leaflet.html", tmp_path / "strips.html"
    ran = waymark_link(tmp_path, "--leaflet", str(leaflet), "--strips", str(strips), WAYMARK_PUBLIC_URL=URL)

    assert (ran.returncode, ran.stdout.strip()) == (0, render_snippet(ADDRESS, label="write").strip())
    assert leaflet.read_text() == render_leaflet(ADDRESS)
    assert strips.read_text() == render_strips(ADDRESS)
    assert "https" not in ran.stderr
    assert not (tmp_path / "waymark.db").exists()


@pytest.mark.slow
def test_into_a_file_with_another_label_and_an_address_that_is_not_public_is_said(tmp_path: Path) -> None:
    """Red when an address of this machine alone passes without a word."""
    file = tmp_path / "link.html"
    ran = waymark_link(tmp_path, "--snippet", str(file), "--label", "support")
    nowhere = waymark_link(tmp_path, "--leaflet", str(tmp_path / "none" / "leaflet.html"))

    assert (ran.returncode, ran.stdout) == (0, "")
    assert 'href="http://127.0.0.1:8080/find"' in file.read_text()
    assert "set WAYMARK_PUBLIC_URL" in ran.stderr
    assert nowhere.returncode == 2
    assert "its folder does not exist" in nowhere.stderr


@pytest.mark.parametrize("label", LABELS)
def test_the_link_is_a_plain_one(label: str) -> None:
    """Red when the template carries a script, a frame, a style or a query that would follow people."""
    snippet = render_snippet(ADDRESS, label=label)
    markup = "".join(re.findall(r"<[a-z][^>]*>", snippet))

    for never in (
        "<script",
        "<iframe",
        "<img",
        "<style",
        "style=",
        "onclick",
        "target=",
        "?",
        "utm",
        "<link",
    ):
        assert never not in markup
    assert set(re.findall(r'(?:href|src)="([^"]+)"', snippet)) == {
        f"{URL}/{'find' if label == 'support' else ''}"
    }
    assert 'rel="noreferrer"' in snippet
    assert "whether or not you reported" in snippet
    assert "Call 999" in snippet


def test_labels_say_different_things() -> None:
    names = {re.search(r"<a [^>]+>([^<]+)</a>", render_snippet(ADDRESS, label=label)) for label in LABELS}

    assert len({found[1] for found in names if found}) == len(LABELS)


@pytest.mark.parametrize(
    ("public_url", "url", "typed"),
    [
        (URL, f"{URL}/", "messages.example.org"),
        (f"{URL}/", f"{URL}/", "messages.example.org"),
        ("https://example.org:8443", "https://example.org:8443/", "example.org:8443"),
        # Whoever types the host alone would not get there.
        ("http://127.0.0.1:8080", "http://127.0.0.1:8080/", "http://127.0.0.1:8080"),
    ],
)
def test_the_address_is_that_of_the_first_page_and_can_be_typed(
    public_url: str, url: str, typed: str
) -> None:
    address = get_address(public_url)

    assert (address.url, address.typed) == (url, typed)


def test_a_strip_in_a_letter_does_not_say_what_it_is_about() -> None:
    """Red when a strip carries the leaflet's line "whether or not you reported"."""
    words = re.sub(r"<style>.*?</style>|\{#.*?#\}|<[^>]+>", " ", render_strips(ADDRESS), flags=re.S)

    assert TELLING.search(words) is None
    assert TELLING.search(render_snippet(ADDRESS, label="write"))
    assert words.count("In an emergency, call 999.") == words.count("messages.example.org") == 6


@contextmanager
def a_force_site(snippet: str) -> Iterator[str]:
    """A page of a force with the link on it, under the strictest policy."""
    body = PAGE.format(snippet=snippet).encode()

    class Pages(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Type", "text/html")
            self.send_header("Content-Security-Policy", f"{STRICT}; img-src data:")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Pages)
    thread = Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/help?campaign=x"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


async def a_page(browser: Browser, **options: bool) -> tuple[Page, list[str], list[str]]:
    """A page, the addresses it asks for, and what its console says."""
    context = await browser.new_context(**options)  # type: ignore[arg-type]
    context.set_default_timeout(PATIENCE_MS)
    page = await context.new_page()
    asked: list[str] = []
    said: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.on("console", lambda message: said.append(message.text))
    return page, asked, said


@pytest.mark.browser
@ON_ONE_LOOP
async def test_on_a_force_s_page_it_asks_for_nothing_and_leads_there_without_a_trace(
    browser: Browser,
) -> None:
    """Red when `rel="noreferrer"` goes from the link: the referrer then names the force's page."""
    came_from: list[str | None] = []
    with a_force_site(render_snippet(ADDRESS, label="write")) as site:
        page, asked, said = await a_page(browser)
        await page.goto(site)
        assert (asked, said) == ([site], [])
        assert await page.context.cookies() == []

        async def arrive(route: object) -> None:
            came_from.append(route.request.headers.get("referer"))  # type: ignore[attr-defined]
            await route.fulfill(body="<title>Messages</title>", content_type="text/html")  # type: ignore[attr-defined]

        await page.route(f"{URL}/**", arrive)
        await page.get_by_role("link", name="Write to us").click()
        await page.wait_for_url(f"{URL}/")
        assert came_from == [None]
        assert len(page.context.pages) == 1
        await page.context.close()

        page, _, _ = await a_page(browser, bypass_csp=True)
        await page.goto(site)
        assert await find_axe_violations(page) == []
        await page.context.close()


@pytest.mark.browser
@ON_ONE_LOOP
@pytest.mark.parametrize(("render", "size"), [(render_leaflet, "A5"), (render_strips, "A4")])
async def test_a_printed_page_is_whole_in_itself_and_a_camera_reads_the_address(
    browser: Browser, tmp_path: Path, render: object, size: str
) -> None:
    """Red when the code is made of another address, or with two blank squares round it instead of four."""
    file = tmp_path / "page.html"
    file.write_text(render(ADDRESS))  # type: ignore[operator]
    page, asked, said = await a_page(browser)
    await page.goto(file.as_uri())

    wanted = segno.make(ADDRESS.url, error="m", micro=False)
    expected = [list(row) for row in wanted.matrix_iter(border=4)]
    seen = await page.evaluate(SEEN, len(expected))
    assert seen == expected
    # What still fits is used to bear more dirt, never less.
    assert wanted.error in "MQH"
    assert (await page.pdf(prefer_css_page_size=True)).count(b"/Type /Page\n") == 1
    assert f"size: {size}" in file.read_text()
    assert "messages.example.org" in await page.inner_text("main")
    assert "999" in await page.inner_text("main")
    assert await find_axe_violations(page) == []
    await page.set_viewport_size({"width": 320, "height": 256})
    assert await sideways_scroll(page) == 0
    assert {url.partition(":")[0] for url in asked} <= {"file", "data"}
    assert said == []
    await page.context.close()
