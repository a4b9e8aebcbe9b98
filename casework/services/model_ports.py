"""What the services need of the record of models: which were trained, and which one is live."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, Protocol


class WhyWanted(StrEnum):
    """What a model is to be loaded for."""

    LIVE = "live"
    BEFORE = "before"  # it answers running conversations, and one press goes back to it
    TRIAL = "trial"  # guests talk with it; victims never


class ReleaseKind(StrEnum):
    FOUNDING = "founding"
    PROMOTION = "promotion"
    ROLLBACK = "rollback"
    UPGRADE = "upgrade"


class VersionStatus(StrEnum):
    TRAINED = "trained"
    REFUSED = "refused"  # by the gates
    CANDIDATE = "candidate"
    RELEASED = "released"
    ROLLED_BACK = "rolled_back"


@dataclass(frozen=True, kw_only=True)
class WantedModel:
    """`file`: its name in `models/`; `paper`: signed; `why`: a WhyWanted."""

    model_id: str
    file: str
    paper: str
    why: str


@dataclass(frozen=True, kw_only=True)
class ModelVersion:
    """A model that was trained. `birth` and `report` as casework/model/model_papers.py writes them."""

    model_id: str
    file: str
    sha256: str
    birth: Mapping[str, Any]
    data_version: int | None
    status: str
    paper: str | None
    report: Mapping[str, Any] | None
    trained_by: str
    trained_at: datetime


@dataclass(frozen=True, kw_only=True)
class ModelRelease:
    """A model that was proposed, and what became of it. Who: ids of staff, or `launcher`."""

    id: int
    model_id: str
    kind: str
    replaces: str | None
    proposed_by: str
    proposed_at: datetime
    approved_by: str | None
    released_at: datetime | None
    refused_at: datetime | None
    reason: str

    @property
    def is_open(self) -> bool:
        return self.released_at is None and self.refused_at is None


class ModelReleases(Protocol):
    # --- which one is live ---

    def find_live(self) -> str | None:
        """None: nothing was ever released here, and whichever model there is may answer."""

    def find_before(self) -> str | None:
        """What a rollback would go back to."""

    def list_allowed(self) -> list[str]:
        """Every model that may answer victims, the live one first.

        Released and not rolled back since; none from before an upgrade, for it knows other code.
        """

    def list_rolled_back(self) -> frozenset[str]: ...

    def list_wanted(self, *, now: datetime, keep: timedelta) -> list[WantedModel]:
        """What is to be loaded, most wanted first. `keep`: how long after a promotion the one before it is."""

    # --- releases ---

    def propose(self, model_id: str, *, by: str) -> int | None:
        """The new proposal's id; None while another one is open."""

    def release(self, release_id: int, *, approved_by: str, paper: str) -> bool:
        """False where the proposal is no longer open."""

    def release_unasked(self, model_id: str, *, kind: ReleaseKind, by: str, reason: str, paper: str) -> int:
        """A founding or an upgrade: released at once."""

    def refuse(self, release_id: int, *, by: str, reason: str) -> bool:
        """False where the proposal is no longer open."""

    def roll_back(self, to: str, *, by: str, reason: str) -> int: ...

    def find_proposal(self) -> ModelRelease | None: ...

    def get_release(self, release_id: int) -> ModelRelease:
        """Raises ReleaseNotFound."""

    def list_releases(self, *, limit: int = 100) -> list[ModelRelease]:
        """Newest first, open and refused ones too."""

    # --- versions ---

    def record_trained(
        self, model_id: str, *, file: str, sha256: str, birth: Mapping[str, Any], by: str
    ) -> bool:
        """False where it stands there already."""

    def record_report(
        self, model_id: str, *, report: Mapping[str, Any], status: VersionStatus | None, paper: str | None
    ) -> None:
        """`status` and `paper` None: left as they are."""

    def find_version(self, model_id: str) -> ModelVersion | None: ...

    def list_versions(self, *, limit: int = 100) -> list[ModelVersion]:
        """Newest first."""

    def count_unopened_risks(self, model_id: str, *, by: str) -> int | None:
        """Risk items it newly gets wrong against the live model, in its newest comparisons, that `by` never opened.

        None where it was never compared with the live model.
        """

    # --- conversations ---

    def pin(self, conversation_id: str, model_id: str) -> None:
        """That model has just answered there."""
