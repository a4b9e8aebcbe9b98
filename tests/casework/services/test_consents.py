"""What may teach the assistant is what a person decided, and a withdrawal reaches all that was made of it.

Red when, each tried once: an ended flag still holds, a flag of the conversation does not reach its messages, a drill is
usable, `derived_from` is not followed, or a second query asks in words of its own.
"""

import re
from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from casework.adapters.settings import Settings
from casework.adapters.storage import training_flags
from casework.adapters.storage.database import Database, create_engine
from casework.adapters.storage.model_tables import (
    comparison,
    comparison_change,
    comparison_opening,
    model_version,
    replay_answer,
)
from casework.adapters.storage.statements import new_id
from casework.adapters.storage.tables import audit, conversation, inbox, turn
from casework.adapters.storage.workbench_tables import (
    data_version,
    example,
    example_change,
    review_item,
    review_reason,
    training_flag,
)
from casework.bootstrap import build_service
from casework.model.errors import ConversationNotFound, MessageNotFound, ReasonNeeded
from casework.model.masking import CaseValues
from casework.model.standings import Standing
from casework.model.training_flags import TrainingFlag
from casework.services import consents
from casework.services.consents import (
    AllowedHereAlone,
    UseSeen,
    UseWithdrawn,
    find_use,
    is_restricted,
    is_usable,
    models_marked,
)
from tests.console.desk_site import desk_environ
from tests.support.builders import a_case
from tests.support.clock import SetClock
from tests.support.line import Line
from tests.support.rows import put_rows

ROOT = Path(__file__).parents[3]
WHY = "asked on the telephone"
PEOPLE = 3
MESSAGES = 3
OWN = {
    "casework/adapters/storage/training_flags.py",
    "casework/adapters/storage/workbench_tables.py",
}


def write(line: Line, sender: int, times: int = 1) -> tuple[str, list[int]]:
    """A conversation with so many messages: its id and theirs."""
    external_id = f"+44770090040{sender}"
    for _ in range(times):
        line.receive("hello", external_id=external_id)
    of = line.row(conversation, external_id=external_id).id
    return of, [row.id for row in line.rows(inbox, conversation_id=of)]


def decide(line: Line, of: str, inbox_id: int | None, flag: TrainingFlag, **values: Any) -> int:
    said = {"why": WHY, "by": "victim"} | values
    return line.database.write_now(lambda tx: consents.flag(tx, of, inbox_id, flag, **said))


def usable(line: Line, inbox_id: int) -> bool:
    return line.database.read_now(lambda tx: is_usable(tx, inbox_id))


# --- the condition, against the same said in Python ---

FLAGS = st.lists(
    st.tuples(
        st.integers(0, PEOPLE - 1),
        st.none() | st.integers(0, MESSAGES - 1),
        st.sampled_from(sorted(TrainingFlag)),
        st.booleans(),
    ),
    max_size=8,
)


def may_be_used(flags: Sequence[tuple[TrainingFlag, bool]], *, is_drill: bool, unless_said: bool) -> bool:
    """The oracle. `flags`: those of the message and of its conversation, each with whether it has ended."""
    open_ones = {flag for flag, has_ended in flags if not has_ended}
    if is_drill or open_ones & {TrainingFlag.EXCLUDED, TrainingFlag.WITHDRAWN}:
        return False
    return unless_said or bool(open_ones & {TrainingFlag.ALLOWED, TrainingFlag.RESTRICTED})


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(flags=FLAGS, drill=st.none() | st.integers(0, PEOPLE - 1), unless_said=st.booleans())
def test_the_condition_says_what_the_flags_say(
    line: Line,
    flags: list[tuple[int, int | None, TrainingFlag, bool]],
    drill: int | None,
    unless_said: bool,
) -> None:
    if not line.rows(inbox):
        for person in range(PEOPLE):
            write(line, person, MESSAGES)
    ids = {of: list_ids(line, of) for of in list_conversations(line)}
    people = list(ids)

    with line.database.engine.connect() as connection:
        for person, place, flag, has_ended in flags:
            inbox_id = None if place is None else ids[people[person]][place]
            row = a_flag(people[person], inbox_id, flag, has_ended=has_ended, now=line.clock.now())
            put_rows(connection, training_flag, row)
        if drill is not None:
            drilled = sa.update(conversation).where(conversation.c.id == people[drill])
            connection.execute(drilled.values(is_drill=True))
        found = connection.execute(
            sa.select(inbox.c.id).where(
                training_flags.is_usable(inbox.c.conversation_id, inbox.c.id, unless_said=unless_said)
            )
        )
        usable_ids = set(found.scalars())
        connection.rollback()

    for person, of in enumerate(people):
        for place, inbox_id in enumerate(ids[of]):
            its = [
                (flag, ended) for who, which, flag, ended in flags if who == person and which in (None, place)
            ]
            expected = may_be_used(its, is_drill=drill == person, unless_said=unless_said)
            assert (inbox_id in usable_ids) is expected, (its, drill, unless_said)


