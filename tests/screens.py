"""`./waymark screens`: a picture of every page of the victim's web in every state, for people to judge.

The states are those the tests check (`tests/channels/states_*.py`), on the real service with invented people.
Pictures: `NUMBER-look.png` in the folder, and one `index.html` that shows them all, a row a state.
"""

import asyncio
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from html import escape
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from playwright.async_api import Browser, Page, async_playwright, expect

from tests.channels.web_states import Show, gather_states, open_window
from tests.channels.webchat_site import run_webchat
from tests.support.browser import CHROMIUM, FLAGS, PATIENCE_MS

# Above this a page is cut off: a picture is for a glance.
TALLEST = 4000


@dataclass(frozen=True, kw_only=True)
class Look:
    """How a page is looked at; `options` are Playwright's for a browser context."""

    name: str
    options: dict[str, Any]
    text_percent: int = 100
    direction: str = ""
    media: dict[str, Any] = field(default_factory=dict)


PHONE: dict[str, Any] = {
    "viewport": {"width": 390, "height": 844},
    "device_scale_factor": 1,
    "has_touch": True,
}
DESKTOP: dict[str, Any] = {"viewport": {"width": 1280, "height": 800}}
LOOKS = (
    Look(name="phone", options=PHONE),
    Look(name="phone-dark", options=PHONE | {"color_scheme": "dark"}),
    Look(name="phone-forced-colours", options=PHONE | {"forced_colors": "active"}),
    Look(name="phone-200-percent", options=PHONE, text_percent=200),
    Look(name="phone-right-to-left", options=PHONE, direction="rtl"),
    Look(name="desktop", options=DESKTOP),
    Look(name="desktop-dark", options=DESKTOP | {"color_scheme": "dark"}),
    Look(name="desktop-forced-colours", options=DESKTOP | {"forced_colors": "active"}),
)


async def take_pictures(out: Path, *, only: str = "", looks: Sequence[Look] = LOOKS) -> int:
    """Writes the pictures and the sheet to `out`; how many states could not be shown. `only` is part of a state."""
    states = {name: show for name, show in gather_states().items() if only in name}
    failed: list[str] = []
    async with async_playwright() as playwright:
        expect.set_options(timeout=PATIENCE_MS)
        browser = await playwright.chromium.launch(executable_path=CHROMIUM, headless=True, args=FLAGS)
        for number, (name, show) in enumerate(states.items()):
            say(f"{number + 1}/{len(states)} {name}")
            try:
                await picture_state(browser, show, out, number, looks)
            except Exception as fault:  # one page that does not come must not cost the others
                failed.append(name)
                say(f"  could not be shown: {str(fault).splitlines()[0]}")
        await browser.close()
    await asyncio.to_thread(
        (out / "index.html").write_text, write_sheet(list(states), failed, looks), "utf-8"
    )
    say(f"{len(states) - len(failed)} of {len(states)} states: {out / 'index.html'}")
    return len(failed)


def say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


async def picture_state(browser: Browser, show: Show, out: Path, number: int, looks: Sequence[Look]) -> None:
    """The state is reached once for phones and once for desktops; the looks of each are taken of the same page."""
    for options in (PHONE, DESKTOP):
        chosen = [look for look in looks if look.options["viewport"] == options["viewport"]]
        if not chosen:
            continue
        with TemporaryDirectory() as folder:
            async with run_webchat(Path(folder)) as site, open_window(browser, site, **options) as page:
                await show(page, site)
                for look in chosen:
                    await picture(page, look, out / f"{number:03}-{look.name}.png")


async def picture(page: Page, look: Look, path: Path) -> None:
    await page.emulate_media(
        color_scheme=look.options.get("color_scheme", "light"),
        forced_colors=look.options.get("forced_colors", "none"),
    )
    before: str = await page.evaluate("document.documentElement.dir")
    await page.evaluate(
        """([percent, dir]) => { const page = document.documentElement
          page.style.fontSize = percent === 100 ? '' : `${percent}%`; page.dir = dir; scrollTo(0, 0) }""",
        [look.text_percent, look.direction or before],
    )
    width = look.options["viewport"]["width"]
    height: int = await page.evaluate("document.documentElement.scrollHeight")
    await page.screenshot(
        path=path, full_page=True, clip={"x": 0, "y": 0, "width": width, "height": min(height, TALLEST)}
    )
    await page.evaluate("(dir) => { document.documentElement.dir = dir }", before)


def write_sheet(names: Sequence[str], failed: Sequence[str], looks: Sequence[Look]) -> str:
    rows = []
    for number, name in enumerate(names):
        files = [f"{number:03}-{look.name}.png" for look in looks] if name not in failed else []
        pictures = "".join(
            f'<figure><a href="{file}"><img src="{file}" alt="" loading="lazy"></a>'
            f"<figcaption>{look.name}</figcaption></figure>"
            for file, look in zip(files, looks, strict=False)
        )
        rows.append(f"<h2>{escape(name)}</h2><div>{pictures or 'could not be shown'}</div>")
    return f"""<!doctype html>
<html lang="en-GB"><meta charset="utf-8"><title>Every page in every state</title>
<style>
  body {{ font: 1rem/1.4 sans-serif; margin: 1rem; background: #e8e8e8; }}
  h2 {{ font-size: 1rem; margin: 1.5rem 0 0.3rem; }}
  div {{ display: flex; gap: 0.75rem; align-items: start; overflow-x: auto; }}
  figure {{ margin: 0; flex: none; }}
  img {{ max-height: 34rem; border: 1px solid #999; background: #fff; }}
  figcaption {{ font-size: 0.8rem; }}
</style>
<h1>Every page in every state</h1>
{"".join(rows)}
</html>
"""


def main(arguments: Sequence[str]) -> int:
    out = Path(arguments[0])
    out.mkdir(parents=True, exist_ok=True)
    return 1 if asyncio.run(take_pictures(out, only="".join(arguments[1:]))) else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
