"""Logging in and out of the desk."""

import asyncio
import statistics
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa

from casework.adapters.service import Service
from casework.adapters.settings import Settings
from casework.adapters.storage.database import Database
from casework.adapters.storage.tables import staff_session, throttle
from casework.bootstrap import build_service
from casework.model.errors import SignInRefused
from casework.model.tokens import hash_token
from console.sign_in import SignIn, SignInMustWait
from tests.console.desk_site import PASSWORD, PASSWORD_HASH, DeskSite, Detective, desk_environ, field_in
from tests.support.clock import SetClock


async def test_the_right_name_and_password_open_the_queue(site: DeskSite) -> None:
    detective = await site.detective()

    answer, page = await detective.get("/console")

    assert answer.status == 200
    assert "Sam Price" in page
    assert "signed_in" in site.acts()


async def test_an_unknown_name_and_a_wrong_password_are_answered_alike(site: DeskSite) -> None:
    site.add_staff("sam")
    stranger = Detective(site)

    wrong_password, known_page = await stranger.log_in("sam", "not it at all")
    unknown_name, unknown_page = await stranger.log_in("kim", "not it at all")

    assert wrong_password.status == unknown_name.status == 401
    assert known_page.replace("sam", "kim") == unknown_page
    assert "The name or password is not right." in known_page
    assert site.acts().count("sign_in_refused") == 2


async def test_an_unknown_name_costs_the_same_work_as_a_wrong_password(site: DeskSite) -> None:
    seconds: dict[str, list[float]] = {"known": [], "unknown": []}
    stranger = Detective(site)
    for number in range(6):
        site.add_staff(f"known{number}", password_hash=site.service.passwords.hash(PASSWORD))
        for kind in seconds:
            started = time.perf_counter()
            await stranger.log_in(f"{kind}{number}", "not it at all")
            seconds[kind].append(time.perf_counter() - started)

    known, unknown = (statistics.median(each) for each in seconds.values())

    # Without the decoy check an unknown name is answered in a tenth of the time.
    assert unknown > known / 2


async def test_five_wrong_tries_make_a_name_wait_and_say_so(site: DeskSite) -> None:
    site.add_staff("sam")
    stranger = Detective(site)
    for _ in range(5):
        await stranger.log_in("sam", "guess")

    refused, page = await stranger.log_in("sam", PASSWORD)

    assert refused.status == 429
    assert "Wait 1 minute, then try again." in page


async def test_the_wait_is_the_same_for_a_name_nobody_has(site: DeskSite) -> None:
    stranger = Detective(site)
    for _ in range(5):
        await stranger.log_in("nobody", "guess")

    refused, page = await stranger.log_in("nobody", "guess")

    assert refused.status == 429
    assert "Wait 1 minute" in page


async def test_after_the_wait_the_right_password_works_and_clears_the_count(site: DeskSite) -> None:
    site.add_staff("sam")
    stranger = Detective(site)
    for _ in range(5):
        await stranger.log_in("sam", "guess")
    site.clock.advance(seconds=61)

    answer, _ = await stranger.log_in("sam", PASSWORD)

    assert answer.status == 303


async def test_each_wrong_try_after_the_fifth_doubles_the_wait(site: DeskSite) -> None:
    stranger = Detective(site)
    for _ in range(5):
        await stranger.log_in("sam", "guess")
    site.clock.advance(seconds=61)
    await stranger.log_in("sam", "guess")

    _, page = await stranger.log_in("sam", "guess")

    assert "Wait 2 minutes" in page


async def test_twenty_guesses_at_once_gain_nothing(site: DeskSite) -> None:
    site.add_staff("sam")
    stranger = Detective(site)

    answers = await asyncio.gather(*(stranger.log_in("sam", f"guess {number}") for number in range(20)))

    assert sorted(answer.status for answer, _ in answers) == [401] * 5 + [429] * 15


@pytest.mark.parametrize("login", ["", "sam\0", "s" * 5000, "\ud800", "' OR 1=1 --", "ſam"])
async def test_a_strange_name_is_refused_like_any_other(site: DeskSite, login: str) -> None:
    site.add_staff("sam")

    answer, _ = await Detective(site).log_in(
        login.encode("utf-8", "surrogatepass").decode("utf-8", "replace")
    )

    assert answer.status == 401


async def test_a_password_of_a_megabyte_is_refused(site: DeskSite) -> None:
    site.add_staff("sam")

    answer, page = await Detective(site).log_in("sam", "x" * 1_000_000)

    assert answer.status == 413
    assert "too long to receive" in page


async def test_the_session_token_is_stored_hashed_and_the_cookie_is_closed_to_scripts(site: DeskSite) -> None:
    site.add_staff("sam")
    detective = Detective(site)

    answer, _ = await detective.log_in()

    cookie = next(each for each in answer.headers.getall("Set-Cookie") if "session" in each)
    token = answer.cookies["waymark-session"].value
    assert "HttpOnly" in cookie
    assert "SameSite=Strict" in cookie
    assert [row.token_hash for row in site.rows(staff_session)] == [hash_token(token)]
    assert token not in str(site.rows(staff_session))
    assert len(token.partition(".")[2]) >= 43  # 256 bits


