"""Log-in by the force's identity provider: the whole flow against a real one, and tokens of a hostile one.

Red when: the check named by a row of HOSTILE is taken out of console/staff/id_tokens.py (its row alone opens the desk);
state is not bound to the browser (`test_another_browser_cannot_finish_a_log_in`).
"""

import base64
import hashlib
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from aiohttp import web
from joserfc.jwk import RSAKey
from oidc_provider_mock import User, run_server_in_thread

from casework.adapters.settings import Settings
from casework.adapters.storage.tables import audit, staff_member, staff_session
from casework.bootstrap import build_service
from casework.model.errors import SettingsInvalid
from casework.services.ports import Clock
from console.app import build_console_app
from tests.console.desk_site import DeskSite, Detective, desk_environ, field_in
from tests.console.hostile_provider import (
    CLIENT_ID,
    CLIENT_SECRET,
    HostileProvider,
    encode,
    run_provider,
    sign_with_secret,
)
from tests.support.clock import SetClock

ROLES = "desk-investigator=investigator,desk-supervisor=supervisor,desk-trainer=trainer"


@asynccontextmanager
async def run_site(
    folder: Path, template: Path, issuer: str, clock: Clock | None, **environ: str
) -> AsyncIterator[DeskSite]:
    listener = socket.create_server(("127.0.0.1", 0))
    url = f"http://127.0.0.1:{listener.getsockname()[1]}"
    given = desk_environ(folder, template) | {
        "WAYMARK_SANDBOX": "",
        "WAYMARK_OIDC_ISSUER": issuer,
        "WAYMARK_OIDC_CLIENT_ID": CLIENT_ID,
        "WAYMARK_OIDC_CLIENT_SECRET": CLIENT_SECRET,
        "WAYMARK_OIDC_ROLES": ROLES,
        "WAYMARK_OIDC_COLLAR_CLAIM": "collar",
        "WAYMARK_CONSOLE_URL": url,
    }
    service = build_service(Settings.from_env(given | environ), clock=clock)
    site = DeskSite(url, build_console_app(service), service, clock or service.clock)
    runner = web.AppRunner(site.app, shutdown_timeout=0.5)
    await runner.setup()
    await web.SockSite(runner, listener).start()
    try:
        yield site
    finally:
        for each in site.detectives:
            await each.close()
        await runner.cleanup()
        service.database.close()


@pytest.fixture
async def provider(clock: SetClock) -> AsyncIterator[HostileProvider]:
    async with run_provider(clock) as running:
        yield running


@pytest.fixture
async def desk(
    tmp_path: Path, sqlite_template: Path, clock: SetClock, provider: HostileProvider
) -> AsyncIterator[DeskSite]:
    async with run_site(tmp_path, sqlite_template, provider.issuer, clock) as running:
        yield running


async def begin(visitor: Detective, provider: HostileProvider, path: str = "/login/force") -> dict[str, str]:
    answer, _ = await visitor.get(path)
    assert answer.status == 303
    return provider.authorize(answer.headers["Location"])


async def log_in(
    visitor: Detective, provider: HostileProvider, path: str = "/login/force"
) -> tuple[int, str]:
    asked = await begin(visitor, provider, path)
    answer, page = await visitor.get(f"/login/back?code=abc&state={asked['state']}")
    return answer.status, page


def refusals(site: DeskSite) -> list[str]:
    return [row.thing for row in site.rows(audit) if row.act == "sign_in_refused"]


async def test_a_good_token_opens_the_desk(desk: DeskSite, provider: HostileProvider) -> None:
    provider.claims = {"collar": "t 0001"}
    visitor = Detective(desk)

    status, page = await log_in(visitor, provider, "/login/force?next=/console/clocks")
    answer, _ = await visitor.get("/console")

    assert status == 200
    assert 'content="0; url=/console/clocks"' in page
    assert answer.status == 200
    [member] = desk.rows(staff_member)
    assert (member.issuer, member.subject, member.role) == (provider.issuer, "subject-1", "investigator")
    assert (member.display_name, member.collar_number, member.password_hash) == ("Sam Price", "T0001", "!")


