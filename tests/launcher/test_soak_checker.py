"""The soak's checker, with histories made by hand: one in which all is well, and that one with each wrong once.

Red when: a check looks at nothing, or at something else than its name says.
"""

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from casework.model.disclosure_screen import load_disclosure_screen
from casework.model.disclosures import Band
from channels.spool_files import SpooledPost, append
from launcher.soak.checker import CHECKS, SAFETY_LANE, check
from launcher.soak.history import Held, History, Item, Queued, Sent, Written, read_provider, read_spool
from launcher.soak.report import Outcome, render
from launcher.soak.words import DANGER, ORDINARY, PASSED_ON, WANTS_A_PERSON, is_danger, make_writing
from tests.support.builders import an_sms

ALEX, SAM, JO = "+447700900101", "whatsapp:+447700900102", "+447700900103"
ASSISTANT_LANE = 3

WELL = History(
    written=(
        Written(sid="SM1", handset=ALEX, text="who is my officer, question 000001", at=0, accepted_at=1),
        Written(
            sid="SM2", handset=ALEX, text="what support is there for me, question 000002", at=2, accepted_at=5
        ),
        Written(sid="SM3", handset=SAM, text="he has a knife, question 000003", at=3, accepted_at=6),
        Written(sid="SM4", handset=JO, text="can i talk to a person, question 000004", at=4, accepted_at=8),
        # Nobody took it: found in the provider's list.
        Written(sid="SM5", handset=JO, text="who is my officer, question 000005", at=7),
    ),
    held=tuple(
        Held(
            inbox_id=number,
            sid=f"SM{number}",
            conversation=conversation,
            origin="sweep" if number == 5 else "webhook",
            turn_status="done",
            outcome="screened" if number == 3 else "answered",
        )
        for number, conversation in enumerate(("alex", "alex", "sam", "jo", "jo"), 1)
    ),
    sent=(
        Sent(sid="SMa", handset=ALEX, text="re: who is my officer, question 000001", at=9),
        Sent(sid="SMc", handset=SAM, text="If you are in danger call 999.", at=10),
        Sent(sid="SMb", handset=ALEX, text="re: what support is there for me, question 000002", at=11),
        Sent(sid="SMd", handset=JO, text=f"re: can i talk to a person, question 000004. {PASSED_ON}", at=12),
        Sent(sid="SMe", handset=JO, text="re: who is my officer, question 000005", at=13),
    ),
    queued=tuple(
        Queued(
            outbox_id=10 + number,
            conversation=conversation,
            inbox_id=number,
            lane=SAFETY_LANE if number == 3 else ASSISTANT_LANE,
            status="sent",
            sid=f"SM{'abcde'[number - 1]}",
        )
        for number, conversation in enumerate(("alex", "alex", "sam", "jo", "jo"), 1)
    ),
    items=(
        Item(conversation="sam", inbox_id=3, reason="disclosure"),
        Item(conversation="jo", inbox_id=4, reason="asked_for_person"),
    ),
    urgent=frozenset({"SM3"}),
    looks=7,
)


def without(sid: str, history: History = WELL) -> History:
    return replace(history, held=tuple(each for each in history.held if each.sid != sid))


def with_row(number: int, history: History = WELL, **changed: Any) -> History:
    rows = (replace(each, **changed) if each.inbox_id == number else each for each in history.queued)
    return replace(history, queued=tuple(rows))


def with_turn(number: int, **changed: Any) -> History:
    rows = (replace(each, **changed) if each.inbox_id == number else each for each in WELL.held)
    return replace(WELL, held=tuple(rows))


def swap_taken_in() -> History:
    """The second text of one phone stands before the first, which had been accepted before it was written."""
    rows = {1: 2, 2: 1}
    held = (replace(each, inbox_id=rows.get(each.inbox_id, each.inbox_id)) for each in WELL.held)
    queued = (replace(each, inbox_id=rows.get(each.inbox_id or 0, each.inbox_id)) for each in WELL.queued)
    return replace(WELL, held=tuple(held), queued=tuple(queued))


