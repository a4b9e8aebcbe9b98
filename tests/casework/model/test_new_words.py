"""A word is new when several people use it and nothing that is taught does.

Red when, each tried once: a masked value counts as a word; messages of one person count as several, before and
after they are brought together; a message stands under every new word it holds.
"""

from casework.model.new_words import HeardText, NewWord, count_taught, find_new_words

TAUGHT = count_taught(
    ["he took the car", "the car is gone", "is there any news", "any news on the moped", "he has gone again"]
)


def heard(*texts: tuple[str, str], masked: tuple[tuple[int, int], ...] = ()) -> list[HeardText]:
    return [
        HeardText(inbox_id=number, conversation_id=of, text=text, masked=masked)
        for number, (of, text) in enumerate(texts, start=1)
    ]


def test_a_word_of_three_people_that_nothing_teaches_is_new() -> None:
    found = find_new_words(
        heard(
            ("a", "the Surron is gone"), ("b", "any news on the surron?"), ("c", "surron!!"), ("d", "the car")
        ),
        TAUGHT,
    )

    assert found == [NewWord(word="surron", inbox_ids=(1, 2, 3), conversations=3)]


def test_a_word_that_one_text_teaches_is_still_new() -> None:
    assert [one.word for one in find_new_words(heard(*((of, "my moped") for of in "abc")), TAUGHT)] == [
        "moped"
    ]


def test_one_person_who_says_it_often_is_one_person() -> None:
    assert find_new_words(heard(*[("a", "the surron")] * 5, ("b", "the surron")), TAUGHT) == []


def test_a_masked_value_figures_and_scraps_are_no_words() -> None:
    masked = heard(("a", "Brama took it"), ("b", "Brama took it"), ("c", "Brama took it"), masked=((0, 5),))
    assert "brama" not in {one.word for one in find_new_words(masked, TAUGHT)}
    assert find_new_words(heard(*((of, "no 4471x ab") for of in "abc")), TAUGHT) == []


def test_a_message_stands_under_the_word_fewest_use() -> None:
    texts = [(of, "surron balaclava") for of in "abc"] + [(of, "the surron") for of in "defg"]
    found = {one.word: one.inbox_ids for one in find_new_words(heard(*texts), TAUGHT)}

    assert found == {"surron": (4, 5, 6, 7), "balaclava": (1, 2, 3)}


def test_a_word_whose_messages_went_to_rarer_ones_brings_nothing_together() -> None:
    texts = [(of, "surron balaclava") for of in "abc"] + [("d", "surron")]

    assert [one.word for one in find_new_words(heard(*texts), TAUGHT)] == ["balaclava"]
