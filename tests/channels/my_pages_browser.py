"""A browser without JavaScript on the pages behind a link: keeps its cookie, posts forms, with files and without."""

import re
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path

import aiohttp

from casework.model.cases import Case
from casework.model.standings import Standing
from tests.channels.webchat_site import WebchatSite, run_webchat

OWN = {"Sec-Fetch-Site": "same-origin"}


@dataclass(frozen=True)
class Answer:
    status: int
    page: str
    location: str = ""


class PlainBrowser:
    def __init__(self, site: WebchatSite) -> None:
        self.site = site
        self.http = aiohttp.ClientSession(site.url, cookie_jar=aiohttp.CookieJar(unsafe=True))

    async def start(self, standing: Standing | None = None, *, case: Case | None = None) -> None:
        await self.post("/start", {})
        if standing is not None:
            self.site.link(standing, case=case)

    async def get(self, path: str) -> Answer:
        async with self.http.get(path, allow_redirects=False) as answer:
            return Answer(answer.status, await answer.text(), answer.headers.get("Location", ""))

    async def post(self, path: str, fields: dict[str, str] | bytes, **headers: str) -> Answer:
        async with self.http.post(
            path, data=fields, allow_redirects=False, headers={**OWN, **headers}
        ) as answer:
            return Answer(answer.status, await answer.text(), answer.headers.get("Location", ""))

    async def post_files(
        self,
        path: str,
        files: Sequence[tuple[str, bytes, str]],
        *,
        note: str = "",
        msg_id: str = "0011223344556677",
    ) -> Answer:
        """`files`: (name, content, type the browser claims)."""
        form = aiohttp.FormData(quote_fields=False)  # as browsers do
        form.add_field("msg_id", msg_id)
        form.add_field("page_language", "en")
        form.add_field("text", note)
        for name, content, stated_type in files:
            form.add_field("files", BytesIO(content), filename=name, content_type=stated_type)
        async with self.http.post(path, data=form, allow_redirects=False, headers=OWN) as answer:
            return Answer(answer.status, await answer.text(), answer.headers.get("Location", ""))


@asynccontextmanager
async def browsing(site: WebchatSite) -> AsyncIterator[PlainBrowser]:
    browser = PlainBrowser(site)
    try:
        yield browser
    finally:
        await browser.http.close()


@asynccontextmanager
async def run_site_with_case(folder: Path) -> AsyncIterator[WebchatSite]:
    async with run_webchat(folder) as site:
        site.add_case()
        yield site


def box_in(page: str) -> str:
    found = re.search(r"<textarea[^>]*>\n?(.*?)</textarea>", page, re.S)
    assert found
    return found[1]


def words_of(page: str) -> str:
    """What a reader sees of the page's own part, on one line."""
    shown = page.partition("<main")[2].partition("</main>")[0]
    return " ".join(re.sub(r"<[^>]+>", " ", shown).split())