def list_conversations(line: Line) -> list[str]:
    return sorted(row.id for row in line.rows(conversation))


def list_ids(line: Line, of: str) -> list[int]:
    return [row.id for row in line.rows(inbox, conversation_id=of)]


def a_flag(of: str, inbox_id: int | None, flag: TrainingFlag, *, has_ended: bool, now: Any) -> dict[str, Any]:
    return {
        "id": new_id(),
        "conversation_id": of,
        "inbox_id": inbox_id,
        "flag": flag.value,
        "by": "victim",
        "why": WHY,
        "at": now,
        "ended_at": now + timedelta(seconds=1) if has_ended else None,
    }


def test_no_other_module_asks_the_flags_in_words_of_its_own() -> None:
    """Each query that looks at messages to teach takes the one condition."""
    asking: list[str] = []
    for folder in ("actions", "casework", "channels", "console", "launcher"):
        for path in (ROOT / folder).rglob("*.py"):
            where = path.relative_to(ROOT).as_posix()
            if where in OWN or "/migrations/" in where:
                continue
            if re.search(r"\btraining_flag\b", path.read_text("utf-8")):
                asking.append(where)

    assert asking == []


# --- deciding ---


def test_what_nobody_decided_is_as_the_force_set_it(line: Line, database_url: str) -> None:
    _, [inbox_id] = write(line, 1)
    allowing = Database(create_engine(database_url), line.clock, may_teach_unless_said=True)

    try:
        assert allowing.read_now(lambda tx: is_usable(tx, inbox_id))
        assert not allowing.read_now(lambda tx: is_usable(tx, 987654))
    finally:
        allowing.close()
    assert not usable(line, inbox_id)


@pytest.mark.parametrize("use", ["allowed", "excluded"])
def test_the_forces_setting_reaches_every_transaction(
    tmp_path: Path, sqlite_template: Path, clock: SetClock, use: str
) -> None:
    environ = desk_environ(tmp_path, sqlite_template) | {"WAYMARK_TRAINING_USE": use}
    service = build_service(Settings.from_env(environ), clock=clock)

    try:
        assert service.database.read_now(lambda tx: tx.may_teach_unless_said) is (use == "allowed")
        assert service.database.write_now(lambda tx: tx.may_teach_unless_said) is (use == "allowed")
        text = "my name is Tamsin Quill"
        assert "Tamsin" not in service.masker.mask(text, CaseValues(), of="c").text
    finally:
        service.database.close()


