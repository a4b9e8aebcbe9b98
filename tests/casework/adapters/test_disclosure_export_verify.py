"""A sealed record of which anything was changed: the verifier that lies in it says what, and where.

Red when: a record's hash leaves out its number (`test_records_that_were_moved_are_named`); the hash before is not
compared (`test_a_record_that_was_sealed_anew_is_named`); a file is listed without its hash
(`test_any_byte_of_any_file_changed_is_named`).
"""

import ast
import io
import json
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from casework.adapters.storage.database import Database, create_engine
from casework.model import record_verifier
from casework.model.record_verifier import Bundle, canonical, check, seal
from tests.casework.adapters.export_tale import make_bundle, scope_of, tell_tale, unpack
from tests.support.clock import SetClock
from tests.support.databases import copy_sqlite

RECORD = "record.jsonl"


@pytest.fixture(scope="module")
def sealed(tmp_path_factory: pytest.TempPathFactory, sqlite_template: Path) -> tuple[bytes, Path]:
    """The zip, and the folder it was unpacked to. Whoever changes the folder puts it back."""
    folder = tmp_path_factory.mktemp("sealed")
    clock = SetClock()
    database = Database(create_engine(copy_sqlite(sqlite_template, folder / "waymark.db")), clock)
    content, _ = make_bundle(database, scope_of(tell_tale(database, clock), case=True), folder / "keys")
    database.close()
    return content, unpack(content, folder / "record")


@pytest.fixture
def folder(sealed: tuple[bytes, Path]) -> Iterator[Path]:
    before = {path: path.read_bytes() for path in sealed[1].rglob("*") if path.is_file()}
    yield sealed[1]
    for path in [each for each in sealed[1].rglob("*") if each.is_file() and each not in before]:
        path.unlink()
    for path, content in before.items():
        if not path.exists() or path.read_bytes() != content:
            path.write_bytes(content)


def look(folder: Path) -> list[str]:
    return list(check(Bundle(str(folder))))


def change_lines(folder: Path, change: Callable[[list[bytes]], list[bytes]]) -> list[str]:
    path = folder / RECORD
    path.write_bytes(b"".join(change(path.read_bytes().splitlines(keepends=True))))
    return look(folder)


def test_what_was_not_touched_is_whole(folder: Path) -> None:
    assert look(folder) == []


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_any_byte_of_any_file_changed_is_named(folder: Path, data: st.DataObject) -> None:
    names = Bundle(str(folder)).names()
    name = data.draw(st.sampled_from(names))
    path = folder / name
    content = path.read_bytes()
    place = data.draw(st.integers(0, len(content) - 1))
    new = data.draw(st.integers(0, 255).filter(lambda byte: byte != content[place]))
    path.write_bytes(content[:place] + bytes([new]) + content[place + 1 :])
    try:
        found = look(folder)
    finally:
        path.write_bytes(content)

    assert [each for each in found if name in each] != []
    if name.endswith(".jsonl"):
        number = content[:place].count(b"\n") + 1
        assert [each for each in found if each.startswith(f"{name}: record {number} ")] != [], found


@pytest.mark.parametrize("number", [1, 2, 9])
def test_a_record_that_was_taken_out_is_named(folder: Path, number: int) -> None:
    found = change_lines(folder, lambda lines: lines[: number - 1] + lines[number:])

    assert found[0] == f"{RECORD}: record {number} is missing before record {number + 1}"


def test_the_last_records_taken_off_are_named(folder: Path) -> None:
    count = len((folder / RECORD).read_bytes().splitlines())

    found = change_lines(folder, lambda lines: lines[:-2])

    assert found[0] == f"{RECORD}: records {count - 1} to {count} are missing at the end"


def test_records_that_were_moved_are_named(folder: Path) -> None:
    found = change_lines(folder, lambda lines: [*lines[:4], lines[5], lines[4], *lines[6:]])

    assert f"{RECORD}: record 5 is missing before record 6" in found
    assert f"{RECORD}: record 5 was moved: it comes after record 6" in found


