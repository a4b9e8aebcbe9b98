"""Which model answers victims: nobody alone decides it, and anybody alone may go back."""

from dataclasses import replace

from casework.model.errors import ReasonNeeded, WaymarkError
from casework.model.model_papers import (
    VERSION,
    BirthCertificate,
    Paper,
    PaperKind,
    birth_from_json,
    birth_to_json,
    report_from_json,
    report_to_json,
)
from casework.model.release_gates import GateLimits, GateReport, Verdict, judge
from casework.services.model_ports import ModelRelease, ModelVersion, ReleaseKind, VersionStatus
from casework.services.ports import Transaction

LAUNCHER = "launcher"
"""Who founded, and who upgrades: nobody."""
LONGEST_REASON = 500


class ModelNotFound(WaymarkError):
    """No model of this id was ever recorded here."""


class NotACandidate(WaymarkError):
    """Only a model that passes every gate can be proposed or released."""


class MeasuredBesideAnother(NotACandidate):
    """Its checks say how it stands to a model that is live no more, which is no answer to what would change now."""


class AlreadyProposed(WaymarkError):
    """One proposal at a time: decide on the open one first."""


class SamePerson(WaymarkError):
    """Whoever proposed a model is not the one who releases it."""


class RisksUnopened(WaymarkError):
    """Every message of risk that it newly gets wrong must be opened first, by each of the two."""


class NotCompared(RisksUnopened):
    """What it would have answered lately was not set beside the live model's answers yet."""


class ProposalOver(WaymarkError):
    """It was released or refused meanwhile."""


class NothingBefore(WaymarkError):
    """There is no released model to go back to."""


def record_trained(tx: Transaction, birth: BirthCertificate, *, file: str, by: str) -> None:
    """Notes a model that was trained. `file`: its name in `models/`. A second time changes nothing."""
    is_new = tx.model_releases.record_trained(
        birth.model_id, file=file, sha256=birth.sha256, birth=birth_to_json(birth), by=by
    )
    if is_new:
        tx.audit.record("model_trained", by=by, thing=_thing(birth.model_id))


def record_report(
    tx: Transaction, report: GateReport, *, limits: GateLimits, paper: str | None, by: str
) -> Verdict:
    """What the gates measured: a candidate if all are passed, refused if not. One that was released stays so.

    `paper`: signed, for a model that passed. Raises ModelNotFound, and NotACandidate for one that passed and has
    no paper or has one and did not pass.
    """
    version = _get_version(tx, report.model_id)
    verdict = judge(report, limits)
    if version.status in (VersionStatus.RELEASED, VersionStatus.ROLLED_BACK):
        tx.model_releases.record_report(
            report.model_id, report=report_to_json(report), status=None, paper=None
        )
        return verdict
    if verdict.passed is not (paper is not None):
        raise NotACandidate("Exactly a model that passes its gates gets a paper.")
    status = VersionStatus.CANDIDATE if verdict.passed else VersionStatus.REFUSED
    tx.model_releases.record_report(
        report.model_id, report=report_to_json(report), status=status, paper=paper
    )
    if not verdict.passed:
        tx.audit.record("model_refused", by=by, thing=_thing(report.model_id))
    return verdict


def propose(tx: Transaction, model_id: str, *, by: str, limits: GateLimits) -> int:
    """The proposal's id. `by`: a staff id.

    Raises NotACandidate, MeasuredBesideAnother, NotCompared, RisksUnopened, AlreadyProposed.
    """
    _check_candidate(tx, model_id, by=by, limits=limits)
    release_id = tx.model_releases.propose(model_id, by=by)
    if release_id is None:
        raise AlreadyProposed("Another model is proposed. Release or refuse that one first.")
    tx.audit.record("model_proposed", by=by, thing=_thing(model_id))
    return release_id


def make_release_paper(tx: Transaction, release_id: int, *, by: str) -> Paper:
    """What is signed when `by` approves: both names and the numbers. Raises what `approve` raises."""
    release = _get_open(tx, release_id, by=by)
    version = _get_version(tx, release.model_id)
    return Paper(
        v=VERSION,
        kind=PaperKind.PROMOTION,
        birth=birth_from_json(version.birth),
        report=report_from_json(version.report or {}),
        proposed_by=release.proposed_by,
        approved_by=by,
        at=tx.now.isoformat(timespec="seconds"),
    )


def approve(tx: Transaction, release_id: int, *, by: str, paper: str, limits: GateLimits) -> None:
    """The second person: the model is live from this commit on. `paper`: `make_release_paper`, signed.

    Raises SamePerson, ProposalOver, and what `propose` raises: another model may have gone live since.
    """
    release = _get_open(tx, release_id, by=by)
    _check_candidate(tx, release.model_id, by=by, limits=limits)
    if not tx.model_releases.release(release_id, approved_by=by, paper=paper):
        raise ProposalOver("Somebody decided on it meanwhile.")
    tx.audit.record("model_released", by=by, thing=_thing(release.model_id))


