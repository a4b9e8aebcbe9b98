"""The pages of review and annotation, without a script: what is shown, what is kept, and what nobody sees too early.

Red when: `load_item` gives the suggestion, the reasons or what came next before a choice
(`test_the_risk_step_is_the_same_whatever_was_made_of_the_message`); a page reads labels past `annotations.find_for`
(`test_no_page_shows_a_second_person_the_first_ones_label`); an entry is shown unmasked
(`test_no_page_shows_a_value_of_the_case`).
"""

import re
import secrets
from datetime import timedelta
from typing import Any

import pytest

from casework.adapters.storage.workbench_tables import annotation, example, review_item, unmasking
from casework.model.annotations import is_drawn
from casework.model.labels import load_labels
from casework.model.masking import MaskKind
from casework.model.policy import Action
from casework.model.review_queues import Queue
from casework.model.teaching_texts import Refusal
from console.access import ROUTES
from console.words import load_words
from console.workbench.drafts import SPAN_KINDS
from console.workbench.guidelines import load_guidelines
from console.workbench.inbox_pages import number_cluster
from tests.console.desk_site import DeskSite, Detective, field_in
from tests.console.hostile_desk import load_corpus, storable
from tests.console.review_desk import add_item, item_of, presses
from tests.console.test_hostile_text_in_browser import Suspicious
from tests.support.rows import put_rows

CALM = "is there any news about the man who took my bike"
DRAFT = ("form_id", "queue", "step", "several", "picked", "group", "spans", "text_sha", "shown_at")


async def trainer(site: DeskSite, login: str = "toni") -> Detective:
    return await site.detective(login, f"{login.title()} Test-Trainer", role="trainer")


def path_of(item_no: int, queue: str = "unsure") -> str:
    return f"/workbench/items/{item_no}?queue={queue}"


async def open_page(who: Detective, path: str) -> str:
    answer, page = await who.get(path)
    assert answer.status == 200, (path, answer.status)
    return page


async def press(
    who: Detective, page: str, item_no: int, value: str, *, act: str = "label", **fields: str
) -> tuple[Any, str]:
    """A button of that page's form."""
    form = {name: field_in(page, name) for name in DRAFT} | {"press": value} | fields
    return await who.post(f"/workbench/items/{item_no}/{act}", form)


async def label(
    who: Detective, item_no: int, *, risk: str = "none", wish: str = "ask_status", queue: str = "unsure"
) -> tuple[Any, str]:
    page = await open_page(who, path_of(item_no, queue))
    answer, page = await press(who, page, item_no, f"risk:{risk}")
    if risk != "none":
        return answer, page
    return await press(who, page, item_no, f"wish:{wish}")


def not_drawn_blind(site: DeskSite, login: str, text: str = CALM, **values: Any) -> int:
    """An item whose suggestion this person is shown: one in ten is hidden by chance."""
    staff_id = site.service.database.read_now(lambda tx: tx.staff.find(login)).id
    while True:
        item_no = add_item(site, text, **values)
        if not is_drawn(f"blind:{item_no}:{staff_id}", 10) and not is_drawn(f"second:{item_no}", 10):
            return item_no


# --- one item ---


async def test_danger_is_kept_with_one_press_and_waits_for_a_second_person(site: DeskSite) -> None:
    toni = await trainer(site)
    one, two = add_item(site, "he has a knife", answer=""), add_item(site, CALM, answer="")

    answer, _ = await label(toni, one, risk="threats_to_kill_or_weapons")

    assert (answer.status, answer.headers["Location"]) == (303, "/workbench/inbox/unsure/next")
    [row] = presses(site)
    assert (row.inbox_id, row.risks, row.intent) == (one, ["threats_to_kill_or_weapons"], None)
    assert row.was_blind
    assert item_of(site, one).status == "needs_second"
    following, _ = await toni.get(answer.headers["Location"])
    assert following.headers["Location"] == path_of(two)


