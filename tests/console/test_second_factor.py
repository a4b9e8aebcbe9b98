"""Password, then a code: set up at the first log-in, each code once, recovery codes once, throttled.

Red when: `take_step` takes a step twice (`test_a_code_opens_the_desk_once`); `use_code` lets a used one
through (`test_a_recovery_code_found_by_two_at_once_is_used_by_one`); a halfway cookie is taken for a session
(`test_the_right_password_alone_opens_nothing`); the throttle is left out (`test_five_wrong_codes_make_them_wait`).
"""

import asyncio
import re
import socket
from collections.abc import AsyncIterator
from pathlib import Path

import pyotp
import pytest
from aiohttp import web

from casework.adapters.settings import Settings
from casework.adapters.storage.database import Database
from casework.adapters.storage.staff_tables import staff_factor, staff_recovery_code
from casework.bootstrap import build_service
from console.app import build_console_app
from console.second_factor import RECOVERY_CODES, find_step
from tests.console.desk_site import PASSWORD, DeskSite, Detective, desk_environ, field_in
from tests.support.clock import SetClock

CODE_PAGE, SET_UP_PAGE = "/login/code", "/login/set-up"


@pytest.fixture
async def real(tmp_path: Path, sqlite_template: Path, clock: SetClock) -> AsyncIterator[DeskSite]:
    """A desk that is no sandbox."""
    environ = desk_environ(tmp_path, sqlite_template) | {"WAYMARK_SANDBOX": ""}
    service = build_service(Settings.from_env(environ), clock=clock)
    listener = socket.create_server(("127.0.0.1", 0))
    site = DeskSite(
        f"http://127.0.0.1:{listener.getsockname()[1]}", build_console_app(service), service, clock
    )
    runner = web.AppRunner(site.app, shutdown_timeout=0.5)
    await runner.setup()
    await web.SockSite(runner, listener).start()
    yield site
    for detective in site.detectives:
        await detective.close()
    await runner.cleanup()
    service.database.close()


async def give_password(visitor: Detective) -> str:
    """Where the right password leads."""
    _, page = await visitor.get("/login")
    form = {"login": "sam", "password": PASSWORD, "form_token": field_in(page, "form_token")}
    answer, _ = await visitor.post("/login", form)
    assert answer.status == 303
    return answer.headers["Location"].partition("?")[0]


async def give_code(visitor: Detective, path: str, code: str) -> tuple[int, str]:
    _, page = await visitor.get(path)
    answer, page = await visitor.post(path, {"code": code, "form_token": field_in(page, "form_token")})
    return answer.status, page


def secret_in(page: str) -> str:
    found = re.search(r"Letters to type: <code>([A-Z2-7 ]+)</code>", page)
    assert found
    return found[1].replace(" ", "")


async def set_up(site: DeskSite) -> tuple[str, list[str]]:
    """Sam, with a second factor: its secret and the recovery codes."""
    site.add_staff()
    visitor = Detective(site)
    assert await give_password(visitor) == SET_UP_PAGE
    _, page = await visitor.get(SET_UP_PAGE)
    secret = secret_in(page)
    status, page = await give_code(visitor, SET_UP_PAGE, code_now(site, secret))
    assert status == 200
    site.clock.advance(seconds=60)
    return secret, re.findall(r"<li><code>([a-z0-9 ]+)</code>", page)


def code_now(site: DeskSite, secret: str) -> str:
    return pyotp.TOTP(secret).at(site.clock.now())


async def test_the_first_log_in_sets_the_second_factor_up_and_shows_ten_recovery_codes_once(
    real: DeskSite,
) -> None:
    real.add_staff()
    visitor = Detective(real)

    assert await give_password(visitor) == SET_UP_PAGE
    _, page = await visitor.get(SET_UP_PAGE)
    _, again = await visitor.get(SET_UP_PAGE)
    status, shown = await give_code(visitor, SET_UP_PAGE, code_now(real, secret_in(page)))
    queue, _ = await visitor.get("/console")

    assert secret_in(page) == secret_in(again)
    assert "<svg" in page
    assert not re.search(r"<style|\sstyle=", page)
    assert status == 200
    assert len(set(re.findall(r"<li><code>([a-z0-9 ]+)</code>", shown))) == RECOVERY_CODES
    assert queue.status == 200
    assert (await visitor.get(SET_UP_PAGE))[0].status == 401
    assert "second_factor_set_up" in real.acts()


async def test_the_right_password_alone_opens_nothing(real: DeskSite) -> None:
    await set_up(real)
    visitor = Detective(real)

    assert await give_password(visitor) == CODE_PAGE
    halfway = next(each.value for each in visitor.http.cookie_jar if each.key == "waymark-halfway")
    plain, _ = await visitor.get("/console")
    forged, _ = await Detective(real).get("/console", Cookie=f"waymark-session={halfway}")

    assert (plain.status, forged.status) == (303, 303)
    # Nor does it set up another factor in the place of the one there is.
    assert (await visitor.get(SET_UP_PAGE))[0].status == 401


