"""Passkeys over both databases, with a device that really signs: whose they are, what they open, what is refused.

Red when: user verification is not required, the origin or the host is not compared, a challenge is kept after it was
read or has no end, a passkey is looked for without its person, a count that goes back is accepted,
a fresh code leaves the old passkeys, or a doubted contact does.
"""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from casework.adapters.passkey_answers import make_challenge
from casework.adapters.passkey_checks import PasskeyChecks, build_passkey_checks
from casework.adapters.storage.tables import audit, credential, desk_item, passkey, standing, web_session
from casework.model.messages import Channel
from casework.model.standings import Standing
from casework.services import passkeys, standings
from casework.services.passkeys import PasskeyRefused
from casework.services.ports import Passkey
from casework.services.step_up import PinRefused, PinState
from tests.casework.services.test_step_up import RIGHT, choose, enter, level, link, state, wear_out
from tests.channels.webchat_site import make_settings
from tests.support.authenticator import Device
from tests.support.builders import REFERENCE, VICTIM, a_case
from tests.support.line import Line

ORIGIN, HOST = "https://messages.example.org", "messages.example.org"
CHECKS = PasskeyChecks(rp_id=HOST, origin=ORIGIN, secret=b"s" * 32)
OTHER_REFERENCE = "43260054321"


@pytest.fixture
def line(line: Line) -> Line:
    line.add_cases(a_case())
    return line


def a_device(**values: object) -> Device:
    return Device(**({"origin": ORIGIN, "rp_id": HOST} | values))  # type: ignore[arg-type]


def visit(line: Line, name: str = "browser", method: str = "invite") -> str:
    """A linked visit of the web; its token's hash is its name."""
    line.database.write_now(lambda tx: tx.web_sessions.open(name, name))
    return link(line, name, method=method)


def ask_to_add(line: Line, browser: str, token_hash: str = "browser") -> dict[str, object]:
    challenge = make_challenge()
    person_id, kept = line.database.write_now(
        lambda tx: passkeys.begin_adding(tx, browser, token_hash, challenge)
    )
    known = [each.credential_id for each in kept]
    return CHECKS.describe_new(person_id, name="Messages", challenge=challenge, known=known)


def add(line: Line, browser: str, device: Device, token_hash: str = "browser") -> None:
    answer = device.make(ask_to_add(line, browser, token_hash))
    challenge = line.database.write_now(lambda tx: tx.passkeys.take_challenge(token_hash))
    new = CHECKS.check_new(answer, challenge=challenge)
    if new is None:
        raise PasskeyRefused("The answer was not right.")
    line.database.write_now(lambda tx: passkeys.add(tx, browser, new))


def ask_to_sign(line: Line, browser: str, token_hash: str = "browser") -> dict[str, object]:
    challenge = make_challenge()
    person_id, own = line.database.write_now(
        lambda tx: passkeys.begin_signing(tx, browser, token_hash, challenge)
    )
    known = [each.credential_id for each in own]
    return CHECKS.describe_signing(person_id, challenge=challenge, known=known)


def give(line: Line, browser: str, answer: dict[str, object], token_hash: str = "browser") -> bool:
    tried = line.database.write_now(
        lambda tx: passkeys.begin_try(tx, browser, token_hash, str(answer.get("id")))
    )
    key = tried.passkey.public_key if tried.passkey else None
    count = CHECKS.check_signed(answer, challenge=tried.challenge, public_key=key)
    return line.database.write_now(lambda tx: passkeys.finish_try(tx, browser, tried, sign_count=count))


def sign(line: Line, browser: str, device: Device, token_hash: str = "browser") -> bool:
    return give(line, browser, device.sign(ask_to_sign(line, browser, token_hash)), token_hash)


def a_locked_visit(line: Line, device: Device) -> str:
    """Linked, with a passkey on this device, and no longer stepped up."""
    browser = visit(line)
    add(line, browser, device)
    line.clock.advance(minutes=31)
    assert level(line, browser) is Standing.LINKED
    return browser


# --- adding --------------------------------------------------------------------------------------