async def test_no_danger_is_a_press_of_its_own_and_then_one_press_accepts_what_was_suggested(
    site: DeskSite,
) -> None:
    toni = await trainer(site)
    item_no = not_drawn_blind(site, "toni", intent="ask_property_return")

    page = await open_page(toni, path_of(item_no))
    assert 'value="wish:' not in page
    _, page = await press(toni, page, item_no, "risk:none")
    assert presses(site) == []
    assert "The assistant thinks:" in page
    answer, _ = await press(toni, page, item_no, re.findall(r'value="(wish:\w+)" data-key="a"', page)[0])

    assert answer.headers["Location"] == path_of(item_no)
    [row] = presses(site)
    assert (row.risks, row.intent, row.suggested["intent"]) == (
        [],
        "ask_property_return",
        "ask_property_return",
    )
    assert not row.was_blind
    assert item_of(site, item_no).status == "settled"


async def test_one_press_corrects_as_one_accepts(site: DeskSite) -> None:
    toni = await trainer(site)
    item_no = not_drawn_blind(site, "toni", intent="ask_status")
    page = await open_page(toni, path_of(item_no))

    _, page = await press(toni, page, item_no, "risk:none")
    value, key = re.findall(r'value="(wish:ask_next_steps)" data-key="(\w)"', page)[0]
    await press(toni, page, item_no, value)

    assert key == "2"
    assert presses(site)[0].intent == "ask_next_steps"


async def test_several_dangers_are_kept_together_in_the_order_they_were_pressed(site: DeskSite) -> None:
    toni = await trainer(site)
    item_no = add_item(site, "he has a knife and my girl is with him", answer="")
    page = await open_page(toni, path_of(item_no))

    _, page = await press(toni, page, item_no, "several")
    _, page = await press(toni, page, item_no, "risk:child_at_risk")
    _, page = await press(toni, page, item_no, "risk:stalking_escalation")
    _, page = await press(toni, page, item_no, "risk:stalking_escalation")
    _, page = await press(toni, page, item_no, "risk:immediate_danger")
    assert page.count("is-picked") == 2
    await press(toni, page, item_no, "save")

    assert presses(site)[0].risks == ["child_at_risk", "immediate_danger"]


async def test_nothing_picked_saves_nothing_and_says_so(site: DeskSite) -> None:
    toni = await trainer(site)
    item_no = add_item(site, CALM)
    _, page = await press(toni, await open_page(toni, path_of(item_no)), item_no, "several")

    answer, page = await press(toni, page, item_no, "save")

    assert answer.status == 200
    assert "Choose at least one." in page
    assert presses(site) == []


async def test_the_same_press_sent_twice_is_one_and_leads_to_the_same_page(site: DeskSite) -> None:
    toni = await trainer(site)
    item_no = add_item(site, CALM, queue=Queue.POSSIBLE_MISSES)
    page = await open_page(toni, path_of(item_no, "possible_misses"))

    first, _ = await press(toni, page, item_no, "risk:missing_person")
    again, _ = await press(toni, page, item_no, "risk:missing_person")

    assert len(site.rows(annotation)) == 1
    assert (first.status, again.status) == (303, 303)
    assert first.headers["Location"] == again.headers["Location"]


async def test_a_second_label_by_the_same_person_is_refused_in_words(site: DeskSite) -> None:
    toni = await trainer(site)
    item_no = add_item(site, CALM)
    page = await open_page(toni, path_of(item_no))
    await press(toni, page, item_no, "risk:missing_person")

    answer, _ = await press(toni, page, item_no, "risk:strangulation", form_id=secrets.token_hex(16))

    assert answer.headers["Location"].endswith("&fault=already_labelled")
    assert "You have labelled it already." in await open_page(toni, answer.headers["Location"])
    assert [row.risks for row in presses(site)] == [["missing_person"]]


