"""The search for values that stand nowhere else: it finds them however they are written, and nothing else."""

import gzip
import io
import json
import tarfile
from pathlib import Path

import pytest

from tests.support.canaries import CANARIES, CASES, Found, find_in_files, find_in_text


@pytest.mark.parametrize(
    "written",
    sorted(
        ["quillara", "QUILLARA", "q-u-i-l-l-a-r-a", "Quill\nara", "%51uillara", "&#81;uillara", "x_Quillara7"]
    ),
)
def test_a_value_is_found_however_it_is_written(written: str) -> None:
    assert [each.canary for each in find_in_text("a page", f"<p>it is {written}.</p>")] == ["victim's name"]


def test_what_is_nobody_s_is_not_found() -> None:
    assert find_in_text("a page", "07700 900001, 43260990001, Alex Example, 2026-11-23T14:02:19Z") == []


def test_a_packed_file_is_unpacked_and_named(tmp_path: Path) -> None:
    content = gzip.compress(b"words of Wendolyth")
    with tarfile.open(tmp_path / "model.tar.gz", "w:gz") as archive:
        member = tarfile.TarInfo("components/words.gz")
        member.size = len(content)
        archive.addfile(member, io.BytesIO(content))
    (tmp_path / "allowed").write_text("Wendolyth")

    assert find_in_files(tmp_path, allowed=["allowed"]) == [
        Found(where="model.tar.gz: components/words.gz", canary="witness")
    ]


def test_every_value_is_written_by_somebody() -> None:
    """One that nobody writes would be found nowhere, whatever leaks."""
    source = Path(__file__).with_name("canary_sitting.py").read_text() + json.dumps(CASES)

    assert {each.canary for each in find_in_text("the sitting", source)} == set(CANARIES)