async def test_a_code_opens_the_desk_once(real: DeskSite) -> None:
    secret, _ = await set_up(real)
    first, second = Detective(real), Detective(real)
    await give_password(first)
    await give_password(second)
    code = code_now(real, secret)

    opened, _ = await give_code(first, CODE_PAGE, code)
    copied, page = await give_code(second, CODE_PAGE, code)

    assert (opened, copied) == (303, 401)
    assert "used before" in page
    assert (await first.get("/console"))[0].status == 200
    assert (await second.get("/console"))[0].status == 303


async def test_one_code_given_twice_at_once_opens_one_desk(real: DeskSite) -> None:
    secret, _ = await set_up(real)
    visitors = [Detective(real) for _ in range(4)]
    for each in visitors:
        await give_password(each)
    code = code_now(real, secret)

    answers = await asyncio.gather(*(give_code(each, CODE_PAGE, code) for each in visitors))

    assert sorted(status for status, _ in answers) == [303, 401, 401, 401]


async def test_a_code_of_half_a_minute_ago_counts_and_one_of_two_minutes_ago_does_not(real: DeskSite) -> None:
    secret, _ = await set_up(real)
    visitor = Detective(real)
    await give_password(visitor)
    now = real.clock.now().timestamp()

    assert (await give_code(visitor, CODE_PAGE, pyotp.TOTP(secret).at(int(now) - 120)))[0] == 401
    assert (await give_code(visitor, CODE_PAGE, pyotp.TOTP(secret).at(int(now) - 30)))[0] == 303


async def test_a_recovery_code_opens_the_desk_once(real: DeskSite) -> None:
    _, codes = await set_up(real)
    first, second = Detective(real), Detective(real)
    await give_password(first)
    await give_password(second)

    opened, _ = await give_code(first, CODE_PAGE, codes[3].upper())
    copied, _ = await give_code(second, CODE_PAGE, codes[3])
    other, _ = await give_code(second, CODE_PAGE, codes[4].replace(" ", "-"))

    assert (opened, copied, other) == (303, 401, 303)
    assert real.acts().count("recovery_code_used") == 2


async def test_recovery_codes_are_kept_hashed(real: DeskSite) -> None:
    _, codes = await set_up(real)

    kept = [row.code_hash for row in real.rows(staff_recovery_code)]

    assert len(kept) == RECOVERY_CODES
    assert all(each.startswith("$argon2id$") for each in kept)
    assert not any(code.replace(" ", "") in str(kept) for code in codes)


async def test_five_wrong_codes_make_them_wait(real: DeskSite) -> None:
    secret, _ = await set_up(real)
    visitor = Detective(real)
    await give_password(visitor)
    for _ in range(5):
        assert (await give_code(visitor, CODE_PAGE, "000000"))[0] == 401

    status, page = await give_code(visitor, CODE_PAGE, code_now(real, secret))

    assert status == 429
    assert "Wait 1 minute" in page


async def test_ten_minutes_after_the_password_it_is_asked_again(real: DeskSite) -> None:
    secret, _ = await set_up(real)
    visitor = Detective(real)
    await give_password(visitor)
    _, page = await visitor.get(CODE_PAGE)
    real.clock.advance(minutes=11)

    answer, page = await visitor.post(
        CODE_PAGE, {"code": code_now(real, secret), "form_token": field_in(page, "form_token")}
    )

    assert answer.status == 401
    assert "Log in again" in page


async def test_a_code_form_from_another_site_is_refused(real: DeskSite) -> None:
    secret, _ = await set_up(real)
    visitor = Detective(real)
    await give_password(visitor)
    _, page = await visitor.get(CODE_PAGE)
    form = {"code": code_now(real, secret), "form_token": field_in(page, "form_token")}

    foreign, _ = await visitor.post(CODE_PAGE, form, Sec_Fetch_Site="cross-site")
    missing, _ = await visitor.post(CODE_PAGE, form | {"form_token": ""})

    assert (foreign.status, missing.status) == (403, 403)
    assert (await give_code(visitor, CODE_PAGE, form["code"]))[0] == 303


@pytest.mark.parametrize("code", ["", "00000", "٠١٢٣٤٥", "x" * 12, "x" * 5000, "\x00" * 6])
async def test_a_strange_code_is_refused_like_any_other(real: DeskSite, code: str) -> None:
    await set_up(real)
    visitor = Detective(real)
    await give_password(visitor)

    assert (await give_code(visitor, CODE_PAGE, code))[0] == 401