@pytest.mark.parametrize(("act", "kept"), [("flag", "flagged"), ("skip", "skipped")])
async def test_what_is_put_aside_is_kept_and_does_not_come_back_to_the_same_person(
    site: DeskSite, act: str, kept: str
) -> None:
    toni = await trainer(site)
    item_no = add_item(site, CALM)

    await press(toni, await open_page(toni, path_of(item_no)), item_no, act, act=act)
    answer, _ = await toni.get("/workbench/inbox/unsure/next")

    assert [row.act for row in presses(site)] == [kept]
    assert answer.headers["Location"] == "/workbench?seen=all"


async def test_undo_takes_back_the_last_press_and_leads_to_its_item(site: DeskSite) -> None:
    toni = await trainer(site)
    one, two = add_item(site, CALM, answer=""), add_item(site, "thank you all so much", answer="")
    await label(toni, one, risk="missing_person")
    page = await open_page(toni, path_of(two))
    [undo] = re.findall(r'formaction="(/workbench/undo/\w+)"', page)
    assert "Missing person" in page[page.index(undo) :]

    answer, _ = await toni.post(undo, {"queue": "unsure"})
    again, _ = await toni.post(undo, {"queue": "unsure"})

    assert answer.headers["Location"] == again.headers["Location"] == path_of(one)
    assert presses(site) == []
    assert item_of(site, one).status == "open"
    assert 'value="risk:none"' in await open_page(toni, path_of(one))


async def test_nobody_takes_back_what_another_pressed(site: DeskSite) -> None:
    toni, jo = await trainer(site), await trainer(site, "jo")
    item_no = add_item(site, CALM)
    add_item(site, "another one")
    await label(toni, item_no, risk="missing_person")

    answer, _ = await jo.post(f"/workbench/undo/{presses(site)[0].id}", {"queue": "unsure"})

    assert answer.headers["Location"] == "/workbench/inbox/unsure/next?fault=too_late"
    assert len(presses(site)) == 1


async def test_the_assistants_step_is_judged_after_ones_own_label(site: DeskSite) -> None:
    toni = await trainer(site)
    item_no = add_item(site, CALM, queue=Queue.POSSIBLE_MISSES, answer="Your bike is in the store.")
    page = await open_page(toni, path_of(item_no, "possible_misses"))
    assert "Your bike is in the store." not in page
    answer, _ = await press(toni, page, item_no, "risk:new_evidence_or_details")
    page = await open_page(toni, answer.headers["Location"])
    assert "Your bike is in the store." in page

    answer, _ = await press(toni, page, item_no, "judge:wrong_words", act="judge")

    assert answer.headers["Location"] == "/workbench/inbox/possible_misses/next"
    assert [(row.kind, row.judgement) for row in presses(site, kind="judgement")] == [
        ("judgement", "wrong_words")
    ]
    assert "The wrong words" in await open_page(toni, path_of(item_no))


# --- words that are marked, masked and uncovered ---


async def test_words_are_marked_without_a_script_and_what_is_personal_is_hidden_from_then_on(
    site: DeskSite,
) -> None:
    toni, jo = await trainer(site), await trainer(site, "jo")
    item_no = add_item(site, "we say banana when he comes in", answer="")
    page = await open_page(toni, path_of(item_no))
    assert ">banana</span>" in page

    answer, page = await press(toni, page, item_no, "span:personal", span_from="2", span_to="2")
    assert answer.status == 200
    assert field_in(page, "spans") == "7-13-personal"
    await press(toni, page, item_no, "risk:missing_person")

    [row] = presses(site)
    assert row.spans == [[7, 13, "personal"]]
    assert "banana" not in await open_page(jo, path_of(item_no))


