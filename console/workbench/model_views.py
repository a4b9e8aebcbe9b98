"""Models as the workbench's pages show them: which is live, what each was measured at, and what happened to it."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from aiohttp import web

from casework.adapters.storage.people import StaffMemberNotFound
from casework.adapters.storage.transaction import SqlTransaction
from casework.adapters.web_app import SERVICE
from casework.model.model_papers import report_from_json
from casework.model.release_gates import GateReport
from casework.services import consents
from casework.services.comparison_ports import Comparison
from casework.services.model_ports import ModelRelease, ModelVersion, ReleaseKind, VersionStatus
from casework.services.model_releases import LAUNCHER, ModelNotFound
from console.pages import PAGES
from console.sessions import SESSION
from console.words import Words
from console.workbench.model_lines import Check, find_headline, list_checks, load_limits
from console.workbench.session_bar import read_bar

SHORT = 12
"""Letters of a model's id that stand in addresses and on pages, as `./waymark models` prints them."""
MOST_MODELS = 1000
MOST_RELEASES = 1000
LIVE, BEFORE, PROPOSED = "live", "before", "proposed"


@dataclass(frozen=True, kw_only=True)
class Past:
    """Something that happened to a model: a name of wb_model_history and what fills its gaps."""

    at: datetime
    what: str
    gaps: Mapping[str, str]


@dataclass(frozen=True, kw_only=True)
class Compared:
    """The newest comparison of a model, which may be with another than the live one.

    `unopened`: newly wrong ones of danger that the reader has not opened; None where none was with the live one.
    """

    newest: Comparison
    is_with_live: bool
    unopened: int | None

    @property
    def risks(self) -> int:
        return self.newest.counts.get("newly_wrong_risk", 0)


@dataclass(frozen=True, kw_only=True)
class ModelView:
    """`state`: live, before, proposed, else its VersionStatus. `marked`: examples it learned that were taken back.

    `differs`: the parts it was made of that are not those of the live model; None where no other is live.
    """

    version: ModelVersion
    no: str
    state: str
    proposal: ModelRelease | None
    report: GateReport | None
    checks: tuple[Check, ...]
    headline: str
    marked: int
    is_founding: bool
    trained_by: str
    differs: tuple[str, ...] | None = None
    compared: Compared | None = None
    live_id: str | None = None
    past: tuple[Past, ...] = ()

    @property
    def failed(self) -> int:
        return sum(not check.passed for check in self.checks)

    @property
    def is_candidate(self) -> bool:
        """Passed as the checks stand today, and never live."""
        return self.version.status == VersionStatus.CANDIDATE and bool(self.checks) and not self.failed

    @property
    def is_against_other(self) -> bool:
        """Measured against a model that is live no more."""
        is_live = self.live_id in (None, self.version.model_id)
        return self.report is not None and not is_live and self.report.against != self.live_id


def shorten(model_id: str) -> str:
    return model_id[:SHORT]


def find_model(tx: SqlTransaction, model_no: str) -> ModelVersion:
    """By the number of its address. Raises ModelNotFound, also where two have the same."""
    versions = tx.model_releases.list_versions(limit=MOST_MODELS)
    found = [each for each in versions if shorten(each.model_id) == model_no]
    if len(found) != 1:
        raise ModelNotFound(f"{len(found)} models have the number {model_no}")
    return found[0]


def list_models(tx: SqlTransaction, words: Words) -> list[ModelView]:
    """Newest first, without what only a model's own page tells."""
    standing = _Standing(tx)
    return [_view(tx, each, standing, words) for each in tx.model_releases.list_versions(limit=MOST_MODELS)]


def find_live(tx: SqlTransaction, words: Words) -> ModelView | None:
    live = tx.model_releases.find_live()
    version = tx.model_releases.find_version(live) if live else None
    return None if version is None else _view(tx, version, _Standing(tx), words)


def load_model(tx: SqlTransaction, model_no: str, words: Words, *, by: str) -> ModelView:
    """All its page tells. `by`: whose openings are counted. Raises ModelNotFound."""
    version, standing = find_model(tx, model_no), _Standing(tx)
    live = tx.model_releases.find_version(standing.live) if standing.live else None
    is_other = live is not None and live.model_id != version.model_id
    view = _view(tx, version, standing, words)
    return ModelView(
        **vars(view)
        | {
            "differs": _find_differences(version, live) if live is not None and is_other else None,
            "compared": _find_compared(tx, version.model_id, standing.live, by=by) if is_other else None,
            "past": tuple(_list_past(tx, version, standing, words)),
        }
    )


