"""`./waymark feedback` over both databases."""

import pytest

from casework.adapters.storage.database import Database
from casework.model.messages import Channel
from casework.model.tokens import hash_token
from casework.services import feedback
from launcher.feedback import show_feedback


def answer(database: Database, number: int, value: int) -> None:
    def write(tx: object) -> None:
        token = f"token {number}"
        tx.feedback.offer(hash_token(token), channel=Channel.WEBCHAT, language="en")  # type: ignore[attr-defined]
        assert feedback.answer(tx, token, {"kept_informed": value})  # type: ignore[arg-type]

    database.write_now(write)


def test_counts_are_shown_by_question_and_small_ones_are_not(
    database: Database, capsys: pytest.CaptureFixture[str]
) -> None:
    for number, value in enumerate([5, 5, 5, 5, 5, 5, 2, 2, 1, 1]):
        answer(database, number, value)

    assert show_feedback(database) == 0

    head, first, second, *_, last = capsys.readouterr().out.splitlines()
    assert head.split()[0] == "answered"
    assert first.split() == ["Kept", "informed", "10", "6", "0", "0", "few", "few"]
    assert second.split()[-6:] == ["few"] * 6
    assert last.startswith("Offered 10 times.")
