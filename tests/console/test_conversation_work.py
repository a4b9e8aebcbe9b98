"""What a person does around the messages: notes, drafts, ready-made replies, a look at the tone, an ending, a summary.

Red when: `find_tone` returns nothing; `keep_draft` asks nobody who they are; `_find_fault` leaves out `has_left`;
`_check_summary` believes any words; `list_window` looks at every message, or at when they were written;
`change_canned_reply` forgets the version; `keep_draft` leaves out `is_sent`; `cover` shows what it is called with; the
navigation asks no policy.
"""

import re
from datetime import timedelta

import pytest

from casework.adapters.storage.conversation_tables import (
    canned_reply,
    correction,
    draft,
    ending,
    hand_back_summary,
    label_suggestion,
    staff_note,
)
from casework.adapters.storage.tables import conversation, outbox, promise
from casework.model.desk import HandoffReason
from casework.model.disclosures import Category, Evidence
from casework.model.messages import Channel
from casework.model.policy import Action, Role, can
from casework.services.conversation_ports import Block
from tests.console.desk_site import DeskSite, Detective, field_in
from tests.console.test_messages import words_of

VISITOR = "0123456789abcdef" * 2


async def at_work(site: DeskSite, channel: Channel = Channel.SMS) -> tuple[Detective, str, str]:
    """A detective, a conversation they have, and its address."""
    sam = await site.detective()
    conversation_id = site.victim_writes(
        "can someone call me", reason=HandoffReason.ASKED_FOR_PERSON, channel=channel
    )
    await sam.claim(conversation_id)
    return sam, conversation_id, f"/console/c/{conversation_id}"


@pytest.mark.parametrize("area", ["", "/reply", "/about"])
async def test_each_area_has_an_address_of_its_own(site: DeskSite, area: str) -> None:
    sam, _, here = await at_work(site)

    answer, page = await sam.get(here + area)

    assert answer.status == 200
    assert f'<a href="{here}{area}" aria-current="page">' in page


async def test_a_note_is_kept_for_staff_and_nothing_leaves(site: DeskSite) -> None:
    sam, conversation_id, here = await at_work(site)

    answer, _ = await sam.post(f"{here}/notes", {"text": "Rang the school. <b>Dear</b> mother knows."})
    _, page = await sam.get(f"{here}/notes")

    assert answer.status == 303
    assert "&lt;b&gt;Dear&lt;/b&gt;" in page
    assert [row.text for row in site.rows(staff_note)] == ["Rang the school. <b>Dear</b> mother knows."]
    assert site.sent_by_staff() == []
    assert "note_written" in site.acts()
    assert "Rang the school." in await sam.open(conversation_id)


async def test_an_empty_note_is_refused_in_words(site: DeskSite) -> None:
    sam, _, here = await at_work(site)

    answer, page = await sam.post(f"{here}/notes", {"text": "  "})

    assert answer.status == 422
    assert "Nothing was kept." in page


async def test_a_draft_is_there_again_and_is_gone_once_it_is_sent(site: DeskSite) -> None:
    sam, conversation_id, here = await at_work(site)

    kept, _ = await sam.post(f"{here}/draft", {"text": "I am half way"})
    page = await sam.open(conversation_id)
    await sam.reply(conversation_id, "I am half way")

    assert kept.status == 204
    assert re.search(r"<textarea[^>]*>\s*I am half way</textarea>", page)
    assert site.rows(draft) == []


async def test_the_next_owner_finds_the_draft_and_may_take_it(site: DeskSite) -> None:
    sam, conversation_id, here = await at_work(site)
    await sam.post(f"{here}/draft", {"text": "The officer rings you at"})
    await sam.post(f"{here}/return")
    kim = await site.detective("kim", "Kim Test-Officer")
    await kim.claim(conversation_id)

    page = await kim.open(conversation_id)
    [left] = site.rows(draft)
    await kim.post(f"{here}/draft/take", {"author_id": left.staff_id})
    after = await kim.open(conversation_id)

    assert "Sam Price left a draft here" in words_of(page)
    assert re.search(r"<textarea[^>]*>\s*The officer rings you at</textarea>", after)
    assert "left a draft" not in words_of(after)


