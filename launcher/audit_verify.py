"""`./waymark db verify`: whether the audit is what was written, against its own chain and every head ever signed."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import sqlalchemy as sa
from joserfc.jwk import OKPKey

from casework.adapters import signing
from casework.adapters.anchor_places import PURPOSE
from casework.adapters.settings import Settings
from casework.adapters.storage.chain_reads import count_records, read_anchors, read_heads, read_records
from casework.adapters.storage.database import create_engine
from casework.model.audit_anchors import Anchor, AnchorUnreadable, find_signed, read_anchor
from casework.model.audit_chain import ChainCheck, Fault, FaultKind, Head
from launcher.progress import ProgressBar

EVERY = 1000
SAYS = {
    FaultKind.CHANGED: "it was changed: it does not fit the record before it",
    FaultKind.MISSING: "it is missing",
    FaultKind.MOVED: "it was moved: it does not stand where it was written",
    FaultKind.INSERTED: "it was inserted: no record was written there",
    FaultKind.REWRITTEN: "from here on it is whole, but not what was signed",
    FaultKind.CUT_OFF: "it is missing, with all that came after it",
    FaultKind.HEAD: "it is the last one, and the note of where the chain ends says something else",
}
WHY_NOT = {
    "unsigned": "it has no signature",
    "altered": "it was altered",
    "other_key": "it was signed with a key that is not in the data folder",
}


@dataclass
class Verified:
    """`wrong`: in words, the first bad record of each chain and each signed head that proves nothing."""

    records: int = 0
    in_database: int = 0
    in_file: int = 0
    wrong: list[str] = field(default_factory=list)


def run_verify(settings: Settings, anchors_file: Path | None) -> int:
    """Prints what was found. 0 when every record is what was written, else 1."""
    engine = create_engine(settings.database_url)
    if engine.dialect.name == "postgresql":
        # Records and heads as of one moment, beside whoever goes on writing.
        engine = engine.execution_options(isolation_level="REPEATABLE READ")
    try:
        with engine.connect().execution_options(waymark_read=True) as connection:
            verified = verify(connection, settings.data_dir, anchors_file)
    finally:
        engine.dispose()
    for each in verified.wrong:
        print(each)
    against = f"{verified.in_database} signed heads of the database"
    against += f" and {verified.in_file} of {anchors_file}" if anchors_file else ""
    if verified.wrong:
        print(
            f"The audit is NOT as it was written ({verified.records} records, {against}). See docs/audit.md."
        )
        return 1
    print(f"The audit is as it was written: {verified.records} records, held against {against}.")
    return 0


def verify(connection: sa.Connection, data_dir: Path, anchors_file: Path | None) -> Verified:
    verified = Verified()
    checking = _AnchorChecking(_load_keys(data_dir), verified)
    check = ChainCheck(checking.read_all(connection, anchors_file))
    total = count_records(connection)
    bar = ProgressBar("Audit", total)
    for record in read_records(connection):
        check.take(record)
        verified.records += 1
        if verified.records % EVERY == 0:
            bar.show(min(verified.records, total))
    bar.show(total)
    verified.wrong += [_say(fault) for fault in check.finish(read_heads(connection))]
    return verified


def _say(fault: Fault) -> str:
    shown_by = f" (signed head {fault.signed})" if fault.signed is not None else ""
    return f"Chain {fault.shard}, record {fault.seq}: {SAYS[fault.kind]}{shown_by}."


def _load_keys(data_dir: Path) -> Sequence[OKPKey]:
    """The present key's public half, and those of keys there were before."""
    return [
        signing.read_public_key(path) for path in sorted((data_dir / "keys").glob(f"{PURPOSE}*.pub.json"))
    ]


@dataclass
class _AnchorChecking:
    """Reads signed heads, counts them, and says which are not ours, altered or gone."""

    keys: Sequence[OKPKey]
    verified: Verified

    def read_all(self, connection: sa.Connection, anchors_file: Path | None) -> Iterator[tuple[int, Head]]:
        last = 0
        for stored in read_anchors(connection):
            self.verified.in_database += 1
            if stored.number != last + 1:
                self.verified.wrong.append(f"Signed head {last + 1} of the database is missing.")
            last = stored.number
            anchor = self._open(stored.signed, f"{stored.number} of the database")
            if anchor is not None and anchor.number != stored.number:
                self.verified.wrong.append(
                    f"Signed head {last} of the database was signed as {anchor.number}."
                )
            yield from _list_heads(anchor)
        if anchors_file is None:
            return
        # Whatever a mail or a line of syslog brings along.
        for signed in find_signed(anchors_file.read_text(encoding="utf-8", errors="replace")):
            self.verified.in_file += 1
            anchor = self._open(signed, f"{self.verified.in_file} of {anchors_file.name}")
            if anchor is not None and anchor.number > last:
                self.verified.wrong.append(f"Signed head {anchor.number} is not in the database.")
            yield from _list_heads(anchor)

    def _open(self, signed: str, place: str) -> Anchor | None:
        why = "other_key"
        for key in self.keys:
            try:
                return read_anchor(signing.read_signed(signed, key))
            except AnchorUnreadable:
                why = "altered"
            except signing.SignatureNotOurs as refusal:
                why = refusal.why if refusal.why != "other_key" else why
        self.verified.wrong.append(f"Signed head {place} proves nothing: {WHY_NOT[why]}.")
        return None


def _list_heads(anchor: Anchor | None) -> Iterator[tuple[int, Head]]:
    if anchor is not None:
        yield from ((anchor.number, head) for head in anchor.heads)
