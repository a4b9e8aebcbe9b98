"""What must hold on every page of the victim's web, checked in a real browser on one page that is already open.

The list is that of WCAG 2.2 AA and of what a person who may be watched needs: no trace, no noise, no other host.
`broken/` holds a page for each check that breaks it.
"""

import re
from base64 import b64encode
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from html.parser import HTMLParser
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import urlsplit

import sqlalchemy as sa
from axe_playwright_python.async_playwright import Axe
from playwright.async_api import FloatRect, Page, Response, ViewportSize

from casework.adapters.storage.tables import web_session
from tests.channels.pseudo_language import PSEUDO
from tests.channels.web_states import is_own
from tests.channels.webchat_site import WebchatSite
from tests.support.browser import AXE_TAGS, rest_at_top
from tests.support.reading_grade import grade, split_sentences
from tests.support.web_wording import WebText, find_web_faults
from tests.support.wording import HARDEST_GRADE

HERE = Path(__file__).parent
BROKEN = HERE / "broken"
SPIES = (HERE / "page_spies.js").read_text(encoding="utf-8")
PROBE = (HERE / "page_probe.js").read_text(encoding="utf-8")

CHECKS = {
    "address": "every address is one of a fixed few, without a query",
    "axe": "axe finds nothing",
    "charts": "a picture of a case has a title, a description, and its words on the page as well",
    "cookies": "at most the one session cookie",
    "covered": "what the keyboard is on is never under the bar or out of sight, at 400 %",
    "errors": "no script fails",
    "forms": "forms post to us, keep nothing in the browser and take words in any direction",
    "headers": "every answer has the policy, is kept nowhere, and sends no referrer",
    "html": "valid: one language, one h1, one main, ids used once, tags closed",
    "incomplete": "what axe could not decide is known by name",
    "keyboard": "Tab reaches every control once, in the order it is read, and leaves each",
    "labels": "every field has a label",
    "live": "a conversation is no live region: it would be read aloud from its first line",
    "mirrored": "in a language written from right to left, everything changes sides",
    "motion": "nothing moves for who asked for no motion",
    "network": "no request leaves for another host",
    "pinned": "nothing but the way out stays on top",
    "policy": "nothing the Content-Security-Policy had to stop",
    "reflow": "at 200 and 400 %, and with words further apart, nothing scrolls sideways or is cut off",
    "ring": "the focus is seen: at least two pixels along the control, 3:1",
    "silence": "no sound, no notice, no window, no other title",
    "storage": "nothing is kept in the browser",
    "targets": "buttons are 44 pixels high and wide, everything else 24 or alone",
    "traces": "title, icon and head say nothing, and ask not to be indexed",
    "unmarked": "every word of the page's own can be translated",
    "words": "the rules of docs/wording.md, and read at age 11",
}

ADDRESSES = re.compile(
    r"/(?:[a-z]{2}(?:/(?:before|find|ways|about))?)?"
    r"|/(?:before|find|ways|about|start|m|m/keep|m/language|leave|finish|feedback)"
    r"|/my(?:/(?:dates|copy(?:/ask)?|readers|notes|how|files|pin|unlock|key(?:/[a-z]+)?))?"
    r"|/(?:i|try)/[\w-]+"
)
# Shown to anyone, in the language of their address.
OPEN_PAGES = {"/", "/before", "/find", "/ways", "/about"}
# Kept for ever, on purpose: they are the same for everyone.
ASSETS = re.compile(r"/s/[0-9a-f]+/")
UNITS = re.compile(r"\b[kMG]B\b")  # the same everywhere
ENGLISH = re.compile(r"[A-Za-z]{2,}")
# Of a window of 1280 x 1024.
AT_200_PERCENT: ViewportSize = {"width": 640, "height": 512}
AT_400_PERCENT: ViewportSize = {"width": 320, "height": 256}
LEAST_CONTRAST = 3
AROUND = 8  # pixels around a control that may show that it is the one
RULES_OF_A_LINE = {"word never said", "exclamation mark", "promise", "telephone number without a source"}
COMPARE = """async ([before, after, least]) => {
  const read = async (png) => {
    const image = await createImageBitmap(await (await fetch('data:image/png;base64,' + png)).blob())
    const canvas = new OffscreenCanvas(image.width, image.height).getContext('2d')
    canvas.drawImage(image, 0, 0)
    return canvas.getImageData(0, 0, image.width, image.height).data
  }
  const linear = (byte) => byte <= 10 ? byte / 3294.6 : ((byte / 255 + 0.055) / 1.055) ** 2.4
  const light = (data, at) =>
    0.2126 * linear(data[at]) + 0.7152 * linear(data[at + 1]) + 0.0722 * linear(data[at + 2]) + 0.05
  const [one, two] = [await read(before), await read(after)]
  let changed = 0
  for (let at = 0; at < one.length; at += 4) {
    const [a, b] = [light(one, at), light(two, at)]
    if (Math.max(a, b) / Math.min(a, b) >= least) changed += 1
  }
  return changed
}"""