async def test_who_never_had_the_conversation_leaves_no_draft_in_it(site: DeskSite) -> None:
    _, _, here = await at_work(site)
    kim = await site.detective("kim", "Kim Test-Officer")

    answer, _ = await kim.post(f"{here}/draft", {"text": "hello"})

    assert answer.status == 409
    assert site.rows(draft) == []


async def test_a_ready_made_reply_is_inserted_and_never_sent_by_it(site: DeskSite) -> None:
    sam, _conversation_id, here = await at_work(site)

    answer, page = await sam.post(f"{here}/insert", {"canned": "hello", "text": "First."})

    assert answer.status == 200
    assert re.search(r"<textarea[^>]*>\s*First.\nHello, this is Sam Price, a person from the team", page)
    assert site.sent_by_staff() == []


@pytest.mark.parametrize(("end", "template"), [("", "canned:hello:1"), (" And more.", "staff")])
async def test_the_record_names_a_ready_made_reply_that_was_sent_unchanged(
    site: DeskSite, end: str, template: str
) -> None:
    sam, conversation_id, _ = await at_work(site)
    [hello] = site.rows(canned_reply, canned_reply.c.name == "hello")

    await sam.reply(conversation_id, hello.text.replace("{name}", "Sam Price") + end)

    assert [row.template for row in site.sent_by_staff()] == [template]


async def test_a_supervisor_writes_the_next_version_and_the_old_one_stays(site: DeskSite) -> None:
    site.add_staff("alex", "Alex Sergeant", role="supervisor")
    alex = Detective(site)
    await alex.log_in("alex")
    form = {"name": "hello", "title": "Hello", "text": "Hello, I am {name}.", "is_offered": "1"}

    first, _ = await alex.post("/console/canned", form | {"version": "1"})
    stale, _ = await alex.post("/console/canned", form | {"version": "1", "text": "Another."})

    rows = site.rows(canned_reply, canned_reply.c.name == "hello")
    assert (first.status, stale.status) == (303, 409)
    assert sorted(row.version for row in rows) == [1, 2]
    assert "canned_reply_changed" in site.acts()


async def test_an_investigator_changes_no_ready_made_reply(site: DeskSite) -> None:
    sam = await site.detective()

    answer, _ = await sam.post(
        "/console/canned", {"name": "hello", "version": "1", "title": "x", "text": "y"}
    )

    assert answer.status == 403


@pytest.mark.parametrize(
    ("words", "told"),
    [
        ("Why did you go back", "May sound like blame or doubt"),
        ("An officer will call you", "Promises what nobody can be sure of"),
        ("It was NFA", "Police words they may not know"),
    ],
)
async def test_words_that_may_hurt_are_told_once_and_never_barred(
    site: DeskSite, words: str, told: str
) -> None:
    sam, conversation_id, _ = await at_work(site)

    warned, page = await sam.reply(conversation_id, words)
    sent, _ = await sam.reply(conversation_id, words, page, tone_meant="1")

    assert warned.status == 422
    assert told in page
    assert 'name="tone_meant" value="1"' in page
    assert sent.status == 303
    assert [row.text for row in site.sent_by_staff()] == [words]


async def test_who_left_quickly_is_written_to_only_with_a_tick(site: DeskSite) -> None:
    sam = await site.detective()
    site.write(lambda tx: tx.web_sessions.open("one", VISITOR, screen_seen="yes"))
    conversation_id = site.victim_writes(channel=Channel.WEBCHAT, external_id=VISITOR)
    await sam.claim(conversation_id)
    site.clock.advance(minutes=3)
    site.write(lambda tx: tx.audit.record("web_session_left", by="person", conversation_id=conversation_id))

    refused, page = await sam.reply(conversation_id, "Are you there")
    sent, _ = await sam.reply(conversation_id, "Are you there", page, left_meant="1")

    assert refused.status == 422
    assert "Left quickly at 12:03. Do not contact unless safe contact says so." in page
    assert sent.status == 303


