"""Reading a file of Rasa's training data with the place of every part of it, so that the parts can be changed alone."""

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError
from ruamel.yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

URGENT = "urgent"
"""The placeholder intent: `bot/corpus_importer.py` leaves it out where a category stands."""
STRIPPED = "\n\r "  # by Rasa, from every example


class TrainingFileUnreadable(Exception):
    """No training data, or written in a way that has no place for a line of ours. `line` from 1; 0: nobody knows."""

    def __init__(self, line: int) -> None:
        super().__init__(line)
        self.line = line


@dataclass(frozen=True, kw_only=True)
class TaughtRow:
    """One example that is taught. It names a wish, or a category of danger."""

    row: str
    text: str
    scenario: str
    intent: str | None = None
    category: str | None = None
    sub: str | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "text", self.text.strip(STRIPPED))

    @property
    def label(self) -> str:
        """The intent it stands under."""
        return URGENT if self.category else self.intent or ""

    @property
    def file_name(self) -> str:
        return f"{URGENT}_{self.category}.yml" if self.category else f"{self.intent}.yml"

    @property
    def sha(self) -> str:
        """16 hex digits of all it says: another once anything of it was changed."""
        said = json.dumps([self.text, self.scenario, self.intent, self.category, self.sub])
        return hashlib.sha256(said.encode()).hexdigest()[:16]


@dataclass(frozen=True, kw_only=True)
class FileFault:
    """Something in a file that nothing is done about. `line` from 1; 0: all of it."""

    file: str
    line: int
    what: str  # unreadable, twice, no_label


@dataclass(frozen=True, kw_only=True)
class Item:
    """An example in a file, with where its parts stand (code points)."""

    row: TaughtRow | None  # None: not ours, by hand
    line: int
    start: int
    end: int
    text: ScalarNode | None = None
    about: MappingNode | None = None


@dataclass(kw_only=True)
class Block:
    """The examples of one intent."""

    intent: str
    items: list[Item]
    key: Node  # the word `examples` itself
    value: Node  # what stands after `examples:`
    is_list: bool  # of examples that may have metadata; else one text with a line for each
    indent: int


@dataclass(kw_only=True)
class ParsedFile:
    name: str
    source: str
    blocks: list[Block] = field(default_factory=list)
    nlu_key: Node | None = None
    nlu: Node | None = None
    comments: list[tuple[int, int]] = field(default_factory=list)

    @property
    def items(self) -> Iterator[Item]:
        for block in self.blocks:
            yield from block.items


def parse_all(files: Mapping[str, str], faults: list[FileFault]) -> Iterator[ParsedFile]:
    for name, source in sorted(files.items()):
        try:
            yield parse_file(name, source)
        except TrainingFileUnreadable as fault:
            faults.append(FileFault(file=name, line=fault.line, what="unreadable"))


def parse_file(name: str, source: str) -> ParsedFile:
    try:
        root: Any = YAML(typ="safe", pure=True).compose(source)
    except YAMLError as fault:
        mark = getattr(fault, "problem_mark", None)
        raise TrainingFileUnreadable(mark.line + 1 if mark is not None else 0) from fault
    parsed = ParsedFile(name=name, source=source)
    if root is None:
        parsed.comments = _find_comments(source, 0, len(source), [])
        return parsed
    if not isinstance(root, MappingNode):
        raise TrainingFileUnreadable(1)
    parsed.nlu_key, parsed.nlu = _entry_of(root, "nlu")
    if isinstance(parsed.nlu, SequenceNode) and parsed.nlu.value and parsed.nlu.flow_style:
        raise TrainingFileUnreadable(parsed.nlu.start_mark.line + 1)
    if isinstance(parsed.nlu, SequenceNode):
        parsed.blocks = [
            block for node in parsed.nlu.value if (block := _read_block(source, node)) is not None
        ]
    elif parsed.nlu is not None and not is_empty(parsed.nlu):
        raise TrainingFileUnreadable(parsed.nlu.start_mark.line + 1)
    parsed.comments = _find_comments(source, 0, len(source), list(leaves_of(root)))
    return parsed


