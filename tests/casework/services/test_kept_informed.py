"""A person says that they have told the victim: the case, its notices and its clocks all know of it."""

from datetime import date, timedelta
from typing import Any

import pytest

from casework.adapters.storage.tables import audit, case_event, case_notice, running_clock, staff_member
from casework.model.stages import needs_human_first
from casework.services.kept_informed import TellingImpossible, record_victim_told
from casework.services.notices import NewsUnknown
from tests.support.builders import REFERENCE, a_case
from tests.support.line import Line
from tests.support.news import INFORMED, feed_of, happens, say_case, settle_notices, stage_becomes

FLAGGED = "Domestic abuse - assault"


def tell(line: Line, news: str, **values: Any) -> None:
    staff = line.add_staff(f"rowan{line.clock.now().timestamp()}")
    at = values.pop("at", None) or line.clock.now()
    given: dict[str, Any] = {"told_by": "PC Jo Test", "feed": feed_of(), "informed": INFORMED} | values
    line.database.write_now(lambda tx: record_victim_told(tx, REFERENCE, news, at=at, by=staff, **given))


async def released(line: Line) -> None:
    say_case(line, crime_type=FLAGGED, stage="arrested", stage_since=date(2026, 11, 20))
    stage_becomes(line, "released_on_bail")
    await settle_notices(line)


async def test_told_by_a_person_the_assistant_may_say_it_too(line: Line) -> None:
    await released(line)
    found = line.database.read_now(lambda tx: tx.cases.find(REFERENCE))
    assert found is not None and needs_human_first(found)

    tell(line, "released_on_bail")

    found = line.database.read_now(lambda tx: tx.cases.find(REFERENCE))
    assert found is not None and not needs_human_first(found)
    assert line.row(case_notice).told_by == "PC Jo Test"
    assert line.row(running_clock).status == "met"
    assert len(line.rows(audit, act="victim_told")) == 1


async def test_a_file_that_comes_later_does_not_take_it_back(line: Line) -> None:
    await released(line)
    tell(line, "released_on_bail")
    say_case(line, crime_type=FLAGGED, stage="released_on_bail", stage_since=date(2026, 11, 21))

    found = line.database.read_now(lambda tx: tx.cases.find(REFERENCE))
    assert found is not None and not needs_human_first(found)
    assert line.row(case_notice).status == "told"


@pytest.mark.parametrize("minutes", [-3 * 24 * 60, 5])
async def test_a_time_at_which_it_cannot_have_been_is_refused(line: Line, minutes: int) -> None:
    await released(line)

    with pytest.raises(TellingImpossible):
        tell(line, "released_on_bail", at=line.clock.now() + timedelta(minutes=minutes))

    assert line.rows(case_event, kind="victim_told") == []


@pytest.mark.parametrize("news", ["charged", "arrested ", ""])
async def test_what_does_not_wait_cannot_be_told(line: Line, news: str) -> None:
    await released(line)

    with pytest.raises(NewsUnknown):
        tell(line, news)


async def test_of_two_things_one_told_leaves_the_other_waiting(line: Line) -> None:
    await released(line)
    happens(line, "bail_changed")
    await settle_notices(line)
    tell(line, "bail_changed")

    assert {row.kind: row.status for row in line.rows(case_notice)} == {
        "released_on_bail": "with_person",
        "bail_changed": "told",
    }


async def test_a_case_from_before_all_notices_can_be_told_of_its_stage(line: Line) -> None:
    line.add_cases(a_case(crime_type=FLAGGED, stage="charged", stage_since=date(2026, 9, 1)))

    tell(line, "charged", told_by="  ")

    assert line.row(case_event, kind="victim_told").detail == "charged"
    recorded = line.row(audit, act="victim_told")
    assert line.row(staff_member, id=recorded.actor).display_name.endswith("Test-Detective")
    assert recorded.thing.endswith(":charged")