def test_a_record_that_stands_twice_is_named(folder: Path) -> None:
    found = change_lines(folder, lambda lines: [*lines[:4], lines[3], *lines[4:]])

    assert found[0] == f"{RECORD}: record 4 stands twice: it comes after record 4"


def test_a_record_that_was_sealed_anew_is_named(folder: Path) -> None:
    """By somebody who knows how: its own hash is right, and the next one still names the record it followed."""
    found = change_lines(folder, lambda lines: [*lines[:3], seal_anew(lines[3]), *lines[4:]])

    assert found[0].startswith(f"{RECORD}: record 5 does not follow record 4")


def test_a_record_put_in_with_all_after_it_sealed_anew_ends_otherwise(folder: Path) -> None:
    """Whoever seals everything anew, the manifest too, is found by the signature alone."""

    def put_in(lines: list[bytes]) -> list[bytes]:
        records = [json.loads(line) for line in lines]
        records.insert(4, records[4] | {"body": {"text": "never said"}})
        previous, written = record_verifier.FIRST, []
        for number, record in enumerate(records, start=1):
            unsealed = {name: value for name, value in record.items() if name != "sha256"}
            whole = seal(unsealed | {"no": number, "previous": previous})
            previous = whole["sha256"]
            written.append(canonical(whole) + b"\n")
        return written

    found = change_lines(folder, put_in)

    assert any(each.startswith(f"{RECORD}: what comes after record") for each in found)


@pytest.mark.parametrize(
    "line",
    [
        b"NaN",
        b"[]",
        b'"text"',
        b'{"no":NaN}',
        b"[" * 50_000,
        b'{"files":[1],"no":4,"previous":"","sha256":""}',
    ],
)
def test_a_line_of_any_other_kind_is_named_and_stops_nothing(folder: Path, line: bytes) -> None:
    found = change_lines(folder, lambda lines: [*lines[:3], line + b"\n", *lines[4:]])

    assert found[0] == f"{RECORD}: record 4 (line 4) cannot be read"


def seal_anew(line: bytes) -> bytes:
    record = json.loads(line)
    unsealed = {name: value for name, value in record.items() if name != "sha256"}
    return canonical(seal(unsealed | {"body": {"text": "never said"}})) + b"\n"


@pytest.mark.parametrize("name", ["manifest.json", "manifest.sig", "SHA256SUMS", "media/in-1-0.png", RECORD])
def test_a_file_that_is_gone_is_named(folder: Path, name: str) -> None:
    (folder / name).unlink()

    assert any(each.startswith(f"{name}: missing") for each in look(folder))


def test_a_file_that_was_put_in_is_named(folder: Path) -> None:
    (folder / "media" / "in-9-0.png").write_bytes(b"another picture")

    assert look(folder) == ["media/in-9-0.png: put in, it was not sealed with the others"]


def test_a_picture_changed_with_its_line_in_the_manifest_is_not_the_one_its_record_names(
    folder: Path,
) -> None:
    (folder / "media" / "in-1-0.png").write_bytes(b"another picture")
    size, sha256 = Bundle(str(folder)).hash("media/in-1-0.png")
    manifest: dict[str, Any] = json.loads((folder / "manifest.json").read_bytes())
    for each in manifest["files"]:
        if each["path"] == "media/in-1-0.png":
            each |= {"size": size, "sha256": sha256}
    (folder / "manifest.json").write_bytes(canonical(manifest) + b"\n")

    assert any("not the file that record 4 of record.jsonl names" in each for each in look(folder))


@pytest.mark.parametrize("broken", [b"", b"[]", b"{}", b'{"files":[1],"chains":{}}', b"\xff", b"[" * 100_000])
def test_a_manifest_that_says_nothing_is_said(folder: Path, broken: bytes) -> None:
    (folder / "manifest.json").write_bytes(broken)

    assert look(folder)[0] == "manifest.json: missing, or it cannot be read"


# --- as whoever gets it runs it -------------------------------------------------------------------------


