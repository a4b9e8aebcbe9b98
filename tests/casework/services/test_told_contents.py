"""Who was told which words: the list is what a scan of everything that was ever sent finds.

Red when: `note_told` is not called with the id of the row; a release's words get no version; a copy sent anew is not
counted as having left; `_say` gives the newest version of the release for words of an older one.
"""

import random
from dataclasses import replace

import pytest

from casework.adapters.content_base import load_base_texts
from casework.adapters.storage.content_tables import content_version, told_content
from casework.adapters.storage.tables import outbox
from casework.adapters.storage.transaction import SqlTransaction
from casework.model.content_lint import fill
from casework.model.messages import Channel, OutboxStatus
from casework.services import outgoing
from casework.services.content_ports import Told
from casework.services.ports import AssistantReply, Delivery
from casework.services.support_directory import find_support_services
from casework.services.told_contents import find_form
from tests.casework.services.test_contents import (
    ENTRY,
    WRITERS,
    a_reply,
    ask,
    publish_new,
    roll_back,
    seed,
    state_of,
)
from tests.support.line import Line

BASE = load_base_texts()
NAMES = ("utter_right_6", "utter_stage_arrested", "utter_thanks")
ARGS = {"recorded_on": "3 May 2026"}
ROUNDS = 40


@pytest.fixture
def line(line: Line) -> Line:
    seed(line)
    line.add_cases()
    return line


def list_told(line: Line, name: str, version: int) -> list[Told]:
    return line.database.read_now(lambda tx: list(tx.contents.list_told(name, version)))


def scan(line: Line, name: str, version: int) -> list[int]:
    """Ids of everything written that holds these words as they were rendered; the slow way."""
    found = line.row(content_version, name=name, version=version)
    return [
        row.id
        for row in line.rows(outbox)
        if fill(find_form(found.forms, Channel(row.channel)), ARGS) in row.text
    ]


def other_words(number: int, name: str) -> dict[str, str]:
    lead = "As recorded on {recorded_on}: " if "stage" in name else ""
    letters = "".join(chr(ord("a") + int(digit)) for digit in str(number))
    words = f"{lead}This is how we say it now, and we call it {letters}."
    return dict.fromkeys(BASE[name].forms, words)


async def test_the_list_is_what_a_scan_of_every_rendered_text_finds(line: Line) -> None:
    draw = random.Random(20261123)
    for number in range(ROUNDS):
        name = draw.choice(NAMES)
        line.clock.advance(minutes=draw.randint(1, 600))
        change = draw.random()
        state = state_of(line, name)
        if change < 0.25:
            publish_new(line, name, other_words(number, name))
        elif change < 0.35 and state.published is not None:
            roll_back(line, name, state.published.version)
        channel = draw.choice(sorted(WRITERS))
        said = draw.sample(NAMES, draw.randint(1, len(NAMES)))
        await ask(line, channel, *(a_reply(each, channel, ARGS) for each in said))

    versions = [(row.name, row.version) for row in line.rows(content_version) if row.name in NAMES]
    listed = {key: sorted(told.outbox_id for told in list_told(line, *key)) for key in versions}
    assert listed == {key: sorted(scan(line, *key)) for key in versions}
    assert sum(map(len, listed.values())) > ROUNDS
    assert len([key for key, ids in listed.items() if ids]) > len(NAMES)


async def test_what_never_left_is_told_apart_and_a_copy_sent_anew_counts(line: Line) -> None:
    await ask(line, Channel.SMS, a_reply("utter_right_6", Channel.SMS))
    assert [told.has_left for told in list_told(line, "utter_right_6", 1)] == [False]

    line.sender.outcomes = [Delivery(status=OutboxStatus.FAILED, error_code="30003", failure="unreachable")]
    await line.deliver()
    [first] = line.rows(outbox)
    assert (first.status, [told.has_left for told in list_told(line, "utter_right_6", 1)]) == (
        "failed",
        [False],
    )

    line.database.write_now(lambda tx: _send_again(tx, first.id))
    await line.deliver_all()
    assert [told.has_left for told in list_told(line, "utter_right_6", 1)] == [True]


def _send_again(tx: SqlTransaction, outbox_id: int) -> None:
    left = tx.outbox.get(outbox_id)
    outgoing.send(tx, outgoing.copy_of(left.message, dedupe_key=f"again-1:out-{outbox_id}"))


async def test_the_words_of_an_older_model_are_those_of_its_release(line: Line) -> None:
    reply = a_reply("utter_right_6", Channel.SMS)
    forms = {**BASE["utter_right_6"].forms, "sms": "You have a right to be told more."}
    seed(line, {**BASE, "utter_right_6": replace(BASE["utter_right_6"], forms=forms)})

    await ask(line, Channel.SMS, reply)
    await ask(line, Channel.SMS, replace(reply, text=forms["sms"]))

    assert [row.version for row in line.rows(told_content)] == [1, 2]


async def test_who_was_told_of_a_service_is_known_by_its_entry(line: Line) -> None:
    today = line.clock.now().date()
    [service] = [each for each in find_support_services(None, today=today) if f"directory.{each.id}" == ENTRY]
    args = {"name": service.name, "phone": service.phone_display, "hours": service.hours}
    args |= {"for_whom": service.for_whom, "reach": service.reach}
    name = "utter_support_service_always"
    await ask(line, Channel.SMS, a_reply(name, Channel.SMS, args))
    fields = {**BASE[ENTRY].forms, "phone": "0808 157 0999", "reach": "call 0808 157 0999 free"}
    publish_new(line, ENTRY, fields)
    await ask(
        line,
        Channel.SMS,
        a_reply(name, Channel.SMS, args | {"phone": "0808 157 0999", "reach": fields["reach"]}),
    )

    old, new = list_told(line, ENTRY, 1), list_told(line, ENTRY, 2)
    rows = {row.id: row.text for row in line.rows(outbox)}
    assert [service.phone_display in rows[told.outbox_id] for told in old] == [True]
    assert ["0808 157 0999" in rows[told.outbox_id] for told in new] == [True]


async def test_what_is_no_text_of_ours_to_change_is_not_counted(line: Line) -> None:
    await ask(line, Channel.SMS, AssistantReply(response="utter_code_requested", text="Type the code here."))

    assert line.rows(told_content) == []
