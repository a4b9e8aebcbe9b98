"""The doctor on folders, disks, backups, keys and secrets: each made wrong for real, and told with its remedy.

Red when: any condition of a check is turned round or taken out.
"""

import os
from pathlib import Path

import pytest

from launcher.doctor import files, secrets
from launcher.doctor.findings import Examined
from tests.launcher.doctoring import all_well, examined, look, wrong

__all__ = ["examined"]
A_MONTH = 36 * 24 * 3600.0
as_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root gives a file to somebody else")


# --- files --------------------------------------------------------------------------------------


def test_a_data_folder_that_others_may_read_is_told(examined: Examined) -> None:
    assert all_well(examined, files.check_data_folder)
    examined.data_dir.chmod(0o755)

    said = wrong(examined, files.check_data_folder, "data folder")

    assert said == f"others may read {examined.data_dir}; run: chmod go= {examined.data_dir}"


@pytest.mark.parametrize("name", ["keys", "keys/field.keys"])
def test_in_the_sandbox_keys_alone_are_secret(
    examined: Examined, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.delenv("TWILIO_ACCOUNT_SID")
    examined.data_dir.chmod(0o755)
    (examined.data_dir / "keys").chmod(0o700)
    assert all_well(examined, files.check_data_folder)
    (examined.data_dir / name).chmod(0o755)

    assert f"others may read {examined.data_dir / name}" in wrong(
        examined, files.check_data_folder, "data folder"
    )


def test_a_spool_folder_is_its_owners_alone(examined: Examined) -> None:
    assert all_well(examined, files.check_spool_folder)
    folder = examined.data_dir / "spool"

    folder.chmod(0o770)
    assert f"chmod 700 {folder}" in wrong(examined, files.check_spool_folder, "spool folder")
    folder.chmod(0o500)
    assert "cannot be written to" in wrong(examined, files.check_spool_folder, "spool folder")
    folder.rmdir()
    assert all_well(examined, files.check_spool_folder)
    folder.touch()
    assert "is no folder" in wrong(examined, files.check_spool_folder, "spool folder")


@as_root
def test_a_spool_folder_of_another_user_is_not_the_workers(examined: Examined) -> None:
    os.chown(examined.data_dir / "spool", 12345, 12345)

    assert "belongs to another user" in wrong(examined, files.check_spool_folder, "spool folder")


def test_a_disk_without_room_is_told_before_it_is_full(examined: Examined) -> None:
    """The disk is the machine's own; what is asked of it is more than any has."""
    assert all(each.is_well for each in files.check_disk(examined, least_free=1))
    found = list(files.check_disk(examined, least_free=2**63))

    assert [(each.what, each.is_well) for each in found] == [
        ("disk of the data folder", False),
        ("disk of the spool folder", False),
    ]
    assert "no message is accepted" in found[0].detail


MOUNTS = """\
21 1 8:1 / / rw,relatime - ext4 /dev/sda1 rw
22 21 0:30 / /proc rw - proc proc rw
40 21 0:44 / {folder} rw,relatime shared:5 - {kind} server:/export rw,vers=4.2
"""


@pytest.mark.parametrize("kind", ["cifs", "fuse.sshfs", "nfs4"])
def test_a_database_on_another_machines_disk_is_told(examined: Examined, tmp_path: Path, kind: str) -> None:
    """No network disk can be mounted in a test: the list of mounts is one as Linux writes it (proc(5))."""
    mounts = tmp_path / "mountinfo"
    mounts.write_text(MOUNTS.format(folder=examined.data_dir, kind=kind))
    [found] = files.check_file_system(examined, mounts=mounts)
    mounts.write_text(MOUNTS.format(folder="/elsewhere", kind=kind))
    [elsewhere] = files.check_file_system(examined, mounts=mounts)

    assert (found.what, found.is_well) == ("file system of the database", False)
    assert kind in found.detail and "PostgreSQL" in found.detail
    assert elsewhere.is_well and "ext4" in elsewhere.detail
    assert all_well(examined, files.check_file_system)


def test_backups_too_old_none_and_beside_their_keys(examined: Examined) -> None:
    assert all_well(examined, files.check_backups)
    folder = examined.data_dir / "backups"
    newest = folder / "last-night.db"

    (folder / "last-night.db.keys").touch()
    assert "lies beside its backup" in wrong(examined, files.check_backups, "keys of a backup")
    (folder / "last-night.db.keys").unlink()
    two_days_ago = newest.stat().st_mtime - 2 * 24 * 3600
    os.utime(newest, (two_days_ago, two_days_ago))
    assert "older than a day" in wrong(examined, files.check_backups, "newest backup")
    newest.unlink()
    assert "./waymark db backup" in wrong(examined, files.check_backups, "newest backup")
    aside = examined.data_dir / "waymark.db.before-restore"
    aside.touch()
    os.utime(aside, (two_days_ago - A_MONTH, two_days_ago - A_MONTH))
    assert "remove waymark.db.before-restore" in look(examined, files.check_backups)["backups"].detail


# --- keys and secrets ---------------------------------------------------------------------------


def test_a_key_file_that_is_missing_open_or_no_key_file_is_told(examined: Examined) -> None:
    assert all_well(examined, secrets.check_key_file)
    path = examined.data_dir / "keys" / "field.keys"

    path.chmod(0o644)
    assert f"chmod 600 {path}" in wrong(examined, secrets.check_key_file, "key file")
    path.chmod(0o600)
    content = path.read_text()
    path.write_text("{}")
    assert "no key file" in wrong(examined, secrets.check_key_file, "key file")
    path.unlink()
    assert "There is no key file" in wrong(examined, secrets.check_key_file, "key file")
    path.touch(mode=0o600)
    path.write_text(content)
    (path.parent / "copy.db").write_bytes((examined.data_dir / "waymark.db").read_bytes())
    assert "copy.db" in wrong(examined, secrets.check_key_file, "key file: beside a backup")


@as_root
def test_a_key_file_of_another_user_is_told(examined: Examined) -> None:
    os.chown(examined.data_dir / "keys" / "field.keys", 12345, 12345)

    assert "chown" in wrong(examined, secrets.check_key_file, "key file: owner")


def test_tokens_left_over_from_a_change_are_told(examined: Examined, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TWILIO_AUTH_TOKEN", f"{'a' * 32},{'c' * 32}")
    found = look(examined, secrets.check_tokens)["secret TWILIO_AUTH_TOKEN"]
    assert found.is_well and "take the old one out" in found.detail

    monkeypatch.setenv("TWILIO_AUTH_TOKEN", ",".join(letter * 32 for letter in "acd"))
    assert "holds 3" in wrong(examined, secrets.check_tokens, "secret TWILIO_AUTH_TOKEN")


def test_one_secret_in_two_places_is_told(examined: Examined, monkeypatch: pytest.MonkeyPatch) -> None:
    assert all_well(examined, secrets.check_reuse)
    monkeypatch.setenv("WAYMARK_FEED_KEYS", "b" * 32)

    said = wrong(examined, secrets.check_reuse, "secrets used twice")

    assert "WAYMARK_TURN_SECRET and WAYMARK_FEED_KEYS" in said
    assert "bbbb" not in said


@pytest.mark.parametrize(
    ("name", "value"), [("WAYMARK_SANDBOX", "1"), ("WAYMARK_TWILIO_API_URL", "http://127.0.0.1:8083")]
)
def test_a_pretend_provider_beside_a_real_account_is_told(
    examined: Examined, monkeypatch: pytest.MonkeyPatch, name: str, value: str
) -> None:
    assert all_well(examined, secrets.check_sandbox)
    monkeypatch.setenv(name, value)

    assert name in wrong(examined, secrets.check_sandbox, "sandbox")
