"""The one cheap look misses nothing: whatever moves a page's version moves its mark.

Red when: any part of the mark is left out (each of `CHANGES` then fails by its name); a row sent after a newer one is
not counted; a mark or a version is another visit's.
"""

import pytest

from casework.adapters.storage.database import Database
from casework.adapters.storage.transaction import SqlTransaction
from casework.adapters.storage.web_versions import list_marks
from casework.adapters.storage.web_visits import get_version
from tests.casework.adapters.web_visitors import (
    CHANGES,
    Change,
    answer,
    finish_turns,
    keep_waiting,
    open_visit,
    send_oldest,
    write,
)
from tests.support.clock import SetClock


def see(database: Database, *keys: str) -> dict[str, tuple[object, str]]:
    """Mark and version of each."""
    return database.read_now(
        lambda tx: {key: (list_marks(tx, keys).get(key), get_version(tx, key)) for key in keys}
    )


@pytest.mark.parametrize("name", list(CHANGES))
def test_what_moves_the_version_moves_the_mark_of_that_visit_alone(database: Database, name: str) -> None:
    mine = database.write_now(lambda tx: open_visit(tx, "mine"))
    database.write_now(lambda tx: open_visit(tx, "other"))
    for earlier, work in CHANGES.items():
        before = see(database, "mine", "other")
        database.write_now(lambda tx, work=work: work(tx, mine))
        after = see(database, "mine", "other")
        if earlier == name:
            break

    assert after["mine"][1] != before["mine"][1], "nothing happened: this tests nothing"
    assert after["mine"][0] != before["mine"][0]
    assert after["other"] == before["other"]


def test_between_the_turn_and_its_reply_nothing_moves(database: Database) -> None:
    """Red when: the page is told that nobody writes to it any more, just before the reply."""
    mine = database.write_now(lambda tx: open_visit(tx, "mine"))
    database.write_now(lambda tx: write(tx, mine))
    before = see(database, "mine")["mine"]

    def finish(tx: SqlTransaction) -> None:
        finish_turns(tx, mine)
        keep_waiting(tx, mine)

    database.write_now(finish)
    assert see(database, "mine")["mine"] == before
    database.write_now(lambda tx: send_oldest(tx, mine))
    assert see(database, "mine")["mine"][1] != before[1]


def test_a_row_sent_after_a_newer_one_moves_both(database: Database) -> None:
    mine = database.write_now(lambda tx: open_visit(tx, "mine"))
    late: tuple[Change, ...] = (keep_waiting, answer)
    for work in late:
        database.write_now(lambda tx, work=work: work(tx, mine))
    before = see(database, "mine")["mine"]

    database.write_now(lambda tx: send_oldest(tx, mine))

    after = see(database, "mine")["mine"]
    assert after[0] != before[0]
    assert after[1] != before[1]


def test_the_end_of_a_visit_moves_the_mark_and_a_first_message_too(database: Database) -> None:
    database.write_now(lambda tx: tx.web_sessions.open("mine", "writer-mine"))
    empty = see(database, "mine")["mine"]
    database.write_now(lambda tx: tx.web_sessions.set_idle_minutes("mine", 120))
    longer = see(database, "mine")["mine"]
    database.write_now(lambda tx: tx.web_sessions.end("mine"))
    ended = see(database, "mine")["mine"]

    assert len({empty[0], longer[0], ended[0]}) == 3
    assert ended[1] == "ended"


def test_an_unknown_token_has_no_mark_and_its_version_is_the_end(database: Database) -> None:
    assert see(database, "nobody") == {"nobody": (None, "ended")}


def test_time_alone_moves_no_mark(database: Database, clock: SetClock) -> None:
    """Which is why the hub looks at each version again without one."""
    database.write_now(lambda tx: open_visit(tx, "mine"))
    before = see(database, "mine")["mine"]

    clock.advance(minutes=31)

    after = see(database, "mine")["mine"]
    assert after[0] == before[0]
    assert (before[1] == "ended", after[1]) == (False, "ended")