async def test_whoever_may_choose_a_pin_may_add_a_passkey_instead_and_is_stepped_up(line: Line) -> None:
    browser = visit(line)

    add(line, browser, a_device())

    assert level(line, browser) is Standing.STEPPED_UP
    assert [row.method for row in line.rows(standing)] == ["invite", "passkey"]
    assert state(line, browser) is PinState.OPEN
    assert line.rows(credential) == []


async def test_what_a_device_is_told_names_nobody_and_leaves_little(line: Line) -> None:
    line.add_cases(a_case(crime_reference=OTHER_REFERENCE, contact_mobile="+447700900002"))
    browser = visit(line)
    first, again = ask_to_add(line, browser), ask_to_add(line, browser)
    line.database.write_now(lambda tx: tx.web_sessions.open("x", "x"))
    other = line.open("x", Channel.WEBCHAT)
    line.database.write_now(
        lambda tx: tx.standings.record(other, OTHER_REFERENCE, Standing.LINKED, method="invite")
    )
    others = ask_to_add(line, other, "x")

    assert first["rp"] == {"name": "Messages", "id": HOST}
    assert (first["user"]["name"], first["user"]["displayName"]) == ("Messages", "Messages")
    assert first["user"]["id"] == again["user"]["id"] != others["user"]["id"]
    assert first["challenge"] != again["challenge"]
    assert first["attestation"] == "none"
    assert first["authenticatorSelection"] == {
        "authenticatorAttachment": "platform",
        "residentKey": "discouraged",
        "requireResidentKey": False,
        "userVerification": "required",
    }
    reach = line.database.read_now(lambda tx: tx.people.find_of_case(REFERENCE))
    assert reach is not None
    assert not any(word in repr(first) for word in (REFERENCE, VICTIM, "Alex", reach.person_id))


@pytest.mark.parametrize(("name", "channel"), [(VICTIM, Channel.SMS), ("x", Channel.TELEGRAM)])
async def test_there_is_no_passkey_on_a_phone_number(line: Line, name: str, channel: Channel) -> None:
    phone = link(line, name, channel)

    with pytest.raises(PinRefused):
        ask_to_add(line, phone)
    with pytest.raises(PinRefused):
        ask_to_sign(line, phone)


async def test_a_stranger_can_neither_add_nor_ask_nor_try(line: Line) -> None:
    device = a_device()
    a_locked_visit(line, device)
    line.database.write_now(lambda tx: tx.web_sessions.open("another", "another"))
    stranger = line.open("another", Channel.WEBCHAT)

    with pytest.raises(PinRefused):
        ask_to_add(line, stranger, "another")
    with pytest.raises(PinRefused):
        ask_to_sign(line, stranger, "another")
    forged = device.sign(
        {"challenge": make_challenge(), "allowCredentials": [{"id": key} for key in device.keys]}
    )
    assert not give(line, stranger, forged, "another")


async def test_with_a_passkey_nobody_who_is_only_linked_chooses_a_pin_or_adds_another(line: Line) -> None:
    browser = a_locked_visit(line, a_device())

    assert state(line, browser) is PinState.LOCKED
    with pytest.raises(PinRefused):
        choose(line, browser)
    with pytest.raises(PinRefused):
        ask_to_add(line, browser)


async def test_one_that_is_asked_for_while_allowed_is_not_kept_once_it_is_not(line: Line) -> None:
    browser, device = visit(line), a_device()
    answer = device.make(ask_to_add(line, browser))
    challenge = line.database.write_now(lambda tx: tx.passkeys.take_challenge("browser"))
    new = CHECKS.check_new(answer, challenge=challenge)
    assert new is not None
    choose(line, browser)
    line.clock.advance(minutes=31)

    with pytest.raises(PinRefused):
        line.database.write_now(lambda tx: passkeys.add(tx, browser, new))
    assert line.rows(passkey) == []


async def test_a_fresh_code_begins_anew_and_nothing_from_before_opens_any_more(line: Line) -> None:
    lost = a_device()
    browser = a_locked_visit(line, lost)
    assert sign(line, browser, lost)
    choose(line, browser)
    after_code = visit(line, "after the code", "code")
    assert state(line, after_code) is PinState.MAY_CHANGE

    options = ask_to_add(line, after_code, "after the code")
    assert options["excludeCredentials"] == []
    add(line, after_code, a_device(), "after the code")

    assert level(line, after_code) is Standing.STEPPED_UP
    assert level(line, browser) < Standing.STEPPED_UP
    assert len(line.rows(passkey, ended_at=None)) == 1
    line.clock.advance(minutes=31)
    assert not enter(line, after_code, RIGHT)
    assert not give(
        line,
        after_code,
        lost.sign(ask_to_sign(line, after_code, "after the code"), with_key=next(iter(lost.keys))),
        "after the code",
    )