def send_twice(text: str, history: History = WELL) -> History:
    """The same words once more, under another id, which a row of ours has."""
    more = Sent(sid="SMz", handset=ALEX, text=text, at=20)
    row = Queued(
        outbox_id=99, conversation="alex", inbox_id=None, lane=ASSISTANT_LANE, status="sent", sid="SMz"
    )
    return replace(history, sent=(*history.sent, more), queued=(*history.queued, row))


WRONG: dict[str, tuple[Callable[[], History], dict[str, list[str]]]] = {
    "a text the provider was told we have is gone": (
        lambda: without("SM2"),
        {"lost, though accepted": ["SM2"], "lost": ["SM2"]},
    ),
    "a text nobody took is gone": (lambda: without("SM5"), {"lost": ["SM5"]}),
    "a text is held twice": (
        lambda: replace(WELL, held=(*WELL.held, replace(WELL.held[0], inbox_id=6))),
        {"duplicate or invented rows": ["SM1"], "neither answered nor with a person": ["SM1"]},
    ),
    "a text is held that nobody wrote": (
        lambda: replace(WELL, held=(*WELL.held, replace(WELL.held[3], inbox_id=6, sid="SM9"))),
        {"duplicate or invented rows": ["SM9"]},
    ),
    "a reply left that no row knows of": (
        lambda: replace(WELL, sent=(*WELL.sent, Sent(sid="SMz", handset=ALEX, text="hello", at=20))),
        {"duplicate replies": ["SMz"]},
    ),
    "a reply left twice, each with a row": (
        lambda: send_twice(WELL.sent[0].text),
        {"duplicate replies": ["SMz"]},
    ),
    "a row says sent and the provider never took it": (
        lambda: replace(WELL, sent=WELL.sent[:4]),
        {"recorded as sent and never taken": ["15"]},
    ),
    "two rows say sent of one message": (
        lambda: with_row(5, sid="SMd"),
        {"duplicate replies": ["SMe"], "recorded as sent and never taken": ["15"]},
    ),
    "a text is taken in before an older one": (
        swap_taken_in,
        {"taken in out of order": ["SM2"], "sent out of order": ["11"]},
    ),
    "a reply overtakes the one before it": (
        lambda: with_row(1, with_row(2, sid="SMa"), sid="SMb"),
        {"sent out of order": ["12"]},
    ),
    "danger has no item": (
        lambda: replace(WELL, items=WELL.items[1:]),
        {"urgent without an item": ["SM3"], "told of a person without an item": ["SMc"]},
    ),
    "danger has another message's item": (
        lambda: replace(WELL, items=(replace(WELL.items[0], inbox_id=1), WELL.items[1])),
        {"urgent without an item": ["SM3"]},
    ),
    "danger could be read before its item": (
        lambda: replace(WELL, seen_late=frozenset({3})),
        {"urgent seen before its item": ["3"]},
    ),
    "passed on, and nobody has it": (
        lambda: replace(WELL, items=WELL.items[:1]),
        {"told of a person without an item": ["SMd"]},
    ),
    "a turn nobody answered": (
        lambda: with_turn(2, turn_status="leased"),
        {"unfinished after the quiet end": ["in-2"]},
    ),
    "a text without a turn": (
        lambda: with_turn(2, turn_status=None),
        {"unfinished after the quiet end": ["in-2"]},
    ),
    "a reply that never left": (
        lambda: replace(with_row(2, status="unknown", sid=None), sent=(*WELL.sent[:2], *WELL.sent[3:])),
        {"unfinished after the quiet end": ["out-12"], "neither answered nor with a person": ["SM2"]},
    ),
    "a turn ended in nothing": (
        lambda: replace(
            WELL,
            queued=tuple(each for each in WELL.queued if each.inbox_id != 2),
            sent=(*WELL.sent[:2], *WELL.sent[3:]),
        ),
        {"neither answered nor with a person": ["SM2"]},
    ),
}


def test_where_all_is_well_nothing_is_found_and_everything_was_looked_at() -> None:
    found = check(WELL)

    assert {each.name: each.wrong for each in found if each.wrong} == {}
    assert [each.name for each in found if not each.of] == []
    assert {each.name: each.of for each in found}["lost"] == 5


@pytest.mark.parametrize("what", sorted(WRONG))
def test_each_wrong_is_found_by_the_checks_that_name_it_and_by_no_other(what: str) -> None:
    make, expected = WRONG[what]

    assert {each.name: list(each.wrong) for each in check(make()) if each.wrong} == expected


