"""Writes a sealed record: one zip, the same byte for byte whenever it is made from the same state by the same code.

What is read while it is written is one snapshot; no more than a hundred messages and one file are held at once.
"""

import hashlib
import json
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from itertools import islice
from pathlib import Path
from typing import IO, Any

from joserfc.jwk import OKPKey

from casework.adapters.disclosure_export_pages import PER_PAGE, RecordPages, say_moment
from casework.adapters.sealed_zip import SealedZip
from casework.adapters.storage.transaction import SqlTransaction
from casework.model import record_verifier
from casework.model.masking import Masker
from casework.model.record_verifier import FIRST, MANIFEST, SIGNATURE, SUMS, canonical, write_sums
from casework.services.disclosure_export_ports import OPENING, ExportScope, RecordKind
from casework.services.disclosure_export_records import Record, RecordMaker, write_chain

FORMAT = "waymark sealed record 1"
RECORD, INTERNAL = record_verifier.CHAINS
BLOCK = 1024 * 1024

OnProgress = Callable[[int, int], None]
"""How many records are made, of how many."""


@dataclass(frozen=True, kw_only=True)
class Sealed:
    """What was written: the hash of its manifest, which names it, and how much there is in it."""

    manifest_sha256: str
    records: int
    messages: int
    internal: int
    size: int


@dataclass(kw_only=True)
class Chained:
    """A chain as it is written: its lines in a file nobody else can open, and what is counted on the way."""

    file: IO[bytes]
    head: str = FIRST
    records: int = 0
    kinds: Counter[str] = field(default_factory=Counter)
    looks: Counter[str] = field(default_factory=Counter)
    channels: set[str] = field(default_factory=set)
    last_in: dict[str, int] = field(default_factory=dict)  # conversation -> its newest message of the person
    first: Mapping[str, str] | None = None
    last: Mapping[str, str] | None = None

    def take(self, record: Record) -> None:
        self.file.write(canonical(record) + b"\n")
        self.head, self.records = record["sha256"], record["no"]
        self.kinds[record["kind"]] += 1
        self.looks.update(record.get("review", {}).keys())
        self.channels.update([record["body"]["channel"]] if record["body"].get("channel") else [])
        if record["kind"] == RecordKind.MESSAGE_IN:
            of, number = record["body"]["conversation_id"], record["body"]["id"]
            self.last_in[of] = max(number, self.last_in.get(of, 0))
        if record["kind"] not in OPENING:
            self.first, self.last = self.first or record["at"], record["at"]

    def read(self) -> Iterator[Record]:
        self.file.seek(0)
        return (json.loads(line) for line in self.file)


def write_bundle(
    tx: SqlTransaction,
    scope: ExportScope,
    target: IO[bytes],
    *,
    key: OKPKey,
    masker: Masker,
    models_dir: Path,
    work_dir: Path,
    tell: OnProgress = lambda _done, _total: None,
) -> Sealed:
    """Writes the whole record to `target`, which is empty and can be sought in.

    `tx`: a reading one in which nothing was asked yet. `models_dir`: where birth certificates of models stand.
    `work_dir`: where lines lie while they are written, in files without a name that are gone if this process is.
    """
    reads = tx.export_reads
    reads.begin()
    maker = RecordMaker(
        reads=reads,
        scope=scope,
        masker=masker,
        find_values=tx.masking_reads.find_values,
        model_shas=read_model_shas(models_dir),
    )
    sealed = SealedZip(target)
    with (
        tempfile.TemporaryFile(dir=work_dir) as lines,
        tempfile.TemporaryFile(dir=work_dir) as internal_lines,
    ):
        chain, internal = Chained(file=lines), Chained(file=internal_lines)
        _write_records(maker, sealed, chain, internal, tell)
        _write_files(sealed, chain, internal, scope, key)
        manifest = canonical(_make_manifest(sealed.files, chain, internal, scope)) + b"\n"
    _seal(sealed, manifest, key)
    sealed.close()
    return Sealed(
        manifest_sha256=hashlib.sha256(manifest).hexdigest(),
        records=chain.records,
        messages=_count_messages(chain),
        internal=internal.records,
        size=target.seek(0, 2),
    )


def _write_records(
    maker: RecordMaker, sealed: SealedZip, chain: Chained, internal: Chained, tell: OnProgress
) -> None:
    entries, apart = maker.plan(internal=False), maker.plan(internal=True)
    for each, planned in ((chain, entries), (internal, apart)):
        for record in write_chain(maker.make(planned, sealed.keep)):
            each.take(record)
            tell(chain.records + internal.records, len(entries) + len(apart))