async def test_send_and_wait_sends_and_goes_back_to_the_queue(site: DeskSite) -> None:
    sam, conversation_id, _ = await at_work(site)

    answer, _ = await sam.reply(conversation_id, "Are you safe?", then="wait")

    assert answer.headers["Location"] == "/console"
    assert len(site.sent_by_staff()) == 1


async def test_an_ending_suggests_labels_for_the_messages_since_the_last_one(site: DeskSite) -> None:
    sam, conversation_id, here = await at_work(site)
    site.clock.advance(minutes=1)
    said = {"was_urgent": "sooner", "about": "stalking_escalation", "log_number": "L-12"}
    await sam.post(f"{here}/close", site.ending("log_created") | said)
    site.clock.advance(minutes=1)
    site.writes_again(conversation_id, "he is back", category=Category.STALKING_ESCALATION)
    site.clock.advance(minutes=1)
    await sam.post(f"{here}/close", site.ending("log_created") | {"was_urgent": "yes"})

    suggested = site.rows(label_suggestion)
    assert [(row.was_urgent, row.about) for row in suggested] == [
        ("sooner", "stalking_escalation"),
        ("yes", None),
    ]
    assert len({row.inbox_id for row in suggested}) == 2
    assert {row.status for row in suggested} == {"suggested"}
    assert [row.log_number for row in site.rows(ending)] == ["L-12", None]
    assert "log L-12" in words_of(await sam.open(conversation_id))


async def test_an_outcome_alone_suggests_no_label(site: DeskSite) -> None:
    sam, _, here = await at_work(site)

    await sam.post(f"{here}/close", site.ending("information_given"))

    assert len(site.rows(ending)) == 1
    assert site.rows(label_suggestion) == []


async def test_a_last_message_goes_before_the_conversation_is_handed_back(site: DeskSite) -> None:
    sam, _, here = await at_work(site)

    answer, _ = await sam.post(
        f"{here}/hand-back", site.ending("information_given") | {"closing": "closing_done"}
    )

    assert answer.status == 303
    assert [row.template for row in site.sent_by_staff()] == ["canned:closing_done:1"]


async def test_what_may_be_said_is_shown_before_it_counts(site: DeskSite) -> None:
    sam, _conversation_id, here = await at_work(site)
    due = (site.clock.now() + timedelta(days=3)).date()
    form = site.ending("officer_will_call") | {"next": "officer", "due_on": due.isoformat()}

    shown, page = await sam.post(f"{here}/hand-back", form)
    [approved] = re.findall(r'name="approved" value="([^"]*)"', page)
    forged, _ = await sam.post(f"{here}/hand-back", form | {"approved": "He is in prison."})
    before = site.rows(hand_back_summary)
    done, _ = await sam.post(f"{here}/hand-back", form | {"approved": approved})

    assert (shown.status, forged.status, done.status) == (422, 422, 303)
    assert approved == (
        "A person from the team spoke with you on Saturday 21 November. They said you should hear from the officer "
        "by Tuesday 24 November. You can write here at any time."
    )
    assert before == []
    [kept] = site.rows(hand_back_summary)
    assert (kept.text, kept.said_at) == (approved, None)
    assert [row.words for row in site.rows(promise)] == [approved]
    assert site.rows(conversation)[0].owner_id is None
    assert site.rows(outbox, outbox.c.template == "hand_back_summary") == []