def _read_block(source: str, node: Node) -> Block | None:
    if not isinstance(node, MappingNode):
        return None
    intent = _value_of(node, "intent")
    key, value = _entry_of(node, "examples")
    if not isinstance(intent, ScalarNode) or key is None or value is None:
        return None
    is_list = isinstance(value, SequenceNode) or is_empty(value)
    items: list[Item] = []
    indent = node.start_mark.column
    if isinstance(value, SequenceNode) and not value.flow_style:
        indent = value.start_mark.column
        items = [_read_item(source, each, str(intent.value), indent) for each in value.value]
    elif isinstance(value, SequenceNode) and value.value:
        raise TrainingFileUnreadable(
            value.start_mark.line + 1
        )  # a list in brackets: no place for a line of its own
    return Block(intent=str(intent.value), items=items, key=key, value=value, is_list=is_list, indent=indent)


def _read_item(source: str, node: Node, intent: str, indent: int) -> Item:
    start = _find_dash(source, node.start_mark.index, indent)
    end = max((leaf.end_mark.index for leaf in leaves_of(node)), default=node.end_mark.index)
    text = _value_of(node, "text") if isinstance(node, MappingNode) else None
    about = _value_of(node, "metadata") if isinstance(node, MappingNode) else None
    place: dict[str, Any] = {"line": node.start_mark.line + 1, "start": start, "end": end}
    if not isinstance(text, ScalarNode):
        return Item(row=None, **place)
    row_id = _text_of(about, "row")
    if row_id is None or not isinstance(about, MappingNode):
        return Item(row=None, text=text, **place)
    category = _text_of(about, "category")
    row = TaughtRow(
        row=row_id,
        text=str(text.value),
        scenario=_text_of(about, "scenario") or "",
        intent=None if category else intent,
        category=category,
        sub=_text_of(about, "sub"),
    )
    return Item(row=row, text=text, about=about, **place)


def _find_dash(source: str, place: int, indent: int) -> int:
    """Where the line of an example's dash begins; the dash may stand on a line above its words."""
    start = source.rfind("\n", 0, place) + 1
    while start > 0 and source[start : start + indent + 1].strip() != "-":
        start = source.rfind("\n", 0, start - 1) + 1
    return start


def _value_of(node: Node, key: str) -> Node | None:
    return _entry_of(node, key)[1]


def _entry_of(node: Node, key: str) -> tuple[Node | None, Node | None]:
    if not isinstance(node, MappingNode):
        return None, None
    found = ((name, value) for name, value in node.value if getattr(name, "value", None) == key)
    return next(found, (None, None))


def _text_of(node: Node | None, key: str) -> str | None:
    value = None if node is None else _value_of(node, key)
    return str(value.value) if isinstance(value, ScalarNode) and not is_empty(value) else None


def is_empty(node: Node) -> bool:
    if isinstance(node, SequenceNode):
        return not node.value
    return isinstance(node, ScalarNode) and node.style is None and node.value in ("", "~", "null")


def leaves_of(node: Node) -> Iterator[Node]:
    """What has an end of its own: a block's marks run on to whatever comes next, comments included."""
    if isinstance(node, ScalarNode):
        yield node
    elif isinstance(node, SequenceNode):
        for each in node.value:
            yield from leaves_of(each)
        if node.flow_style:
            yield _end_of(node)
    elif isinstance(node, MappingNode):
        for name, value in node.value:
            yield from leaves_of(name)
            yield from leaves_of(value)
        if node.flow_style:
            yield _end_of(node)


def _end_of(node: Node) -> Node:
    """A flow collection's closing bracket, as a leaf."""
    end = node.end_mark
    return ScalarNode("", "", start_mark=end, end_mark=end)


def _find_comments(source: str, start: int, end: int, leaves: Sequence[Node]) -> list[tuple[int, int]]:
    """Where each comment stands: what begins with # in the gaps between the leaves."""
    spans = sorted((leaf.start_mark.index, leaf.end_mark.index) for leaf in leaves)
    found: list[tuple[int, int]] = []
    place = start
    for leaf_start, leaf_end in [*spans, (end, end)]:
        gap_end = min(leaf_start, end)
        while place < gap_end:
            mark = source.find("#", place, gap_end)
            if mark < 0:
                break
            line_end = source.find("\n", mark)
            line_end = len(source) if line_end < 0 else line_end
            found.append((mark, line_end))
            place = line_end
        place = max(place, leaf_end)
    return found
