"""Models that were trained, and which of them is live."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa

from casework.adapters.storage.model_tables import (
    comparison,
    comparison_change,
    comparison_opening,
    guest_link,
    model_release,
    model_version,
)
from casework.adapters.storage.statements import insert, insert_once
from casework.adapters.storage.tables import conversation
from casework.model.errors import WaymarkError
from casework.services.comparisons import SHADOW
from casework.services.model_ports import (
    ModelRelease,
    ModelVersion,
    ReleaseKind,
    VersionStatus,
    WantedModel,
    WhyWanted,
)

NEWLY_WRONG = "newly_wrong"
IS_OPEN = sa.and_(model_release.c.released_at.is_(None), model_release.c.refused_at.is_(None))
# Written out as the partial index has it. Of some dozen a year all are read.
RELEASED = (
    sa.select(
        model_release.c.model_id,
        model_release.c.kind,
        model_release.c.replaces,
        model_release.c.released_at,
    )
    .where(model_release.c.released_at.is_not(None))
    .order_by(model_release.c.id)
)


class ReleaseNotFound(WaymarkError):
    """No release has this id."""


class SqlModelReleases:
    def __init__(self, connection: sa.Connection, now: datetime) -> None:
        self._connection = connection
        self._now = now

    def find_live(self) -> str | None:
        return next(iter(self.list_allowed()), None)

    def find_before(self) -> str | None:
        return next(iter(self.list_allowed()[1:]), None)

    def list_allowed(self) -> list[str]:
        rows = self._list_released()
        newest_upgrade = max((n for n, row in enumerate(rows) if row.kind == ReleaseKind.UPGRADE), default=0)
        rolled_back = _rolled_back(rows)
        newest_first = dict.fromkeys(row.model_id for row in reversed(rows[newest_upgrade:]))
        return [model_id for model_id in newest_first if model_id not in rolled_back]

    def list_rolled_back(self) -> frozenset[str]:
        return frozenset(_rolled_back(self._list_released()))

    def list_wanted(self, *, now: datetime, keep: timedelta) -> list[WantedModel]:
        rows, allowed = self._list_released(), self.list_allowed()
        wanted = dict.fromkeys(allowed[:1], WhyWanted.LIVE)
        if rows and rows[-1].kind == ReleaseKind.PROMOTION and now - rows[-1].released_at < keep:
            wanted |= dict.fromkeys(allowed[1:2], WhyWanted.BEFORE)
        for model_id in self._list_on_trial(now):
            wanted.setdefault(model_id, WhyWanted.TRIAL)
        found = [(self.find_version(model_id), why) for model_id, why in wanted.items()]
        return [_wanted(version, why) for version, why in found if version is not None]

    def _list_released(self) -> list[Any]:
        return list(self._connection.execute(RELEASED).all())

    def _list_on_trial(self, now: datetime) -> list[str]:
        query = (
            sa.select(guest_link.c.model_id)
            .join(model_version, model_version.c.model_id == guest_link.c.model_id)
            .where(
                guest_link.c.ended_at.is_(None),
                guest_link.c.expires_at > now,
                # Released, refused or rolled back: its link is over for guests too.
                model_version.c.status == VersionStatus.CANDIDATE.value,
            )
            .group_by(guest_link.c.model_id)
            .order_by(sa.func.max(guest_link.c.issued_at).desc(), guest_link.c.model_id)
        )
        return list(self._connection.execute(query).scalars())

    def propose(self, model_id: str, *, by: str) -> int | None:
        statement = insert(self._connection, model_release).values(
            model_id=model_id,
            kind=ReleaseKind.PROMOTION.value,
            proposed_by=by,
            proposed_at=self._now,
            reason="",
        )
        return self._connection.execute(
            statement.on_conflict_do_nothing().returning(model_release.c.id)
        ).scalar()

    def release(self, release_id: int, *, approved_by: str, paper: str) -> bool:
        live = self.find_live()
        released = self._connection.execute(
            sa.update(model_release)
            .where(model_release.c.id == release_id, IS_OPEN)
            .values(approved_by=approved_by, released_at=self._now, replaces=live)
            .returning(model_release.c.model_id)
        ).scalar()
        if released is None:
            return False
        self._change(released, status=VersionStatus.RELEASED.value, paper=paper)
        return True

    def release_unasked(self, model_id: str, *, kind: ReleaseKind, by: str, reason: str, paper: str) -> int:
        self._change(model_id, status=VersionStatus.RELEASED.value, paper=paper)
        return self._release_now(model_id, kind=kind, by=by, reason=reason)

    def refuse(self, release_id: int, *, by: str, reason: str) -> bool:
        refused = self._connection.execute(
            sa.update(model_release)
            .where(model_release.c.id == release_id, IS_OPEN)
            .values(approved_by=by, refused_at=self._now, reason=reason)
        )
        return refused.rowcount == 1

    def roll_back(self, to: str, *, by: str, reason: str) -> int:
        bad = self.find_live()
        release_id = self._release_now(to, kind=ReleaseKind.ROLLBACK, by=by, reason=reason)
        if bad is not None:
            self._change(bad, status=VersionStatus.ROLLED_BACK.value)
        return release_id

    def _release_now(self, model_id: str, *, kind: ReleaseKind, by: str, reason: str) -> int:
        statement = sa.insert(model_release).values(
            model_id=model_id,
            kind=kind.value,
            replaces=self.find_live(),
            proposed_by=by,
            proposed_at=self._now,
            released_at=self._now,
            reason=reason,
        )
        return int(self._connection.execute(statement.returning(model_release.c.id)).scalar_one())

    def find_proposal(self) -> ModelRelease | None:
        row = self._connection.execute(sa.select(model_release).where(IS_OPEN)).first()
        return None if row is None else _release(row)

    def get_release(self, release_id: int) -> ModelRelease:
        query = sa.select(model_release).where(model_release.c.id == release_id)
        row = self._connection.execute(query).first()
        if row is None:
            raise ReleaseNotFound("There is no such proposal.")
        return _release(row)

    def list_releases(self, *, limit: int = 100) -> list[ModelRelease]:
        query = sa.select(model_release).order_by(model_release.c.id.desc()).limit(limit)
        return [_release(row) for row in self._connection.execute(query)]

    def record_trained(
        self, model_id: str, *, file: str, sha256: str, birth: Mapping[str, Any], by: str
    ) -> bool:
        values = {
            "model_id": model_id,
            "file": file,
            "sha256": sha256,
            "birth": dict(birth),
            "data_version": birth.get("data_version"),
            "status": VersionStatus.TRAINED.value,
            "trained_by": by,
            "trained_at": self._now,
        }
        return insert_once(self._connection, model_version, ["model_id"], values) is not None

    def record_report(
        self, model_id: str, *, report: Mapping[str, Any], status: VersionStatus | None, paper: str | None
    ) -> None:
        more = {"status": None if status is None else status.value, "paper": paper}
        self._change(
            model_id,
            report=dict(report),
            **{name: value for name, value in more.items() if value is not None},
        )

    def find_version(self, model_id: str) -> ModelVersion | None:
        query = sa.select(model_version).where(model_version.c.model_id == model_id)
        row = self._connection.execute(query).first()
        return None if row is None else _version(row)

    def list_versions(self, *, limit: int = 100) -> list[ModelVersion]:
        query = sa.select(model_version).order_by(model_version.c.trained_at.desc(), model_version.c.model_id)
        return [_version(row) for row in self._connection.execute(query.limit(limit))]

    def _change(self, model_id: str, **values: Any) -> None:
        self._connection.execute(
            sa.update(model_version).where(model_version.c.model_id == model_id).values(**values)
        )

    def count_unopened_risks(self, model_id: str, *, by: str) -> int | None:
        newest = self._find_newest_comparisons(model_id)
        # A shadow may have seen nothing yet: what waits in it counts, and it stands for no comparison.
        if not newest.keys() - {SHADOW}:
            return None
        opened = sa.exists().where(
            comparison_opening.c.comparison_id == comparison_change.c.comparison_id,
            comparison_opening.c.place == comparison_change.c.place,
            comparison_opening.c.staff_id == by,
        )
        query = (
            sa.select(sa.func.count())
            .select_from(comparison_change)
            .where(
                comparison_change.c.comparison_id.in_(newest.values()),
                comparison_change.c.is_risk.is_(True),
                comparison_change.c.kind == NEWLY_WRONG,
                ~opened,
            )
        )
        return int(self._connection.execute(query).scalar_one())

    def _find_newest_comparisons(self, model_id: str) -> dict[str, str]:
        """The newest against the live model, by source: looking at it again asks nobody to open all again."""
        query = (
            sa.select(comparison.c.source, comparison.c.id)
            .where(comparison.c.model_id == model_id, comparison.c.against_id == self.find_live())
            .order_by(comparison.c.made_at, comparison.c.id)
        )
        return {row.source: row.id for row in self._connection.execute(query)}

    def pin(self, conversation_id: str, model_id: str) -> None:
        self._connection.execute(
            sa.update(conversation)
            .where(conversation.c.id == conversation_id)
            .values(model_id=model_id, model_at=self._now)
        )


def _rolled_back(rows: list[Any]) -> set[str]:
    """A model that was gone back from, unless it was released again since."""
    found: set[str] = set()
    for row in rows:
        found.discard(row.model_id)
        if row.kind == ReleaseKind.ROLLBACK and row.replaces is not None:
            found.add(row.replaces)
    return found


def _wanted(version: ModelVersion, why: WhyWanted) -> WantedModel:
    return WantedModel(model_id=version.model_id, file=version.file, paper=version.paper or "", why=why.value)


def _version(row: Any) -> ModelVersion:
    return ModelVersion(**row._mapping)


def _release(row: Any) -> ModelRelease:
    return ModelRelease(**row._mapping)