async def test_on_web_chat_the_approved_words_are_said_at_once(site: DeskSite) -> None:
    sam, _, here = await at_work(site, Channel.WEBCHAT)
    form = site.ending("information_given") | {"next": "nothing"}
    _, page = await sam.post(f"{here}/hand-back", form)
    [approved] = re.findall(r'name="approved" value="([^"]*)"', page)

    await sam.post(f"{here}/hand-back", form | {"approved": approved})

    [said] = site.rows(outbox, outbox.c.template == "hand_back_summary")
    assert said.text == approved
    assert site.rows(hand_back_summary)[0].said_at is not None


@pytest.mark.parametrize(("step", "days"), [("officer", -1), ("nothing", 2)])
async def test_a_day_that_cannot_be_said_is_refused(site: DeskSite, step: str, days: int) -> None:
    sam, _, here = await at_work(site)
    due = (site.clock.now() + timedelta(days=days)).date()

    answer, page = await sam.post(
        f"{here}/hand-back", site.ending("test") | {"next": step, "due_on": due.isoformat()}
    )

    assert answer.status == 422
    assert "That day cannot be said" in page
    assert site.rows(hand_back_summary) == []


@pytest.mark.parametrize("block", list(Block))
async def test_each_part_can_be_called_wrong(site: DeskSite, block: Block) -> None:
    sam, conversation_id, here = await at_work(site)
    page = await sam.open(conversation_id)

    _, form = await sam.get(f"{here}/wrong?block={block.value}")
    _, filed = await sam.post(f"{here}/wrong", {"block": block.value, "text": "not theirs"})

    assert f'{here}/wrong?block={block.value}"' in page
    assert "What is wrong?" in form
    assert "Filed." in filed
    assert [(row.block, row.text) for row in site.rows(correction)] == [(block.value, "not theirs")]


async def test_those_who_handled_it_get_to_know_what_happened_next(site: DeskSite) -> None:
    sam, conversation_id, here = await at_work(site)
    await sam.post(f"{here}/return")
    kim = await site.detective("kim", "Kim Test-Officer")
    await kim.claim(conversation_id)

    _, told = await kim.post(f"{here}/happened", {"text": "She is safe with her sister."})
    _, first = await sam.get("/console/happened")
    _, second = await sam.get("/console/happened")
    _, of_teller = await kim.get("/console/happened")

    assert "Told to 1 colleague." in told
    assert "She is safe with her sister." in first
    assert 'class="new"' in first and 'class="new"' not in second
    assert "Nothing yet." in of_teller


async def test_the_parts_beside_a_conversation_keep_their_order(site: DeskSite) -> None:
    sam, conversation_id, _ = await at_work(site)

    page = await sam.open(conversation_id)

    places = [page.index(f"wrong?block={block.value}") for block in Block]
    assert places == sorted(places)


async def test_a_long_answer_of_the_assistant_is_folded_and_a_persons_words_are_whole(site: DeskSite) -> None:
    sam = await site.detective()
    long = "This is what happens next in your case. " * 5
    conversation_id = site.victim_writes(long)
    site.assistant_answers(conversation_id, long)

    page = await sam.open(conversation_id)

    assert page.count('<details class="folded">') == 1
    assert re.search(r'by-person.*?<p class="text" dir="auto">This is what', page, re.S)


async def test_what_was_on_its_way_when_the_reply_left_does_not_come_back_as_a_draft(site: DeskSite) -> None:
    sam, conversation_id, here = await at_work(site)
    page = await sam.open(conversation_id)
    form_id = field_in(page, "form_id")
    await sam.reply(conversation_id, "I am half way there", page)

    for late in ("I am half way there", "I am half"):
        await sam.post(f"{here}/draft", {"text": late, "form_id": form_id})

    assert site.rows(draft) == []
    # The page opened since, and the page gone back to and changed, are composers of their own.
    await sam.post(f"{here}/draft", {"text": "And another", "form_id": form_id + "+"})
    assert [row.text for row in site.rows(draft)] == ["And another"]


