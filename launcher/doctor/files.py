"""Folders, disks and backups."""

import shutil
import stat
import time
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

from launcher.doctor.findings import Examined, Finding

OTHERS = 0o077  # the bits of a mode that let anybody but its owner in
LEAST_FREE_BYTES = 2 * 1024**3
MOUNTS = Path("/proc/self/mountinfo")
# Where a lock or a write-ahead log means nothing to the other machine (sqlite.org/wal.html: all processes on one host).
NETWORK_KINDS = frozenset(
    {
        *("nfs", "nfs4", "cifs", "smb3", "smbfs", "9p", "afs", "ceph", "lustre", "gpfs", "beegfs", "ocfs2"),
        *(
            "gfs2",
            "fuse.sshfs",
            "fuse.glusterfs",
            "fuse.s3fs",
            "fuse.rclone",
            "fuse.ceph",
            "davfs",
            "virtiofs",
        ),
    }
)
BACKUP_DAYS = 35  # docs/retention.md
NEWEST_BACKUP = timedelta(hours=26)  # one a night, and two hours for it to run


def check_data_folder(examined: Examined) -> Iterator[Finding]:
    """Nobody but its owner: there are keys, logs, and on SQLite the database."""
    folder = examined.data_dir
    if not folder.exists():
        yield Finding("data folder", True, f"{folder} is not there yet; ./waymark up makes it")
        return
    if not folder.stat().st_mode & OTHERS:
        # Nobody reaches what is in a folder that is shut.
        yield Finding("data folder", True, f"{folder} is its owner's alone")
        return
    kept = sorted((folder / "keys").glob("*"))
    # What others check our signatures with is for everybody.
    private = [folder / "keys", *(path for path in kept if ".pub." not in path.name)]
    if examined.is_real:
        private = [folder, *private]
    open_one = next((path for path in private if path.exists() and path.stat().st_mode & OTHERS), None)
    if open_one is not None:
        yield Finding("data folder", False, f"others may read {open_one}; run: chmod go= {open_one}")
    else:
        yield Finding("data folder", True, f"{folder}: its keys are their owner's alone")


def check_spool_folder(examined: Examined) -> Iterator[Finding]:
    """Two processes meet there: the spool, which writes, and the worker, which takes in and removes."""
    folder = examined.settings.spool_dir
    if not folder.exists():
        above = next(path for path in folder.parents if path.exists())
        yield Finding("spool folder", True, f"{folder} is not there yet; the spool makes it in {above}")
        return
    found = folder.stat()
    if not stat.S_ISDIR(found.st_mode):
        yield Finding("spool folder", False, f"{folder} is no folder: set WAYMARK_SPOOL_DIR to one")
    elif examined.data_dir.exists() and found.st_uid != examined.data_dir.stat().st_uid:
        yield Finding(
            "spool folder",
            False,
            f"{folder} belongs to another user than the data folder: the worker cannot take in what lies there. "
            "Run both as one user",
        )
    elif found.st_mode & stat.S_IRWXU != stat.S_IRWXU:
        yield Finding(
            "spool folder", False, f"{folder} cannot be written to by its owner; run: chmod 700 {folder}"
        )
    elif found.st_mode & OTHERS:
        yield Finding(
            "spool folder",
            False,
            f"{folder} holds what people wrote and others may enter; run: chmod 700 {folder}",
        )
    else:
        yield Finding("spool folder", True, f"{folder} is its owner's alone")


def check_disk(examined: Examined, *, least_free: int = LEAST_FREE_BYTES) -> Iterator[Finding]:
    """A full disk refuses every message; the spool's is looked at by itself."""
    places = {"data folder": examined.data_dir, "spool folder": examined.settings.spool_dir}
    for name, folder in places.items():
        there = next(path for path in (folder, *folder.parents) if path.exists())
        free = shutil.disk_usage(there).free
        gigabytes = f"{free / 1024**3:.1f} GB free"
        remedy = (
            "" if free >= least_free else ": when it is full no message is accepted. Make room, or enlarge it"
        )
        yield Finding(f"disk of the {name}", free >= least_free, gigabytes + remedy)


def check_file_system(examined: Examined, *, mounts: Path = MOUNTS) -> Iterator[Finding]:
    path = examined.database_file
    if path is None or not mounts.exists():
        return
    kind = _find_kind(path.absolute(), mounts.read_text())
    well = kind not in NETWORK_KINDS
    remedy = (
        ""
        if well
        else ", which another machine may write to as well: SQLite loses data there. "
        "Put the data folder on a disk of this machine, or use PostgreSQL"
    )
    yield Finding("file system of the database", well, f"{kind}{remedy}")


def _find_kind(path: Path, mounts: str) -> str:
    """The file system of the mount nearest above the path (proc(5), mountinfo)."""
    nearest, kind = -1, "unknown"
    for line in mounts.splitlines():
        place, _, source = line.partition(" - ")
        fields = place.split()
        if len(fields) < 5:
            continue
        mounted = Path(fields[4].replace("\\040", " "))
        if path.is_relative_to(mounted) and len(mounted.parts) >= nearest:
            nearest, kind = len(mounted.parts), source.split()[0]
    return kind


def check_backups(examined: Examined) -> Iterator[Finding]:
    """What was erased is in a backup until that goes (docs/retention.md); what is in none goes with the disk."""
    folder = examined.data_dir / "backups"
    found = [*examined.data_dir.glob("*.before-restore*"), *folder.glob("*")]
    oldest = time.time() - timedelta(days=BACKUP_DAYS).total_seconds()
    late = sorted(path.name for path in found if path.stat().st_mtime < oldest)
    detail = f"older than {BACKUP_DAYS} days; remove {', '.join(late)}" if late else "none kept too long here"
    yield Finding("backups", not late, detail)
    if examined.is_real:
        yield from _check_newest(examined, folder)


def _check_newest(examined: Examined, folder: Path) -> Iterator[Finding]:
    if examined.database_file is None:
        yield Finding(
            "newest backup",
            True,
            "PostgreSQL's are made by its own tools and not seen from here: ask whoever keeps them when one was "
            "last put back",
        )
        return
    databases = [path for path in folder.glob("*") if path.suffix != ".keys"]
    newest = max((path.stat().st_mtime for path in databases), default=0.0)
    well = time.time() - newest <= NEWEST_BACKUP.total_seconds()
    remedy = "run ./waymark db backup each night, and copy it off this machine (docs/recovery.md)"
    detail = f"none in {folder}; {remedy}" if not databases else f"the last is older than a day; {remedy}"
    yield Finding("newest backup", well, "less than a day old" if well else detail)
    beside = sorted(path.name for path in folder.glob("*.keys"))
    if beside:
        yield Finding(
            "keys of a backup",
            False,
            f"{beside[0]} lies beside its backup: move it elsewhere, where it is removed after {BACKUP_DAYS} days",
        )
