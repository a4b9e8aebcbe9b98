"""A running conversation keeps its model, a new one gets the live one, and a bad one answers nobody."""

from dataclasses import replace

from casework.adapters.storage.tables import conversation
from casework.services import model_releases as releases
from tests.casework.services.test_model_releases import found, make_candidate, promote, roll_back
from tests.support.builders import an_answer
from tests.support.line import Line
from tests.support.models import a_birth


async def talk(line: Line, external_id: str = "+447700900123", *, by: str | None = None) -> tuple[str, ...]:
    """One turn of that person: the models the assistant was given to choose from. `by`: the one that answers."""
    allowed = line.database.read_now(lambda tx: tx.model_releases.list_allowed())
    line.assistant.answer = replace(an_answer(), model=by or (allowed or ["stand-in"])[0])
    line.receive(external_id=external_id)
    await line.answer()
    return line.assistant.models[-1]


async def test_where_nothing_was_released_any_model_answers_and_none_is_noted(line: Line) -> None:
    assert await talk(line) == ()
    assert await talk(line) == ()
    assert line.row(conversation).model_id is None


async def test_after_a_promotion_running_conversations_stay_and_new_ones_do_not(line: Line) -> None:
    """Red when: the pin is not looked at, or is not written with the answer."""
    found(line, "a")
    assert await talk(line) == ("a",)
    promote(line, "b")

    assert await talk(line, by="a") == ("a", "b")
    assert await talk(line, "+447700900124") == ("b", "a")


async def test_each_answer_keeps_the_model_a_day_longer_and_a_day_of_silence_ends_it(line: Line) -> None:
    found(line, "a")
    await talk(line)
    promote(line, "b")
    for _ in range(2):
        line.clock.advance(hours=23)
        assert await talk(line, by="a") == ("a", "b")
    line.clock.advance(hours=24)
    assert await talk(line) == ("b", "a")


async def test_after_a_rollback_the_next_turn_of_everybody_goes_to_the_model_before(line: Line) -> None:
    """Red when: a pin to the bad model outlives the rollback."""
    found(line, "a")
    promote(line, "b")
    await talk(line)
    roll_back(line)

    assert await talk(line) == ("a",)
    assert await talk(line, "+447700900124") == ("a",)


async def test_a_candidate_is_never_among_them(line: Line) -> None:
    found(line, "a")
    make_candidate(line, "c")

    assert await talk(line, by="c") == ("a",)
    assert await talk(line, by="c") == ("a",)


async def test_an_upgrade_ends_every_pin_to_a_model_of_other_code(line: Line) -> None:
    found(line, "a")
    await talk(line)
    line.database.write_now(
        lambda tx: releases.upgrade(tx, a_birth("u"), file="u.tar.gz", paper="p", reason="not judged")
    )

    assert await talk(line) == ("u",)
