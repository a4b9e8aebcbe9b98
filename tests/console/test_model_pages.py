"""Models for whoever decides about them, and the way of one to people who write: two release, one goes back.

Red when, each tried once: `list_needs` leaves out what is unopened, a need to compare is left out, the page of a
proposal has a button for its proposer, a proposal is not compared with the one of the page, or `live_seen` is not
compared.
"""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from casework.adapters.model_signing import load_public_key, paper_path, read_signed
from casework.adapters.storage.model_tables import comparison_opening, model_release, model_version
from casework.adapters.storage.workbench_tables import example
from casework.model.model_papers import PaperKind, read_paper, report_to_json
from casework.model.release_gates import load_gate_limits
from casework.services.model_ports import ReleaseKind, VersionStatus
from console.words import load_words
from console.workbench.model_lines import find_headline, list_checks
from console.workbench.release_pages import FAULT_OF
from tests.console.desk_site import DeskSite, Detective, field_in
from tests.console.model_desk import (
    LIVE,
    NEW,
    NEW_PATH,
    a_change,
    a_full_report,
    acts_of,
    add_candidate,
    compare,
    found_live,
    live_of,
)
from tests.console.review_desk import add_item
from tests.support.rows import put_rows

MODELS = "/workbench/models"


@pytest.fixture
async def toni(site: DeskSite) -> Detective:
    return await site.detective("toni", "Toni Test-Trainer", role="trainer")


@pytest.fixture
async def alex(site: DeskSite) -> Detective:
    return await site.detective("alex", "Alex Test-Supervisor", role="supervisor")


async def open_page(who: Detective, path: str, status: int = 200) -> str:
    answer, page = await who.get(path)
    assert answer.status == status, (path, answer.status, page)
    return page


async def press(who: Detective, path: str, status: int = 303, **fields: Any) -> str:
    answer, page = await who.post(path, fields)
    assert answer.status == status, (path, answer.status, page)
    return answer.headers.get("Location", page)


async def propose(toni: Detective) -> str:
    """The id of the proposal, as the deciding page holds it."""
    await press(toni, NEW_PATH + "/propose")
    rows = toni.site.rows(model_release, model_release.c.model_id == NEW)
    return str(rows[0].id)


# --- in words ---------------------------------------------------------------------------------------------------------


def test_the_first_thing_said_is_how_much_danger_is_missed_and_was() -> None:
    words, limits = load_words(), load_gate_limits()

    assert find_headline(a_full_report(NEW), words, limits) == "Misses on danger now: 1 of 64 (was 3)"
    alone = find_headline(a_full_report(LIVE, against=None), words, limits)
    assert alone == "Misses on danger now: 1 of 64"


def test_every_check_is_told_in_words_with_what_it_needs_and_what_is_not_passed_stands_first() -> None:
    words, limits = load_words(), load_gate_limits()
    checks = list_checks(a_full_report(NEW, missed=9), words, limits)

    assert [check.passed for check in checks].count(False) == 1
    assert checks[0].says == "Misses on danger now: 9 of 64 (was 3)"
    assert checks[0].need == "at most 3 in 100, and no more than the live model"
    said = {check.says.partition(":")[0]: check for check in checks}
    assert said["How long an answer takes, for 95 answers in 100"].says.endswith(
        ": 0.12 seconds (was 0.13 seconds)"
    )
    assert said["How long an answer takes, for 95 answers in 100"].need == "at most 0.3 seconds"
    wishes = said["What people want, read rightly, every wish counting the same"]
    assert wishes.says.endswith(": 94.0 in 100 (was 93.0 in 100)")
    assert wishes.need == (
        "at least 82 in 100, and at most 1.5 in 100 less than the live model, and by no more than could be chance"
    )
    short = said["Danger missed in a short set"]
    assert short.need.endswith(
        ", and at most 1 more than the live model, and by no more than could be chance"
    )
    assert said["Danger that people wrote to us, newly missed"].need == "none"
    assert not any("_" in check.says + check.need for check in checks)