async def test_a_sandbox_says_that_a_password_is_enough(site: DeskSite) -> None:
    _, page = await Detective(site).get("/login")

    assert "This is a sandbox with invented data." in page


async def test_a_real_desk_says_that_a_code_follows(real: DeskSite) -> None:
    _, page = await Detective(real).get("/login")

    assert "sandbox" not in page
    assert "a code from your authenticator app" in page


async def test_what_needs_fresh_proof_asks_again_after_five_minutes_and_takes_no_used_code(
    real: DeskSite,
) -> None:
    secret, _ = await set_up(real)
    visitor = Detective(real)
    await give_password(visitor)
    await give_code(visitor, CODE_PAGE, code_now(real, secret))
    _, page = await visitor.get("/console/account")
    visitor.csrf_token = field_in(page, "csrf_token")
    asked = {"next": "/console/account", "password": PASSWORD}
    glass = "/console/c/" + "a" * 32 + "/glass"
    assert (await visitor.get(glass))[0].status == 200
    used = code_now(real, secret)
    real.clock.advance(minutes=6)

    answer, _ = await visitor.get(glass)
    posted, page = await visitor.post(glass, {"text": "I need it for my work <b>"})
    without, _ = await visitor.post("/console/account/again", asked | {"code": ""})
    old, _ = await visitor.post("/console/account/again", asked | {"code": used})
    right, _ = await visitor.post("/console/account/again", asked | {"code": code_now(real, secret)})

    assert answer.headers["Location"] == f"/console/account/again?next={glass}"
    assert posted.status == 401
    assert "I need it for my work &lt;b&gt;" in page
    assert (without.status, old.status, right.status) == (401, 401, 303)
    assert "proved_again" in real.acts()
    assert (await visitor.get(glass))[0].status == 200


async def test_new_recovery_codes_end_those_before(real: DeskSite) -> None:
    secret, codes = await set_up(real)
    visitor = Detective(real)
    await give_password(visitor)
    await give_code(visitor, CODE_PAGE, code_now(real, secret))
    _, page = await visitor.get("/console/account")
    visitor.csrf_token = field_in(page, "csrf_token")

    _, page = await visitor.post("/console/account/codes")
    fresh = re.findall(r"<li><code>([a-z0-9 ]+)</code>", page)
    other = Detective(real)
    await give_password(other)

    assert len(fresh) == RECOVERY_CODES
    assert "recovery_codes_renewed" in real.acts()
    assert (await give_code(other, CODE_PAGE, codes[0]))[0] == 401
    assert (await give_code(other, CODE_PAGE, fresh[0]))[0] == 303


def test_a_step_is_taken_once_and_none_before_it(database: Database) -> None:
    def add(tx) -> str:  # type: ignore[no-untyped-def]
        staff_id = tx.staff.add(login="sam", display_name="Sam", role="triage", password_hash="!")
        tx.factors.begin(staff_id, pyotp.random_base32())
        return str(staff_id)

    staff_id = database.write_now(add)

    taken = [database.write_now(lambda tx, n=n: tx.factors.take_step(staff_id, n)) for n in (7, 7, 6, 8)]

    assert taken == [True, False, False, True]


def test_a_confirmed_secret_is_not_replaced_by_beginning_again(database: Database) -> None:
    def work(tx) -> None:  # type: ignore[no-untyped-def]
        staff_id = tx.staff.add(login="sam", display_name="Sam", role="triage", password_hash="!")
        tx.factors.begin(staff_id, "A" * 32)
        tx.factors.begin(staff_id, "B" * 32)
        tx.factors.confirm(staff_id)
        tx.factors.begin(staff_id, "C" * 32)

    database.write_now(work)

    kept = database.read_now(lambda tx: tx.connection.execute(staff_factor.select()).one())
    assert kept.secret == "B" * 32


def test_a_code_belongs_to_its_half_minute(clock: SetClock) -> None:
    secret, now = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP", clock.now()
    step = int(now.timestamp()) // 30

    for beside in (-2, -1, 0, 1, 2):
        found = find_step(secret, pyotp.TOTP(secret).generate_otp(step + beside), now)
        assert found == (step + beside if abs(beside) < 2 else None)


def test_a_recovery_code_found_by_two_at_once_is_used_by_one(database: Database) -> None:
    def add(tx) -> str:  # type: ignore[no-untyped-def]
        staff_id = tx.staff.add(login="sam", display_name="Sam", role="triage", password_hash="!")
        tx.factors.keep_codes(staff_id, ["a hash"])
        return str(tx.factors.list_codes(staff_id)[0].id)

    code_id = database.write_now(add)

    assert [database.write_now(lambda tx: tx.factors.use_code(code_id)) for _ in range(2)] == [True, False]