async def test_a_mark_can_be_taken_off_and_a_place_that_is_none_is_refused(site: DeskSite) -> None:
    toni = await trainer(site)
    item_no = add_item(site, "I was born in may, he is 41")
    page = await open_page(toni, path_of(item_no))
    _, page = await press(toni, page, item_no, "span:age", span_from="6", span_to="6")
    assert "An age" in page

    _, wrong = await press(toni, page, item_no, "span:age", span_from="60", span_to="61")
    _, page = await press(toni, page, item_no, "unspan:0")

    assert "Choose the first and the last word" in wrong
    assert field_in(page, "spans") == ""


async def test_one_value_is_uncovered_with_a_reason_on_one_page(site: DeskSite) -> None:
    toni = await trainer(site)
    item_no = add_item(site, "ring me on 07700 900123 or my mum on 07700 900456")
    page = await open_page(toni, f"/workbench/items/{item_no}/unmask")
    form = {"text_sha": field_in(page, "text_sha"), "span": "1", "text": "is it the same number"}

    refused, without = await toni.post(f"/workbench/items/{item_no}/unmask", form | {"text": " "})
    answer, shown = await toni.post(f"/workbench/items/{item_no}/unmask", form)

    assert (refused.status, answer.status) == (422, 200)
    assert "Say why" in without
    assert "900456" not in without
    assert "07700 900456" in shown
    assert "900123" not in shown
    assert answer.headers["Cache-Control"] == "no-store"
    [row] = site.rows(unmasking)
    assert (row.inbox_id, row.kind, row.reason) == (item_no, "phone", "is it the same number")
    assert "words_unmasked" in site.acts()
    assert "900456" not in await open_page(toni, path_of(item_no))


async def test_uncovering_asks_first_who_one_is(site: DeskSite) -> None:
    toni = await trainer(site)
    item_no = add_item(site, "ring me on 07700 900123")
    site.clock.advance(minutes=6)

    page, _ = await toni.get(f"/workbench/items/{item_no}/unmask")
    form, words = await toni.post(f"/workbench/items/{item_no}/unmask", {"span": "0", "text": "a reason"})

    assert page.headers["Location"] == f"/console/account/again?next=/workbench/items/{item_no}/unmask"
    assert form.status == 401
    assert "a reason" in words
    assert site.rows(unmasking) == []
    assert f'value="/workbench/items/{item_no}/unmask"' in (await toni.get(page.headers["Location"]))[1]


# --- two people, and a third ---


async def test_the_risk_step_is_the_same_whatever_was_made_of_the_message(site: DeskSite) -> None:
    toni = await trainer(site)
    one = add_item(
        site, CALM, queue=Queue.FALSE_ALARMS, intent="greet", confidence=0.1, why="closed_as", harm=1
    )
    other = add_item(
        site,
        CALM,
        queue=Queue.FALSE_ALARMS,
        intent="ask_court",
        confidence=0.99,
        why="closed_as",
        detail={"outcome": "test"},
        answer="If you are in danger call 999 now.",
        band_seen="red",
        tier_seen=1,
        category_seen="immediate_danger",
        is_restricted=True,
        harm=4,
    )

    pages = [await open_page(toni, path_of(each, "false_alarms")) for each in (one, other)]

    assert plain(pages[0], one) == plain(pages[1], other)


async def test_a_message_drawn_by_chance_does_not_say_that_it_stands_elsewhere_too(site: DeskSite) -> None:
    toni = await trainer(site)
    item_no = add_item(site, CALM, queue=Queue.SAMPLE, why="by_chance", detail={}, answer="")
    site.write(
        lambda tx: tx.reviews.add_reason(item_no, Queue.POSSIBLE_MISSES, harm=1, why="rule_alone", detail={})
    )

    before = await open_page(toni, path_of(item_no, "sample"))
    await label(toni, item_no, risk="missing_person")
    after = await open_page(toni, path_of(item_no, "sample"))

    assert "do not fit" not in before
    assert "A rule saw it. The model did not." in after