def refuse(tx: Transaction, release_id: int, *, by: str, reason: str) -> None:
    """Takes a proposal away; whoever made it may, too. Raises ProposalOver, ReasonNeeded."""
    release = tx.model_releases.get_release(release_id)
    if not tx.model_releases.refuse(release_id, by=by, reason=_check_reason(reason)):
        raise ProposalOver("Somebody decided on it meanwhile.")
    tx.audit.record("model_refused", by=by, thing=_thing(release.model_id))


def roll_back(tx: Transaction, *, by: str, reason: str, live_seen: str | None = None) -> str:
    """Goes back to the model before: its id. From the next turn on the one that was live answers nobody.

    `live_seen`: what was live on the page that was pressed; two who press at once go back once. Raises
    NothingBefore, ReasonNeeded.
    """
    said = _check_reason(reason)
    live = tx.model_releases.find_live()
    if live_seen is not None and live is not None and live != live_seen:
        return live
    to = tx.model_releases.find_before()
    if to is None:
        raise NothingBefore("No model was released before this one, or the code has changed since.")
    tx.model_releases.roll_back(to, by=by, reason=said)
    tx.audit.record("model_rolled_back", by=by, thing=_thing(live or ""))
    return to


def found(tx: Transaction, birth: BirthCertificate, *, file: str, paper: str) -> bool:
    """The first model of a database, released by nobody. False, and nothing is done, where one is live."""
    if tx.model_releases.find_live() is not None:
        return False
    record_trained(tx, birth, file=file, by=LAUNCHER)
    tx.model_releases.release_unasked(
        birth.model_id, kind=ReleaseKind.FOUNDING, by=LAUNCHER, reason="the first one", paper=paper
    )
    tx.audit.record("model_released", by=LAUNCHER, thing=_thing(birth.model_id))
    return True


def upgrade(tx: Transaction, birth: BirthCertificate, *, file: str, paper: str, reason: str) -> None:
    """A developer's change and what the live model was taught, released by nobody. No rollback goes behind it."""
    record_trained(tx, birth, file=file, by=LAUNCHER)
    tx.model_releases.release_unasked(
        birth.model_id,
        kind=ReleaseKind.UPGRADE,
        by=LAUNCHER,
        reason=reason[:LONGEST_REASON],
        paper=paper,
    )
    tx.audit.record("model_released", by=LAUNCHER, thing=_thing(birth.model_id))


def make_own_paper(kind: PaperKind, birth: BirthCertificate, *, at: str) -> Paper:
    """A founding or an upgrade that nobody measured: it says so by having no report."""
    return Paper(
        v=VERSION, kind=kind.value, birth=birth, report=None, proposed_by=LAUNCHER, approved_by=None, at=at
    )


def make_candidate_paper(birth: BirthCertificate, report: GateReport, *, by: str, at: str) -> Paper:
    """What is signed for a model that passed its gates: guests may talk with it, victims not yet."""
    founding = make_own_paper(PaperKind.FOUNDING, birth, at=at)
    return replace(founding, kind=PaperKind.CANDIDATE.value, report=report, proposed_by=by)


def _get_version(tx: Transaction, model_id: str) -> ModelVersion:
    version = tx.model_releases.find_version(model_id)
    if version is None:
        raise ModelNotFound(f"There is no model {model_id}. See ./waymark models")
    return version


def _get_open(tx: Transaction, release_id: int, *, by: str) -> ModelRelease:
    release = tx.model_releases.get_release(release_id)
    if not release.is_open:
        raise ProposalOver("Somebody decided on it meanwhile.")
    if release.proposed_by == by:
        raise SamePerson("You proposed this model. Somebody else has to release it.")
    return release


def _check_candidate(tx: Transaction, model_id: str, *, by: str, limits: GateLimits) -> None:
    version = _get_version(tx, model_id)
    if version.status != VersionStatus.CANDIDATE or version.report is None:
        raise NotACandidate("It does not pass every gate, or was released before.")
    report = report_from_json(version.report)
    if not judge(report, limits).passed:
        raise NotACandidate("It does not pass every gate, or was released before.")
    live = tx.model_releases.find_live()
    if live is not None and report.against != live:
        raise MeasuredBesideAnother(
            "It was measured beside a model that is live no more. Measure it anew on its page, then compare anew: "
            f"./waymark compare {model_id[:12]}"
        )
    unopened = tx.model_releases.count_unopened_risks(model_id, by=by)
    if unopened is None:
        raise NotCompared("It was not compared with the live model yet: ./waymark compare does it.")
    if unopened:
        raise RisksUnopened(
            f"{unopened} messages of risk that it newly gets wrong wait to be opened by you first."
        )


def _check_reason(reason: str) -> str:
    said = reason.strip()
    if not said or len(said) > LONGEST_REASON:
        raise ReasonNeeded(f"Say why, in at most {LONGEST_REASON} letters.")
    return said


def _thing(model_id: str) -> str:
    return f"model:{model_id}"