async def test_behind_tls_the_cookie_is_secure_and_bound_to_the_host(site: DeskSite) -> None:
    site.add_staff("sam")
    detective = Detective(site)
    first, page = await detective.get("/login", X_Forwarded_Proto="https")
    form_token = first.cookies["__Host-waymark-form"].value

    answer, _ = await detective.post(
        "/login",
        {"login": "sam", "password": PASSWORD, "form_token": field_in(page, "form_token")},
        X_Forwarded_Proto="https",
        Cookie=f"__Host-waymark-form={form_token}",
    )

    cookie = next(each for each in answer.headers.getall("Set-Cookie") if "session" in each)
    assert cookie.startswith("__Host-waymark-session=")
    assert "Secure" in cookie
    assert "Path=/" in cookie
    assert "Domain" not in cookie


async def test_logging_in_again_gives_a_new_token(site: DeskSite) -> None:
    site.add_staff("sam")
    one, other = Detective(site), Detective(site)

    first, _ = await one.log_in()
    second, _ = await other.log_in()

    assert first.cookies["waymark-session"].value != second.cookies["waymark-session"].value


async def test_after_logging_out_the_old_cookie_opens_nothing(site: DeskSite) -> None:
    detective = await site.detective()
    token = next(each.value for each in detective.http.cookie_jar if each.key == "waymark-session")

    answer, _ = await detective.post("/logout")
    again, _ = await detective.get("/console", Cookie=f"waymark-session={token}")

    assert answer.headers["Location"] == "/login?left=1"
    assert again.status == 303
    assert again.headers["Location"].startswith("/login")


async def test_log_in_goes_back_to_the_page_asked_for(site: DeskSite) -> None:
    site.add_staff("sam")
    wished = "/console/c/" + "a" * 32
    visitor = Detective(site)
    answer, _ = await visitor.get(wished)

    _, page = await visitor.get(answer.headers["Location"])
    answer, _ = await visitor.log_in(next=field_in(page, "next"))

    assert answer.headers["Location"] == wished


@pytest.mark.parametrize(
    "elsewhere",
    ["https://evil.example/console", "//evil.example", "/console/../x", "/console\\evil", "/logout"],
)
async def test_log_in_never_leads_elsewhere(site: DeskSite, elsewhere: str) -> None:
    site.add_staff("sam")

    answer, _ = await Detective(site).log_in(next=elsewhere)

    assert answer.headers["Location"] == "/console"


async def test_a_log_in_form_from_another_site_is_refused(site: DeskSite) -> None:
    site.add_staff("sam")
    visitor = Detective(site)
    _, page = await visitor.get("/login")
    form = {"login": "sam", "password": PASSWORD, "form_token": field_in(page, "form_token")}

    foreign, _ = await visitor.post("/login", form, Sec_Fetch_Site="cross-site")
    without_token, _ = await visitor.post("/login", form | {"form_token": ""})

    assert foreign.status == without_token.status == 403


# --- several desks, one count ---------------------------------------------------------------------------


@pytest.fixture
def start_desk(
    database_url: str, tmp_path: Path, sqlite_template: Path, clock: SetClock
) -> Iterator[Callable[[], SignIn]]:
    """Each call is a process of its own on the one database; `sam` has an account."""
    environ = desk_environ(tmp_path, sqlite_template) | {"WAYMARK_DATABASE_URL": database_url}
    started: list[Service] = []

    def start() -> SignIn:
        started.append(build_service(Settings.from_env(environ), clock=clock))
        return SignIn(started[-1])

    first = build_service(Settings.from_env(environ), clock=clock)
    first.database.write_now(
        lambda tx: tx.staff.add(
            login="sam", display_name="Sam Price", role="investigator", password_hash=PASSWORD_HASH
        )
    )
    yield start
    for service in (first, *started):
        service.database.close()


async def guess(desk: SignIn, password: str = "guess", login: str = "sam") -> str:
    try:
        await desk.sign_in(login, password)
    except (SignInRefused, SignInMustWait) as refusal:
        return type(refusal).__name__
    return "open"


async def test_two_desks_give_nobody_twice_the_tries(start_desk: Callable[[], SignIn]) -> None:
    """Red when: the tries are counted in the process."""
    one, other = start_desk(), start_desk()

    answers = await asyncio.gather(*(guess((one, other)[number % 2]) for number in range(12)))

    assert sorted(answers) == ["SignInMustWait"] * 7 + ["SignInRefused"] * 5
    assert await guess(one, PASSWORD) == await guess(other, PASSWORD) == "SignInMustWait"


async def test_a_desk_that_starts_again_remembers_the_tries(start_desk: Callable[[], SignIn]) -> None:
    before = start_desk()
    for _ in range(5):
        await guess(before)

    assert await guess(start_desk(), PASSWORD) == "SignInMustWait"


async def test_whoever_logs_in_at_one_desk_begins_anew_at_all(
    start_desk: Callable[[], SignIn], clock: SetClock
) -> None:
    """Red when: the right password does not clear the count."""
    one, other = start_desk(), start_desk()
    for _ in range(5):
        await guess(one)
    clock.advance(seconds=61)

    assert await guess(other, PASSWORD) == "open"
    assert [await guess(one) for _ in range(5)] == ["SignInRefused"] * 5


async def test_names_that_were_guessed_are_kept_for_an_hour_and_in_no_clear_words(
    start_desk: Callable[[], SignIn], database: Database, clock: SetClock
) -> None:
    desk = start_desk()
    for name in ("kim", "alex"):
        await guess(desk, login=name)
    clock.advance(seconds=2 * 3600)
    await guess(desk, login="robin")

    rows = database.read_now(lambda tx: tx.connection.execute(sa.select(throttle.c.bucket)).scalars().all())
    assert len(rows) == 1
    assert rows[0].startswith("staff_proofs:")
    assert "robin" not in rows[0]