def test_a_decision_takes_the_place_of_the_one_before_it_and_is_told(line: Line) -> None:
    of, [inbox_id] = write(line, 1)

    decide(line, of, None, TrainingFlag.ALLOWED, by="sam")
    assert usable(line, inbox_id)
    decide(line, of, None, TrainingFlag.EXCLUDED, by="sam", why="  they\nasked ")
    assert not usable(line, inbox_id)
    decide(line, of, None, TrainingFlag.RESTRICTED, by="sam")
    assert usable(line, inbox_id)
    assert line.database.read_now(lambda tx: is_restricted(tx, inbox_id))

    rows = line.database.read_now(
        lambda tx: tx.connection.execute(sa.select(training_flag).order_by(training_flag.c.at)).all()
    )
    assert [(row.flag, row.why, row.ended_at is None) for row in rows] == [
        ("allowed", WHY, False),
        ("excluded", "they asked", False),
        ("restricted", WHY, True),
    ]
    told = [(row.actor, row.conversation_id, row.thing) for row in line.rows(audit, act="use_changed")]
    assert told == [("sam", of, f"all:{flag}") for flag in ("allowed", "excluded", "restricted")]


def test_saying_the_same_again_changes_nothing(line: Line) -> None:
    of, _ = write(line, 1)

    decide(line, of, None, TrainingFlag.EXCLUDED)
    decide(line, of, None, TrainingFlag.EXCLUDED)

    assert len(line.rows(training_flag)) == len(line.rows(audit, act="use_changed")) == 1


def test_one_message_is_decided_apart_and_what_forbids_wins(line: Line) -> None:
    of, [first, second] = write(line, 1, 2)

    decide(line, of, None, TrainingFlag.ALLOWED)
    decide(line, of, first, TrainingFlag.EXCLUDED)
    assert [usable(line, one) for one in (first, second)] == [False, True]
    decide(line, of, None, TrainingFlag.EXCLUDED)
    decide(line, of, first, TrainingFlag.ALLOWED)
    assert [usable(line, one) for one in (first, second)] == [False, False]


def test_what_is_withdrawn_stays_so(line: Line) -> None:
    of, [inbox_id] = write(line, 1)
    decide(line, of, None, TrainingFlag.WITHDRAWN)

    for flag in (TrainingFlag.ALLOWED, TrainingFlag.EXCLUDED, TrainingFlag.RESTRICTED):
        for which in (None, inbox_id):
            with pytest.raises(UseWithdrawn):
                decide(line, of, which, flag)
    assert decide(line, of, None, TrainingFlag.WITHDRAWN) == 0
    assert len(line.rows(audit, act="use_withdrawn")) == 1
    assert not usable(line, inbox_id)


@pytest.mark.parametrize("why", ["", "no", "x" * 201])
def test_a_decision_needs_a_reason(line: Line, why: str) -> None:
    of, _ = write(line, 1)

    with pytest.raises(ReasonNeeded):
        decide(line, of, None, TrainingFlag.EXCLUDED, why=why)
    assert line.rows(training_flag) == []


def test_a_message_of_another_conversation_is_refused(line: Line) -> None:
    of, _ = write(line, 1)
    _, [others] = write(line, 2)

    for inbox_id in (others, 987654):
        with pytest.raises(MessageNotFound):
            decide(line, of, inbox_id, TrainingFlag.EXCLUDED)
    with pytest.raises(ConversationNotFound):
        decide(line, "nobody", None, TrainingFlag.EXCLUDED)


# --- what goes with it ---


def teach(line: Line, example_id: str, **values: Any) -> str:
    given_values: dict[str, Any] = {
        "id": example_id,
        "text": f"words of {example_id}",
        "spans": [[0, 5, "age"]],
        "side": "train",
        "scenario": "wb_1",
        "status": "accepted",
        "is_reworded": False,
        "row_version": 1,
        "accepted_by": "toni",
        "accepted_at": line.clock.now(),
        "in_data_since": 2,
    }
    line.database.write_now(lambda tx: put_rows(tx.connection, example, given_values | values))
    return example_id


def statuses(line: Line) -> dict[str, str]:
    return {row.id: row.status for row in line.rows(example)}


