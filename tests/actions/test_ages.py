import pytest

from actions.ages import is_from_child


@pytest.mark.parametrize(
    "text",
    [
        *(
            "im 12",
            "I'm 13 and my mum doesnt know",
            "i am 15 years old what happens at court",
            "hi im only 9",
        ),
        *("I\u2019m 14", "im aged 11", "im in year 8", "i'm in yr 10 at school", "im a 15 year old girl"),
        "am i allowed to text im 12",
    ],
)
def test_someone_who_says_they_are_under_16_is_a_child(text: str) -> None:
    assert is_from_child(text)


@pytest.mark.parametrize(
    "text",
    [
        *(
            "im 16",
            "im 42",
            "my son is 12",
            "she is 9 years old",
            "im 10 minutes away",
            "im 5 miles from there",
        ),
        *("im 12 weeks pregnant", "i am 8 months pregnant", "im 15 stone", "im 10% sure", "im in 12 flat 3"),
        *("i was 14 when it happened", "im in on 12/5", "43260012345", "", "im 6 years older than him"),
        *("im 5 doors down", "im 7 years clean", "im 11 months in", "im in year 12", "im 12th in the queue"),
        "hes 13 and im his mum",
    ],
)
def test_other_numbers_are_no_age_of_the_writer(text: str) -> None:
    assert not is_from_child(text)