async def test_what_is_asked_for_is_code_flow_with_pkce_state_and_nonce(
    desk: DeskSite, provider: HostileProvider
) -> None:
    await log_in(Detective(desk), provider)
    await log_in(Detective(desk), provider)

    one, two = provider.asked
    redeemed = provider.redeemed[0]
    challenge = base64.urlsafe_b64encode(hashlib.sha256(redeemed["code_verifier"].encode()).digest())
    assert one["response_type"] == "code"
    assert one["code_challenge"] == challenge.rstrip(b"=").decode()
    assert one["code_challenge_method"] == "S256"
    assert one["redirect_uri"] == redeemed["redirect_uri"] == f"{desk.url}/login/back"
    for name in ("state", "nonce", "code_challenge"):
        assert one[name] != two[name]
        assert len(one[name]) >= 43
    assert redeemed["authorization"].startswith("Basic ")


def is_hs256_with_the_public_key(provider: HostileProvider) -> None:
    header = {"alg": "HS256", "kid": "one"}
    secret = provider.rsa.as_pem(private=False)
    provider.token = sign_with_secret(secret, header, provider.make_claims())


def brings_its_own_key(name: str) -> Callable[[HostileProvider], None]:
    def change(provider: HostileProvider) -> None:
        provider.key = RSAKey.generate_key(2048, {"kid": "one"})
        value = provider.key.as_dict(private=False) if name == "jwk" else "https://evil.example/keys"
        provider.header = {name: value}

    return change


def is_unsigned(provider: HostileProvider) -> None:
    header = {"alg": "none", "kid": "one"}
    provider.token = f"{encode(header)}.{encode(provider.make_claims())}."


def says(**claims: Any) -> Callable[[HostileProvider], None]:
    return lambda provider: provider.claims.update(claims)


def at(name: str, **before: float) -> Callable[[HostileProvider], None]:
    return lambda provider: provider.claims.update({name: provider.at(**before)})


def signs_with(**header: Any) -> Callable[[HostileProvider], None]:
    return lambda provider: provider.header.update(header)


HOSTILE: dict[str, tuple[Callable[[HostileProvider], None], str]] = {
    "another_issuer": (says(iss="https://evil.example"), "issuer"),
    "issuer_with_a_slash": (lambda p: p.claims.update({"iss": p.issuer + "/"}), "issuer"),
    "no_issuer": (says(iss=None), "issuer"),
    "another_audience": (says(aud="another-client"), "audience"),
    "no_audience": (says(aud=None), "audience"),
    "two_audiences_and_no_party": (says(aud=[CLIENT_ID, "another-client"]), "audience"),
    "another_party": (says(azp="another-client"), "audience"),
    "another_nonce": (says(nonce="x" * 43), "nonce"),
    "no_nonce": (says(nonce=None), "nonce"),
    "expired": (at("exp", minutes=2), "expired"),
    "no_expiry": (says(exp=None), "expired"),
    "expiry_true": (says(exp=True), "expired"),
    "expiry_beyond_time": (says(exp=1e300), "expired"),
    "issued_tomorrow": (at("iat", hours=-24), "issued"),
    "no_issue": (says(iat=None), "issued"),
    "not_yet": (at("nbf", hours=-1), "issued"),
    "no_factor": (says(amr=["pwd"]), "factor"),
    "factor_as_text": (says(amr="mfa"), "factor"),
    "acr_nobody_set": (says(amr=None, acr="mfa"), "factor"),
    "logged_in_13_hours_ago": (at("auth_time", hours=13), "proof"),
    "no_log_in_time": (says(auth_time=None), "proof"),
    "logged_in_tomorrow": (at("auth_time", hours=-24), "proof"),
    "no_subject": (says(sub=None), "subject"),
    "empty_subject": (says(sub=""), "subject"),
    "subject_a_number": (says(sub=7), "subject"),
    "unsigned": (is_unsigned, "algorithm"),
    "hs256_with_the_public_key": (is_hs256_with_the_public_key, "algorithm"),
    "ps256": (signs_with(alg="PS256"), "algorithm"),
    "rs512": (signs_with(alg="RS512"), "algorithm"),
    "another_key": (lambda p: setattr(p, "key", RSAKey.generate_key(2048, {"kid": "one"})), "signature"),
    "unknown_key": (signs_with(kid="three"), "key"),
    "key_of_the_other_kind": (signs_with(kid="two"), "key"),
    "jku": (brings_its_own_key("jku"), "header"),
    "x5u": (brings_its_own_key("x5u"), "header"),
    "jwk": (brings_its_own_key("jwk"), "header"),
    "no_role": (says(roles=None), "role"),
    "unknown_role": (says(roles=["admin", "supervisor"]), "role"),
    "two_roles": (says(roles=["desk-trainer", "desk-investigator"]), "role"),
    "role_as_object": (says(roles={"desk-investigator": True}), "role"),
    "no_token": (lambda p: setattr(p, "token", "x"), "form"),
    "five_parts": (lambda p: setattr(p, "token", "a.b.c.d.e"), "form"),
    "deep_header": (lambda p: setattr(p, "token", encode("x") + ".e30.x"), "form"),
    "huge": (lambda p: setattr(p, "token", "e30." + "x" * 20_000 + ".x"), "form"),
}


