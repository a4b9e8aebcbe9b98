"""A paper is read as it was written, or not at all."""

import json
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from casework.model.model_papers import (
    PaperOutOfDate,
    PaperUnreadable,
    birth_from_json,
    birth_to_json,
    read_paper,
    report_from_json,
    report_to_json,
    write_paper,
)
from tests.support.models import a_birth, a_paper, a_report

PAPER = a_paper(a_birth("m1"))
REPORT = a_report("m1")
PAIRED = replace(
    REPORT, measured=tuple(replace(one, newly_right=2, newly_wrong=2) for one in REPORT.measured)
)


@pytest.mark.parametrize(
    "paper",
    [
        PAPER,
        replace(PAPER, kind="founding", report=None, approved_by=None),
        replace(PAPER, birth=replace(PAPER.birth, data_version=3, seconds=5)),
        replace(PAPER, report=PAIRED),
    ],
    ids=["promotion", "founding", "whole seconds", "paired"],
)
def test_a_paper_is_read_as_it_was_written(paper: Any) -> None:
    assert read_paper(write_paper(paper)) == paper
    assert write_paper(read_paper(write_paper(paper))) == write_paper(paper)


def test_a_paper_of_before_there_were_pairs_is_read_and_says_no_more_than_it_said() -> None:
    """Red when: a pair that is not there is written as null, so that no bytes of before match."""
    line = b'{"gate":"danger_now","hits":63,"n":64,"of":"all","value":null,"was_hits":63,"was_value":null}'
    content = write_paper(PAPER)

    assert line in content
    [measured] = (read_paper(content).report or PAIRED).measured
    assert (measured.newly_right, measured.newly_wrong) == (None, None)


def _changed(**values: Any) -> bytes:
    return json.dumps(json.loads(write_paper(PAPER)) | values, sort_keys=True, separators=(",", ":")).encode()


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"null",
        b"[]",
        b"{}",
        b"{not json",
        b"\xff",
        b"[" * 100_000,
        write_paper(PAPER) + b" ",
        write_paper(PAPER).replace(b'"v":1', b'"v": 1'),
        write_paper(PAPER).replace(b'"v":1', b'"v":1,"v":1'),
        _changed(more="that nobody signed for"),
        _changed(kind="excused"),
        _changed(birth=None),
        _changed(approved_by=1),
        _changed(birth=birth_to_json(a_birth("../../elsewhere"))),
        write_paper(PAPER).replace(b'"hits":63', b'"hits":63.0'),
        write_paper(PAPER).replace(b'"hits":63', b'"hits":true'),
        write_paper(PAPER).replace(b'"value":null', b'"value":NaN'),
        write_paper(PAPER).replace(b'"n":64', b'"n":64,"newly_right":null,"newly_wrong":null'),
        write_paper(PAPER).replace(b'"n":64', b'"n":64,"newly_right":1.5'),
    ],
)
def test_anything_else_is_no_paper(content: bytes) -> None:
    """Red when: what was read is not compared with what would be written, or a field's kind is not looked at."""
    with pytest.raises(PaperUnreadable):
        read_paper(content)


def test_a_paper_of_another_edition_says_so() -> None:
    with pytest.raises(PaperOutOfDate):
        read_paper(_changed(v=2))


@given(st.binary(max_size=200))
def test_no_bytes_bring_the_reader_down(content: bytes) -> None:
    with pytest.raises(PaperUnreadable):
        read_paper(content)


@pytest.mark.parametrize(
    ("proposed_by", "approved_by", "is_of_two"),
    [
        ("alex", "alex", False),
        ("toni", "", False),
        ("toni", None, False),
        ("", "alex", False),
        ("toni", "alex", True),
    ],
)
def test_two_are_two_different_people(proposed_by: str, approved_by: str | None, is_of_two: bool) -> None:
    assert replace(PAPER, proposed_by=proposed_by, approved_by=approved_by).is_of_two is is_of_two


def test_certificates_and_reports_come_back_from_the_database_as_they_went() -> None:
    birth = a_birth("m1", data_version=2)

    assert birth_from_json(json.loads(json.dumps(birth_to_json(birth)))) == birth
    for report in (REPORT, PAIRED):
        assert report_from_json(json.loads(json.dumps(report_to_json(report)))) == report


@pytest.mark.parametrize("given", [{}, {"model_id": 1}, {"measured": 3}])
def test_what_is_no_certificate_and_no_report_is_refused(given: dict[str, Any]) -> None:
    with pytest.raises(PaperUnreadable):
        birth_from_json(given)
    with pytest.raises(PaperUnreadable):
        report_from_json(given)
