"""A model's papers: how it came to be, how it did, and who let it answer people.

Signed by casework/adapters/model_signing.py.
"""

import json
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any

from casework.model.errors import WaymarkError
from casework.model.release_gates import GateReport, Measured

VERSION = 1
# It becomes the name of a file.
MODEL_ID = re.compile(r"[A-Za-z0-9_-]{1,64}")
_PAIRS = ("newly_right", "newly_wrong")


class PaperKind(StrEnum):
    FOUNDING = "founding"  # the first one of a new database: nobody could have been asked
    CANDIDATE = "candidate"  # its gates are passed; nobody has let it answer victims
    PROMOTION = "promotion"
    UPGRADE = "upgrade"  # made of a developer's change and what the live one was taught


class PaperUnreadable(WaymarkError):
    """Not a paper as `write_paper` writes them."""


class PaperOutOfDate(PaperUnreadable):
    """A paper of another edition: what it vouched for is no longer what is asked for."""


@dataclass(frozen=True, kw_only=True)
class BirthCertificate:
    """What a model file is and what it was made of.

    `fingerprint`: of all inputs; `parts`: of each kind of them (launcher/training.py: `parts`); `sha256`: of the
    file; `packages`: of the locked packages it was trained with; `seconds`: how long that took.
    """

    model_id: str
    fingerprint: str
    sha256: str
    parts: Mapping[str, str]
    data_version: int | None
    packages: str
    seed: str
    rasa: str
    trained_at: str
    seconds: float


@dataclass(frozen=True, kw_only=True)
class Paper:
    """`report` holds numbers and never a bare "passed": whoever reads it judges again. `at`: ISO 8601, UTC."""

    v: int
    kind: str
    birth: BirthCertificate
    report: GateReport | None
    proposed_by: str
    approved_by: str | None
    at: str

    @property
    def is_of_two(self) -> bool:
        """Whether two different people let it answer victims."""
        return bool(self.proposed_by and self.approved_by and self.proposed_by != self.approved_by)


def write_paper(paper: Paper) -> bytes:
    """Canonical JSON: sorted keys, no spaces. The same paper is always the same bytes."""
    return _write(_paper_to_json(paper))


def read_paper(content: bytes) -> Paper:
    """Raises PaperUnreadable for anything `write_paper` does not write, and PaperOutOfDate for another edition."""
    try:
        given = json.loads(content)
        if given["v"] != VERSION:
            raise PaperOutOfDate("The paper is of another edition.")
        paper = _paper(given)
        is_whole = write_paper(paper) == content
    except (KeyError, TypeError, ValueError, RecursionError) as fault:
        raise PaperUnreadable("The paper cannot be read.") from fault
    if not is_whole:
        raise PaperUnreadable("The paper says more or other than a paper says.")
    return paper


def birth_to_json(birth: BirthCertificate) -> dict[str, Any]:
    return asdict(birth)


def birth_from_json(given: Mapping[str, Any]) -> BirthCertificate:
    """Raises PaperUnreadable for a field that is missing or of another kind; more fields are left alone."""
    try:
        return _birth(given)
    except (KeyError, TypeError, ValueError) as fault:
        raise PaperUnreadable("The birth certificate cannot be read.") from fault


def report_to_json(report: GateReport) -> dict[str, Any]:
    return asdict(report) | {"measured": [_measured_to_json(one) for one in report.measured]}


def report_from_json(given: Mapping[str, Any]) -> GateReport:
    """Raises PaperUnreadable for a field that is missing or of another kind."""
    try:
        return _report(given)
    except (KeyError, TypeError, ValueError) as fault:
        raise PaperUnreadable("The report of the gates cannot be read.") from fault


def _paper_to_json(paper: Paper) -> dict[str, Any]:
    return asdict(paper) | {"report": None if paper.report is None else report_to_json(paper.report)}


def _measured_to_json(one: Measured) -> dict[str, Any]:
    """What was not set beside the live model has no pairs, as in papers made before there were any."""
    given = asdict(one)
    return {name: value for name, value in given.items() if name not in _PAIRS or value is not None}


def _write(value: dict[str, Any]) -> bytes:
    return json.dumps(value, sort_keys=True, separators=(",", ":"), allow_nan=False, default=dict).encode()


def _paper(given: Mapping[str, Any]) -> Paper:
    return Paper(
        v=_whole(given["v"]),
        kind=PaperKind(given["kind"]).value,
        birth=_birth(given["birth"]),
        report=None if given["report"] is None else _report(given["report"]),
        proposed_by=_text(given["proposed_by"]),
        approved_by=None if given["approved_by"] is None else _text(given["approved_by"]),
        at=_text(given["at"]),
    )


def _birth(given: Mapping[str, Any]) -> BirthCertificate:
    model_id = _text(given["model_id"])
    if not MODEL_ID.fullmatch(model_id):
        raise ValueError("a model's id is letters and figures")
    return BirthCertificate(
        model_id=model_id,
        fingerprint=_text(given["fingerprint"]),
        sha256=_text(given["sha256"]),
        parts=_texts(given["parts"]),
        data_version=None if given["data_version"] is None else _whole(given["data_version"]),
        packages=_text(given["packages"]),
        seed=_text(given["seed"]),
        rasa=_text(given["rasa"]),
        trained_at=_text(given["trained_at"]),
        seconds=_number(given["seconds"]),
    )


def _report(given: Mapping[str, Any]) -> GateReport:
    return GateReport(
        model_id=_text(given["model_id"]),
        against=None if given["against"] is None else _text(given["against"]),
        sets=_texts(given["sets"]),
        measured=tuple(_measured(each) for each in given["measured"]),
        made_at=_text(given["made_at"]),
    )


def _measured(given: Mapping[str, Any]) -> Measured:
    return Measured(
        gate=_text(given["gate"]),
        of=_text(given["of"]),
        hits=None if given["hits"] is None else _whole(given["hits"]),
        n=_whole(given["n"]),
        value=None if given["value"] is None else _number(given["value"]),
        was_hits=None if given["was_hits"] is None else _whole(given["was_hits"]),
        was_value=None if given["was_value"] is None else _number(given["was_value"]),
        **{name: _whole(given[name]) for name in _PAIRS if given.get(name) is not None},
    )


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise TypeError(f"{value!r} is not a text")
    return value


def _texts(value: object) -> dict[str, str]:
    if not isinstance(value, dict):
        raise TypeError(f"{value!r} is not a table")
    return {_text(name): _text(each) for name, each in value.items()}


def _whole(value: object) -> int:
    if type(value) is not int:
        raise TypeError(f"{value!r} is not a whole number")
    return value


def _number(value: object) -> float:
    # As it is: 5 and 5.0 are written differently, and the bytes are compared.
    if type(value) not in (int, float):
        raise TypeError(f"{value!r} is not a number")
    return value  # type: ignore[return-value]
