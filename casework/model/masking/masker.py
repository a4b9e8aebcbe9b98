"""The layers one after the other: a text and what is known of its writer in, the masked text and its masks out."""

from collections.abc import Iterable, Sequence
from dataclasses import replace

from casework.model.masking import CaseValues, Layer, Mask, MaskedText, MaskKind
from casework.model.masking.case_values import Part, find_case_values, list_words, read_parts
from casework.model.masking.dates import read_dates
from casework.model.masking.lexicon import Lexicon, load_lexicon
from casework.model.masking.names import find_by_context, find_by_list
from casework.model.masking.places import Towns, find_places, parse_towns
from casework.model.masking.shapes import Shapes
from casework.model.masking.spelled_names import find_spelled
from casework.model.masking.spoken_digits import find_spoken
from casework.model.masking.surrogates import make_surrogate
from casework.model.masking.told_codes import find_told
from casework.model.masking.unlisted_names import (
    find_initials,
    find_unlisted,
    list_initials,
    with_initials,
)
from casework.model.masking.views import Found, View, fold, read_view


class LayeredMasker:
    """A `Masker`. `key` is secret: whoever has it could try values. Nothing is kept between two texts."""

    def __init__(self, *, key: bytes, lexicon: Lexicon, towns: Towns) -> None:
        self._key = key
        self._lexicon = lexicon
        self._towns = towns
        self._shapes = Shapes(lexicon)

    def mask(
        self, text: str, values: CaseValues, *, of: str, marked: Sequence[tuple[int, int, str]] = ()
    ) -> MaskedText:
        """Never raises; linear in the text. `of`: the conversation. `marked`: raw spans a trainer added, with kind."""
        view = read_view(text)
        parts = read_parts(values, self._lexicon)
        kept = self._settle(view, self._find(view, values, parts), _read_marked(view, marked))
        forbidden = list_words(values, parts) | {
            fold(text[start:end]) for start, end, found in kept if found.layer in (Layer.CASE, Layer.SHAPE)
        }
        return self._write(text, kept, forbidden - {""}, of=of)

    def _find(self, view: View, values: CaseValues, parts: list[Part]) -> Iterable[list[Found]]:
        of_case = find_case_values(view, values, parts, self._lexicon)
        initials = list_initials(values)
        spelled = find_spelled(view, parts, self._lexicon)
        yield [*of_case, *spelled, *find_initials(view, initials), *with_initials(view, of_case, initials)]
        dates = read_dates(view, self._lexicon.plain_words)
        yield self._shapes.find(view, dates)
        yield [*find_spoken(view, self._lexicon.plain_words, dates), *find_told(view, self._lexicon, dates)]
        by_context = find_by_context(view, self._lexicon)
        yield [*by_context, *with_initials(view, by_context, initials)]
        by_list = [*find_by_list(view, self._lexicon), *find_unlisted(view, self._lexicon)]
        named = [*by_list, *with_initials(view, by_list, initials)]
        yield [*named, *find_places(view, self._towns, self._lexicon)]

    def _settle(
        self, view: View, layers: Iterable[list[Found]], marked: list[tuple[int, int, Found]]
    ) -> list[tuple[int, int, Found]]:
        """Raw spans that do not overlap, in order: those that do become one, for what was claimed is never left out.

        It is called what its widest part was called; of equals the earlier layer's, and inside a layer the longest.
        """
        spans = [
            (*view.raw_span(one.start, one.end), rank, one)
            for rank, layer in enumerate(layers)
            for one in layer
            if one.end > one.start
        ]
        spans += [(start, end, len(Layer), one) for start, end, one in marked]
        spans.sort(key=lambda span: (span[0], -span[1], span[2]))
        settled: list[tuple[int, int, int, Found]] = []
        widest = 0
        for start, end, rank, one in spans:
            if not settled or start >= settled[-1][1]:
                settled.append((start, end, rank, one))
                widest = end - start
                continue
            first, last, least, name = settled[-1]
            is_wider = end - start > widest
            joined = one if is_wider else name
            widest = max(widest, end - start)
            if max(last, end) - first > widest:
                joined = replace(joined, key=(), tail="")
            settled[-1] = (first, max(last, end), min(least, rank), joined)
        order = list(Layer)
        return [
            (start, end, replace(one, layer=order[min(rank, len(order) - 1)]))
            for start, end, rank, one in settled
        ]

    def _write(
        self, text: str, kept: list[tuple[int, int, Found]], forbidden: set[str] | frozenset[str], *, of: str
    ) -> MaskedText:
        parts: list[str] = []
        masks: list[Mask] = []
        copied = length = 0
        for start, end, found in kept:
            between = text[copied:start]
            raw = text[start:end]
            surrogate = make_surrogate(found, raw, key=self._key, of=of, forbidden=forbidden)
            at = length + len(between)
            length = at + len(surrogate)
            parts += (between, surrogate)
            masks.append(
                Mask(
                    kind=found.kind,
                    layer=found.layer,
                    start=start,
                    end=end,
                    at=at,
                    until=length,
                    surrogate=surrogate,
                )
            )
            copied = end
        return MaskedText(text="".join((*parts, text[copied:])), masks=tuple(masks))


def load_masker(*, key: bytes, towns: str) -> LayeredMasker:
    """With the packaged lists. `towns`: a table in the form of `bot/components/towns.txt`."""
    return LayeredMasker(key=key, lexicon=load_lexicon(), towns=parse_towns(towns))


def _read_marked(view: View, marked: Sequence[tuple[int, int, str]]) -> list[tuple[int, int, Found]]:
    """Spans cut to the text; a kind nobody knows is a person, the kind that says least."""
    spans = []
    for start, end, kind in marked:
        start, end = max(start, 0), min(end, len(view.raw))
        if start < end:
            known = MaskKind(kind) if kind in list(MaskKind) else MaskKind.PERSON
            spans.append((start, end, Found(start, end, known, Layer.TRAINER)))
    return spans