@pytest.mark.parametrize("name", sorted(HOSTILE))
async def test_a_hostile_token_opens_nothing_and_is_on_record(
    desk: DeskSite, provider: HostileProvider, name: str
) -> None:
    change, why = HOSTILE[name]
    visitor = Detective(desk)
    asked = await begin(visitor, provider)
    change(provider)

    answer, page = await visitor.get(f"/login/back?code=abc&state={asked['state']}")

    assert answer.status == 403
    assert refusals(desk) == [f"force:{why}"]
    assert desk.rows(staff_session) == []
    assert desk.rows(staff_member) == []
    assert "subject-1" not in page


async def test_a_token_of_the_elliptic_kind_is_as_good(desk: DeskSite, provider: HostileProvider) -> None:
    provider.key, provider.header = provider.ec, {"alg": "ES256", "kid": "two"}

    assert (await log_in(Detective(desk), provider))[0] == 200


async def test_another_browser_cannot_finish_a_log_in(desk: DeskSite, provider: HostileProvider) -> None:
    asked = await begin(Detective(desk), provider)
    victim = Detective(desk)
    await begin(victim, provider)

    answer, _ = await victim.get(f"/login/back?code=abc&state={asked['state']}")

    assert answer.status == 403
    assert provider.redeemed == []
    assert desk.rows(staff_session) == []


async def test_a_state_counts_once_and_for_ten_minutes(desk: DeskSite, provider: HostileProvider) -> None:
    visitor = Detective(desk)
    asked = await begin(visitor, provider)
    assert (await visitor.get(f"/login/back?code=abc&state={asked['state']}"))[0].status == 200
    again, _ = await visitor.get(f"/login/back?code=abc&state={asked['state']}")
    late = await begin(visitor, provider)
    desk.clock.advance(minutes=11)
    expired, _ = await visitor.get(f"/login/back?code=abc&state={late['state']}")

    assert (again.status, expired.status) == (403, 403)
    assert len(provider.redeemed) == 1


@pytest.mark.parametrize(
    "query", ["", "code=abc", "code=abc&state=", "state={state}", "error=x&state={state}"]
)
async def test_a_return_that_lacks_something_opens_nothing(
    desk: DeskSite, provider: HostileProvider, query: str
) -> None:
    visitor = Detective(desk)
    asked = await begin(visitor, provider)

    answer, _ = await visitor.get("/login/back?" + query.format(state=asked["state"]))

    assert answer.status == 403
    assert desk.rows(staff_session) == []


async def test_a_new_role_at_the_provider_ends_what_was_open_under_the_old_one(
    desk: DeskSite, provider: HostileProvider
) -> None:
    first, second = Detective(desk), Detective(desk)
    await log_in(first, provider)
    provider.claims = {"roles": "desk-supervisor"}

    await log_in(second, provider)

    assert [row.role for row in desk.rows(staff_member)] == ["supervisor"]
    assert (await first.get("/console"))[0].status == 303
    assert (await second.get("/console"))[0].status == 200


