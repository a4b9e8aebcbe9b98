"""Finds English in a template that no catalogue could translate, whichever branch of the template it is in."""

import re
from html.parser import HTMLParser

import jinja2
from jinja2 import nodes

ENGLISH = re.compile(r"[A-Za-z]{2,}")
# A sentence or a label in a string of the template's own, and no class, address or name of a value.
READ_ALOUD = re.compile(r"[A-Z][a-z]+(?: |$)|[a-z]+ [a-z]+ [a-z]+$")
SPOKEN = {"aria-label", "alt", "title", "placeholder", "aria-description", "aria-roledescription"}
TRANSLATORS = {"gettext", "_", "ngettext", "pgettext", "npgettext"}
# Elements whose words are names, numbers, other people's, or of a language they name themselves.
EXEMPT = {"translate": {"no"}, "dir": {"auto"}}


def find_unmarked(template: str) -> list[str]:
    """The words outside `{% trans %}` and `_()` that a reader would see or hear, in the order of the template."""
    environment = jinja2.Environment(extensions=["jinja2.ext.i18n"])
    tree = environment.parse(template)
    page = _Page()
    for node in tree.find_all(nodes.Output):
        for part in node.nodes:
            page.feed(part.data if isinstance(part, nodes.TemplateData) else " ".join(_list_shown(part)))
    page.close()
    own = [text for text in _list_kept(tree) if READ_ALOUD.match(text)]
    return page.found + [text for text in own if text not in page.found]


def _list_shown(node: nodes.Node) -> list[str]:
    """The strings an expression may put on the page as they are."""
    if isinstance(node, nodes.Const):
        return [str(node.value)]
    if isinstance(node, nodes.CondExpr):
        return _list_shown(node.expr1) + (_list_shown(node.expr2) if node.expr2 else [])
    if isinstance(node, (nodes.Concat, nodes.Add, nodes.Or)):
        return [text for part in node.iter_child_nodes() for text in _list_shown(part)]
    return []


def _list_kept(tree: nodes.Node) -> list[str]:
    """Every string set, looped over or handed on, unless it is handed to a catalogue."""
    found = []
    for node in tree.iter_child_nodes():
        if (
            isinstance(node, nodes.Call)
            and isinstance(node.node, nodes.Name)
            and node.node.name in TRANSLATORS
        ):
            continue
        if isinstance(node, nodes.Const) and isinstance(node.value, str):
            found.append(node.value)
        elif isinstance(node, nodes.Pair):
            # A key is looked up, not shown.
            found += _list_kept(nodes.List([node.value]))
        elif not isinstance(node, nodes.Compare):
            found += _list_kept(node)
    return found


class _Page(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []
        self._open: list[tuple[str, bool]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        is_exempt = tag in {"script", "style", "bdi"} or any(
            given.get(name) in values for name, values in EXEMPT.items()
        )
        self._open.append((tag, is_exempt or (tag != "html" and "lang" in given)))
        for name, value in given.items():
            is_read = name in SPOKEN or (name == "value" and given.get("type") == "submit")
            if (is_read and ENGLISH.search(value)) or (name.startswith("data-") and READ_ALOUD.match(value)):
                self.found.append(value)

    def handle_endtag(self, tag: str) -> None:
        if tag in [name for name, _ in self._open]:
            while self._open.pop()[0] != tag:
                pass

    def handle_data(self, data: str) -> None:
        if ENGLISH.search(data) and not any(is_exempt for _, is_exempt in self._open):
            self.found.append(" ".join(data.split()))
