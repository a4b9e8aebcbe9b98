"""How far two people who label the same messages agree: sums, of ten and more, and nobody's own."""

from dataclasses import dataclass

from aiohttp import web

from casework.model.agreement import FEWEST_ITEMS, Agreement, find_agreement, find_agreement_on
from casework.model.annotations import Label
from casework.model.labels import NONE, find_gravest, load_labels
from casework.services import annotations
from casework.services.review_ports import Pair
from console.workbench.home_pages import HOME
from console.workbench.session_bar import read_with_bar, render

ENOUGH = 0.8
"""Kappa under which a guideline is looked at before the model is (reference page of the workbench, section 3)."""


@dataclass(frozen=True, kw_only=True)
class Line:
    """`label`: None for all of them together."""

    label: str | None
    found: Agreement

    @property
    def is_low(self) -> bool:
        return self.found.kappa is not None and self.found.kappa < ENOUGH


def add_agreement_routes(app: web.Application) -> None:
    app.router.add_get(HOME + "/agreement", show_agreement)


async def show_agreement(request: web.Request) -> web.StreamResponse:
    pairs, bar = await read_with_bar(request, annotations.list_pairs)
    dangers, wishes = list_dangers(pairs), list_wishes(pairs)
    return render(
        request,
        "agreement.html",
        bar,
        dangers=dangers,
        wishes=wishes,
        is_guideline_first=any(line.is_low for line in dangers),
    )


def list_dangers(pairs: list[Pair]) -> list[Line]:
    """All together by the gravest danger; then each label that enough messages were looked at twice for."""
    gravest = [(_name_gravest(pair.first), _name_gravest(pair.second)) for pair in pairs]
    return _list_lines(gravest, [risk.name for risk in load_labels().risks])


def list_wishes(pairs: list[Pair]) -> list[Line]:
    """Of messages both found calm."""
    wishes = [
        (pair.first.intent or "", pair.second.intent or "")
        for pair in pairs
        if not pair.first.risks and not pair.second.risks
    ]
    return _list_lines(wishes, [wish.name for wish in load_labels().wishes])


def _list_lines(pairs: list[tuple[str, str]], names: list[str]) -> list[Line]:
    """A label is told of once ten messages got it from one of the two: fewer would point at people."""
    lines = [Line(label=None, found=find_agreement(pairs))]
    for name in names:
        if sum(name in pair for pair in pairs) >= FEWEST_ITEMS:
            lines.append(Line(label=name, found=find_agreement_on(name, pairs)))
    return lines


def _name_gravest(label: Label) -> str:
    category = find_gravest(label.risks)
    return NONE if category is None else category.value
