from datetime import UTC, datetime

import pytest

from casework.services.support_directory import (
    Opening,
    find_support_services,
    get_happened,
    get_places,
    get_support_services,
    is_for_everyone,
)
from casework.services.support_finder import (
    ALL,
    EVERYTHING,
    AgeBand,
    Criteria,
    Finding,
    Language,
    Privately,
    drop,
    find,
)

# A Monday at noon and the night before it, with every entry within its review date.
NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)
NIGHT = datetime(2026, 11, 23, 3, tzinfo=UTC)


def ids(finding: Finding) -> list[str]:
    return [each.service.id for each in finding.found]


def search(now: datetime = NOON, **chosen: object) -> list[str]:
    return ids(find(Criteria(**chosen), now))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("happened", "expected"),
    [
        ("", ["victim_support"]),
        ("other", ["victim_support"]),
        ("domestic_abuse", ["national_domestic_abuse_helpline", "live_fear_free", "victim_support"]),
        ("honour", ["karma_nirvana", "forced_marriage_unit", "victim_support"]),
        ("hate", ["galop", "victim_support"]),
        ("fraud", ["report_fraud", "bank_159", "victim_support"]),
        ("coping", ["samaritans", "shout", "nhs_111_mental_health", "victim_support"]),
        ("bereavement", ["victim_support"]),
    ],
)
def test_what_happened_decides_and_victim_support_is_always_there(happened: str, expected: list[str]) -> None:
    assert search(happened=happened) == expected


@pytest.mark.parametrize("happened", sorted(get_happened()))
def test_the_order_is_that_of_the_chat(happened: str) -> None:
    """Red when `_rank` sorts by name, or puts those for everyone first."""
    finder = search(happened=happened, area="England")
    for topic in sorted(get_happened()[happened]):
        chat = [
            service.id for service in find_support_services(None, topic=topic, today=NOON.date(), limit=25)
        ]
        assert [name for name in finder if name in chat] == chat


@pytest.mark.parametrize(
    ("area", "local"),
    [
        ("Essex", ["compass_essex"]),
        ("Berkshire", ["berkshire_womens_aid", "victims_first"]),
        ("Hampshire", []),
        ("Northamptonshire", []),
    ],
)
def test_local_services_are_for_those_who_live_there(area: str, local: list[str]) -> None:
    found = search(happened="domestic_abuse", area=area)

    assert [name for name in found if name in local] == local
    assert "national_domestic_abuse_helpline" in found
    assert "live_fear_free" not in found
    assert set(local).isdisjoint(search(happened="domestic_abuse", area="England"))


def test_a_child_is_led_to_who_listens_to_children_first_and_to_nobody_who_turns_them_away() -> None:
    """Red when `_fits_some` lets everyone through."""
    found = search(happened="sexual_violence", age=AgeBand.UNDER_18, area="England")

    # 16 and 17 are of the band, so the line from 16 stays, after the one for all of it.
    assert found == ["childline", "rape_and_sexual_abuse_support_line", "victim_support"]
    assert "nspcc_helpline" not in search(happened="children", age=AgeBand.UNDER_18)
    assert "childline" not in search(happened="children", age=AgeBand.FROM_60)
    assert search(age=AgeBand.UNDER_18) == ["childline", "victim_support"]


@pytest.mark.parametrize("age", [AgeBand.FROM_18_TO_59, AgeBand.FROM_60])
def test_a_grown_up_gets_those_for_grown_ups_first(age: AgeBand) -> None:
    assert search(happened="children", age=age)[0] == "nspcc_helpline"


def test_a_language_puts_those_known_to_have_it_first_and_hides_nobody() -> None:
    plain = search(happened=EVERYTHING)
    welsh = find(Criteria(happened=EVERYTHING, language=Language.WELSH), NOON)

    assert ids(welsh)[0] == "live_fear_free"
    assert sorted(ids(welsh)) == sorted(plain)
    assert [each.has_language for each in welsh.found if each.service.id == "live_fear_free"] == [True]
    # English is all that is known of one, nothing at all of the other.
    told = {each.service.id: each.has_language for each in welsh.found}
    assert (told["modern_slavery_helpline"], told["samaritans"]) == (False, None)


