"""The sealed record as the desk and the command line have it made: with this service's key, masker and folders."""

from pathlib import Path
from typing import IO

from joserfc.jwk import OKPKey

from casework.adapters.disclosure_export_bundle import OnProgress, Sealed, write_bundle
from casework.adapters.service import Service
from casework.adapters.settings import Settings
from casework.adapters.signing import load_signing_key
from casework.adapters.storage.transaction import SqlTransaction
from casework.services.disclosure_export_ports import ExportScope

KEY_PURPOSE = "record_signing"


def seal_record(
    service: Service,
    tx: SqlTransaction,
    scope: ExportScope,
    target: IO[bytes],
    *,
    tell: OnProgress = lambda _done, _total: None,
) -> Sealed:
    """Writes the record of the scope to `target`. `tx`: a reading one in which nothing was asked yet."""
    return write_bundle(
        tx,
        scope,
        target,
        key=load_record_key(service.settings),
        masker=service.masker,
        models_dir=service.settings.training_root / "models",
        work_dir=make_work_dir(service.settings),
        tell=tell,
    )


def load_record_key(settings: Settings) -> OKPKey:
    """What records are signed with, made at the first call. It signs nothing else."""
    return load_signing_key(settings.data_dir, KEY_PURPOSE)


def make_work_dir(settings: Settings) -> Path:
    """Where a record lies while it is made, in files without a name: nothing is left there, whatever happens."""
    folder = settings.data_dir / "exports"
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    return folder


def name_record(sealed: Sealed) -> str:
    """The same name for the same record, and nothing of anybody in it."""
    return f"record-{sealed.manifest_sha256[:12]}.zip"