async def test_no_page_shows_a_second_person_the_first_ones_label(site: DeskSite) -> None:
    toni, jo = await trainer(site), await trainer(site, "jo")
    items = [
        add_item(site, f"{CALM} {number}", queue=queue, cluster="bike" if queue is Queue.NEW_WORDS else None)
        for number, queue in enumerate(queue for queue in Queue if queue is not Queue.GUESTS)
    ]
    more = [add_item(site, f"a bike {number}", queue=Queue.NEW_WORDS, cluster="bike") for number in range(3)]
    before = {path: plain(await open_page(jo, path), 0) for path in pages_of(items + more, cluster="bike")}
    assert len(before) > 20

    for item_no in items:
        await label(toni, item_no, risk="sexual_violence_recent")

    assert {row.status for row in site.rows(review_item)} == {"needs_second", "open"}
    for path, page in before.items():
        assert plain(await open_page(jo, path), 0) == page, path


async def test_two_who_differ_are_decided_between_by_a_third_who_learns_no_names(site: DeskSite) -> None:
    toni, jo, kit = [await trainer(site, login) for login in ("toni", "jo", "kit")]
    item_no = add_item(site, CALM, queue=Queue.POSSIBLE_MISSES, answer="")
    await label(toni, item_no, risk="missing_person")
    await label(jo, item_no, risk="strangulation")
    assert item_of(site, item_no).status == "needs_third"

    for one_of_both in (toni, jo):
        assert f"/workbench/items/{item_no}" not in await open_page(one_of_both, "/workbench/third")
        answer, _ = await one_of_both.post(
            f"/workbench/items/{item_no}/third",
            {"press": "risk:missing_person", "queue": "third", "form_id": secrets.token_hex(16)},
        )
        assert answer.headers["Location"] == "/workbench/third/next?fault=not_yours"
    assert f"/workbench/items/{item_no}" in await open_page(kit, "/workbench/third")
    page = await open_page(kit, path_of(item_no, "third"))
    assert "Missing person" in page
    assert "Toni" not in page
    assert "Jo Test" not in page
    answer, _ = await press(kit, page, item_no, "take:1", act="third")

    assert answer.status == 303
    row = item_of(site, item_no)
    assert (row.status, row.risks) == ("settled", ["strangulation"])
    assert [each.kind for each in presses(site)][-1] == "adjudication"


async def test_what_others_have_settled_is_shown_without_their_label(site: DeskSite) -> None:
    toni, jo = await trainer(site), await trainer(site, "jo")
    item_no = not_drawn_blind(site, "toni")
    await label(toni, item_no, wish="ask_court")
    assert item_of(site, item_no).status == "settled"

    page = await open_page(jo, path_of(item_no))

    assert "This one is done" in page
    assert "Court" not in page


# --- taught ---


async def test_a_settled_message_is_taught_masked_and_taken_out_again(site: DeskSite) -> None:
    toni = await trainer(site)
    item_no = not_drawn_blind(site, "toni", "my number is 07700 900123 any news on my case")
    await label(toni, item_no)
    page = await open_page(toni, path_of(item_no))

    answer, _ = await press(toni, page, item_no, "teach", act="accept")

    assert answer.headers["Location"] == "/workbench/inbox/unsure/next"
    [row] = site.rows(example)
    assert (row.status, row.intent, row.side) == ("accepted", "ask_status", "train")
    assert "900123" not in row.text
    assert "It will be taught." in await open_page(toni, path_of(item_no))
    assert row.text in await open_page(toni, "/workbench/examples")

    await press(toni, page, item_no, "remove", act="remove")
    assert [each.status for each in site.rows(example)] == ["removed"]


