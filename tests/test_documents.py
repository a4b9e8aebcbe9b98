"""What the documents say of the code is true of the code."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PLACE = re.compile(r"`([\w/]+\.py): (\w+)`")
FILE = re.compile(r"`((?:[\w-]+/)+[\w.-]+\.(?:py|yml|toml|md))`")


def places_named(document: Path) -> list[tuple[str, str]]:
    return PLACE.findall(document.read_text())


def missing_places(document: Path) -> list[str]:
    missing = []
    for file, name in places_named(document):
        path = ROOT / file
        if not path.exists() or not re.search(rf"\b(def|class) {name}\b", path.read_text()):
            missing.append(f"{file}: {name}")
    return missing


def test_every_place_in_a_message_s_life_exists() -> None:
    document = ROOT / "docs" / "a-message-s-life.md"

    assert len(places_named(document)) >= 15
    assert missing_places(document) == []


def test_a_place_that_moved_is_noticed(tmp_path: Path) -> None:
    document = tmp_path / "twin.md"
    document.write_text("`channels/sms.py: receive_telex` and `channels/fax.py: receive_fax`")

    assert missing_places(document) == ["channels/sms.py: receive_telex", "channels/fax.py: receive_fax"]


# What is designed and not built names files that are to come.
DESIGNS = ROOT / "docs" / "design"
OF_WHAT_IS = [path for path in sorted(ROOT.glob("docs/**/*.md")) if DESIGNS not in path.parents]


@pytest.mark.parametrize("document", [*OF_WHAT_IS, ROOT / "README.md"], ids=lambda p: p.name)
def test_every_file_a_document_names_exists(document: Path) -> None:
    named = set(FILE.findall(document.read_text()))

    assert [file for file in named if not (ROOT / file).exists()] == []


def test_every_setting_the_code_reads_is_documented() -> None:
    sources = [*ROOT.glob("casework/**/*.py"), *ROOT.glob("launcher/*.py"), *ROOT.glob("channels/**/*.py")]
    sources += [*ROOT.glob("console/**/*.py"), *ROOT.glob("bot/*.py"), ROOT / "endpoints.yml"]
    read = set()
    for source in sources:
        read |= set(re.findall(r"\b((?:WAYMARK|TWILIO|TELEGRAM)_[A-Z0-9_]+)\b", source.read_text()))
    documented = (ROOT / "docs" / "running.md").read_text()

    assert len(read) >= 12
    assert sorted(name for name in read - {"TWILIO_API_URL"} if f"`{name}`" not in documented) == []
