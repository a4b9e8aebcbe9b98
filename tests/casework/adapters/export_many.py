"""A process that fills a conversation with ten thousand messages, makes its record, and says what that took.

python -m tests.casework.adapters.export_many DATABASE_URL FOLDER
"""

import json
import resource
import sys
import time
from datetime import timedelta
from pathlib import Path

import sqlalchemy as sa

from casework.adapters.disclosure_export_bundle import write_bundle
from casework.adapters.signing import load_signing_key
from casework.adapters.storage.database import Database, create_engine
from casework.adapters.storage.tables import inbox, outbox
from casework.adapters.storage.transaction import SqlTransaction
from casework.model.disclosures import CALM
from casework.model.messages import Channel, OutboxStatus
from casework.services.disclosure_export_ports import ExportScope
from tests.casework.adapters.export_tale import load_test_masker
from tests.support.builders import an_outbound, an_sms
from tests.support.clock import SetClock

EACH_WAY = 5000
WORDS = "He said on Tuesday that he is coming back, and I am scared of it, number {}"


def fill(tx: SqlTransaction) -> str:
    conversation_id = tx.conversations.open(Channel.SMS, "+447700900001").id
    for number in range(EACH_WAY):
        at = tx.now + timedelta(seconds=number)
        message = an_sms(WORDS.format(number), received_at=at, raw=b"Body=" + b"x" * 400)
        tx.inbox.record(message, conversation_id, CALM)
        answer = an_outbound(conversation_id, "Your case is with an officer. " * 4)
        tx.outbox.record(answer, decision="answers_a_message", status=OutboxStatus.SENT)
    return conversation_id


def peak_mb() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def main(url: str, folder: Path) -> None:
    database = Database(create_engine(url), SetClock())
    conversation_id = database.write_now(fill)
    counted = database.read_now(
        lambda tx: [
            tx.connection.execute(sa.select(sa.func.count()).select_from(table)).scalar_one()
            for table in (inbox, outbox)
        ]
    )
    assert counted == [EACH_WAY, EACH_WAY]
    masker, key = load_test_masker(), load_signing_key(folder, "record_signing")
    before, began = peak_mb(), time.monotonic()
    with (folder / "record.zip").open("w+b") as target:
        sealed = database.read_now(
            lambda tx: write_bundle(
                tx,
                ExportScope(conversation_ids=(conversation_id,)),
                target,
                key=key,
                masker=masker,
                models_dir=folder,
                work_dir=folder,
            )
        )
    print(  # noqa: T201
        json.dumps(
            {
                "messages": sealed.messages,
                "size": sealed.size,
                "more_mb": round(peak_mb() - before, 1),
                "peak_mb": round(peak_mb(), 1),
                "seconds": round(time.monotonic() - began, 1),
            }
        )
    )


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]))