async def test_a_draft_survives_a_log_in_that_ran_out(site: DeskSite) -> None:
    sam, conversation_id, here = await at_work(site)
    page = await sam.open(conversation_id)
    await sam.post(f"{here}/draft", {"text": "The officer rings"})
    site.clock.advance(minutes=61)

    too_late, _ = await sam.post(f"{here}/draft", {"text": "The officer rings you at"})
    refused, login = await sam.reply(conversation_id, "The officer rings you at six", page)
    await sam.log_in()
    after = await sam.open(conversation_id)

    assert 204 != too_late.status != 303
    assert refused.status == 401
    # Neither what was kept nor what was pressed a moment too late is gone.
    assert "The officer rings you at six" in login
    assert re.search(r"<textarea[^>]*>\s*The officer rings</textarea>", after)
    assert site.sent_by_staff() == []


async def test_a_message_that_comes_in_late_belongs_to_the_ending_after_it(site: DeskSite) -> None:
    """Written before the first ending, and stored after it: neither ending may lose it."""
    sam, conversation_id, here = await at_work(site)
    written = site.clock.now()
    site.clock.advance(minutes=5)
    await sam.post(f"{here}/close", site.ending("log_created") | {"was_urgent": "no"})
    site.writes_again(
        conversation_id, "he is back", category=Category.STALKING_ESCALATION, received_at=written
    )
    late = site.latest_inbox_id()

    await sam.post(f"{here}/close", site.ending("log_created") | {"was_urgent": "yes"})

    assert [(row.inbox_id, row.was_urgent) for row in site.rows(label_suggestion)] == [
        (late - 1, "no"),
        (late, "yes"),
    ]


# --- words that are covered until pressed ---------------------------------------------------------


def shown_at_once(page: str) -> str:
    """The page without what stands behind a button."""
    return re.sub(r'<details class="covered".*?</details>', "", page, flags=re.S)


async def test_their_words_are_covered_for_who_asked_for_it_and_for_nobody_else(site: DeskSite) -> None:
    sam = await site.detective()
    text = "he has a knife"
    marked = (Evidence(rule="threats_to_kill_or_weapons.knife", start=0, end=len(text)),)
    conversation_id = site.victim_writes(text, category=Category.THREATS_TO_KILL_OR_WEAPONS, evidence=marked)
    site.assistant_answers(conversation_id, "Call 999 now.")
    await sam.post("/console/start", {"covers_words": "1"})
    kim = await site.detective("kim", "Kim Test-Officer")

    covered, open_page = await sam.open(conversation_id), await kim.open(conversation_id)

    assert text in covered
    assert text not in shown_at_once(covered)
    assert "Call 999 now." in shown_at_once(covered)
    assert "Threats to kill, or a weapon" in shown_at_once(covered)
    assert text in shown_at_once(open_page)


async def test_covers_are_there_without_a_running_shift_and_in_what_keeps_the_page_current(
    site: DeskSite,
) -> None:
    sam = await site.detective()
    await sam.post("/console/start", {"covers_words": "1"})
    await sam.post("/console/start/end")
    conversation_id = site.victim_writes("he has a knife", reason=HandoffReason.ASKED_FOR_PERSON)

    _, pane = await sam.get(f"/console/c/{conversation_id}", X_Pane="conversation")
    answer, about = await sam.get(f"/console/c/{conversation_id}/about")

    assert answer.status == 200
    for page in (pane, about):
        assert "he has a knife" in page
        assert "he has a knife" not in shown_at_once(page)


async def test_what_they_wrote_meanwhile_is_covered_too(site: DeskSite) -> None:
    sam = await site.detective()
    await sam.post("/console/start", {"covers_words": "1"})
    conversation_id = site.victim_writes("hello", reason=HandoffReason.ASKED_FOR_PERSON)
    await sam.claim(conversation_id)
    page = await sam.open(conversation_id)
    site.writes_again(conversation_id, "he has a knife")

    refused, unread = await sam.reply(conversation_id, "Are you safe?", page)

    assert refused.status == 409
    assert "he has a knife" in unread
    assert "he has a knife" not in shown_at_once(unread)


# --- the ways to each page ------------------------------------------------------------------------