def test_a_withdrawal_reaches_every_example_and_all_that_was_made_of_it(line: Line) -> None:
    of, [first, second] = write(line, 1, 2)
    _, [others] = write(line, 2)
    teach(line, "own", inbox_id=first, conversation_id=of)
    teach(line, "child", derived_from="own")
    teach(line, "grandchild", derived_from="child", side="test")
    teach(line, "second", inbox_id=second, conversation_id=of)
    teach(line, "was_removed", inbox_id=second, status="removed", in_data_until=3)
    teach(line, "others", inbox_id=others)

    assert decide(line, of, first, TrainingFlag.WITHDRAWN) == 3
    assert statuses(line) == {
        "own": "withdrawn",
        "child": "withdrawn",
        "grandchild": "withdrawn",
        "second": "accepted",
        "was_removed": "removed",
        "others": "accepted",
    }
    assert decide(line, of, None, TrainingFlag.WITHDRAWN) == 2

    withdrawn = [row for row in line.rows(example) if row.status == "withdrawn"]
    assert {row.id for row in withdrawn} == {"own", "child", "grandchild", "second", "was_removed"}
    assert {(row.text, repr(row.spans), row.row_version) for row in withdrawn} == {("", "[]", 2)}
    assert line.row(example, id="others").text == "words of others"
    changes = {(row.example_id, row.by, row.what["status"]) for row in line.rows(example_change)}
    assert changes == {(row.id, "victim", "withdrawn") for row in withdrawn}


def test_what_is_excluded_later_leaves_the_examples_and_what_is_restricted_unless_reworded(
    line: Line,
) -> None:
    of, [first, second] = write(line, 1, 2)
    teach(line, "own", inbox_id=first)
    teach(line, "reworded", inbox_id=second, is_reworded=True)

    assert decide(line, of, None, TrainingFlag.RESTRICTED) == 1
    assert statuses(line) == {"own": "removed", "reworded": "accepted"}
    assert decide(line, of, None, TrainingFlag.EXCLUDED) == 1
    assert statuses(line) == {"own": "removed", "reworded": "removed"}


def test_a_model_is_marked_that_learned_from_what_was_withdrawn(line: Line) -> None:
    of, [first, second] = write(line, 1, 2)
    for number, model_id in enumerate(("before", "with", "after", "untold"), start=1):
        train(line, model_id, data_version=None if model_id == "untold" else number)
    teach(line, "own", inbox_id=first, in_data_since=2, in_data_until=3)
    teach(line, "child", derived_from="own", in_data_since=2, in_data_until=3)
    teach(line, "kept_to_test", derived_from="own", side="test", in_data_since=1)
    teach(line, "second", inbox_id=second, in_data_since=1)

    assert line.database.read_now(models_marked) == []
    decide(line, of, first, TrainingFlag.WITHDRAWN)

    [marked] = line.database.read_now(models_marked)
    assert (marked.model_id, marked.file, marked.status, marked.examples) == (
        "with",
        "waymark-with.tar.gz",
        "candidate",
        2,
    )
    decide(line, of, None, TrainingFlag.WITHDRAWN)
    found = {(one.model_id, one.examples) for one in line.database.read_now(models_marked)}
    assert found == {("before", 1), ("with", 3), ("after", 1)}


def train(line: Line, model_id: str, *, data_version: int | None) -> None:
    made = sa.insert(model_version).values(
        model_id=model_id,
        file=f"waymark-{model_id}.tar.gz",
        sha256="0" * 64,
        birth={},
        data_version=data_version,
        status="candidate",
        trained_by="toni",
        trained_at=line.clock.now(),
    )
    line.database.write_now(lambda tx: tx.connection.execute(made))


