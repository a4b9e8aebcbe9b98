"""Erasing and retention over a real database, one step a call; and places outside that remember what they were told."""

import asyncio
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

from casework.adapters.storage.database import Database
from casework.adapters.storage.transaction import SqlTransaction
from casework.model.holds import ErasureReason, ErasureStage, Subject, SubjectKind
from casework.model.retention import RetentionRules, load_retention
from casework.services import erasure, retention
from casework.services.keeping_ports import Addresses, Counts, Covers, Erasure
from casework.services.ports import Transaction
from tests.support.clock import SetClock


@dataclass
class NoPlaces:
    """Nothing lies outside; what was asked for is remembered."""

    asked: list[tuple[Covers, Addresses]] = field(default_factory=list)

    async def clean(self, covers: Covers, addresses: Addresses) -> Counts:
        self.asked.append((covers, addresses))
        return {}


@dataclass
class KeyRing:
    """Notes whose data keys are destroyed, in their order."""

    shredded: list[str] = field(default_factory=list)

    def shred(self, tx: Transaction, owner: str) -> bool:
        self.shredded.append(owner)
        return tx.data_keys.shred(owner)


@dataclass
class Keeper:
    database: Database
    clock: SetClock
    rules: RetentionRules = field(default_factory=load_retention)
    places: NoPlaces = field(default_factory=NoPlaces)
    keys: KeyRing = field(default_factory=KeyRing)
    at_once: int = 200

    @property
    def erasing(self) -> erasure.Erasing:
        return erasure.Erasing(
            store=self.database,
            rules=self.rules,
            places=self.places,
            pages=self.database,
            shred=self.keys.shred,
            at_once=self.at_once,
        )

    def ask(self, subject: Subject, reason: ErasureReason = ErasureReason.REQUEST) -> str:
        """Also what was never exported: two people know."""

        def ask(tx: SqlTransaction) -> str:
            erasure_id = erasure.ask(tx, subject, reason, by="alex", has_seen_warning=True)
            found = tx.erasures.find(erasure_id)
            if found is not None and found.stage is ErasureStage.WARNED:
                erasure.answer_warning(tx, erasure_id, agrees=True, by="robin")
            return erasure_id

        return self.database.write_now(ask)

    async def erase_all(self) -> int:
        """Every step there is; how many."""
        erasing, steps = self.erasing, 0
        while await erasure.erase_next(erasing):
            steps += 1
        return steps

    def find(self, erasure_id: str) -> Erasure:
        found = self.database.read_now(lambda tx: tx.erasures.find(erasure_id))
        assert found is not None
        return found

    def keep_all(self) -> None:
        """One whole round of retention, whenever the last one was."""
        keeping = retention.Keeping(store=self.database, clock=self.clock, rules=self.rules)
        asyncio.run(retention.keep_all(keeping))

    def remove_due(self) -> Counter[str]:
        """The same without its audit rows and alarms: what went, by table."""

        def remove(tx: SqlTransaction) -> Counter[str]:
            done: Counter[str] = Counter()
            for rule in reversed(self.rules.list_timed()):
                while some := tx.retention.remove_due(self.rules, rule, limit=retention.AT_ONCE):
                    done += some
            return done

        return self.database.write_now(remove)


def a_conversation(conversation_id: str) -> Subject:
    return Subject(kind=SubjectKind.CONVERSATION, id=conversation_id)


def a_person(person_id: str) -> Subject:
    return Subject(kind=SubjectKind.PERSON, id=person_id)


def all_of(subjects: Sequence[Subject], kind: SubjectKind) -> list[str]:
    return [each.id for each in subjects if each.kind is kind]