def find_name(tx: SqlTransaction, staff_id: str, words: Words) -> str:
    """Whoever it was, as colleagues know them."""
    if staff_id == LAUNCHER:
        return str(words["wb_model_history"]["launcher"])
    try:
        return tx.staff.get(staff_id).display_name
    except StaffMemberNotFound:
        return str(words["wb_model_history"]["gone"])


async def show(
    request: web.Request,
    template: str,
    read: Callable[[SqlTransaction], Mapping[str, Any]],
    *,
    status: int = 200,
    **values: Any,
) -> web.Response:
    """A page for trainers, supervisors and auditors. The bar of a session is a trainer's alone."""
    session = request[SESSION]
    found, bar = await request.app[SERVICE].database.read(
        lambda tx: (read(tx), read_bar(tx, by=session.staff) if session.may("train") else None)
    )
    return request.app[PAGES].render(
        f"workbench/{template}", status=status, session=session, bar=bar, short=shorten, **found, **values
    )


class _Standing:
    """Which model is what now, read once for a page."""

    def __init__(self, tx: SqlTransaction) -> None:
        self.live = tx.model_releases.find_live()
        self.before = tx.model_releases.find_before()
        self.proposal = tx.model_releases.find_proposal()
        self.releases = tx.model_releases.list_releases(limit=MOST_RELEASES)
        self.marked = {each.model_id: each.examples for each in consents.models_marked(tx)}

    def name(self, version: ModelVersion) -> str:
        if version.model_id == self.live:
            return LIVE
        if version.model_id == self.before:
            return BEFORE
        if self.proposal is not None and self.proposal.model_id == version.model_id:
            return PROPOSED
        return version.status


def _view(tx: SqlTransaction, version: ModelVersion, standing: _Standing, words: Words) -> ModelView:
    report = None if version.report is None else report_from_json(version.report)
    proposal = standing.proposal
    return ModelView(
        version=version,
        no=shorten(version.model_id),
        state=standing.name(version),
        proposal=proposal if proposal is not None and proposal.model_id == version.model_id else None,
        report=report,
        checks=() if report is None else tuple(list_checks(report, words, load_limits())),
        headline="" if report is None else find_headline(report, words, load_limits()),
        marked=standing.marked.get(version.model_id, 0),
        is_founding=any(
            each.model_id == version.model_id and each.kind == ReleaseKind.FOUNDING
            for each in standing.releases
        ),
        trained_by=find_name(tx, version.trained_by, words),
        live_id=standing.live,
    )


def _find_differences(version: ModelVersion, live: ModelVersion) -> tuple[str, ...]:
    """Parts of what it was made of, by the sums in both birth certificates."""
    own, other = version.birth.get("parts", {}), live.birth.get("parts", {})
    return tuple(sorted(part for part in {*own, *other} if own.get(part) != other.get(part)))


def _find_compared(tx: SqlTransaction, model_id: str, live: str | None, *, by: str) -> Compared | None:
    newest = tx.comparisons.find_newest(model_id)
    if newest is None:
        return None
    return Compared(
        newest=newest,
        is_with_live=newest.against_id == live,
        unopened=tx.model_releases.count_unopened_risks(model_id, by=by),
    )


def _list_past(
    tx: SqlTransaction, version: ModelVersion, standing: _Standing, words: Words
) -> Iterator[Past]:
    """Newest first, its training last."""
    for release in standing.releases:
        what = _name_past(release, version.model_id)
        if what is not None:
            yield Past(
                at=release.released_at or release.refused_at or release.proposed_at,
                what=what,
                gaps={
                    "who": find_name(tx, release.proposed_by, words),
                    "second": find_name(tx, release.approved_by, words) if release.approved_by else "",
                    "reason": release.reason,
                },
            )
    yield Past(at=version.trained_at, what="trained", gaps={"who": find_name(tx, version.trained_by, words)})


def _name_past(release: ModelRelease, model_id: str) -> str | None:
    """A name of wb_model_history; None for what does not touch this model."""
    is_rollback = release.kind == ReleaseKind.ROLLBACK
    if release.model_id == model_id:
        if release.refused_at is not None:
            return "refused"
        if release.is_open:
            return "proposed"
        return "rollback_to" if is_rollback else release.kind
    if release.replaces != model_id or release.released_at is None:
        return None
    return "rollback_from" if is_rollback else "replaced"