def test_every_check_is_red_for_one_of_the_wrongs() -> None:
    red = {name for _, expected in WRONG.values() for name in expected}

    assert red == {name for name, _, _ in CHECKS}


def test_what_may_be_out_of_order_is_not_called_wrong() -> None:
    """The spool's and the list's come when they come; a lane goes before another; and no
    text waits for one that was not accepted."""
    swapped = swap_taken_in()
    by_list = replace(swapped, held=tuple(replace(each, origin="sweep") for each in swapped.held))
    not_accepted = replace(
        swapped,
        written=(replace(WELL.written[0], accepted_at=8), *WELL.written[1:]),
    )
    names = ("taken in out of order",)

    assert _found(by_list, names) == _found(not_accepted, names) == []
    assert _found(replace(swapped, spooled=frozenset({"SM1"})), names) == []
    assert (
        _found(with_row(1, with_row(2, sid="SMa", lane=SAFETY_LANE), sid="SMb"), ("sent out of order",)) == []
    )


def _found(history: History, names: tuple[str, ...]) -> list[str]:
    return [wrong for each in check(history) if each.name in names for wrong in each.wrong]


def test_none_in_a_thousand_says_below_three_in_a_thousand_and_one_says_nothing() -> None:
    lost = check(replace(WELL, held=()))
    table = render(Outcome(findings=check(WELL), planned=(), done=(), notes={}))

    assert [each.most for each in check(WELL) if each.name == "lost"] == [3 / 5]
    assert [each.most for each in lost if each.name == "lost"] == [None]
    assert not Outcome(findings=lost, planned=(), done=(), notes={}).is_well
    assert next(line for line in table if line.startswith("lost ")).split() == ["lost", "0", "5", "0.6"]


def test_the_providers_record_is_read_by_its_first_line_and_its_first_acceptance() -> None:
    """A later line may tell of another copy's failure; a line that a crash cut short was told to nobody."""

    def line(**said: object) -> bytes:
        known = {
            "sid": "SM1",
            "direction": "inbound",
            "handset": ALEX,
            "body": "hello",
            "webhook_status": None,
        }
        return json.dumps(known | said).encode() + b"\n"

    written, sent = read_provider(
        [
            line(),
            line(webhook_status=503),
            b'{"sid": "SM2", "dire',
            line(sid="SMa", direction="outbound-api", body="hi"),
            line(webhook_status=200),
            line(webhook_status=None),
            line(sid="SMs", direction="outbound-reply"),
        ]
    )

    assert written == [Written(sid="SM1", handset=ALEX, text="hello", at=0, accepted_at=3)]
    assert sent == [Sent(sid="SMa", handset=ALEX, text="hi", at=2)]


def test_what_the_spool_kept_is_read_by_its_ids_whatever_is_torn(tmp_path: Path) -> None:
    post = SpooledPost(
        received_at=datetime(2026, 11, 23, tzinfo=UTC), path="/x", body=b"MessageSid=SM1&Body=a"
    )
    append(tmp_path, post)
    (tmp_path / "2026-11-24.jsonl").write_bytes(b'{"v": 1, "torn')

    assert read_spool(tmp_path) == {"SM1"}


def test_the_screen_reads_each_of_the_soaks_texts_as_the_soak_counts_it() -> None:
    """Red when a text that is counted as danger is calm to the screen, or the other way round."""
    screen = load_disclosure_screen()
    texts = [words.format(number=7) for words in (*DANGER, *ORDINARY, WANTS_A_PERSON)]
    red = [text for text in texts if screen.screen(an_sms(text)).band is Band.RED]

    assert red == [text for text in texts if is_danger(text)]
    assert len(red) == len(DANGER)


def test_the_same_seed_writes_the_same_and_two_numbers_never_the_same_words() -> None:
    texts = [make_writing(number, seed=4, people=50) for number in range(500)]

    assert texts == [make_writing(number, seed=4, people=50) for number in range(500)]
    assert len({each.text for each in texts}) == 500
    assert {each.manner for each in texts} == {"once", "twice", "late", "unposted"}
    assert len({each.handset for each in texts}) == 50