async def test_a_pin_chosen_after_a_fresh_code_ends_the_passkeys_too(line: Line) -> None:
    a_locked_visit(line, a_device())
    after_code = visit(line, "after the code", "code")

    choose(line, after_code)

    assert line.rows(passkey, ended_at=None) == []


async def test_a_pin_changed_by_whoever_is_stepped_up_leaves_the_passkeys_and_closes_what_they_opened(
    line: Line,
) -> None:
    device = a_device()
    browser = a_locked_visit(line, device)
    assert sign(line, browser, device)
    line.add_cases(a_case(crime_reference=OTHER_REFERENCE))
    other = line.open("their other case", Channel.WEBCHAT)
    line.database.write_now(lambda tx: tx.web_sessions.open("other", "their other case"))
    line.database.write_now(
        lambda tx: tx.standings.record(other, OTHER_REFERENCE, Standing.LINKED, method="invite")
    )
    assert sign(line, other, device, "other")

    choose(line, browser)

    assert level(line, other) is Standing.LINKED
    assert sign(line, other, device, "other")


async def test_five_is_the_most_and_each_names_those_that_are_there(line: Line) -> None:
    browser = visit(line)
    for made in range(passkeys.MOST):
        assert len(ask_to_add(line, browser)["excludeCredentials"]) == made
        add(line, browser, a_device())

    with pytest.raises(PasskeyRefused):
        add(line, browser, a_device())

    assert len(line.rows(passkey)) == passkeys.MOST


async def test_a_credential_that_was_ever_known_is_not_taken_again(line: Line) -> None:
    browser, device = visit(line), a_device()
    answer = device.make(ask_to_add(line, browser))
    challenge = line.database.write_now(lambda tx: tx.passkeys.take_challenge("browser"))
    new = CHECKS.check_new(answer, challenge=challenge)
    assert new is not None
    line.database.write_now(lambda tx: passkeys.add(tx, browser, new))
    line.database.write_now(lambda tx: passkeys.end_own(tx, browser, line.row(passkey).id))

    with pytest.raises(PasskeyRefused):
        line.database.write_now(lambda tx: passkeys.add(tx, browser, new))


# --- what is refused -----------------------------------------------------------------------------

LIES: dict[str, Callable[[Device], None]] = {
    "another host": lambda device: setattr(device, "rp_id", "messages.example.com"),
    "another site": lambda device: setattr(
        device, "origin", "https://messages.example.org.elsewhere.example"
    ),
    "nobody verified": lambda device: setattr(device, "is_verified", False),
    "without https": lambda device: setattr(device, "origin", "http://messages.example.org"),
}


@pytest.mark.parametrize("lie", LIES)
async def test_a_passkey_made_with_a_lie_is_not_kept(line: Line, lie: str) -> None:
    browser, device = visit(line), a_device()
    LIES[lie](device)

    with pytest.raises(PasskeyRefused):
        add(line, browser, device)

    assert line.rows(passkey) == []
    assert level(line, browser) is Standing.LINKED


@pytest.mark.parametrize("lie", LIES)
async def test_a_signature_with_a_lie_opens_nothing(line: Line, lie: str) -> None:
    device = a_device()
    browser = a_locked_visit(line, device)
    LIES[lie](device)

    assert not sign(line, browser, device)
    assert level(line, browser) is Standing.LINKED


async def test_the_same_answer_opens_once(line: Line) -> None:
    device = a_device(counts=False)
    browser = a_locked_visit(line, device)
    answer = device.sign(ask_to_sign(line, browser))
    assert give(line, browser, answer)
    line.clock.advance(minutes=31)

    assert not give(line, browser, answer)
    assert level(line, browser) is Standing.LINKED
    assert line.row(web_session).challenge is None