async def test_who_was_ended_at_the_desk_stays_out(desk: DeskSite, provider: HostileProvider) -> None:
    await log_in(Detective(desk), provider)
    desk.write(lambda tx: tx.staff.end(desk.rows(staff_member)[0].id))

    status, page = await log_in(Detective(desk), provider)

    assert status == 403
    assert "Your account at this desk was ended." in page


async def test_nobody_reads_by_one_account_and_trains_by_another(
    desk: DeskSite, provider: HostileProvider
) -> None:
    provider.claims = {"collar": "T0001"}
    await log_in(Detective(desk), provider)
    provider.claims |= {"sub": "subject-2", "roles": "desk-trainer"}

    status, _ = await log_in(Detective(desk), provider)

    assert status == 403
    assert len(desk.rows(staff_member)) == 1


async def test_fresh_proof_is_a_log_in_of_the_last_five_minutes_by_the_same_person(
    desk: DeskSite, provider: HostileProvider
) -> None:
    visitor = Detective(desk)
    await log_in(visitor, provider)
    glass = "/console/c/" + "a" * 32 + "/glass"
    desk.clock.advance(minutes=10)
    assert (await visitor.get(glass))[0].status == 303
    again = f"/login/force?again=yes&next={glass}"

    provider.claims = {"auth_time": provider.at(minutes=10)}
    stale, _ = await log_in(visitor, provider, again)
    provider.claims = {"sub": "subject-2"}
    other, _ = await log_in(visitor, provider, again)
    assert (await visitor.get(glass))[0].status == 303
    provider.claims = {}
    fresh, _ = await log_in(visitor, provider, again)

    assert (stale, other, fresh) == (403, 403, 200)
    assert provider.asked[-1]["max_age"] == "300"
    assert (await visitor.get(glass))[0].status == 200
    assert "force:another_person" in refusals(desk)


async def test_the_keys_are_looked_at_once_an_hour_and_again_for_an_unknown_one_at_most_each_minute(
    desk: DeskSite, provider: HostileProvider
) -> None:
    for _ in range(3):
        await log_in(Detective(desk), provider)
    assert provider.looks_at_keys == 1
    provider.header = {"kid": "three"}
    for _ in range(3):
        await log_in(Detective(desk), provider)
    assert provider.looks_at_keys == 1
    desk.clock.advance(minutes=2)
    for _ in range(3):
        await log_in(Detective(desk), provider)
    assert provider.looks_at_keys == 2
    provider.header = {}
    desk.clock.advance(minutes=61)
    await log_in(Detective(desk), provider)
    assert provider.looks_at_keys == 3


async def test_a_change_of_keys_is_followed(desk: DeskSite, provider: HostileProvider) -> None:
    await log_in(Detective(desk), provider)
    provider.rsa = RSAKey.generate_key(2048, {"kid": "four", "use": "sig"})
    provider.header = {"kid": "four"}
    desk.clock.advance(minutes=2)

    assert (await log_in(Detective(desk), provider))[0] == 200


@pytest.mark.parametrize(
    "metadata",
    [
        {"issuer": "https://evil.example"},
        {"token_endpoint": "http://evil.example/token"},
        {"jwks_uri": "file:///etc/passwd"},
        {"authorization_endpoint": None},
    ],
    ids=["issuer", "token", "keys", "authorization"],
)
async def test_a_provider_whose_description_cannot_be_right_is_not_used(
    desk: DeskSite, provider: HostileProvider, metadata: dict[str, Any]
) -> None:
    provider.metadata = metadata

    answer, page = await Detective(desk).get("/login/force")

    assert answer.status == 502
    assert "cannot be reached" in page


async def test_an_answer_too_large_is_not_read_to_its_end(desk: DeskSite, provider: HostileProvider) -> None:
    provider.padding = 2_000_000

    status, page = await log_in(Detective(desk), provider)

    assert status == 502
    assert "cannot be reached" in page


async def test_with_a_provider_passwords_of_the_desk_are_off(desk: DeskSite) -> None:
    desk.add_staff()
    visitor = Detective(desk)

    _, page = await visitor.get("/login")
    answer, _ = await visitor.post("/login", {"login": "sam", "form_token": field_in(page, "form_token")})

    assert "Log in with your force account" in page
    assert 'name="password"' not in page
    assert answer.status == 403


