"""Marking the words a rule fired on."""

from hypothesis import given
from hypothesis import strategies as st

from casework.model.disclosures import Evidence
from console.desk.highlights import TextPart, split_by_evidence

spans = st.builds(
    Evidence,
    rule=st.sampled_from(["a.one", "b.two", "c.three"]),
    start=st.integers(-5, 60),
    end=st.integers(-5, 60),
)


def test_offsets_count_code_points_so_an_emoji_is_one() -> None:
    text = "\U0001f631\U0001f469\u200d\U0001f692 help me"

    parts = split_by_evidence(text, [Evidence(rule="a.one", start=5, end=9)])

    assert parts[1] == TextPart(text="help", rules=("a.one",))


def test_overlapping_spans_are_one_mark_with_both_rules() -> None:
    parts = split_by_evidence(
        "he is outside now",
        [Evidence(rule="b.two", start=6, end=17), Evidence(rule="a.one", start=0, end=13)],
    )

    assert parts == (TextPart(text="he is outside now", rules=("a.one", "b.two")),)


def test_a_span_inside_another_changes_nothing_but_the_rules() -> None:
    parts = split_by_evidence(
        "he is outside now",
        [Evidence(rule="a.one", start=0, end=13), Evidence(rule="b.two", start=3, end=5)],
    )

    assert parts == (TextPart(text="he is outside", rules=("a.one", "b.two")), TextPart(text=" now"))


def test_neighbours_that_only_touch_stay_apart() -> None:
    parts = split_by_evidence(
        "abcd", [Evidence(rule="a.one", start=0, end=2), Evidence(rule="b.two", start=2, end=4)]
    )

    assert [part.rules for part in parts] == [("a.one",), ("b.two",)]


@given(text=st.text(max_size=50), evidence=st.lists(spans, max_size=8))
def test_no_offset_however_wrong_loses_or_moves_a_word(text: str, evidence: list[Evidence]) -> None:
    parts = split_by_evidence(text, evidence)

    assert "".join(part.text for part in parts) == text


@given(text=st.text(min_size=1, max_size=50), evidence=st.lists(spans, max_size=8))
def test_every_letter_inside_a_span_is_marked_and_no_other(text: str, evidence: list[Evidence]) -> None:
    marked = [bool(part.rules) for part in split_by_evidence(text, evidence) for _ in part.text]

    inside = [any(each.start <= place < each.end for each in evidence) for place in range(len(text))]
    assert marked == inside