def test_a_withdrawal_forgets_what_models_gave_and_leaves_the_queues(line: Line) -> None:
    _, [others] = write(line, 2)
    of, [inbox_id] = write(line, 1)
    toni = line.add_staff("toni")
    for one in (inbox_id, others):
        review(line, one)
    compare(line, [inbox_id, others], opened_by=toni.id)

    decide(line, of, inbox_id, TrainingFlag.WITHDRAWN)

    theirs = line.row(turn, inbox_id=others).id
    assert [row.turn_id for row in line.rows(replay_answer)] == [theirs]
    assert [row.inbox_id for row in line.rows(comparison_change)] == [others]
    assert [row.place for row in line.rows(comparison_opening)] == [1]
    assert {row.inbox_id: row.status for row in line.rows(review_item)} == {
        inbox_id: "removed",
        others: "open",
    }
    settled = {row.inbox_id: row.settled_at is not None for row in line.rows(review_reason)}
    assert settled == {inbox_id: True, others: False}


def review(line: Line, inbox_id: int, *, cluster: str | None = None) -> None:
    row = line.row(inbox, id=inbox_id)
    item = sa.insert(review_item).values(
        inbox_id=inbox_id,
        conversation_id=row.conversation_id,
        said_at=row.received_at,
        channel="sms",
        language="en",
        band_seen="green",
        side="train",
        status="open",
        risks=[],
        is_restricted=False,
    )
    reason = {"inbox_id": inbox_id, "queue": "unsure", "harm": 5, "said_at": row.received_at}
    reason |= {"why": "unsure", "detail": {}, "cluster": cluster}

    def add(tx: Any) -> None:
        tx.connection.execute(item)
        put_rows(tx.connection, review_reason, reason)

    line.database.write_now(add)


def compare(line: Line, inbox_ids: list[int], *, opened_by: str) -> None:
    now = line.clock.now()
    rows: list[sa.Insert] = [
        sa.insert(comparison).values(
            id="c",
            model_id="new",
            against_id="old",
            source="recent",
            turns=2,
            digest="0" * 64,
            counts={},
            made_by="toni",
            made_at=now,
        )
    ]
    for place, inbox_id in enumerate(inbox_ids):
        change: dict[str, Any] = {"kind": "changed", "is_risk": False, "harm": 5, "before": {}, "after": {}}
        of = line.row(turn, inbox_id=inbox_id).id
        rows += [
            sa.insert(comparison_change).values(comparison_id="c", place=place, inbox_id=inbox_id, **change),
            sa.insert(comparison_opening).values(comparison_id="c", place=place, staff_id=opened_by, at=now),
            sa.insert(replay_answer).values(model_id="new", turn_id=of, input_sha="0" * 32, answer={}),
        ]
    line.database.write_now(lambda tx: [tx.connection.execute(one) for one in rows])


# --- nothing of it stays beside the examples ---


def test_what_was_noted_of_each_change_keeps_no_word_and_no_sum_of_one(line: Line) -> None:
    """Red when: `_forget_changes` is not called."""
    of, [first] = write(line, 1)
    _, [others] = write(line, 2)
    for example_id, inbox_id in (("own", first), ("others", others)):
        teach(line, example_id, inbox_id=inbox_id, sub="my sister Wren")
        noted = {"reworded": True, "intent": "ask_court", "sub": "my sister Wren", "written": "ab" * 32}
        line.database.write_now(
            lambda tx, of=example_id, what=noted: tx.examples.note_change(of, by="file", what=what)  # type: ignore[misc]
        )

    decide(line, of, None, TrainingFlag.WITHDRAWN)

    kept = [row.what for row in line.rows(example_change) if row.example_id == "own"]
    assert kept == [{"reworded": True}, {"status": "withdrawn"}]
    assert line.row(example, id="own").sub is None
    assert line.row(example, id="others").sub == "my sister Wren"
    [untouched] = [row.what for row in line.rows(example_change) if row.example_id == "others"]
    assert untouched["written"] == "ab" * 32


def test_a_new_word_of_theirs_names_no_queue_any_more(line: Line) -> None:
    _, [others] = write(line, 2)
    of, [inbox_id] = write(line, 1)
    for one in (inbox_id, others):
        review(line, one, cluster="wrenfield")

    decide(line, of, None, TrainingFlag.WITHDRAWN)

    assert {row.inbox_id: row.cluster for row in line.rows(review_reason)} == {
        inbox_id: None,
        others: "wrenfield",
    }