async def test_an_account_of_the_force_has_no_password_that_opens_it(
    tmp_path: Path, sqlite_template: Path, clock: SetClock, provider: HostileProvider
) -> None:
    async with run_site(tmp_path, sqlite_template, provider.issuer, clock, WAYMARK_LOCAL_STAFF="1") as desk:
        await log_in(Detective(desk), provider)
        login = desk.rows(staff_member)[0].login
        for password in ("!", ""):
            assert (await Detective(desk).log_in(login, password))[0].status == 401


async def test_the_configured_acr_counts_as_a_second_factor(
    tmp_path: Path, sqlite_template: Path, clock: SetClock, provider: HostileProvider
) -> None:
    async with run_site(
        tmp_path, sqlite_template, provider.issuer, clock, WAYMARK_OIDC_ACR="urn:force:two-factors"
    ) as desk:
        provider.claims = {"amr": None, "acr": "urn:force:two-factors"}
        assert (await log_in(Detective(desk), provider))[0] == 200
        assert provider.asked[-1]["acr_values"] == "urn:force:two-factors"


@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # of the provider's own parts, in its own thread
async def test_the_whole_flow_with_a_provider_of_somebody_elses_making(
    tmp_path: Path, sqlite_template: Path
) -> None:
    """oidc-provider-mock, by its own HTTP: its log-in form is posted as a browser would."""
    claims = {"amr": ["pwd"], "roles": ["desk-investigator"], "name": "Sam Price"}
    with run_server_in_thread(require_nonce=True, user_claims=[User(sub="sam", claims=claims)]) as server:
        issuer = f"http://localhost:{server.server_port}"
        async with (
            run_site(tmp_path, sqlite_template, issuer, None) as desk,
            aiohttp.ClientSession() as browser,
        ):
            visitor = Detective(desk)

            async def go_there_and_back() -> tuple[int, str]:
                answer, _ = await visitor.get("/login/force")
                form = {"sub": "sam"}
                async with browser.post(
                    answer.headers["Location"], data=form, allow_redirects=False
                ) as sent_back:
                    place = sent_back.headers["Location"]
                back, page = await visitor.get(place.removeprefix(desk.url))
                return back.status, page

            without_factor, page = await go_there_and_back()
            changed = claims | {"amr": ["pwd", "mfa"]}
            async with browser.put(f"{issuer}/users/sam", json=changed) as told:
                assert told.status == 204
            with_factor, _ = await go_there_and_back()

            assert without_factor == 403
            assert "did not say that you used a second factor" in page
            assert with_factor == 200, refusals(desk)
            assert (await visitor.get("/console"))[0].status == 200


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("WAYMARK_OIDC_ISSUER", "http://login.example.org"),
        ("WAYMARK_OIDC_CLIENT_ID", ""),
        ("WAYMARK_OIDC_CLIENT_SECRET", ""),
        ("WAYMARK_OIDC_ROLES", ""),
        ("WAYMARK_OIDC_ROLES", "desk=detective"),
        ("WAYMARK_OIDC_ROLES", "desk=triage,desk=supervisor"),
        ("WAYMARK_OIDC_ROLE_CLAIM", "two words"),
        ("WAYMARK_CONSOLE_URL", "http://desk.example.org"),
    ],
)
def test_a_wrong_setting_is_named_at_start_and_no_secret_is_repeated(
    tmp_path: Path, sqlite_template: Path, name: str, value: str
) -> None:
    environ = desk_environ(tmp_path, sqlite_template) | {
        "WAYMARK_OIDC_ISSUER": "https://login.example.org/force",
        "WAYMARK_OIDC_CLIENT_ID": CLIENT_ID,
        "WAYMARK_OIDC_CLIENT_SECRET": CLIENT_SECRET,
        "WAYMARK_OIDC_ROLES": ROLES,
        "WAYMARK_CONSOLE_URL": "https://desk.example.org",
    }
    built = Settings.from_env(environ)
    assert CLIENT_SECRET not in repr(built)
    assert not built.local_staff

    with pytest.raises(SettingsInvalid, match=name) as refused:
        Settings.from_env(environ | {name: value})

    assert CLIENT_SECRET not in str(refused.value)
