"""`./waymark link`: a link for a force's own site, and a page with a code to scan, to hand over or put in letters."""

import sys
from argparse import Namespace
from pathlib import Path

from casework.adapters.service import Service
from casework.model.errors import WaymarkError
from channels.webchat.link_kit import LABELS as LABELS
from channels.webchat.link_kit import get_address, render_leaflet, render_snippet, render_strips
from launcher.invite import find_public_url


class FileNotWritten(WaymarkError):
    """The folder to write to is not there."""


def run_link(service: Service, given: Namespace) -> int:
    """Prints the link as HTML unless it goes into a file; everything points at WAYMARK_PUBLIC_URL."""
    address = get_address(find_public_url(service, given.data_dir))
    snippet = render_snippet(address, label=given.label)
    files = {
        given.snippet: snippet,
        given.leaflet: render_leaflet(address),
        given.strips: render_strips(address),
    }
    wanted = {file: text for file, text in files.items() if file is not None}
    if missing := [file for file in wanted if not file.parent.is_dir()]:
        raise FileNotWritten(f"{missing[0]} cannot be written: its folder does not exist.")
    for file, text in wanted.items():
        _write(file, text)
    if given.snippet is None:
        print(snippet)
    if not address.url.startswith("https:"):
        note = "is not https: set WAYMARK_PUBLIC_URL to the address people will use, and make these again."
        print(f"{address.url} {note}", file=sys.stderr)
    return 0


def _write(file: Path, text: str) -> None:
    file.write_text(text, encoding="utf-8")
    print(f"{file} is written.", file=sys.stderr)