async def test_what_is_restricted_is_taught_in_ones_own_words_alone(site: DeskSite) -> None:
    toni = await trainer(site)
    item_no = not_drawn_blind(site, "toni", is_restricted=True)
    await label(toni, item_no)
    page = await open_page(toni, path_of(item_no))
    assert 'value="teach"' not in page

    refused, page = await press(toni, page, item_no, "teach", act="accept")
    copied, again = await press(toni, page, item_no, "own", act="accept", text=CALM + " please")
    answer, _ = await press(
        toni, page, item_no, "own", act="accept", text="Have you found whoever stole the bicycle?"
    )

    assert (refused.status, copied.status, answer.status) == (422, 422, 303)
    assert "In your own words" in again
    assert CALM + " please" in again
    assert [row.is_reworded for row in site.rows(example)] == [True]


async def test_an_older_look_at_what_is_taught_changes_nothing(site: DeskSite) -> None:
    toni = await trainer(site)
    item_no = not_drawn_blind(site, "toni")
    await label(toni, item_no)
    await press(toni, await open_page(toni, path_of(item_no)), item_no, "teach", act="accept")
    [row] = site.rows(example)
    path = f"/workbench/examples/{row.id}"
    page = await open_page(toni, path)
    form = {"row_version": field_in(page, "row_version"), "press": "change", "label": "ask_court"}

    first, _ = await toni.post(path, form | {"text": "when is my day in court"})
    second, words = await toni.post(path, form | {"text": "which court is it"})
    removed, _ = await toni.post(path, form | {"press": "remove"})

    assert (first.status, second.status, removed.status) == (303, 409, 303)
    assert "Somebody changed it since you read it." in words
    [row] = site.rows(example)
    assert (row.text, row.intent, row.status) == ("when is my day in court", "ask_court", "removed")


async def test_the_same_is_taught_in_other_words_and_not_twice(site: DeskSite) -> None:
    toni = await trainer(site)
    item_no = not_drawn_blind(site, "toni")
    await label(toni, item_no)
    await press(toni, await open_page(toni, path_of(item_no)), item_no, "teach", act="accept")
    [row] = site.rows(example)
    path = f"/workbench/examples/{row.id}"

    added, _ = await toni.post(f"{path}/variants", {"text": "has anybody turned up my things"})
    again, page = await toni.post(f"{path}/variants", {"text": "has anybody turned up my things?"})

    assert (added.status, again.status) == (303, 422)
    assert load_words()["wb_refused"]["near_copy"] in page
    [_, made] = sorted(site.rows(example), key=lambda each: each.derived_from or "")
    assert (made.text, made.derived_from) == ("has anybody turned up my things", row.id)
    assert f'href="{path}"' in await open_page(toni, f"/workbench/examples/{made.id}")


async def test_a_new_word_is_labelled_for_all_that_are_calm_and_no_more(site: DeskSite) -> None:
    toni = await trainer(site)
    items = [
        add_item(
            site, f"they nicked my zonda {number}", queue=Queue.NEW_WORDS, why="new_word", cluster="zonda"
        )
        for number in range(4)
    ]
    assert "zonda" in await open_page(toni, "/workbench/inbox/new_words")
    path = f"/workbench/clusters/{number_cluster('zonda')}"
    page = await open_page(toni, path)
    ticks = {f"calm_{item_no}": field_in(page, f"calm_{item_no}") for item_no in items[:3]}

    refused, words = await toni.post(path, ticks | {"wish": ""})
    answer, _ = await toni.post(path, ticks | {"wish": "report_new_crime"})

    assert (refused.status, answer.status) == (422, 303)
    assert "Tick at least one" in words
    assert sorted(row.inbox_id for row in presses(site, intent="report_new_crime")) == items[:3]


# --- what no page shows ---