class Finding(NamedTuple):
    check: str
    what: str

    def __str__(self) -> str:
        return f"{self.check}: {self.what}"


@dataclass
class Watch:
    """Sees all that happens on the way to a page: attach it before the first address is opened."""

    site: WebchatSite
    findings: list[Finding] = field(default_factory=list)
    document: Response | None = None

    async def attach(self, page: Page) -> None:
        await page.expose_binding("tellTest", lambda _source, check, what: self.add(check, what))
        await page.add_init_script(SPIES)
        page.on("pageerror", lambda error: self.add("errors", str(error)))
        page.on("response", self._look_at)

    def add(self, check: str, what: str) -> None:
        assert check in CHECKS, check
        self.findings.append(Finding(check, what))

    def _look_at(self, response: Response) -> None:
        if not is_own(response.url, self.site) or response.url.startswith("data:"):
            return
        path = urlsplit(response.url).path
        if ASSETS.match(path):
            return
        if response.request.is_navigation_request():
            self.document = response
            if not ADDRESSES.fullmatch(path) or urlsplit(response.url).query:
                self.add("address", response.url.removeprefix(self.site.url))
        for fault in find_header_faults(response.headers):
            self.add("headers", f"{path}: {fault}")


def find_header_faults(headers: dict[str, str]) -> list[str]:
    policy = headers.get("content-security-policy", "")
    wanted = {
        "policy without a ground": "default-src 'none'" in policy,
        "policy allows what is unsafe": "unsafe" not in policy and "*" not in policy,
        "may be kept": "no-store" in headers.get("cache-control", ""),
        "sends a referrer": headers.get("referrer-policy") == "no-referrer",
        "may be indexed": "noindex" in headers.get("x-robots-tag", ""),
        "may be taken for another type": headers.get("x-content-type-options") == "nosniff",
    }
    return [fault for fault, is_kept in wanted.items() if not is_kept]