def run_alone(verifier: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """With nothing of ours on the path."""
    return subprocess.run(
        [sys.executable, "-I", str(verifier), *arguments], capture_output=True, text=True, check=False
    )


def test_the_verifier_in_it_runs_by_itself_on_folder_and_zip(
    sealed: tuple[bytes, Path], folder: Path, tmp_path: Path
) -> None:
    (tmp_path / "record.zip").write_bytes(sealed[0])
    for ran in (
        run_alone(folder / "verify.py"),
        run_alone(folder / "verify.py", str(tmp_path / "record.zip")),
    ):
        assert (ran.returncode, ran.stderr) == (0, "")
        assert ran.stdout.startswith("WHOLE. SHA-256 of manifest.json: ")


def test_what_it_says_of_a_changed_one_and_its_exit(folder: Path) -> None:
    path = folder / RECORD
    path.write_bytes(path.read_bytes().replace(b"Corrected: he left", b"Corrected: he came"))

    ran = run_alone(folder / "verify.py")

    assert ran.returncode == 1
    assert ran.stdout.startswith(f"{RECORD}: record 5 (line 5) was changed\n")
    assert "NOT WHOLE" in ran.stdout


@pytest.mark.parametrize("name", ["raw/in-1.bin", RECORD, "record.html", "manifest.json", "SHA256SUMS"])
def test_a_zip_of_which_a_byte_was_changed_names_the_file(
    sealed: tuple[bytes, Path], tmp_path: Path, name: str
) -> None:
    """Without unpacking it: the sum that the zip has of the file does not fit any more either."""
    content = (sealed[1] / name).read_bytes()
    changed = bytearray(sealed[0])
    changed[sealed[0].index(content) + len(content) // 2] ^= 1
    (tmp_path / "record.zip").write_bytes(changed)

    ran = run_alone(sealed[1] / "verify.py", str(tmp_path / "record.zip"))

    assert (ran.returncode, ran.stderr) == (1, "")
    assert name in ran.stdout


def test_what_is_no_record_is_said_to_be_none(tmp_path: Path, folder: Path) -> None:
    (tmp_path / "record.zip").write_bytes(b"no zip at all")
    assert run_alone(folder / "verify.py", str(tmp_path / "record.zip")).returncode == 1
    assert run_alone(folder / "verify.py", str(tmp_path / "nothing")).returncode == 1


def test_the_verifier_in_it_is_ours_and_old_pythons_can_read_it(folder: Path) -> None:
    source = (folder / "verify.py").read_text(encoding="ascii")

    assert source == Path(record_verifier.__file__).read_text()
    tree = ast.parse(source, feature_version=(3, 8))
    imported = {
        name.name for node in ast.walk(tree) if isinstance(node, ast.Import) for name in node.names
    } | {str(node.module) for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
    assert {name.partition(".")[0] for name in imported} <= sys.stdlib_module_names


def test_every_file_has_one_time_one_set_of_rights_and_is_not_packed(sealed: tuple[bytes, Path]) -> None:
    with zipfile.ZipFile(io.BytesIO(sealed[0])) as bundle:
        told = {(each.date_time, each.external_attr, each.compress_type) for each in bundle.infolist()}
    assert told == {((1980, 1, 1, 0, 0, 0), 0o100644 << 16, zipfile.ZIP_STORED)}


def test_openssl_finds_the_signature_right_and_a_changed_manifest_wrong(folder: Path, tmp_path: Path) -> None:
    if shutil.which("openssl") is None:
        pytest.skip("NO SIGNATURE WAS CHECKED BY openssl: it is missing here.")
    command = ["openssl", "pkeyutl", "-verify", "-pubin", "-inkey", "signing-key.pem", "-rawin"]
    command += ["-in", "manifest.json", "-sigfile", "manifest.sig"]

    assert subprocess.run(command, cwd=folder, capture_output=True, check=False).returncode == 0
    manifest = folder / "manifest.json"
    manifest.write_bytes(manifest.read_bytes().replace(b"waymark", b"waymerk"))
    assert subprocess.run(command, cwd=folder, capture_output=True, check=False).returncode != 0