async def test_no_page_shows_a_value_of_the_case(site: DeskSite) -> None:
    toni = await trainer(site)
    words = "Quillon Zephyrhart 07700 900321 here again, ring quillon, my ref is 43260990777"
    item_no = add_item(
        site, words, queue=Queue.POSSIBLE_MISSES, answer="Hello Quillon Zephyrhart, I have news."
    )
    [row] = [each for each in site.rows(review_item) if each.inbox_id == item_no]
    site.link_case(row.conversation_id, victim_name="Quillon Zephyrhart", crime_reference="43260990777")
    pages = [await open_page(toni, path) for path in pages_of([item_no])]
    await label(toni, item_no, risk="missing_person")

    pages += [await open_page(toni, path) for path in pages_of([item_no])]

    for canary in ("Quillon", "Zephyrhart", "quillon", "900321", "43260990777"):
        assert not any(canary in page for page in pages), canary
    assert any("I have news." in page for page in pages)


async def test_a_conversation_that_is_live_again_is_on_no_page(site: DeskSite) -> None:
    toni = await trainer(site)
    item_no = add_item(site, "the words of a live talk", queue=Queue.POSSIBLE_MISSES)
    assert "live talk" in await open_page(toni, "/workbench/inbox/possible_misses")
    page = await open_page(toni, path_of(item_no))
    [row] = site.rows(review_item)
    site.writes_again(row.conversation_id, "hello again")

    for path in pages_of([]):
        assert "live talk" not in await open_page(toni, path), path
    answer, words = await toni.get(path_of(item_no))
    late, _ = await press(toni, page, item_no, "risk:missing_person")

    assert answer.status == 404
    assert "live talk" not in words
    # What was read before they wrote again may be judged: a press is never lost.
    assert late.status == 303
    assert len(presses(site)) == 1


async def test_nothing_a_message_holds_becomes_a_tag_or_an_attribute(site: DeskSite) -> None:
    """Each hostile text as a message, as what came next, and as a text that is taught."""
    site.is_glass_open = False
    toni = await trainer(site)
    texts = [storable(text) for text in load_corpus()][::4]
    items = [add_item(site, text, queue=Queue.POSSIBLE_MISSES, answer=text or "x") for text in texts]
    for item_no in items[:6]:
        await label(toni, item_no, risk="missing_person")
    values = {"sub": None, "spans": [], "side": "train", "scenario": "wb_1", "status": "accepted"}
    values |= {"is_reworded": True, "row_version": 1, "accepted_by": "x", "intent": "ask_status"}
    rows = [
        values | {"id": f"{number:018x}", "text": text, "accepted_at": site.clock.now()}
        for number, text in enumerate(texts)
    ]
    site.write(lambda tx: put_rows(tx.connection, example, *rows))
    found: list[str] = []

    of_examples = [f"/workbench/examples/{row['id']}" for row in rows[:10]]
    for path in [*pages_of(items), *of_examples]:
        parser = Suspicious()
        parser.feed(await open_page(toni, path))
        found += [f"{path}: {each}" for each in parser.found]

    assert len(texts) > 10
    assert found == []


async def test_keys_are_switched_off_for_good_and_the_page_promises_none(site: DeskSite) -> None:
    toni = await trainer(site)
    item_no = add_item(site, CALM)
    assert 'data-keys="on"' in await open_page(toni, path_of(item_no))

    answer, _ = await toni.post("/workbench/keys", {"next": f"/workbench/items/{item_no}"})

    assert answer.headers["Location"] == f"/workbench/items/{item_no}"
    assert 'data-keys="off"' in await open_page(toni, path_of(item_no))


async def test_the_bar_counts_ones_own_labels_and_proposes_a_pause(site: DeskSite) -> None:
    toni = await trainer(site)
    items = [add_item(site, f"{CALM} {number}", answer="") for number in range(3)]
    for item_no in items:
        await label(toni, item_no, risk="missing_person")
        site.clock.advance(minutes=10)

    page = await open_page(toni, "/workbench")

    assert "<strong>3</strong> done" in page
    assert "<strong>30</strong> min" in page
    assert "Time for a pause." in page


