"""Nothing without a session, no form without its token, and sessions that end."""

import re

import pytest
from aiohttp.web import AbstractResource

from console.sessions import OPEN_ROUTES
from tests.console.desk_site import DeskSite, Detective

CONVERSATION = "/console/c/" + "a" * 32
# Ids of addresses that are neither 32 signs nor a number.
OTHER_IDS = ("grades",)


def paths_of(site: DeskSite) -> list[tuple[str, str]]:
    """(method, path) of every route, with an id where one belongs."""
    found = []
    for route in site.app.router.routes():
        assert route.resource is not None
        if route.resource.canonical not in OPEN_ROUTES:
            found.append((route.method, fill(route.resource)))
    return found


def fill(resource: AbstractResource) -> str:
    """An address of the resource, with ids of the form it asks for."""
    info = resource.get_info()
    if "path" in info:
        return info["path"]
    filled = (re.sub(r"\{\w+\}", each, info["formatter"]) for each in ("a" * 32, "1", *OTHER_IDS))
    found = next((path for path in filled if info["pattern"].fullmatch(path)), None)
    assert found, f"no made-up id fits {info['formatter']}: add one to OTHER_IDS"
    return found


async def test_every_route_but_the_open_ones_asks_for_a_session(site: DeskSite) -> None:
    stranger = Detective(site)
    walked = paths_of(site)

    for method, path in walked:
        async with stranger.http.request(method, path, allow_redirects=False) as answer:
            page = await answer.text()
        is_sent_to_log_in = answer.status == 303 and answer.headers["Location"].startswith("/login?next=")
        assert answer.status == 401 or is_sent_to_log_in, (method, path, answer.status)
        assert "csrf_token" not in page, (method, path)

    assert len(walked) >= 15


async def test_the_open_routes_are_these_and_no_more(site: DeskSite) -> None:
    by_link = {"/o/{token}", "/o/{token}/answer", "/a/{token}"}
    halfway = {"/login/code", "/login/set-up", "/login/force", "/login/back"}
    assert {"/login", "/static", "/health/live", "/health/ready"} | by_link | halfway == OPEN_ROUTES


async def test_an_unknown_address_tells_a_stranger_nothing(site: DeskSite) -> None:
    answer, _ = await Detective(site).get("/admin")

    assert answer.status == 303


async def test_every_form_route_refuses_a_post_without_the_token(site: DeskSite) -> None:
    detective = await site.detective()
    posts = [path for method, path in paths_of(site) if method == "POST"]

    for path in posts:
        missing, _ = await detective.post(path, {"csrf_token": ""})
        wrong, _ = await detective.post(path, {"csrf_token": "x" * 43})
        foreign, _ = await detective.post(path, Sec_Fetch_Site="cross-site")
        assert (missing.status, wrong.status, foreign.status) == (403, 403, 403), path

    assert len(posts) >= 10


async def test_one_detectives_token_does_not_open_anothers_form(site: DeskSite) -> None:
    sam = await site.detective("sam", "Sam Price")
    kim = await site.detective("kim", "Kim Test-Officer")

    answer, _ = await sam.post("/logout", {"csrf_token": kim.csrf_token})

    assert answer.status == 403


async def test_a_post_whose_origin_is_another_site_is_refused(site: DeskSite) -> None:
    detective = await site.detective()
    answer, _ = await detective.post("/logout", Origin="https://evil.example", Sec_Fetch_Site="")

    assert answer.status == 403


async def test_a_session_ends_after_an_hour_without_use(site: DeskSite) -> None:
    detective = await site.detective()

    site.clock.advance(minutes=59)
    used, _ = await detective.get("/console")
    site.clock.advance(minutes=59)
    used_again, _ = await detective.get("/console")
    site.clock.advance(minutes=61)
    idle, _ = await detective.get("/console")

    assert (used.status, used_again.status, idle.status) == (200, 200, 303)


async def test_a_page_that_refreshes_itself_keeps_nobody_logged_in(site: DeskSite) -> None:
    detective = await site.detective()

    for _ in range(3):
        site.clock.advance(minutes=25)
        answer, _ = await detective.get("/console", X_Pane="queue")

    assert answer.status == 401


async def test_a_session_ends_after_twelve_hours_however_busy(site: DeskSite) -> None:
    detective = await site.detective()

    for _ in range(24):
        site.clock.advance(minutes=29, seconds=59)
        answer, _ = await detective.get("/console")
        assert answer.status == 200
    site.clock.advance(minutes=2)
    answer, _ = await detective.get("/console")

    assert answer.status == 303


async def test_a_cookie_rewritten_to_look_younger_opens_nothing(site: DeskSite) -> None:
    detective = await site.detective()
    token = next(each.value for each in detective.http.cookie_jar if each.key == "waymark-session")
    started, _, secret = token.partition(".")

    answer, _ = await Detective(site).get("/console", Cookie=f"waymark-session={int(started) + 60}.{secret}")

    assert answer.status == 303


@pytest.mark.parametrize("token", ["", "x", "99999999999999999999.x", "1.2", "\u0661.x", "1700000000."])
async def test_a_made_up_cookie_opens_nothing(site: DeskSite, token: str) -> None:
    answer, _ = await Detective(site).get("/console", Cookie=f"waymark-session={token}")

    assert answer.status == 303


async def test_a_reply_sent_after_the_session_ended_is_given_back_to_copy(site: DeskSite) -> None:
    detective = await site.detective()
    conversation_id = site.victim_writes()
    await detective.claim(conversation_id)
    page = await detective.open(conversation_id)
    site.clock.advance(minutes=61)

    answer, login_page = await detective.reply(conversation_id, "We will call you <soon>", page)

    assert answer.status == 401
    assert "We will call you &lt;soon&gt;" in login_page
    assert site.sent_by_staff() == []


async def test_a_reply_with_an_old_form_is_given_back_to_copy(site: DeskSite) -> None:
    detective = await site.detective()
    conversation_id = site.victim_writes()
    await detective.claim(conversation_id)

    answer, page = await detective.reply(conversation_id, "We will call you", csrf_token="old")

    assert answer.status == 403
    assert "We will call you" in page
    assert site.sent_by_staff() == []


async def test_every_answer_forbids_foreign_and_inline_scripts(site: DeskSite) -> None:
    detective = await site.detective()

    for path in ("/login", "/console", "/nowhere", "/static/desk.css", CONVERSATION):
        answer, _ = await detective.get(path)
        policy = answer.headers["Content-Security-Policy"]
        assert "default-src 'none'" in policy
        assert "unsafe" not in policy


async def test_pages_hold_no_inline_script_or_style(site: DeskSite) -> None:
    detective = await site.detective()
    conversation_id = site.victim_writes()
    await detective.claim(conversation_id)

    for path in ("/console", f"/console/c/{conversation_id}"):
        _, page = await detective.get(path)
        assert not re.search(r"<script(?![^>]*src=)|<style|\sstyle=|\son[a-z]+=", page)
