"""Pages of the queue that change something: the start of a shift, passing on, taking over, regrading, alerts.

Red when: `claim` asks for a shift; `tell_alerts` gives more than ids; `change_grade` takes an item of another
conversation; `accept` does not come from the one who was asked; or the queue's limit hides that it was reached.
"""

import json
import re

import pytest

from casework.adapters.storage.desk_tables import regrade, shift, transfer
from casework.adapters.storage.tables import conversation, desk_item, web_session
from casework.adapters.storage.web_versions import VisitVersions
from casework.model.desk import HandoffReason
from casework.model.disclosures import Category
from casework.model.messages import Channel
from tests.console.desk_site import PASSWORD_HASH, DeskSite, Detective
from tests.console.test_queue import rows_in

SECRET = "he is outside with a knife"


async def supervisor(site: DeskSite) -> Detective:
    site.write(
        lambda tx: tx.staff.add(
            login="robin", display_name="Robin Lead", role="supervisor", password_hash=PASSWORD_HASH
        )
    )
    robin = Detective(site)
    await robin.log_in("robin")
    return robin


def id_of(site: DeskSite, login: str) -> str:
    found = site.service.database.read_now(lambda tx: tx.staff.find(login))
    assert found is not None
    return found.id


def owner_of(site: DeskSite, conversation_id: str) -> str | None:
    found: str | None = site.rows(conversation, conversation.c.id == conversation_id)[0].owner_id
    return found


# --- the shift ------------------------------------------------------------------------------------


async def test_a_shift_keeps_what_was_heard_and_how_the_desk_is_wanted(site: DeskSite) -> None:
    sam = await site.detective()
    _, page = await sam.get("/console/start")
    for words in ("Sam Price", "Investigator", "Can you hear it?", "Cover their words until I press"):
        assert words in page

    answer, _ = await sam.post("/console/start", {"sound_heard": "no", "covers_words": "1"})

    assert answer.headers["Location"] == "/console"
    [row] = site.rows(shift)
    assert (row.sound_heard, row.covers_words, row.ended_at) == (False, True, None)
    kept = site.service.database.read_now(lambda tx: tx.shifts.get_preferences(row.staff_id))
    assert (kept.keys_on, kept.covers_words) == (False, True)
    answer, _ = await sam.post("/console/start/end")
    assert answer.headers["Location"] == "/console/start?over=1"
    assert site.rows(shift)[0].ended_at is not None
    assert [act for act in site.acts() if act.startswith("shift")] == ["shift_started", "shift_ended"]


async def test_the_end_of_a_shift_says_what_is_still_theirs(site: DeskSite) -> None:
    sam = await site.detective()
    await sam.claim(site.victim_writes(category=Category.IMMEDIATE_DANGER))

    _, page = await sam.get("/console/start")

    assert "You still have 1 open." in page


async def test_alerts_are_ids_and_silent_without_a_shift(site: DeskSite) -> None:
    sam = await site.detective()
    danger = site.victim_writes(SECRET, category=Category.IMMEDIATE_DANGER)
    high = site.victim_writes(category=Category.STALKING_ESCALATION)
    site.victim_writes(reason=HandoffReason.ASKED_FOR_PERSON)

    _, body = await sam.get("/console/alerts", X_Pane="alerts")
    told = json.loads(body)
    await sam.claim(danger)
    _, later = await sam.get("/console/alerts", X_Pane="alerts")

    assert told == {
        "danger": [danger],
        "high": [high],
        "offers": [],
        "on_shift": False,
        "on_break": False,
        "keys": True,
    }
    assert json.loads(later) == told | {"danger": [], "on_shift": True}


# --- the queue's columns ----------------------------------------------------------------------------


async def test_a_row_says_how_its_wait_stands(site: DeskSite) -> None:
    sam = await site.detective()
    conversation_id = site.victim_writes(category=Category.STALKING_ESCALATION)
    seen = []
    for seconds in (1, 225, 80):
        site.clock.advance(seconds=seconds)
        _, page = await sam.get("/console")
        row = re.sub(r"\s+", " ", page.partition(f'id="row-{conversation_id}"')[2].partition("</tr>")[0])
        seen += re.findall(r"</time> ?(of \d+) .*?</span> ([\w ]+)</span>", row)
    _, overdue = await sam.get("/console?show=overdue")

    assert seen == [("of 5", "On time"), ("of 5", "Due soon"), ("of 5", "Overdue")]
    assert rows_in(overdue) == [conversation_id]