def test_what_was_not_measured_is_said_and_not_passed() -> None:
    report = replace(a_full_report(NEW), measured=())

    checks = list_checks(report, load_words(), load_gate_limits())

    assert all(check.says.endswith(": not measured") and not check.passed for check in checks)


def test_every_gate_state_and_fault_has_words() -> None:
    words, limits = load_words(), load_gate_limits()

    assert set(words["wb_gates"]) == {limit.gate for limit in limits.gates}
    assert {of for limit in limits.gates for of in limit.of} <= set(words["wb_gate_of"])
    assert set(words["wb_model_states"]) == {"live", "before", "proposed", *VersionStatus}
    kinds = {kind.value for kind in ReleaseKind} - {"rollback"}
    assert kinds | {"rollback_to", "rollback_from", "replaced", "proposed", "refused"} <= set(
        words["wb_model_history"]
    )
    assert {name for _, name in FAULT_OF.values()} == set(words["wb_release_faults"])


# --- the pages --------------------------------------------------------------------------------------------------------


async def test_a_models_page_tells_its_birth_its_checks_and_what_happened(
    site: DeskSite, toni: Detective
) -> None:
    found_live(site)
    add_candidate(site)

    page = await open_page(toni, NEW_PATH)

    assert "Misses on danger now: 1 of 64 (was 3)" in page
    assert page.count("Passed</span>") == len(a_full_report(NEW).measured) + 1  # and its state
    assert "version 3" in page
    assert "what trainers taught</dd>" in page
    assert "5.7 min" in page
    assert "Trained. Asked for by the service." in page
    assert "It was not compared with the live model yet." in page


async def test_a_first_model_that_misses_a_bar_is_told_in_red(site: DeskSite, toni: Detective) -> None:
    found_live(site, missed=9)

    for path in (MODELS, f"{MODELS}/{LIVE[:12]}"):
        page = await open_page(toni, path)
        assert 'class="box box-danger" role="alert"' in page
        assert "The live model does not pass 1 of its checks." in page
    assert "1 of " in await open_page(toni, "/workbench")


async def test_a_model_nobody_measured_says_so(site: DeskSite, toni: Detective) -> None:
    found_live(site, missed=None)

    assert 'id="not-measured"' in await open_page(toni, f"{MODELS}/{LIVE[:12]}")
    assert "Nobody has measured it yet" in await open_page(toni, "/workbench")


async def test_a_model_that_learned_what_was_taken_back_is_marked(site: DeskSite, toni: Detective) -> None:
    found_live(site)
    add_candidate(site)
    inbox_id = add_item(site, "is there any news")

    def withdraw(tx: Any) -> None:
        given: dict[str, Any] = {
            "spans": [],
            "side": "train",
            "scenario": "wb_1",
            "is_reworded": False,
            "row_version": 1,
        }
        given |= {"id": "e" * 18, "inbox_id": inbox_id, "text": "is there any news", "status": "withdrawn"}
        given |= {"accepted_by": "toni", "accepted_at": tx.now - timedelta(days=1), "in_data_since": 2}
        put_rows(tx.connection, example, given)

    site.write(withdraw)

    assert "1 message that taught it was taken back" in await open_page(toni, NEW_PATH)
    assert "was taken back" not in await open_page(toni, f"{MODELS}/{LIVE[:12]}")


async def test_an_auditor_reads_and_has_no_button(site: DeskSite) -> None:
    found_live(site)
    add_candidate(site)
    auditor = await site.detective("aud", "Aud Example", role="auditor")

    page = await open_page(auditor, NEW_PATH) + await open_page(auditor, MODELS)

    main = "".join(each.partition("</main>")[0] for each in page.split("<main")[1:])
    assert "<button" not in main
    assert "Propose" not in main


async def test_what_no_model_has_the_number_of_is_not_found(site: DeskSite, toni: Detective) -> None:
    found_live(site)

    for path in (f"{MODELS}/{'c' * 12}", f"{MODELS}/{'c' * 12}/propose"):
        await open_page(toni, path, 404)
    await press(toni, f"{MODELS}/{'c' * 12}/propose", 404)
    await press(toni, "/workbench/evaluate", 404, model_no="c" * 12)