async def test_a_wrong_answer_uses_the_challenge_up_as_well(line: Line) -> None:
    device = a_device(counts=False)
    browser = a_locked_visit(line, device)
    options = ask_to_sign(line, browser)
    right = device.sign(options)
    device.is_verified = False

    assert not give(line, browser, device.sign(options))
    assert not give(line, browser, right)


async def test_a_challenge_is_worth_nothing_after_five_minutes(line: Line) -> None:
    device = a_device()
    browser = a_locked_visit(line, device)
    answer = device.sign(ask_to_sign(line, browser))
    line.clock.advance(minutes=5)

    assert not give(line, browser, answer)
    assert sign(line, browser, device)


async def test_a_challenge_is_one_visits_own(line: Line) -> None:
    device = a_device()
    browser = a_locked_visit(line, device)
    answer = device.sign(ask_to_sign(line, browser))
    second = visit(line, "second")
    ask_to_sign(line, second, "second")

    assert not give(line, second, answer, "second")


async def test_without_a_challenge_asked_for_nothing_opens(line: Line) -> None:
    device = a_device()
    browser = a_locked_visit(line, device)
    made_up = {"challenge": make_challenge(), "allowCredentials": [{"id": key} for key in device.keys]}

    assert not give(line, browser, device.sign(made_up))


async def test_another_persons_passkey_opens_nothing_here(line: Line) -> None:
    theirs = a_device()
    a_locked_visit(line, theirs)
    line.add_cases(a_case(crime_reference=OTHER_REFERENCE, contact_mobile="+447700900002", victim_name="Kim"))
    other = line.open("other", Channel.WEBCHAT)
    line.database.write_now(lambda tx: tx.web_sessions.open("other", "other"))
    line.database.write_now(
        lambda tx: tx.standings.record(other, OTHER_REFERENCE, Standing.LINKED, method="invite")
    )
    answer = theirs.sign(ask_to_sign(line, other, "other"), with_key=next(iter(theirs.keys)))

    assert not give(line, other, answer, "other")
    assert level(line, other) is Standing.LINKED


async def test_another_key_under_a_known_name_opens_nothing(line: Line) -> None:
    device, forger = a_device(), a_device()
    browser = a_locked_visit(line, device)
    [known] = device.keys
    forger.make({"challenge": make_challenge()})
    forger.keys = {known: next(iter(forger.keys.values()))}

    assert not sign(line, browser, forger)
    assert line.rows(desk_item) == []


async def test_what_was_made_to_add_one_does_not_sign(line: Line) -> None:
    device = a_device()
    browser = a_locked_visit(line, device)
    answer = device.sign(ask_to_sign(line, browser))
    made = device.make(ask_to_sign(line, browser))

    assert not give(line, browser, made | {"id": answer["id"], "rawId": answer["rawId"]})


@pytest.mark.parametrize(
    "answer",
    [{}, {"id": ""}, {"id": "x", "response": {}}, {"id": 7, "rawId": [], "type": None, "response": "x"}],
)
async def test_nonsense_is_refused_and_counted(line: Line, answer: dict[str, object]) -> None:
    browser = a_locked_visit(line, a_device())
    ask_to_sign(line, browser)

    assert not give(line, browser, answer)
    assert [row.act for row in line.rows(audit)][-1] == "passkey_refused"


async def test_a_link_that_ran_out_or_a_passkey_that_ended_meanwhile_opens_nothing(line: Line) -> None:
    device = a_device()
    browser = a_locked_visit(line, device)
    answer = device.sign(ask_to_sign(line, browser))
    tried = line.database.write_now(lambda tx: passkeys.begin_try(tx, browser, "browser", str(answer["id"])))
    person_id = line.row(passkey).person_id
    line.database.write_now(lambda tx: passkeys.end_passkeys(tx, person_id, by="officer"))
    assert not line.database.write_now(lambda tx: passkeys.finish_try(tx, browser, tried, sign_count=99))
    assert line.rows(desk_item) == []

    line.clock.advance(hours=25)
    with pytest.raises(PinRefused):
        ask_to_sign(line, browser)


# --- signing -------------------------------------------------------------------------------------