async def test_after_an_answer_they_wait_for_the_victim_and_a_silent_owner_is_seen_by_all(
    site: DeskSite,
) -> None:
    sam, kim = await site.detective(), await site.detective("kim", "Kim Test-Officer")
    robin = await supervisor(site)
    conversation_id = site.victim_writes(category=Category.IMMEDIATE_DANGER)
    await sam.claim(conversation_id)
    await sam.reply(conversation_id, "Are you safe?")
    _, waits = await kim.get("/console?show=waiting_for_victim")
    site.writes_again(conversation_id, "no", category=Category.IMMEDIATE_DANGER)
    site.clock.advance(minutes=3)

    _, seen = await kim.get("/console")
    refused, _ = await kim.post(f"/console/c/{conversation_id}/release")
    _, theirs = await robin.get("/console")
    await robin.post(f"/console/c/{conversation_id}/release")

    assert rows_in(waits) == [conversation_id]
    assert "Waiting for victim</span>" in waits
    assert "Unattended</span>" in seen
    assert f"release-{conversation_id}" not in seen
    assert f"release-{conversation_id}" in theirs
    assert refused.status == 403
    assert owner_of(site, conversation_id) is None


async def test_who_is_there_now_comes_before_who_waits_longer_in_the_same_grade(site: DeskSite) -> None:
    sam = await site.detective()
    longest = site.victim_writes(category=Category.STALKING_ESCALATION)
    site.clock.advance(minutes=10)
    here = site.victim_writes(category=Category.STALKING_ESCALATION)
    danger = site.victim_writes(category=Category.IMMEDIATE_DANGER)

    _, now = await sam.get("/console")
    site.clock.advance(minutes=2, seconds=1)
    _, later = await sam.get("/console")

    assert rows_in(now) == [danger, here, longest]
    assert "Here now" in now
    assert rows_in(later) == [danger, longest, here]
    assert "Here now" not in later


async def test_an_open_page_counts_as_being_there_while_it_is_open(site: DeskSite) -> None:
    """Red when: `VisitVersions.get_versions` notes nothing, or notes what no person is waited for."""
    sam = await site.detective()
    versions = VisitVersions(site.service.database)
    site.write(lambda tx: tx.web_sessions.open("waiting", "visitor"))
    site.write(lambda tx: tx.web_sessions.open("chatting", "another"))
    for external_id, reason in (("visitor", HandoffReason.ASKED_FOR_PERSON), ("another", None)):
        site.victim_writes(reason=reason, channel=Channel.WEBCHAT, external_id=external_id)
    site.clock.advance(minutes=5)
    _, away = await sam.get("/console")

    await versions.get_versions(["waiting", "chatting"])
    _, here = await sam.get("/console")
    site.clock.advance(seconds=31)
    _, gone = await sam.get("/console")

    assert ["Here now" in page for page in (away, here, gone)] == [False, True, False]
    noted = {row.token_hash for row in site.rows(web_session) if row.page_open_at is not None}
    assert noted == {"waiting"}


async def test_what_came_out_of_hours_has_a_filter(site: DeskSite) -> None:
    site.clock.advance(hours=12)  # midnight
    night = site.victim_writes(category=Category.STALKING_ESCALATION)
    site.clock.advance(hours=12)  # noon
    site.victim_writes(category=Category.STALKING_ESCALATION)
    sam = await site.detective()

    _, page = await sam.get("/console?show=out_of_hours")

    assert rows_in(page) == [night]


async def test_the_language_is_the_one_they_chose_or_the_case_files(site: DeskSite) -> None:
    sam = await site.detective()
    web = site.victim_writes(
        reason=HandoffReason.ASKED_FOR_PERSON, channel=Channel.WEBCHAT, external_id="visitor"
    )
    site.write(lambda tx: tx.web_sessions.open("hash", "visitor", language="cy"))
    sms = site.victim_writes(reason=HandoffReason.ASKED_FOR_PERSON)
    site.link_case(sms, language="ur")
    site.victim_writes(reason=HandoffReason.ASKED_FOR_PERSON)

    _, page = await sam.get("/console")

    assert re.findall(r'data-label="Language">([^<]+)<', page) in (
        ["Welsh", "Urdu", "Not known"],
        ["Urdu", "Not known", "Welsh"],
    )
    assert web in page


async def test_with_three_urgent_ones_the_button_says_why_there_is_none(site: DeskSite) -> None:
    sam = await site.detective()
    for _ in range(3):
        await sam.claim(site.victim_writes(category=Category.STALKING_ESCALATION))
    fourth = site.victim_writes(category=Category.IMMEDIATE_DANGER)
    calm = site.victim_writes(reason=HandoffReason.ASKED_FOR_PERSON)

    _, page = await sam.get("/console")
    refused, told = await sam.claim(fourth)

    assert "You have 3 urgent conversations." in page
    assert f"claim-{fourth}" not in page
    assert f"claim-{calm}" in page
    assert refused.status == 409
    assert "You have three urgent conversations" in told
    assert owner_of(site, fourth) is None


# --- passing on -----------------------------------------------------------------------------------


