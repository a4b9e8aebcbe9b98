"""`./waymark workbench data withdraw`: what somebody took back leaves the database, the files and what was kept."""

import re
from argparse import Namespace
from pathlib import Path

from casework.adapters.service import Service
from casework.adapters.storage.transaction import SqlTransaction
from casework.model.errors import WaymarkError
from casework.model.policy import Action
from casework.model.training_flags import TrainingFlag
from casework.services import consents
from launcher.identities import check_role, identify
from launcher.workbench_data import print_written, write_data

MESSAGE = re.compile(r"(?:in-)?([0-9]{1,18})", re.ASCII)


class WithdrawalUnclear(WaymarkError):
    """What is taken back, by whom and why has to be said."""


def run_withdraw(root: Path, service: Service, given: Namespace) -> int:
    """A conversation by its id, or one message by its number; then the files are written anew. 0: all of it is gone.

    Raises WithdrawalUnclear, SignInRefused, NotTheirs, ReasonNeeded, MessageNotFound, ConversationNotFound.
    """
    if not (given.of and given.by and given.reason):
        raise WithdrawalUnclear(
            "Say what, who and why: ./waymark workbench data withdraw CONVERSATION|MESSAGE --by LOGIN --reason TEXT"
        )
    by = identify(service, given)
    check_role(by, Action.CHANGE_USE)

    def withdraw(tx: SqlTransaction) -> tuple[int, int]:
        conversation_id, inbox_id = find_meant(tx, given.of)
        gone = consents.flag(
            tx, conversation_id, inbox_id, TrainingFlag.WITHDRAWN, why=given.reason, by=by.id
        )
        return gone, consents.find_use(tx, conversation_id).models

    gone, models = service.database.write_now(withdraw)
    print(f"Taken back, for good. Texts made of it that lost their words: {gone}.")
    print(f"Models that learned from what was taken back there, and are marked: {models}.")
    return print_written(write_data(root, service, by=by.id))


def find_meant(tx: SqlTransaction, said: str) -> tuple[str, int | None]:
    """The conversation, and the message where one was meant. Raises MessageNotFound.

    Ids of conversations have 32 letters, numbers of messages fewer than 19: none is both.
    """
    found = MESSAGE.fullmatch(said)
    if found is None:
        return said, None
    inbox_id = int(found[1])
    return tx.masking_reads.get_written(inbox_id).conversation_id, inbox_id
