"""A PIN on top of a link: who may choose one, who may try one, and who is never slowed down by it."""

import pytest

from casework.adapters.storage.tables import credential, desk_item, throttle
from casework.model.messages import Channel
from casework.model.standings import Standing
from casework.services import step_up
from casework.services.step_up import PinRefused, PinState
from tests.support.builders import REFERENCE, VICTIM, a_case
from tests.support.line import Line

RIGHT = "835927"


@pytest.fixture
def line(line: Line) -> Line:
    line.add_cases(a_case())
    return line


def link(
    line: Line, name: str = "browser", channel: Channel = Channel.WEBCHAT, method: str = "invite"
) -> str:
    conversation_id = line.open(name, channel)
    line.database.write_now(
        lambda tx: tx.standings.record(conversation_id, REFERENCE, Standing.LINKED, method=method)
    )
    return conversation_id


def choose(line: Line, conversation_id: str, pin: str = RIGHT) -> None:
    pin_hash = line.codes.hash(pin)
    line.database.write_now(lambda tx: step_up.set_pin(tx, conversation_id, pin_hash))


def enter(line: Line, conversation_id: str, pin: str = RIGHT) -> bool:
    tried = line.database.write_now(lambda tx: step_up.begin_try(tx, conversation_id))
    is_right = line.codes.matches(pin, tried.pin_hash)
    return line.database.write_now(
        lambda tx: step_up.finish_try(tx, conversation_id, tried, is_right=is_right)
    )


def state(line: Line, conversation_id: str) -> PinState:
    return line.database.read_now(lambda tx: step_up.find_pin_state(tx, conversation_id))


def level(line: Line, conversation_id: str) -> Standing:
    return line.database.read_now(lambda tx: tx.standings.find(conversation_id))[0]


def a_locked_browser(line: Line) -> str:
    """Linked, with a PIN chosen, and no longer stepped up."""
    conversation_id = link(line)
    choose(line, conversation_id)
    line.clock.advance(minutes=31)
    assert level(line, conversation_id) is Standing.LINKED
    return conversation_id


async def test_whoever_is_linked_on_the_web_chooses_a_pin_and_is_stepped_up(line: Line) -> None:
    browser = link(line)
    assert state(line, browser) is PinState.NONE

    choose(line, browser)

    assert level(line, browser) is Standing.STEPPED_UP
    assert state(line, browser) is PinState.OPEN
    assert RIGHT not in repr(step_up.PinTry(pin_hash=line.row(credential).secret_hash))


@pytest.mark.parametrize(("name", "channel"), [(VICTIM, Channel.SMS), ("x", Channel.TELEGRAM)])
async def test_there_is_no_pin_on_a_phone(line: Line, name: str, channel: Channel) -> None:
    phone = link(line, name, channel)

    assert state(line, phone) is PinState.NOT_LINKED
    with pytest.raises(PinRefused):
        choose(line, phone)
    assert not enter(line, phone)


async def test_a_stranger_can_neither_choose_nor_try_one(line: Line) -> None:
    a_locked_browser(line)
    stranger = line.open("another", Channel.WEBCHAT)

    assert state(line, stranger) is PinState.NOT_LINKED
    with pytest.raises(PinRefused):
        choose(line, stranger)
    assert not enter(line, stranger)
    assert line.rows(throttle) == []


async def test_the_right_pin_steps_up_and_a_wrong_one_does_not(line: Line) -> None:
    browser = a_locked_browser(line)
    assert state(line, browser) is PinState.LOCKED

    assert not enter(line, browser, "111119")
    assert level(line, browser) is Standing.LINKED
    assert enter(line, browser)

    assert level(line, browser) is Standing.STEPPED_UP
    assert line.rows(throttle) == []


async def test_a_link_that_ran_out_opens_nothing_with_the_right_pin(line: Line) -> None:
    browser = a_locked_browser(line)
    line.clock.advance(hours=25)

    assert not enter(line, browser)


async def test_a_link_that_ends_while_hashes_are_compared_opens_nothing(line: Line) -> None:
    browser = a_locked_browser(line)
    tried = line.database.write_now(lambda tx: step_up.begin_try(tx, browser))
    line.database.write_now(lambda tx: tx.standings.end_of_conversation(browser, why="test"))

    assert not line.database.write_now(lambda tx: step_up.finish_try(tx, browser, tried, is_right=True))


