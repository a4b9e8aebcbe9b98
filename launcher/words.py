"""`./waymark words`: the words of the web's templates into the catalogues of its languages."""

from argparse import Namespace
from pathlib import Path

from channels.webchat.languages import LOCALE, read_catalogue
from channels.webchat.words import TEMPLATES, find_stale, start_catalogue


def run_words(given: Namespace, *, folder: Path = LOCALE, templates: Path = TEMPLATES) -> int:
    """Writes what is out of date; with `check`, only says it and gives 1. 2 for a language that cannot be added."""
    if given.add and not _add(given.add, folder):
        return 2
    stale = find_stale(folder, templates)
    for path, held in stale.items():
        print(f"{path.name}: {'not current. Run ./waymark words' if given.check else 'brought up to date'}")
        if not given.check:
            path.write_bytes(held)
    if not given.check or not stale:
        for path in sorted(folder.glob("*.po")):
            print(_count(path))
    return 1 if given.check and stale else 0


def _add(code: str, folder: Path) -> bool:
    try:
        start_catalogue(code, folder)
    except ValueError as refusal:
        print(f"{refusal}. Nothing was written.")
        return False
    return True


def _count(path: Path) -> str:
    catalogue = read_catalogue(path)
    wanted = [message for message in catalogue if message.id]
    done = [message for message in wanted if any(message.string or ()) and not message.fuzzy]
    reviewed = (
        f"read by {catalogue.reviewed_by}" if catalogue.reviewed_by else "a draft, shown in the sandbox alone"
    )
    return f"{path.name}: {len(done)} of {len(wanted)} translated; {reviewed}"