@pytest.mark.parametrize("counts", [True, False])
async def test_the_right_passkey_steps_up_again_and_again(line: Line, counts: bool) -> None:
    device = a_device(counts=counts)
    browser = a_locked_visit(line, device)
    for _ in range(2):
        assert sign(line, browser, device)
        assert level(line, browser) is Standing.STEPPED_UP
        line.clock.advance(minutes=31)
        assert level(line, browser) is Standing.LINKED


@pytest.mark.parametrize("behind", [0, 1])
async def test_a_count_that_does_not_go_on_ends_the_passkey_and_asks_for_an_officer(
    line: Line, behind: int
) -> None:
    device = a_device(sign_count=5)
    browser = a_locked_visit(line, device)
    assert sign(line, browser, device)
    line.clock.advance(minutes=31)
    device.sign_count -= 1 + behind

    assert not sign(line, browser, device)

    assert level(line, browser) is Standing.LINKED
    item = line.row(desk_item)
    assert (item.reason, item.conversation_id) == ("passkey_ended", line.open(VICTIM))
    assert line.rows(passkey, ended_at=None) == []
    device.sign_count += 100
    assert not give(line, browser, device.sign(ask_to_sign(line, browser), with_key=next(iter(device.keys))))
    assert len(line.rows(desk_item)) == 1


async def test_a_copy_also_closes_what_passkeys_opened_elsewhere(line: Line) -> None:
    device = a_device(sign_count=5)
    browser = a_locked_visit(line, device)
    copy = replace(device, keys=dict(device.keys))
    assert sign(line, browser, device)
    line.add_cases(a_case(crime_reference=OTHER_REFERENCE))
    other = line.open("other", Channel.WEBCHAT)
    line.database.write_now(lambda tx: tx.web_sessions.open("other", "other"))
    line.database.write_now(
        lambda tx: tx.standings.record(other, OTHER_REFERENCE, Standing.LINKED, method="invite")
    )

    assert not sign(line, other, copy, "other")

    assert level(line, browser) is Standing.LINKED


async def test_five_wrong_ones_slow_that_visit_down_and_neither_its_pin_nor_another(line: Line) -> None:
    device, wrong = a_device(), a_device(is_verified=False)
    browser = visit(line)
    add(line, browser, device)
    choose(line, browser)
    line.clock.advance(minutes=31)
    wrong.keys = device.keys
    for _ in range(5):
        assert not sign(line, browser, wrong)

    assert not sign(line, browser, device)
    tried = line.database.write_now(lambda tx: passkeys.begin_try(tx, browser, "browser", "x"))
    assert tried.wait_until is not None
    assert enter(line, browser)
    second = visit(line, "second")
    assert sign(line, second, device, "second")


async def test_after_the_wait_the_same_visit_may_try_again(line: Line) -> None:
    device, wrong = a_device(), a_device(is_verified=False)
    browser = a_locked_visit(line, device)
    wrong.keys = device.keys
    for _ in range(5):
        sign(line, browser, wrong)

    line.clock.advance(minutes=15, seconds=1)

    assert sign(line, browser, device)


async def test_whoever_wears_out_the_pin_does_not_shut_out_the_passkey(line: Line) -> None:
    device = a_device()
    browser = visit(line)
    add(line, browser, device)
    choose(line, browser)
    wear_out(line, 100)
    browser = visit(line, "again")
    assert state(line, browser) is PinState.ENDED
    with pytest.raises(PinRefused):
        ask_to_add(line, browser, "again")

    assert sign(line, browser, device, "again")
    choose(line, browser, "927461")
    line.clock.advance(minutes=31)

    assert enter(line, browser, "927461")


async def test_what_is_asked_does_not_say_how_many_passkeys_there_are(line: Line) -> None:
    browser = visit(line)
    none = ask_to_sign(line, browser)
    assert none["allowCredentials"] == ask_to_sign(line, browser)["allowCredentials"]
    device = a_device()
    add(line, browser, device)

    one = ask_to_sign(line, browser)

    assert len(none["allowCredentials"]) == len(one["allowCredentials"]) == passkeys.MOST
    assert none.keys() == one.keys()
    asked = {each["id"] for each in one["allowCredentials"]}
    assert set(device.keys) < asked
    assert len(asked & {each["id"] for each in none["allowCredentials"]}) == passkeys.MOST - 1
    # The real one stands where its letters put it, not first or last.
    assert [each["id"] for each in one["allowCredentials"]] == sorted(asked)