def test_open_now_leaves_only_what_is_sure_to_answer() -> None:
    """Red when unknown hours count as open."""
    assert search(now=NIGHT, happened="honour", open_now=True) == ["victim_support"]
    assert "karma_nirvana" in search(now=NOON, happened="honour", open_now=True)
    # Nobody knows the hours of the stalking line, and none on a bank holiday.
    assert search(happened="stalking", open_now=True) == ["victim_support"]
    christmas = datetime(2026, 12, 25, 12, tzinfo=UTC)
    assert search(now=christmas, happened="honour", open_now=True) == ["victim_support"]


def test_a_closed_service_says_when_it_opens() -> None:
    [closed] = [
        each for each in find(Criteria(happened="honour"), NIGHT).found if each.service.id == "karma_nirvana"
    ]

    assert closed.opening is Opening.CLOSED
    assert closed.opens_at is not None
    assert (closed.opens_at.hour, closed.opens_at.date()) == (9, NIGHT.date())


@pytest.mark.parametrize(
    ("privately", "ways"),
    [
        (
            Privately.NOT_SPOKEN,
            {"text", "webchat", "email", "form", "bsl_video", "app", "textphone", "website"},
        ),
        (Privately.WRITTEN, {"text", "webchat"}),
        (Privately.NOT_ON_BILL, {"phone", "webchat", "email", "form", "bsl_video", "app", "website"}),
    ],
)
def test_private_ways_leave_only_ways_of_that_kind(privately: Privately, ways: set[str]) -> None:
    """Red when a call of which nobody knows passes NOT_ON_BILL."""
    finding = find(Criteria(happened=EVERYTHING, privately=frozenset({privately})), NOON)

    assert {way.by.value for each in finding.found for way in each.ways} == ways
    for each in finding.found:
        assert each.ways
        assert sorted((*each.ways, *each.other_ways), key=str) == sorted(each.service.ways, key=str)
        if privately is Privately.NOT_ON_BILL:
            assert all(way.on_bill is False for way in each.ways if way.by.value in ("phone", "text"))


def test_open_now_and_in_writing_needs_a_written_way_that_is_open() -> None:
    """The phone is answered day and night there; of the web chat nobody knows."""
    chosen = Criteria(
        happened="domestic_abuse",
        area="England",
        open_now=True,
        privately=frozenset({Privately.WRITTEN}),
    )

    assert ids(find(chosen, NOON)) == ["victim_support"]
    assert ids(find(drop(chosen, "privately"), NOON))[0] == "national_domestic_abuse_helpline"


def test_how_many_more_there_would_be_is_said_for_each_thing_chosen() -> None:
    chosen = Criteria(happened="honour", open_now=True, age=AgeBand.FROM_18_TO_59)

    finding = find(chosen, NIGHT)

    assert finding.more == {"open_now": 2}
    assert finding.is_general_only
    assert len(ids(find(drop(chosen, "open_now"), NIGHT))) == len(finding.found) + 2


def test_what_two_things_hide_together_can_be_seen_by_leaving_out_both() -> None:
    """Red when only one thing at a time is left out: closed and by phone alone, these two stay hidden."""
    chosen = Criteria(happened="honour", open_now=True, privately=frozenset({Privately.WRITTEN}))

    finding = find(chosen, NIGHT)

    assert finding.more == {ALL: 2}
    assert "karma_nirvana" in ids(find(drop(chosen, ALL), NIGHT))


def test_everything_is_everything_within_its_date() -> None:
    assert sorted(search(happened=EVERYTHING)) == sorted(service.id for service in get_support_services())
    assert is_for_everyone(find(Criteria(happened=EVERYTHING), NOON).found[-1].service)


@pytest.mark.parametrize("area", ["", *get_places()])
def test_past_its_review_date_nothing_is_found(area: str) -> None:
    """Red when `find` looks into every entry instead of the current ones."""
    last = max(service.review_by for service in get_support_services())
    late = datetime(last.year, last.month, last.day + 1, 12, tzinfo=UTC)
    one_hidden = datetime(2027, 2, 22, 12, tzinfo=UTC)

    assert search(now=late, happened=EVERYTHING, area=area) == []
    assert "samaritans" not in search(now=one_hidden, happened="coping", area=area)
    assert "victim_support" in search(now=one_hidden, happened="coping", area=area)


def test_what_is_not_on_the_list_is_no_criterion() -> None:
    with pytest.raises(ValueError, match="nothing on the list"):
        Criteria(happened="anything else")
    with pytest.raises(ValueError, match="nothing on the list"):
        Criteria(area="Atlantis")
