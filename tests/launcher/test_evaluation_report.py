"""The report people read: misses first in words, and one page that stands by itself."""

from html.parser import HTMLParser
from pathlib import Path

import pytest
from playwright.async_api import Browser

from launcher.evaluation.run import run_evaluation
from launcher.evaluation.sets import HeldOutSet, read_set
from tests.launcher.evaluating import DATA, FakeUnderstanding
from tests.support.browser import ON_ONE_LOOP, find_axe_violations, open_browser, sideways_scroll
from tests.support.running import ROOT

__all__ = ["open_browser"]

MISSED = "when is court also it went quiet after the shouting next door and her car has not moved"


def a_set(name: str = "small") -> HeldOutSet:
    return HeldOutSet(name=name, examples=tuple(read_set(ROOT, str(DATA / "messages.jsonl"))))


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("report") / "report.html"
    run_evaluation([a_set(), a_set("again")], FakeUnderstanding(), typos=True, html=path)
    return path


def test_the_misses_are_told_first_in_words(capsys: pytest.CaptureFixture[str]) -> None:
    run_evaluation([a_set()], FakeUnderstanding())
    lines = capsys.readouterr().out.splitlines()

    assert lines[1] == "small: 4 urgent, 5 routine, 1 hard negatives"
    assert lines[2] == "  misses on danger now (tier 1, silently automated): 1 of 3"
    assert "  NOT met       misses on danger now (tier 1, silently automated): 1 of 3" in "\n".join(lines)


def test_a_model_without_a_detector_is_said_to_have_none(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    nothing_known = tmp_path / "parses.jsonl"
    nothing_known.write_text("")
    run_evaluation([a_set()], FakeUnderstanding(nothing_known), html=tmp_path / "report.html")

    assert "no learned detector" in capsys.readouterr().out
    assert "no learned detector" in (tmp_path / "report.html").read_text()


def test_the_model_is_asked_once_for_every_set_with_and_without_typos() -> None:
    understand = FakeUnderstanding()
    run_evaluation([a_set(), a_set("again")], understand, typos=True)

    assert len(understand.asked) == 1
    assert len(understand.asked[0]) == 4 * len(a_set().examples)


def test_typos_show_the_change_in_points(capsys: pytest.CaptureFixture[str]) -> None:
    run_evaluation([a_set()], FakeUnderstanding(), typos=True)
    told = capsys.readouterr().out

    assert "with typos" in told
    assert "points)" in told


def test_proposed_limits_are_printed_as_they_stand_in_the_file(capsys: pytest.CaptureFixture[str]) -> None:
    run_evaluation([a_set()], FakeUnderstanding(), choosing_limits=True)
    told = capsys.readouterr().out

    assert "Proposed for casework/model/bands.toml\n[tier_1]\nred = " in told
    assert "Under the proposed limits" in told


class Page(HTMLParser):
    """The ids, links and tags of a page, and its text."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.ids: list[str] = []
        self.links: list[str] = []
        self.tags: set[str] = set()
        self.loads: list[str] = []
        self.text = ""
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        for name, value in attrs:
            if name == "id":
                self.ids.append(value or "")
            elif name == "href" and tag == "a":
                self.links.append(value or "")
            elif name in ("src", "href", "srcset"):
                self.loads.append(value or "")

    def handle_data(self, data: str) -> None:
        self.text += data


def test_the_page_stands_by_itself_and_every_link_leads_somewhere(page: Path) -> None:
    read = Page(page.read_text())

    assert not read.tags & {"script", "link", "img", "iframe"}
    assert read.loads == []
    assert len(read.ids) == len(set(read.ids))
    assert [link for link in read.links if link.removeprefix("#") not in read.ids] == []
    assert "m-urgent-ask_court" in read.ids


def test_a_message_is_shown_as_it_was_written(page: Path) -> None:
    read = Page(page.read_text())

    assert "<b>she</b> & the little one" in read.text
    assert "ev <i>three</i>" in read.text


def test_the_missed_message_comes_before_every_table(page: Path) -> None:
    html = page.read_text()

    assert html.index(MISSED) < html.index("<table")


@pytest.mark.browser
@ON_ONE_LOOP
async def test_the_page_passes_axe_and_fits_a_phone(browser: Browser, page: Path) -> None:
    context = await browser.new_context(bypass_csp=True, viewport={"width": 1280, "height": 900})
    shown = await context.new_page()
    await shown.goto(page.as_uri())

    assert await find_axe_violations(shown) == []
    await shown.set_viewport_size({"width": 360, "height": 740})
    assert await sideways_scroll(shown) == 0
    await context.close()
