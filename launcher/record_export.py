"""`./waymark export`: a sealed record of one conversation or case, into a file; and the key it is signed with."""

import os
from argparse import Namespace
from pathlib import Path

from casework.adapters.disclosure_export import load_record_key, name_record, seal_record
from casework.adapters.disclosure_export_bundle import Sealed, find_fingerprint
from casework.adapters.service import Service
from casework.adapters.storage.transaction import SqlTransaction
from casework.model.errors import WaymarkError
from casework.services import disclosure_export
from casework.services.disclosure_export import Asked, read_asked
from casework.services.disclosure_export_ports import ExportScope
from casework.services.ports import StaffMember
from launcher.identities import identify
from launcher.progress import ProgressBar

WHATS = ("conversation", "case", "key")


class ExportNotWritten(WaymarkError):
    """Something of what was asked is missing, or a file of that name is there."""


def run_export(service: Service, given: Namespace) -> int:
    """Prints where the record is and the hash that names it; for `key`, the public key and its fingerprint."""
    if given.what == "key":
        key = load_record_key(service.settings)
        print(f"{key.as_pem(private=False).decode()}SHA-256 of it in DER: {find_fingerprint(key)}")
        return 0
    if not (given.of and given.by and given.reason and given.number):
        raise ExportNotWritten(f"Say which {given.what}, and --by, --reason and --number.")
    asked = read_asked(given.reason, given.number, given.words)
    out = _check_out(given.out or Path())
    by = identify(service, given)
    scope = service.database.write_now(lambda tx: _ask(tx, given, by, asked))
    path, sealed = _write(service, scope, by, out)
    print(f"Wrote {path}: {sealed.messages} messages, {sealed.records} records, {sealed.internal} internal.")
    print(f"SHA-256 of its manifest: {sealed.manifest_sha256}")
    return 0


def _check_out(out: Path) -> Path:
    """Before anything is asked or recorded."""
    if out.is_file():
        raise ExportNotWritten(f"{out} exists already. Choose another name.")
    if not out.is_dir() and not out.parent.is_dir():
        raise ExportNotWritten(f"There is no folder {out.parent}.")
    return out


def _ask(tx: SqlTransaction, given: Namespace, by: StaffMember, asked: Asked) -> ExportScope:
    if given.what == "case":
        return disclosure_export.ask_case(tx, given.of, by=by, asked=asked)
    relations = tx.relations.find(given.of, by).relations
    return disclosure_export.ask_conversation(tx, given.of, by=by, relations=relations, asked=asked)


def _write(service: Service, scope: ExportScope, by: StaffMember, out: Path) -> tuple[Path, Sealed]:
    """Into a file of another name until it is whole and on record. A folder gets a file with the record's own name."""
    folder = out if out.is_dir() else out.parent
    partial = folder / f".record-{os.getpid()}.partial"
    partial.touch(mode=0o600, exist_ok=False)
    bars: list[ProgressBar] = []

    def tell(done: int, total: int) -> None:
        if not bars:
            bars.append(ProgressBar("Records", total))
        bars[0].show(done)

    try:
        with partial.open("w+b") as file:
            sealed = service.database.read_now(lambda tx: seal_record(service, tx, scope, file, tell=tell))
        service.database.write_now(
            lambda tx: disclosure_export.note_made(tx, scope, by=by, manifest_sha256=sealed.manifest_sha256)
        )
        path = folder / name_record(sealed) if out.is_dir() else out
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)
    return path, sealed