# --- proposing and releasing ------------------------------------------------------------------------------------------


async def test_two_people_let_a_model_answer_and_the_paper_is_signed_with_both_names(
    site: DeskSite, toni: Detective, alex: Detective
) -> None:
    found_live(site)
    add_candidate(site)
    compare(site)

    assert 'id="propose"' in await open_page(toni, NEW_PATH + "/propose")
    assert await press(toni, NEW_PATH + "/propose") == f"{NEW_PATH}?done=proposed"
    assert live_of(site) == LIVE
    page = await open_page(alex, NEW_PATH + "/promote")
    assert "people who are victims of crime" in page
    assert "Proposed by Toni Test-Trainer" in page
    release_id = field_in(page, "release_id")
    assert await press(alex, NEW_PATH + "/promote", release_id=release_id) == f"{MODELS}?done=released"

    assert live_of(site) == NEW
    [row] = site.rows(model_version, model_version.c.model_id == NEW)
    data_dir = site.service.settings.data_dir
    paper = read_paper(read_signed(row.paper, load_public_key(data_dir)))
    toni_id, alex_id = ids_of(site, "toni", "alex")
    assert (paper.kind, paper.proposed_by, paper.approved_by) == (PaperKind.PROMOTION, toni_id, alex_id)
    # As by command: what a host without a database reads is the paper of two.
    assert paper_path(data_dir, NEW).read_text().strip() == row.paper
    page = await open_page(toni, NEW_PATH)
    assert "Proposed by Toni Test-Trainer, released by Alex Test-Supervisor." in page
    assert "Another model went live in its place." in await open_page(toni, f"{MODELS}/{LIVE[:12]}")


def ids_of(site: DeskSite, *logins: str) -> list[str]:
    return [site.service.database.read_now(lambda tx: tx.staff.find(login)).id for login in logins]


async def test_neither_of_the_two_decides_before_every_danger_it_newly_gets_wrong_was_opened_by_them(
    site: DeskSite, toni: Detective, alex: Detective
) -> None:
    found_live(site)
    add_candidate(site)
    compared = compare(site, a_change(add_item(site, "he is at the door")))
    opening = f"/workbench/comparisons/{compared}/1"

    page = await open_page(toni, NEW_PATH + "/propose")
    assert "1 is left." in page and 'id="propose"' not in page
    await press(toni, NEW_PATH + "/propose", 409)
    assert site.rows(model_release, model_release.c.model_id == NEW) == []
    await open_page(toni, opening)
    release_id = await propose(toni)

    page = await open_page(alex, NEW_PATH + "/promote")
    assert "1 is left." in page and 'id="promote"' not in page
    await press(alex, NEW_PATH + "/promote", 409, release_id=release_id)
    assert live_of(site) == LIVE
    await open_page(alex, opening)
    await press(alex, NEW_PATH + "/promote", release_id=release_id)

    assert live_of(site) == NEW
    assert len(site.rows(comparison_opening)) == 2


@pytest.mark.parametrize("against", [None, "c" * 32])
async def test_what_was_never_put_beside_the_live_model_is_not_proposed(
    site: DeskSite, toni: Detective, against: str | None
) -> None:
    found_live(site)
    add_candidate(site)
    if against:
        compare(site, against=against)

    assert "It must be compared with the live model." in await open_page(toni, NEW_PATH + "/propose")
    await press(toni, NEW_PATH + "/propose", 409)

    assert site.rows(model_release, model_release.c.model_id == NEW) == []


async def test_what_does_not_pass_every_check_is_not_proposed(site: DeskSite, toni: Detective) -> None:
    found_live(site)
    add_candidate(site, missed=9)
    compare(site)

    assert 'id="propose"' not in await open_page(toni, NEW_PATH)
    assert "It must pass every check." in await open_page(toni, NEW_PATH + "/propose")
    await press(toni, NEW_PATH + "/propose", 409)