async def test_a_pin_that_is_set_is_not_chosen_again_without_it(line: Line) -> None:
    browser = a_locked_browser(line)

    with pytest.raises(PinRefused):
        choose(line, browser, "927461")
    assert enter(line, browser)
    choose(line, browser, "927461")
    line.clock.advance(minutes=31)

    assert not enter(line, browser, RIGHT)
    assert enter(line, browser, "927461")


async def test_a_fresh_code_takes_the_place_of_a_forgotten_pin_for_a_quarter_of_an_hour(line: Line) -> None:
    a_locked_browser(line)
    browser = link(line, "after the code", method="code")

    assert state(line, browser) is PinState.MAY_CHANGE
    line.clock.advance(minutes=16)
    assert state(line, browser) is PinState.LOCKED
    browser = link(line, "after another", method="code")
    choose(line, browser, "927461")

    assert level(line, browser) is Standing.STEPPED_UP


async def test_an_officer_who_rang_them_ends_a_forgotten_pin(line: Line) -> None:
    browser = a_locked_browser(line)
    person_id = line.row(credential).person_id

    line.database.write_now(lambda tx: step_up.end_pin(tx, person_id, by="officer"))

    assert state(line, browser) is PinState.NONE
    choose(line, browser, "927461")


async def test_five_wrong_pins_slow_that_session_down_and_no_other(line: Line) -> None:
    browser = a_locked_browser(line)
    for _ in range(5):
        assert not enter(line, browser, "111119")

    assert not enter(line, browser)
    tried = line.database.write_now(lambda tx: step_up.begin_try(tx, browser))
    assert tried.wait_until is not None
    other = link(line, "the victim's other browser")
    assert enter(line, other)


async def test_after_the_wait_the_same_session_may_try_again(line: Line) -> None:
    browser = a_locked_browser(line)
    for _ in range(5):
        enter(line, browser, "111119")

    line.clock.advance(minutes=15, seconds=1)

    assert enter(line, browser)


async def test_many_tries_at_once_are_as_many_tries(line: Line) -> None:
    browser = a_locked_browser(line)

    begun = [line.database.write_now(lambda tx: step_up.begin_try(tx, browser)) for _ in range(20)]

    assert sum(tried.pin_hash is not None for tried in begun) == 5


def wear_out(line: Line, tries: int) -> str:
    browser = ""
    for number in range(tries):
        if number % 5 == 0:
            browser = link(line, f"browser {number} of {tries}")
        enter(line, browser, "111119")
    return browser


async def test_a_hundred_wrong_pins_in_a_row_end_it_and_an_officer_is_asked(line: Line) -> None:
    a_locked_browser(line)
    wear_out(line, 99)
    assert line.rows(desk_item) == []

    browser = wear_out(line, 1)

    assert state(line, browser) is PinState.ENDED
    assert not enter(line, browser)
    item = line.row(desk_item)
    assert (item.reason, item.conversation_id) == ("pin_ended", line.open(VICTIM))
    # Ending it must not be a way of choosing it: not with a link, not even with a code.
    for method in ("invite", "code"):
        with pytest.raises(PinRefused):
            choose(line, link(line, f"by {method}", method=method), "927461")


async def test_the_right_pin_begins_the_hundred_anew(line: Line) -> None:
    a_locked_browser(line)
    wear_out(line, 99)
    assert enter(line, link(line, "the victim"))

    wear_out(line, 5)

    assert line.rows(desk_item) == []


async def test_after_an_officer_rang_a_pin_that_was_worn_out_may_be_chosen_anew(line: Line) -> None:
    a_locked_browser(line)
    browser = wear_out(line, 100)
    person_id = line.row(credential).person_id

    line.database.write_now(lambda tx: step_up.end_pin(tx, person_id, by="officer"))

    choose(line, browser, "927461")
    assert level(line, browser) is Standing.STEPPED_UP


async def test_a_new_pin_closes_what_the_old_one_opened_elsewhere(line: Line) -> None:
    line.add_cases(a_case(crime_reference="43260054321"))
    other = line.open("a browser with their other case", Channel.WEBCHAT)
    line.database.write_now(
        lambda tx: tx.standings.record(other, "43260054321", Standing.LINKED, method="invite")
    )
    choose(line, other)
    browser = link(line, method="code")

    choose(line, browser, "927461")

    assert level(line, browser) is Standing.STEPPED_UP
    assert level(line, other) is Standing.LINKED
