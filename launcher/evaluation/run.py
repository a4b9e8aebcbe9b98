"""One evaluation from the sets to the printed report."""

import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from casework.model.bands import BandLimits, load_band_limits
from casework.model.disclosure_screen import DisclosureScreen, load_disclosure_screen
from launcher.evaluation.figures import judge, judge_again
from launcher.evaluation.limits import choose_limits
from launcher.evaluation.report import Result, tell, tell_limits, write_html
from launcher.evaluation.sets import HeldOutSet
from launcher.evaluation.typos import with_typos
from launcher.understanding import Parsed

Understand = Callable[[Sequence[str]], Mapping[str, Parsed]]


def run_evaluation(
    sets: Sequence[HeldOutSet],
    understand: Understand,
    *,
    typos: bool = False,
    html: Path | None = None,
    choosing_limits: bool = False,
) -> None:
    """Prints every figure of the sets, and the slices of the first; `understand` is asked once, for all texts.

    With `choosing_limits`, proposes band limits chosen on the first set (and its mistyped copies, with `typos`), and
    prints the figures under them as well.
    """
    screen, limits = load_disclosure_screen(), load_band_limits()
    texts = [example.text for one in sets for example in one.examples]
    parsed_of = understand([*texts, *(map(with_typos, texts) if typos else ())])
    results = [_judge_set(one, parsed_of, screen, limits, typos=typos) for one in sets]
    print("\n".join(tell(results)))
    if html is not None:
        write_html(html, results, limits)
        print(f"The report is in {html}", file=sys.stderr)
    if choosing_limits:
        first = results[0]
        proposed = choose_limits([*first.plain, *(first.typed or ())], limits)
        again = [_under(one, proposed) for one in results]
        print("\n".join(tell_limits(proposed, first.plain, limits)))
        print("\nUnder the proposed limits")
        print("\n".join(tell(again)))


def _under(result: Result, limits: BandLimits) -> Result:
    typed = judge_again(result.typed, limits) if result.typed else None
    return Result(name=result.name, plain=judge_again(result.plain, limits), typed=typed)


def _judge_set(
    held_out: HeldOutSet,
    parsed_of: Mapping[str, Parsed],
    screen: DisclosureScreen,
    limits: BandLimits,
    *,
    typos: bool,
) -> Result:
    texts = [example.text for example in held_out.examples]
    return Result(
        name=held_out.name,
        plain=judge(held_out.examples, texts, parsed_of, screen, limits),
        typed=judge(held_out.examples, map(with_typos, texts), parsed_of, screen, limits) if typos else None,
    )
