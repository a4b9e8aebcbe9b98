"""Tables to download, in which no cell is read as a formula."""

import csv
import io
from collections.abc import Iterable, Sequence

from aiohttp import web

# What a spreadsheet takes for the start of a formula, or skips on its way to one (OWASP: CSV injection).
FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r", "\n", "\uff1d", "\uff0b", "\uff0d", "\uff20")


def make_cell(value: object) -> str:
    """The value as text; None is empty. What could be read as a formula is text behind an apostrophe."""
    if value is None:
        return ""
    if isinstance(value, int | float):
        return str(value)
    text = str(value).replace("\x00", "")
    return f"'{text}" if text.lstrip(" \u00a0\u200b\ufeff").startswith(FORMULA_STARTS) else text


def render_csv(header: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    written = io.StringIO()
    table = csv.writer(written, quoting=csv.QUOTE_ALL)
    table.writerow(header)
    table.writerows([make_cell(value) for value in row] for row in rows)
    return written.getvalue()


def respond_csv(name: str, header: Sequence[str], rows: Iterable[Sequence[object]]) -> web.Response:
    """A download called `name`.csv, never shown as a page."""
    return web.Response(
        body=render_csv(header, rows).encode("utf-8", "replace"),
        content_type="text/csv",
        charset="utf-8",
        headers={"Content-Disposition": f'attachment; filename="{name}.csv"'},
    )