# --- ending --------------------------------------------------------------------------------------


async def test_only_whoever_is_stepped_up_sees_and_ends_them(line: Line) -> None:
    device = a_device()
    browser = a_locked_visit(line, device)
    passkey_id = line.row(passkey).id

    def own() -> list[Passkey]:
        return line.database.read_now(lambda tx: passkeys.list_own(tx, browser))

    def end(which: str) -> bool:
        return line.database.write_now(lambda tx: passkeys.end_own(tx, browser, which))

    assert own() == []
    assert not end(passkey_id)
    assert sign(line, browser, device)
    assert [each.id for each in own()] == [passkey_id]
    assert own()[0].used_at is not None
    assert not end("another's")
    assert end(passkey_id)

    assert level(line, browser) is Standing.STEPPED_UP
    line.clock.advance(minutes=31)
    assert state(line, browser) is PinState.NONE


async def test_nobody_ends_another_persons(line: Line) -> None:
    a_locked_visit(line, a_device())
    passkey_id = line.row(passkey).id
    line.add_cases(a_case(crime_reference=OTHER_REFERENCE, contact_mobile="+447700900002", victim_name="Kim"))
    other = line.open("other", Channel.WEBCHAT)
    line.database.write_now(
        lambda tx: tx.standings.record(other, OTHER_REFERENCE, Standing.LINKED, method="invite")
    )
    choose(line, other)

    assert not line.database.write_now(lambda tx: passkeys.end_own(tx, other, passkey_id))


async def test_an_officer_ends_all_of_them_and_what_they_opened(line: Line) -> None:
    device = a_device()
    browser = a_locked_visit(line, device)
    assert sign(line, browser, device)
    person_id = line.row(passkey).person_id

    assert line.database.write_now(lambda tx: passkeys.end_passkeys(tx, person_id, by="officer")) == 1

    assert level(line, browser) is Standing.LINKED
    assert state(line, browser) is PinState.NONE


async def test_a_contact_that_may_be_somebody_elses_ends_them(line: Line) -> None:
    device = a_device()
    browser = a_locked_visit(line, device)
    assert sign(line, browser, device)
    phone_id = line.open(VICTIM)
    phone = line.database.read_now(lambda tx: tx.conversations.get(phone_id))

    assert line.database.write_now(lambda tx: standings.drop_standing(tx, phone, "wrong_person"))

    assert line.rows(passkey, ended_at=None) == []
    assert level(line, browser) is Standing.LINKED
    # One added since then ends at the next doubt, though the number was doubted already.
    add(line, browser, a_device())
    assert line.database.write_now(lambda tx: standings.drop_standing(tx, phone, "provider_21610"))
    assert line.rows(passkey, ended_at=None) == []


# --- where there are any -------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("address", "rp_id", "origin"),
    [
        ("https://messages.example.org", "messages.example.org", "https://messages.example.org"),
        ("https://messages.example.org:8443", "messages.example.org", "https://messages.example.org:8443"),
        ("http://localhost:8080", "localhost", "http://localhost:8080"),
        ("http://127.0.0.1:8080", None, None),
        ("https://192.0.2.7", None, None),
        ("https://[2001:db8::7]", None, None),
        ("http://messages.example.org", None, None),
    ],
)
def test_only_a_name_over_https_or_this_very_machine_has_passkeys(
    tmp_path: Path, address: str, rp_id: str | None, origin: str | None
) -> None:
    checks = build_passkey_checks(make_settings(tmp_path, address))

    assert (checks and checks.rp_id, checks and checks.origin) == (rp_id, origin)
    assert checks is None or "t" * 32 not in repr(checks)


def test_a_person_gets_the_same_made_up_names_and_nobody_can_reckon_them() -> None:
    challenge = make_challenge()
    mine = CHECKS.describe_signing("person", challenge=challenge, known=[])
    elsewhere = replace(CHECKS, secret=b"z" * 32).describe_signing("person", challenge=challenge, known=[])

    assert mine == CHECKS.describe_signing("person", challenge=challenge, known=[])
    assert not {each["id"] for each in mine["allowCredentials"]} & {
        each["id"] for each in elsewhere["allowCredentials"]
    }