def test_what_was_tested_with_and_is_taken_back_is_counted_for_what_was_measured_then(line: Line) -> None:
    """Red when: `count_tested` leaves out either condition on when it was measured."""
    of, [first, second] = write(line, 1, 2)
    at = line.clock.now()
    for number in (1, 2, 3):
        written = {"number": number, "written_at": at + timedelta(hours=number), "by": "toni", "sha256": ""}
        counts = {"added": 0, "changed": 0, "removed": 0}
        made = sa.insert(data_version).values(**written, **counts)
        line.database.write_now(lambda tx, made=made: tx.connection.execute(made))  # type: ignore[misc]
    teach(line, "tested", inbox_id=first, side="test", in_data_since=2)
    teach(line, "dropped", inbox_id=second, side="test", status="removed", in_data_since=1, in_data_until=3)
    teach(line, "taught", derived_from="tested", in_data_since=1)

    def count(hours: float) -> int:
        return line.database.read_now(lambda tx: tx.training_flags.count_tested(at + timedelta(hours=hours)))

    assert [count(hours) for hours in (0.5, 1.5, 2.5, 3.5)] == [0, 0, 0, 0]
    decide(line, of, None, TrainingFlag.WITHDRAWN)
    assert [count(hours) for hours in (0.5, 1.5, 2.5, 3.5)] == [0, 1, 2, 1]


# --- what is told of it, and how far it reaches ---


def link(line: Line, of: str, reference: str, mobile: str) -> None:
    """That conversation proved this case; cases with one mobile are one person's."""
    case = a_case(crime_reference=reference, contact_mobile=mobile)
    line.database.write_now(lambda tx: tx.cases.record_all([case]))
    line.database.write_now(lambda tx: tx.standings.record(of, reference, Standing.LINKED, method="code"))


def test_a_no_reaches_whatever_the_same_people_wrote_and_nobody_elses(line: Line) -> None:
    talks = [write(line, sender)[0] for sender in range(4)]
    link(line, talks[0], "43260990021", "+447700900421")
    link(line, talks[1], "43260990022", "+447700900421")
    link(line, talks[2], "43260990023", "+447700900422")
    told = {"why": WHY, "by": "sam"}

    assert use(line, talks[0]).elsewhere == 1
    assert use(line, talks[3]).elsewhere == 0
    decide(line, talks[1], None, TrainingFlag.WITHDRAWN)
    line.database.write_now(
        lambda tx: consents.flag_everywhere(tx, talks[0], TrainingFlag.EXCLUDED, **told)  # type: ignore[arg-type]
    )

    said = [use(line, each).said for each in talks]
    assert said == [TrainingFlag.EXCLUDED, TrainingFlag.WITHDRAWN, None, None]
    for flag in (TrainingFlag.ALLOWED, TrainingFlag.RESTRICTED):
        with pytest.raises(AllowedHereAlone):
            line.database.write_now(
                lambda tx, flag=flag: consents.flag_everywhere(tx, talks[0], flag, **told)  # type: ignore[misc]
            )


def use(line: Line, of: str) -> UseSeen:
    return line.database.read_now(lambda tx: find_use(tx, of))


def test_what_has_come_of_a_decision_is_told(line: Line) -> None:
    of, [first, second] = write(line, 1, 2)
    train(line, "with", data_version=2)
    teach(line, "own", inbox_id=first)
    teach(line, "child", derived_from="own")
    teach(line, "second", inbox_id=second)
    _, [others] = write(line, 2)
    teach(line, "others", inbox_id=others)

    before = use(line, of)
    assert (before.said, before.apart, before.taught, before.gone, before.models) == (None, {}, 3, 0, 0)
    decide(line, of, first, TrainingFlag.WITHDRAWN)

    after = use(line, of)
    assert (after.said, after.apart) == (None, {first: TrainingFlag.WITHDRAWN})
    assert (after.taught, after.gone, after.models) == (1, 2, 1)