def _write_files(
    sealed: SealedZip, chain: Chained, internal: Chained, scope: ExportScope, key: OKPKey
) -> None:
    """Everything that is made of the records once they are made."""
    pages, about = RecordPages(), _name_scope(scope)
    received = len(sealed.files)
    for name, each in ((RECORD, chain), (INTERNAL, internal)):
        each.file.seek(0)
        sealed.stream(name, iter(lambda file=each.file: file.read(BLOCK), b""))  # type: ignore[misc]
        title = f"{'Internal' if each is internal else 'Record'}: {about}"
        names, records = pages.name_pages(name, each.records), each.read()
        for number, page in enumerate(names, start=1):
            some = islice(records, PER_PAGE)
            text = pages.stream_page(some, chain=name, page=number, pages=names, title=title)
            sealed.stream(page, (part.encode("utf-8", "replace") for part in text))
    words = {
        "about": about,
        "pages": "one page" if chain.records <= PER_PAGE else f"{-(-chain.records // PER_PAGE)} pages",
        "fingerprint": find_fingerprint(key),
        "channels": ", ".join(sorted(chain.channels)) or "no channel",
        "period": _say_period(chain),
        "messages_in": chain.kinds[RecordKind.MESSAGE_IN.value],
        "messages_out": chain.kinds[RecordKind.MESSAGE_OUT.value],
        "files": sum(each["path"].startswith("media/") for each in sealed.files[:received]),
        "internal": f"{internal.records} records",
        "looks": ", ".join(f"{count} {flag}" for flag, count in sorted(chain.looks.items())) or "none",
        "head": chain.head,
    }
    sealed.keep("schedule-entry.txt", pages.write_text("schedule_entry.txt", **words).encode())
    sealed.keep("START-HERE.txt", pages.write_text("start_here.txt", **words).encode())
    sealed.keep("verify.py", Path(record_verifier.__file__).read_bytes())
    sealed.keep("signing-key.pem", key.as_pem(private=False))


def _make_manifest(
    files: list[dict[str, Any]], chain: Chained, internal: Chained, scope: ExportScope
) -> dict[str, Any]:
    return {
        "format": FORMAT,
        "code_sha256": hash_code(),
        "about": {
            "crime_reference": scope.crime_reference,
            # Up to which message of the person: what came later is not in it.
            "conversations": [
                {"id": each, "last_message_in": chain.last_in.get(each)} for each in scope.conversation_ids
            ],
        },
        "range": {"from": chain.first, "until": chain.last},
        "chains": {
            name: {
                "records": each.records,
                "head": each.head,
                "kinds": dict(each.kinds),
                "to_look_at": dict(each.looks),
            }
            for name, each in ((RECORD, chain), (INTERNAL, internal))
        },
        "files": sorted(files, key=lambda each: str(each["path"])),
    }


def _seal(sealed: SealedZip, manifest: bytes, key: OKPKey) -> None:
    sums = {each["path"]: each["sha256"] for each in sealed.files}
    private: Any = key.private_key
    for name, content in ((MANIFEST, manifest), (SIGNATURE, private.sign(manifest))):
        sums[name] = sealed.keep(name, content)["sha256"]
    sealed.keep(SUMS, write_sums(sums))


def find_fingerprint(key: OKPKey) -> str:
    """SHA-256 of the public key in DER, as `openssl pkey -pubin -outform DER | sha256sum` says it."""
    return hashlib.sha256(key.as_der(private=False)).hexdigest()


def read_model_shas(models_dir: Path) -> dict[str, str]:
    """The id of each model with a birth certificate there, and the SHA-256 of its archive."""
    births = [json.loads(path.read_text()) for path in sorted(models_dir.glob("*.json"))]
    return {birth["model_id"]: birth["sha256"] for birth in births if "model_id" in birth}


@cache
def hash_code() -> str:
    """Of every file of the service's own package, by its name: another version of any makes it another."""
    package = Path(__file__).parents[1]
    digest = hashlib.sha256()
    for path in sorted(package.rglob("*")):
        if path.is_file() and path.suffix != ".pyc":
            name = path.relative_to(package).as_posix()
            digest.update(f"{name}\0{hashlib.sha256(path.read_bytes()).hexdigest()}\n".encode())
    return digest.hexdigest()


def _name_scope(scope: ExportScope) -> str:
    if scope.crime_reference is not None:
        return f"the case {scope.crime_reference}"
    return f"the conversation {scope.conversation_ids[0]}"


def _say_period(chain: Chained) -> str:
    if chain.first is None or chain.last is None:
        return "at no time"
    return f"from {say_moment(chain.first)}\n  until {say_moment(chain.last)}"


def _count_messages(chain: Chained) -> int:
    return chain.kinds[RecordKind.MESSAGE_IN.value] + chain.kinds[RecordKind.MESSAGE_OUT.value]
