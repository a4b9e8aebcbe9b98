"""What the pages load: what others wrote is what was vetted, and a first visit is light enough for a bad line."""

import hashlib
import re
import shutil
import tomllib
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from playwright.async_api import Browser, expect

from channels.webchat.pages import STATIC
from tests.channels.web_states import open_window
from tests.channels.webchat_site import WebchatSite, run_webchat
from tests.support.browser import ON_ONE_LOOP, open_browser  # noqa: F401

ROOT = Path(__file__).parents[2]
VENDOR = STATIC / "vendor"
KEYS = {
    "path",
    "name",
    "version",
    "licence",
    "licence_text",
    "source",
    "source_sha256",
    "built_with",
    "sha256",
}
# Off service.gov.uk none of these may be used: what looks official and is not.
NOT_OURS = re.compile(
    r"gds.?transport|crown|crest|govuk-header|govuk-footer|govuk-logo|@font-face|@import|url\(", re.I
)

FIRST_LOAD_BYTES = 30 * 1024
FIRST_LOAD_REQUESTS = 8


def list_entries(root: Path) -> list[dict[str, Any]]:
    entries: list[dict[str, Any]] = tomllib.loads((root / "third_party.toml").read_text(encoding="utf-8"))[
        "file"
    ]
    return entries


def find_changed(root: Path) -> list[str]:
    """Vendored files that are not, byte for byte, what third_party.toml says."""
    return [
        entry["path"]
        for entry in list_entries(root)
        if hashlib.sha256((root / entry["path"]).read_bytes()).hexdigest() != entry["sha256"]
    ]


def test_what_others_wrote_is_what_was_vetted() -> None:
    assert find_changed(ROOT) == []


def test_one_flipped_bit_is_noticed(tmp_path: Path) -> None:
    for entry in list_entries(ROOT):
        (tmp_path / entry["path"]).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / entry["path"], tmp_path / entry["path"])
    shutil.copy(ROOT / "third_party.toml", tmp_path)
    style = tmp_path / "channels/webchat/static/vendor/govuk.css"
    flipped = bytearray(style.read_bytes())
    flipped[1000] ^= 1
    style.write_bytes(flipped)

    assert find_changed(tmp_path) == ["channels/webchat/static/vendor/govuk.css"]


def test_every_vendored_file_is_listed_with_its_licence() -> None:
    entries = list_entries(ROOT)

    texts = {entry["licence_text"] for entry in entries}
    assert [set(entry) for entry in entries] == [KEYS] * len(entries)
    assert {ROOT / name for name in texts | {entry["path"] for entry in entries}} == set(VENDOR.iterdir())
    assert all("Permission is hereby granted" in (ROOT / text).read_text() for text in texts)


@pytest.mark.parametrize(
    "path",
    sorted(path for path in STATIC.rglob("*") if path.suffix in {".css", ".js"}),
    ids=lambda path: path.name,
)
def test_nothing_looks_official_or_asks_another_host(path: Path) -> None:
    assert NOT_OURS.findall(path.read_text(encoding="utf-8")) == []


def test_the_font_of_the_component_library_would_be_noticed() -> None:
    assert NOT_OURS.findall('font-family: "GDS Transport", arial; src: url(x)') == [
        "GDS Transport",
        "url(",
    ]


SIDES = re.compile(r"(?:^|[\s;{-])(?:left|right)\s*[:;]|:\s*(?:left|right)\b", re.M)


@pytest.mark.parametrize("path", sorted(STATIC.glob("*.css")), ids=lambda path: path.name)
def test_our_own_style_has_starts_and_ends_and_no_left_and_right(path: Path) -> None:
    style = path.read_text(encoding="utf-8")

    assert SIDES.findall(style) == []
    assert SIDES.findall(style + "p { margin-left: 1px; text-align: right }") != []


@pytest_asyncio.fixture(loop_scope="session")
async def site(tmp_path: Path) -> AsyncIterator[WebchatSite]:
    async with run_webchat(tmp_path) as running:
        yield running


@pytest.mark.browser
@ON_ONE_LOOP
async def test_a_first_visit_up_to_the_chat_is_light(browser: Browser, site: WebchatSite) -> None:
    """What goes over the line for the first page and the chat. Red with 9 KB of random letters in chat.css."""
    sizes: dict[str, int] = {}
    asked: list[str] = []
    async with open_window(browser, site) as page:
        watch = await page.context.new_cdp_session(page)
        await watch.send("Network.enable")
        names: dict[str, str] = {}
        watch.on(
            "Network.requestWillBeSent",
            lambda event: names.update({event["requestId"]: event["request"]["url"]}),
        )
        watch.on(
            "Network.loadingFinished",
            lambda event: sizes.update({event["requestId"]: event["encodedDataLength"]}),
        )
        page.on("request", lambda request: asked.append(request.url))
        await page.goto("/")
        await page.context.request.post("/start", max_redirects=0)
        await page.goto("/m", wait_until="load")
        await expect(page.locator("#log")).to_be_visible()
        loaded = {url for url in asked if not url.startswith("data:") and not url.endswith("/m/events")}
        by_name = {names[key]: size for key, size in sizes.items()}

    assert set(by_name) >= loaded
    assert sum(by_name.values()) <= FIRST_LOAD_BYTES, by_name
    assert len(loaded) <= FIRST_LOAD_REQUESTS, sorted(loaded)
