"""The commands other tools rely on, run as their users run them."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.support.running import ROOT, clean_environ

pytestmark = pytest.mark.slow

HEADER = (
    "crime_reference,crime_type,stage,stage_since,oic_name,oic_collar_number,oic_contact,ne"
    "xt_update_due,victim_name,contact_mobile,contact_email,safe_contact,enhanced_rights,language,events"
)
GOOD_ROW = (
    "43260991111,burglary,recorded,2026-11-01,DC Test,T1,101 (synthe"
    "tic),,Alex Example,07700 900123,,any,no,en,[]"
)


def waymark(data_dir: Path, *arguments: str, given: str = "") -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "launcher", *arguments, "--data-dir", str(data_dir)],
        cwd=ROOT,
        env=clean_environ(WAYMARK_ROOT=str(ROOT), PYTHONPATH=str(ROOT)),
        input=given,
        capture_output=True,
        text=True,
        check=False,
    )


def test_screen_answers_every_line_in_order_even_a_broken_one(tmp_path: Path) -> None:
    lines = [
        json.dumps({"id": "a", "text": "he is outside my house now", "channel": "sms"}),
        json.dumps({"id": 2, "text": "who is my officer", "channel": "webchat"}),
        "this is no json, he has a knife",
        json.dumps({"id": "d", "text": ""}),
        '{"id": "half a character", "text": "\\ud83d hiya"}',
    ]
    ran = waymark(tmp_path, "screen", given="\n".join(lines) + "\n")
    answers: list[dict[str, Any]] = [json.loads(line) for line in ran.stdout.splitlines()]

    assert ran.returncode == 0
    assert [a["id"] for a in answers] == ["a", 2, None, "d", "half a character"]
    assert [a["urgent"] for a in answers] == [True, False, True, True, False]
    assert answers[0] | {"evidence": []} == {
        "id": "a",
        "urgent": True,
        "tier": 1,
        "category": "immediate_danger",
        "evidence": [],
        "band": "red",
    }
    assert set(answers[0]["evidence"][0]) == {"rule", "start", "end"}
    assert answers[1] | {"id": None} == {
        "id": None,
        "urgent": False,
        "tier": None,
        "category": None,
        "evidence": [],
        "band": "green",
    }


def test_a_set_that_is_not_there_is_refused_before_anything_is_trained(tmp_path: Path) -> None:
    ran = waymark(tmp_path, "evaluate", "--set", "tset")

    assert (ran.returncode, ran.stdout) == (2, "")
    assert "There is no set 'tset'. Say dev, test, first, same, or a file or folder" in ran.stderr


def test_an_empty_queue_is_an_empty_list(tmp_path: Path) -> None:
    ran = waymark(tmp_path, "queue", "--json")

    assert json.loads(ran.stdout) == []


def test_a_good_case_file_is_imported_and_a_bad_one_changes_nothing(tmp_path: Path) -> None:
    good, bad = tmp_path / "good.csv", tmp_path / "bad.csv"
    good.write_text(f"{HEADER}\n{GOOD_ROW}\n")
    bad_row = GOOD_ROW.replace("2026-11-01", "31/02/2026").replace("43260991111", "43260991112")
    fine_row = GOOD_ROW.replace("43260991111", "43260991113")
    bad.write_text(f"{HEADER}\n{fine_row}\n{bad_row}\n{bad_row}\n")

    imported = waymark(tmp_path, "cases", "import", str(good))
    refused = waymark(tmp_path, "cases", "import", str(bad))
    again = waymark(tmp_path, "cases", "import", str(tmp_path / "missing.csv"))

    assert (imported.returncode, imported.stdout) == (0, "Imported 1 cases\n")
    assert refused.returncode == 2
    assert "line 3, column stage_since" in refused.stderr
    assert "line 4, column crime_reference: the case on line 3 has the same" in refused.stderr
    assert "Nothing was imported." in refused.stderr
    assert again.returncode == 2
    assert "missing.csv" in again.stderr


def test_a_staff_member_is_added_once_and_never_with_an_empty_password(tmp_path: Path) -> None:
    added = waymark(tmp_path, "staff", "add", "robin", "--name", "Robin Example", "--role", "supervisor")
    twice = waymark(tmp_path, "staff", "add", "robin")
    empty = waymark(tmp_path, "staff", "add", "alex", "--password-stdin", given="\n")

    assert added.returncode == 0
    assert "Password: " in added.stdout
    assert twice.returncode == 2
    assert "robin" in twice.stderr
    assert empty.returncode == 2
    assert "password" in empty.stderr


def test_a_backup_can_be_restored_and_verified(tmp_path: Path) -> None:
    waymark(tmp_path, "staff", "add", "robin")
    saved = waymark(tmp_path, "db", "backup", str(tmp_path / "saved.db"))
    waymark(tmp_path, "staff", "add", "alex")
    restored = waymark(tmp_path, "db", "restore", str(tmp_path / "saved.db"))
    verified = waymark(tmp_path, "db", "verify")

    assert (saved.returncode, restored.returncode, verified.returncode) == (0, 0, 0)
    assert waymark(tmp_path, "staff", "add", "alex").returncode == 0
    assert waymark(tmp_path, "staff", "add", "robin").returncode == 2


def test_a_short_token_stops_every_start_and_says_the_remedy(tmp_path: Path) -> None:
    environ = clean_environ(WAYMARK_ROOT=str(ROOT), TWILIO_ACCOUNT_SID="AC" + "0" * 32)
    for token in ("", "short"):
        ran = subprocess.run(
            [
                sys.executable,
                "-m",
                "launcher",
                "up",
                "--data-dir",
                str(tmp_path),
                "--port",
                "1",
                "--console-port",
                "2",
            ],
            cwd=ROOT,
            env=environ | {"TWILIO_AUTH_TOKEN": token, "WAYMARK_SMS_FROM": "+447700900900"},
            capture_output=True,
            text=True,
            check=False,
        )
        assert ran.returncode == 2
        assert "TWILIO_AUTH_TOKEN" in ran.stderr


@pytest.mark.rasa
def test_understand_gives_both_layers_for_every_line_in_order(tmp_path: Path) -> None:
    texts = ["he is outside my house now", "who is my officer", "can i speak to a person", "", "\ud83d hiya"]
    given = "\n".join(json.dumps({"id": i, "text": text, "channel": "sms"}) for i, text in enumerate(texts))
    ran = waymark(tmp_path, "understand", given=given + "\n")
    answers: list[dict[str, Any]] = [json.loads(line) for line in ran.stdout.splitlines()]

    assert [a["id"] for a in answers] == [0, 1, 2, 3, 4], ran.stderr
    assert [a["band"] for a in answers] == ["red", "green", "green", "red", "green"]
    assert answers[0]["outcome"] == "urgent"
    assert answers[1]["outcome"] == "ask_oic_contact"
    assert answers[2]["outcome"] == "request_human"
    assert answers[2]["to_person"] is True
    assert set(answers[0]) == {
        *("id", "urgent", "tier", "category", "evidence", "band", "to_person"),
        *("outcome", "outcome_confidence", "sub", "intent"),
    }