async def test_a_queue_goes_on_where_the_page_before_ended(site: DeskSite) -> None:
    toni = await trainer(site)
    items = [
        add_item(site, f"{CALM} {number}", said_ago=timedelta(hours=2, minutes=number))
        for number in range(27)
    ]

    first = await open_page(toni, "/workbench/inbox/unsure")
    [more] = re.findall(r'href="(/workbench/inbox/unsure\?after=[\d.]+)"', first)
    second = await open_page(toni, more)

    shown = [
        int(found) for page in (first, second) for found in re.findall(r"/workbench/items/(\d+)\?", page)
    ]
    assert shown == items
    assert (await toni.get("/workbench/inbox/unsure?after=1.x.2"))[0].status == 200


async def test_what_no_page_of_ours_would_send_is_refused(site: DeskSite) -> None:
    toni = await trainer(site)
    item_no = add_item(site, CALM)
    page = await open_page(toni, path_of(item_no))

    for value in ("", "risk:", "risk:nonsense", "wish:ask_status", "take:0", "span:x", "unspan:x", "group:x"):
        answer, _ = await press(toni, page, item_no, value)
        assert answer.status == 400, value
    assert (await press(toni, page, item_no, "judge:splendid", act="judge"))[0].status == 400
    assert (await toni.get("/workbench/inbox/nonsense"))[0].status == 404
    assert (await toni.get("/workbench/guidelines/nonsense"))[0].status == 404
    assert (await toni.get("/workbench/items/999999"))[0].status == 404
    assert (await toni.get("/workbench/clusters/" + "a" * 16))[0].status == 404
    assert presses(site) == []


# --- words ---


def test_every_label_queue_mask_and_reason_has_words_and_every_label_a_guideline() -> None:
    words, labels = load_words(), load_labels()
    named = {each.name for each in (*labels.risks, *labels.wishes)}

    assert set(words["wb_labels"]) == named
    assert set(load_guidelines()) == named
    assert set(words["wb_queues"]) == set(words["wb_why_before"]) == {queue.value for queue in Queue}
    assert set(words["wb_masks"]) == {kind.value for kind in MaskKind}
    assert set(words["wb_groups"]) == set(labels.list_by_group()) - {""}
    assert set(words["wb_span_kinds"]) == set(SPAN_KINDS)
    assert {refusal.value for refusal in Refusal} <= set(words["wb_refused"])
    found = set(re.findall(r'why="(\w+)"', read_findings()))
    assert found | {"handled_as_urgent", "should_be_sooner", "flagged_late", "left"} <= set(words["wb_why"])
    keys = [each["key"] for each in words["wb_groups"].values()]
    assert len(set(keys)) == len(keys)
    assert not set(keys) & set("afhuz")


def read_findings() -> str:
    from casework.services import review_findings

    with open(review_findings.__file__, encoding="utf-8") as file:
        return file.read()


def pages_of(items: list[int], *, cluster: str | None = None) -> list[str]:
    """Every page of the workbench a trainer may open, for each of those items."""
    canonical = sorted(
        key.partition(" ")[2]
        for key, action in ROUTES.items()
        if key.startswith("GET /workbench")
        and action is Action.TRAIN
        and not key.endswith(("/next", "/events"))
    )
    ids = {
        "queue": [queue.value for queue in Queue if queue is not Queue.GUESTS],
        "item_no": [str(item_no) for item_no in items],
        "cluster_no": [number_cluster(cluster)] if cluster else [],
        "label": ["all", "sexual_violence_recent"],
    }
    paths = []
    for path in canonical:
        names = re.findall(r"\{(\w+)\}", path)
        if not names:
            paths.append(path)
        elif names[0] in ids:
            paths += [path.replace(f"{{{names[0]}}}", each) for each in ids[names[0]]]
    return paths


def plain(page: str, item_no: int) -> str:
    """Without what is new in each page, and the number of the item."""
    page = re.sub(r'(name="(?:form_id|calm_\d+)"[^>]*value=")[0-9a-f]{32}', r"\1", page)
    return re.sub(rf"/items/{item_no}\b", "/items/N", page)