WAYS = {
    "/console/happened": Action.SEE_QUEUE,
    "/console/canned": Action.EDIT_CANNED,
    "/console/rota": Action.EDIT_ROTA,
}


@pytest.mark.parametrize("role", sorted(Role))
async def test_the_navigation_names_the_pages_a_role_may_open_and_no_other(
    site: DeskSite, role: Role
) -> None:
    robin = await site.detective("robin", "Robin Test-Officer", role=role)

    _, page = await robin.get("/console/account")

    for way, action in WAYS.items():
        assert (f'href="{way}"' in page) == can(role, action), way
        answer, _ = await robin.get(way)
        assert (answer.status == 200) == can(role, action), way


async def test_the_navigation_counts_what_happened_next_until_it_is_read(site: DeskSite) -> None:
    sam, conversation_id, here = await at_work(site)
    await sam.post(f"{here}/return")
    kim = await site.detective("kim", "Kim Test-Officer")
    await kim.claim(conversation_id)
    await kim.post(f"{here}/happened", {"text": "She is safe with her sister."})

    _, before = await sam.get("/console")
    await sam.get("/console/happened")
    _, after = await sam.get("/console")

    assert "What happened next (1" in words_of(before)
    assert "What happened next (" not in words_of(after)


async def test_every_way_on_from_a_conversation_opens_for_its_owner(site: DeskSite) -> None:
    sam, conversation_id, here = await at_work(site)
    page = await sam.open(conversation_id)

    ways = more_acts(page)
    opened = {way: (await sam.get(way))[0].status for way in ways}

    assert set(ways) == {
        f"{here}/{name}" for name in ("notes", "transfer", "regrade", "happened", "plan", "export")
    }
    assert set(opened.values()) == {200}
    # What came of it is on the page itself.
    assert 'id="finish"' in page


async def test_a_colleague_sees_who_has_it_and_no_way_that_is_closed_to_them(site: DeskSite) -> None:
    _, conversation_id, here = await at_work(site)
    kim = await site.detective("kim", "Kim Test-Officer")

    page = await kim.open(conversation_id)
    opened = {way: (await kim.get(way))[0].status for way in more_acts(page)}
    answered, refusal = await kim.post(
        f"{here}/close", {"outcome": "information_given", "last_seen_inbox_id": "1"}
    )

    assert "Sam Price has this conversation. You can read it. Only Sam Price can answer." in words_of(page)
    assert 'id="finish"' not in page
    assert set(opened.values()) == {200}
    assert f"{here}/transfer" not in opened
    assert answered.status == 409
    assert "Someone else has it" in refusal


def more_acts(page: str) -> list[str]:
    found = re.search(r'<nav class="box more-acts".*?</nav>', page, re.S)
    assert found
    return re.findall(r'href="([^"]+)"', found[0])


@pytest.mark.parametrize("end", ["close", "hand-back"])
async def test_who_left_quickly_gets_no_closing_text_without_the_tick(site: DeskSite, end: str) -> None:
    sam = await site.detective()
    site.write(lambda tx: tx.web_sessions.open("one", VISITOR, screen_seen="yes"))
    conversation_id = site.victim_writes(
        channel=Channel.WEBCHAT, external_id=VISITOR, category=Category.IMMEDIATE_DANGER
    )
    await sam.claim(conversation_id)
    site.clock.advance(minutes=3)
    site.write(lambda tx: tx.audit.record("web_session_left", by="person", conversation_id=conversation_id))
    form = site.ending("information_given") | {"closing": "closing_done"}

    refused, page = await sam.post(f"/console/c/{conversation_id}/{end}", form)
    before = [row.template for row in site.sent_by_staff() if row.template.startswith("canned")]
    done, _ = await sam.post(f"/console/c/{conversation_id}/{end}", form | {"left_meant": "1"})

    assert (refused.status, done.status, before) == (422, 303, [])
    assert 'name="left_meant"' in page