async def test_a_colleague_is_asked_on_their_queue_and_only_they_may_accept(site: DeskSite) -> None:
    sam, kim, lee = [await site.detective(each, f"{each} Test") for each in ("sam", "kim", "lee")]
    await kim.post("/console/start")
    conversation_id = site.victim_writes(category=Category.STALKING_ESCALATION)
    await sam.claim(conversation_id)
    form = {"to": id_of(site, "kim"), "reason": "end of my shift", "promised": "<b>a call</b>"}
    answer, _ = await sam.post(f"/console/c/{conversation_id}/transfer", form)
    assert answer.status == 303

    _, queue = await kim.get("/console")
    offer = {"transfer_id": site.rows(transfer)[0].id}
    stranger, _ = await lee.post(f"/console/c/{conversation_id}/transfer/accept", offer)
    taken, _ = await kim.post(f"/console/c/{conversation_id}/transfer/accept", offer)

    assert "sam Test asks you to take this conversation." in queue
    assert "&lt;b&gt;a call&lt;/b&gt;" in queue
    assert "Offered to kim Test" in queue
    assert "asks you" not in (await lee.get("/console"))[1]
    assert stranger.status == 409
    assert taken.headers["Location"] == f"/console/c/{conversation_id}#latest"
    assert owner_of(site, conversation_id) == id_of(site, "kim")


@pytest.mark.parametrize(
    ("fields", "told"),
    [
        ({}, "Choose who should have it."),
        ({"to": "team"}, "Write a reason"),
        ({"to": "nobody", "reason": "why not"}, "This person is not at the desk now"),
    ],
    ids=["nobody", "no_reason", "not_there"],
)
async def test_a_transfer_that_misses_something_keeps_the_words(
    site: DeskSite, fields: dict[str, str], told: str
) -> None:
    sam = await site.detective()
    conversation_id = site.victim_writes(category=Category.STALKING_ESCALATION)
    await sam.claim(conversation_id)

    answer, page = await sam.post(
        f"/console/c/{conversation_id}/transfer", {"promised": "a call today"} | fields
    )

    assert answer.status in (409, 422)
    assert told in page
    assert 'value="a call today"' in page
    assert owner_of(site, conversation_id) == id_of(site, "sam")


async def test_only_a_supervisor_takes_over_and_the_other_one_is_told(site: DeskSite) -> None:
    sam = await site.detective()
    robin = await supervisor(site)
    conversation_id = site.victim_writes(category=Category.STALKING_ESCALATION)
    await sam.claim(conversation_id)

    refused, _ = await sam.post(f"/console/c/{conversation_id}/take-over", {"reason": "mine"})
    missing, _ = await robin.post(f"/console/c/{conversation_id}/take-over")
    page = await sam.open(conversation_id)
    taken, _ = await robin.post(f"/console/c/{conversation_id}/take-over", {"reason": "Sam was called away"})
    late, _ = await sam.reply(conversation_id, "I was writing", page)

    assert (refused.status, missing.status, taken.status, late.status) == (403, 422, 303, 409)
    assert site.sent_by_staff() == []
    assert "Robin Lead" in await sam.open(conversation_id)


# --- regrading ------------------------------------------------------------------------------------


async def test_a_regrade_is_by_the_address_it_was_judged_by(site: DeskSite) -> None:
    sam = await site.detective()
    one = site.victim_writes(category=Category.STALKING_ESCALATION)
    other = site.victim_writes(category=Category.STALKING_ESCALATION)
    item_id = site.rows(desk_item, desk_item.c.conversation_id == other)[0].id
    form = {"item_id": item_id, "grade": "1", "reason": "she is alone with him"}

    swapped, _ = await sam.post(f"/console/c/{one}/regrade", form)
    right, _ = await sam.post(f"/console/c/{other}/regrade", form)

    assert (swapped.status, right.status) == (422, 303)
    assert [(row.item_id, row.to_grade) for row in site.rows(regrade)] == [(item_id, 1)]
    _, page = await sam.get(f"/console/c/{other}/regrade")
    assert "she is alone with him" in page
    assert "Sam Price" in page


@pytest.mark.parametrize(
    ("fields", "told"),
    [
        ({"reason": "because"}, "Choose a grade."),
        ({"grade": "1"}, "Write a reason"),
        ({"grade": "9"}, "Choose"),
    ],
    ids=["no_grade", "no_reason", "no_such_grade"],
)
async def test_a_regrade_that_misses_something_changes_nothing(
    site: DeskSite, fields: dict[str, str], told: str
) -> None:
    sam = await site.detective()
    conversation_id = site.victim_writes(category=Category.STALKING_ESCALATION)
    item_id = site.rows(desk_item)[0].id

    answer, page = await sam.post(f"/console/c/{conversation_id}/regrade", {"item_id": item_id} | fields)

    assert answer.status == 422
    assert told in page
    assert site.rows(regrade) == []
