"""A message as plain parts and marked parts, each mark with the rules that fired there."""

from collections.abc import Iterable
from dataclasses import dataclass

from casework.model.disclosures import Evidence


@dataclass(frozen=True, kw_only=True)
class TextPart:
    """A run of text; `rules` is empty for words no rule marked."""

    text: str
    rules: tuple[str, ...] = ()


def split_by_evidence(text: str, evidence: Iterable[Evidence]) -> tuple[TextPart, ...]:
    """The whole text in order, joined spans marked once with every rule of theirs.

    Offsets are code points into `text`, as the screen gives them. A span that lies outside the text
    marks nothing: a wrong offset must not hide or move a word.
    """
    parts: list[TextPart] = []
    end_of_last = 0
    for start, end, rules in _join_overlapping(text, evidence):
        parts.append(TextPart(text=text[end_of_last:start]))
        parts.append(TextPart(text=text[start:end], rules=rules))
        end_of_last = end
    parts.append(TextPart(text=text[end_of_last:]))
    return tuple(part for part in parts if part.text)


def _join_overlapping(text: str, evidence: Iterable[Evidence]) -> list[tuple[int, int, tuple[str, ...]]]:
    spans = [(max(0, each.start), min(len(text), each.end), each.rule) for each in evidence]
    joined: list[tuple[int, int, tuple[str, ...]]] = []
    for start, end, rule in sorted(span for span in spans if span[0] < span[1]):
        if not joined or start >= joined[-1][1]:
            joined.append((start, end, (rule,)))
            continue
        first, last, rules = joined[-1]
        joined[-1] = (first, max(last, end), tuple(dict.fromkeys([*rules, rule])))
    return joined
