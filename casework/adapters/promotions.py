"""The second person's word, from the page or by command: signed with both names, live, and kept on disk."""

from pathlib import Path

from casework.adapters.model_signing import keep_paper, load_signing_key, sign_paper
from casework.adapters.storage.transaction import SqlTransaction
from casework.model.release_gates import GateLimits
from casework.services import model_releases


def release(tx: SqlTransaction, release_id: int, *, by: str, limits: GateLimits, data_dir: Path) -> None:
    """Live from this commit on; `keep_released_paper` follows it. `by`: a staff id.

    Raises what `casework/services/model_releases.py: approve` raises.
    """
    paper = model_releases.make_release_paper(tx, release_id, by=by)
    signed = sign_paper(paper, load_signing_key(data_dir))
    model_releases.approve(tx, release_id, by=by, paper=signed, limits=limits)


def keep_released_paper(tx: SqlTransaction, release_id: int, *, data_dir: Path) -> None:
    """The paper of two in place of the candidate's, once the release stands in the database: never before."""
    version = tx.model_releases.find_version(tx.model_releases.get_release(release_id).model_id)
    if version is not None and version.paper:
        keep_paper(data_dir, version.model_id, version.paper)