@dataclass
class PageChecks:
    """Checks open pages. `ink` is a blank page that compares pictures; `rings` says which looks are seen."""

    ink: Page
    allowed_incomplete: list[dict[str, str]]
    rings: dict[str, bool] = field(default_factory=dict)

    async def check(self, page: Page, watch: Watch, *, only: str = "") -> list[Finding]:
        """Everything wrong with the page and the way to it, none twice. The page is of no more use after.

        With `only`, what takes long is left out unless it is what finds that check.
        """
        await page.evaluate(f"window.probe = {PROBE}")
        for ask in ("readDocument()", "readStorage()"):
            await self._ask(page, watch, ask)
        await self._check_document(page, watch)
        self._check_words(await page.evaluate("probe.readWords()"), watch)
        longer: dict[Callable[[Page, Watch], Awaitable[None]], set[str]] = {
            self._check_axe: {"axe", "incomplete"},
            self._check_reflow: {"reflow"},
            self._check_keyboard: {"keyboard", "covered", "ring"},
            self._check_targets: {"targets"},
            self._check_other_language: {"mirrored", "unmarked"},
        }
        for look, finds in longer.items():
            if not only or only in finds:
                await look(page, watch)
        return list(dict.fromkeys(watch.findings))

    async def _ask(self, page: Page, watch: Watch, question: str) -> None:
        for check, what in await page.evaluate(f"probe.{question}"):
            watch.add(check, what)

    async def _check_document(self, page: Page, watch: Watch) -> None:
        if (title := await page.title()) != "Messages":
            watch.add("traces", f"title is {title!r}")
        cookies: list[Any] = list(await page.context.cookies())
        for cookie in cookies:
            kind = (cookie["name"], cookie["httpOnly"], cookie["sameSite"], cookie["expires"])
            if kind != ("wm", True, "Strict", -1):
                watch.add("cookies", str(kind))
        assert watch.document is not None
        for fault in find_tag_faults((await watch.document.body()).decode()):
            watch.add("html", fault)

    def _check_words(self, words: dict[str, list[str]], watch: Watch) -> None:
        for text in words["read"] + words["spoken"]:
            for rule, said in find_web_faults(WebText(name="", words=text)).items():
                if rule in RULES_OF_A_LINE:
                    watch.add("words", f"{rule}: {said[0]!r} in {text}")
        read = "\n".join(words["read"])
        if split_sentences(read) and (hardness := grade(read)) > HARDEST_GRADE:
            watch.add("words", f"reading grade {hardness:.1f}")

    async def _check_axe(self, page: Page, watch: Watch) -> None:
        options = {
            "runOnly": {"type": "tag", "values": AXE_TAGS},
            "resultTypes": ["violations", "incomplete"],
        }
        await rest_at_top(page)
        found: Any = (await Axe().run(page, options=options)).response
        for rule in found["violations"]:
            watch.add("axe", f"{rule['id']}: {rule['nodes'][0]['html'][:160]}")
        for rule in found["incomplete"]:
            for node in rule["nodes"]:
                if not self._is_allowed(rule["id"], node["html"]):
                    watch.add("incomplete", f"{rule['id']}: {node['html'][:160]}")

    def _is_allowed(self, rule: str, html: str) -> bool:
        return any(known["rule"] == rule and known["html"] in html for known in self.allowed_incomplete)

    async def _check_targets(self, page: Page, watch: Watch) -> None:
        await page.set_viewport_size({"width": 390, "height": 844})
        await self._ask(page, watch, "findSmallTargets()")

    async def _check_reflow(self, page: Page, watch: Watch) -> None:
        for size in (AT_200_PERCENT, AT_400_PERCENT):
            await page.set_viewport_size(size)
            await self._ask(page, watch, "findOverflow()")
        await page.evaluate("probe.setSpacing(true)")
        await self._ask(page, watch, "findOverflow()")
        await page.evaluate("probe.setSpacing(false)")

    async def _check_keyboard(self, page: Page, watch: Watch) -> None:
        await page.set_viewport_size(AT_400_PERCENT)
        stops = await page.evaluate("probe.listStops()")
        names: list[str] = stops["names"]
        for name in stops["jumps"]:
            watch.add("keyboard", f"jumps the order: {name}")
        met: list[int] = []
        # From wherever the page put the focus, once around and back to the first.
        for _ in range(len(names) + 3):
            await page.keyboard.press("Tab")
            stop = await page.evaluate("probe.readStop()")
            if stop is None:
                continue
            if met and stop["at"] == met[0]:
                break
            met.append(stop["at"])
            if stop["hidden"]:
                watch.add("covered", stop["name"])
            await self._check_ring(page, stop, watch)
        start = met.index(0) if 0 in met else 0
        if met[start:] + met[:start] != list(range(len(names))):
            watch.add("keyboard", f"Tab went {met} through {names}")

    async def _check_ring(self, page: Page, stop: dict[str, Any], watch: Watch) -> None:
        if stop["key"] not in self.rings:
            self.rings[stop["key"]] = await self._probe_ring(page)
        if not self.rings[stop["key"]]:
            watch.add("ring", stop["name"])

    async def _probe_ring(self, page: Page) -> bool:
        """Whether a line of two pixels along the longer side, or as much elsewhere, shows the focus."""
        clip: FloatRect = await page.evaluate("around => probe.showWhole(around)", AROUND)
        focused = await page.screenshot(clip=clip)
        await page.evaluate("probe.letGo()")
        plain = await page.screenshot(clip=clip)
        await page.evaluate("probe.takeAgain()")
        pictures = [b64encode(picture).decode() for picture in (plain, focused)]
        changed: int = await self.ink.evaluate(COMPARE, [*pictures, LEAST_CONTRAST])
        return changed >= 2 * (max(clip["width"], clip["height"]) - 2 * AROUND)

    async def _check_other_language(self, page: Page, watch: Watch) -> None:
        """The same page once more, in the language nobody speaks. What was posted is posted again."""
        path = urlsplit(page.url).path
        await page.set_viewport_size({"width": 1024, "height": 768})
        if not await self._change_language(page, watch.site, path):
            return
        await page.evaluate(f"window.probe = {PROBE}")
        language = await page.evaluate("[document.documentElement.lang, document.documentElement.dir]")
        if language != [PSEUDO, "rtl"]:
            watch.add("mirrored", f"html says {language}")
        words = await page.evaluate("probe.readWords()")
        for text in words["read"] + words["spoken"]:
            if ENGLISH.search(UNITS.sub("", text)):
                watch.add("unmarked", text)
        await self._ask(page, watch, "findNotMirrored()")
        await page.set_viewport_size({"width": 320, "height": 568})
        await self._ask(page, watch, "findOverflow()")

    async def _change_language(self, page: Page, site: WebchatSite, path: str) -> bool:
        if await page.context.cookies():
            speak = sa.update(web_session).values(language=PSEUDO)
            site.service.database.write_now(lambda tx: tx.connection.execute(speak))
            await page.reload()
            # A visit that is over leads to the start.
            return urlsplit(page.url).path == path
        if path not in OPEN_PAGES:
            return False
        await page.goto(f"/{PSEUDO}{path.rstrip('/')}")
        return True


def list_twins() -> list[str]:
    """The broken pages by name: the check that must notice, a dot, what is wrong."""
    return sorted({path.name.rpartition(".")[0] for path in BROKEN.iterdir()})


VOID = {"area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "source", "track", "wbr"}


class _Tags(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.faults: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        names = [name for name, _ in attrs]
        if len(names) != len(set(names)):
            self.faults.append(f"an attribute twice in <{tag}>")
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        pass

    def handle_endtag(self, tag: str) -> None:
        if not self.open or self.open.pop() != tag:
            self.faults.append(f"</{tag}> closes nothing, or too early")


def find_tag_faults(html: str) -> list[str]:
    """Tags that are not closed in the order they were opened, or carry an attribute twice."""
    tags = _Tags()
    tags.feed(html)
    tags.close()
    return [*tags.faults[:1], *(f"<{tag}> is never closed" for tag in tags.open[:1])]
