"""What a supervisor may write on the rota, and what is refused."""

from typing import Any

import pytest

from casework.adapters.storage.ladder_tables import rota_entry
from casework.adapters.storage.tables import audit
from casework.model.rota import RotaKind
from casework.services import rota
from casework.services.rota import RotaFault, RotaSeen, Written
from tests.support.line import Line


def add(line: Line, *, is_sandbox: bool = False, **values: Any) -> int:
    given = {
        "kind": RotaKind.ON_CALL,
        "name": "Kit Example",
        "starts": "2026-11-21T09:00",
        "ends": "2026-11-22T09:00",
        "mobile": "07700 900101",
    }
    written = Written(**(given | values))
    return line.database.write_now(
        lambda tx: rota.add_entries(tx, written, by="staff", is_sandbox=is_sandbox)
    )


def see(line: Line) -> RotaSeen:
    return line.database.read_now(rota.see_rota)


def test_somebody_is_put_on_call_and_the_gap_after_them_is_seen(line: Line) -> None:
    add(line)

    seen = see(line)

    [now] = seen.on_call
    assert (now.name, now.mobile) == ("Kit Example", "+447700900101")
    [gap] = seen.gaps
    assert gap.starts_at == now.ends_at
    assert [row.act for row in line.rows(audit)] == ["rota_changed"]


def test_the_same_shift_for_some_weeks_is_an_entry_a_week(line: Line) -> None:
    assert add(line, weeks="3") == 3

    starts = [row.starts_at.isoformat() for row in line.rows(rota_entry)]
    assert sorted(starts) == [f"2026-{day}T09:00:00+00:00" for day in ("11-21", "11-28", "12-05")]


def test_who_is_taken_off_is_not_on_call(line: Line) -> None:
    add(line)
    entry_id = line.row(rota_entry).id

    assert line.database.write_now(lambda tx: rota.remove_entry(tx, entry_id, by="staff"))
    assert not line.database.write_now(lambda tx: rota.remove_entry(tx, entry_id, by="staff"))

    assert see(line).on_call == ()


def test_there_is_one_control_room(line: Line) -> None:
    add(line, kind=RotaKind.CONTROL_ROOM, name="Old room")
    line.clock.advance(minutes=1)
    add(line, kind=RotaKind.CONTROL_ROOM, name="New room", mobile="", email="room@example.org")

    room = see(line).control_room

    assert room is not None and (room.name, room.ends_at) == ("New room", None)
    assert len([row for row in line.rows(rota_entry) if row.removed_at is None]) == 1


@pytest.mark.parametrize(
    ("fault", "values"),
    [
        ("email", {"email": "a@example.org\nBcc: b@example.org"}),
        ("email", {"email": "Kit <kit@example.org>"}),
        ("mobile", {"mobile": "0161 496 0000"}),
        ("mobile", {"mobile": "+1 202 555 0100"}),
        ("name", {"name": "   "}),
        ("name", {"name": "x" * 97}),
        ("no_way", {"mobile": " "}),
        ("past", {"starts": "2026-11-01T09:00", "ends": "2026-11-02T09:00"}),
        ("place", {"place": "0"}),
        ("place", {"place": "first"}),
        ("times", {"ends": "2026-11-20T09:00"}),
        ("webhook", {"webhook": "http://chat.example.org/hook"}),
        ("webhook", {"webhook": "https://user:secret@chat.example.org/hook"}),
        ("webhook", {"webhook": "https://chat.example.org:port/"}),
        ("webhook", {"webhook": "file:///etc/hosts"}),
        ("webhook", {"webhook": "http://127.0.0.1:9000/hook"}),
        ("weeks", {"weeks": "53"}),
    ],
)
def test_what_cannot_be_kept_is_refused_whole(line: Line, fault: str, values: dict[str, str]) -> None:
    with pytest.raises(RotaFault) as refusal:
        add(line, **values)

    assert refusal.value.code == fault
    assert line.rows(rota_entry) == []


def test_only_the_sandbox_may_call_this_machine(line: Line) -> None:
    assert add(line, webhook="http://127.0.0.1:9000/hook", is_sandbox=True) == 1