async def test_whoever_proposed_it_does_not_release_it_under_another_role(
    site: DeskSite, toni: Detective
) -> None:
    found_live(site)
    add_candidate(site)
    compare(site)
    release_id = await propose(toni)
    [toni_id] = ids_of(site, "toni")
    site.write(lambda tx: tx.staff.change(toni_id, role="supervisor"))
    await toni.log_in("toni")

    page = await open_page(toni, NEW_PATH + "/promote")
    assert 'id="promote"' not in page
    page = await press(toni, NEW_PATH + "/promote", 409, release_id=release_id)

    assert "You proposed it." in page
    assert live_of(site) == LIVE


async def test_a_trainer_releases_nothing_and_a_supervisor_proposes_nothing(
    site: DeskSite, toni: Detective, alex: Detective
) -> None:
    found_live(site)
    add_candidate(site)
    compare(site)

    await press(alex, NEW_PATH + "/propose", 403)
    release_id = await propose(toni)
    await press(toni, NEW_PATH + "/promote", 403, release_id=release_id)

    assert live_of(site) == LIVE


async def test_a_release_asks_anew_who_one_is(site: DeskSite, toni: Detective, alex: Detective) -> None:
    found_live(site)
    add_candidate(site)
    compare(site)
    release_id = await propose(toni)
    site.clock.advance(minutes=6)

    answer, _ = await alex.get(NEW_PATH + "/promote")
    assert answer.headers["Location"] == f"/console/account/again?next={NEW_PATH}/promote"
    page = await press(alex, NEW_PATH + "/promote", 401, release_id=release_id)

    assert "Prove again who you are" in page
    assert live_of(site) == LIVE


async def test_a_press_on_a_proposal_that_is_over_changes_nothing(
    site: DeskSite, toni: Detective, alex: Detective
) -> None:
    found_live(site)
    add_candidate(site)
    compare(site)
    release_id = await propose(toni)

    await press(alex, NEW_PATH + "/promote", 409, release_id="999")
    await press(alex, NEW_PATH + "/refuse", 422, release_id=release_id, text=" ")
    assert await press(alex, NEW_PATH + "/refuse", release_id=release_id, text="too few dialects") == (
        f"{NEW_PATH}?done=refused"
    )
    await press(alex, NEW_PATH + "/promote", 409, release_id=release_id)

    assert live_of(site) == LIVE
    page = await open_page(toni, NEW_PATH)
    assert "Not released, by Alex Test-Supervisor: too few dialects" in page
    await propose(toni)


async def test_a_model_measured_against_one_that_is_live_no_more_says_so(
    site: DeskSite, toni: Detective
) -> None:
    found_live(site)
    add_candidate(site)
    report = a_full_report(NEW, against="c" * 32)
    site.write(
        lambda tx: tx.model_releases.record_report(
            NEW, report=report_to_json(report), status=None, paper=None
        )
    )

    assert 'id="against-other"' in await open_page(toni, NEW_PATH)


# --- going back -------------------------------------------------------------------------------------------------------


async def test_one_press_with_a_reason_goes_back(site: DeskSite, toni: Detective, alex: Detective) -> None:
    found_live(site)
    assert "There is no model to go back to" in await open_page(toni, MODELS + "/back")
    add_candidate(site)
    compare(site)
    await press(alex, NEW_PATH + "/promote", release_id=await propose(toni))

    page = await open_page(toni, MODELS)
    seen = field_in(page, "live_seen")
    page = await press(toni, MODELS + "/back", 422, live_seen=seen, text="")
    assert "Say why" in page
    assert (
        await press(toni, MODELS + "/back", live_seen=seen, text="it misses weapons") == f"{MODELS}?done=back"
    )

    assert live_of(site) == LIVE
    page = await open_page(toni, NEW_PATH)
    assert "Gone back from by Toni Test-Trainer: it misses weapons" in page
    page = await press(alex, MODELS + "/back", 409, live_seen=seen, text="as well")
    assert live_of(site) == LIVE
    assert [thing for _, thing in acts_of(site, "model_rolled_back")] == [f"model:{NEW}"]
