import pytest

from casework.model.contact_doubts import is_contact_doubted, load_phrases


@pytest.mark.parametrize("text", load_phrases()["must_hit"])
def test_whoever_says_the_number_is_theirs_is_heard(text: str) -> None:
    assert is_contact_doubted(text)


@pytest.mark.parametrize("text", load_phrases()["must_not_hit"])
def test_what_a_victim_writes_is_not_taken_for_it(text: str) -> None:
    assert not is_contact_doubted(text)


@pytest.mark.parametrize("text", ["", " ", "?!", "wrong number " * 50, "x" * 1_000_000])
def test_nothing_and_very_much_say_nothing(text: str) -> None:
    assert not is_contact_doubted(text)


def test_every_phrase_is_written_as_it_is_compared() -> None:
    table = load_phrases()
    for phrase in [*table["whole"], *table["anywhere"], *table["around"]]:
        assert is_contact_doubted(phrase) or phrase in table["around"], phrase
