"""An evaluation of a model as it is kept, small enough to be counted by hand."""

from dataclasses import replace
from typing import Any

from casework.model.calibration import calibrate
from casework.model.model_evaluations import (
    DEV,
    LOOKED_AT,
    OWN,
    TEST,
    URGENT,
    Cell,
    Confusion,
    ModelEvaluation,
    Paired,
    ReadAsTaught,
    ReadItem,
    RowRead,
    Slicing,
)
from tests.support.models import AT

INVENTED = "he said hes coming round later <b>to sort me out</b>"


def a_paired(name: str, wrong: int, n: int, right: int = 0, newly: int = 0) -> Paired:
    """`right` and `newly`: newly right and newly wrong."""
    was = wrong + right - newly
    return Paired(name=name, wrong=wrong, n=n, was=was, newly_right=right, newly_wrong=newly)


def a_cell(meant: str, read: str, n: int, *items: ReadItem) -> Cell:
    return Cell(meant=meant, read=read, n=n, items=items)


def an_evaluation(
    model_id: str, *, against: str | None = "a" * 32, own: str = "", untaught: str = "", **values: Any
) -> ModelEvaluation:
    """`own`: a trainers' test row that was missed; `untaught`: a row that was taught and not learned."""
    rows = (RowRead(row=untaught, taught="immediate_danger", read="ask_status"),) if untaught else ()
    calm = (a_cell("ask_status", "ask_status", 300), a_cell("ask_status", "ask_court", 4))
    test = (
        a_cell(URGENT, URGENT, 200),
        a_cell(URGENT, LOOKED_AT, 40),
        a_cell(URGENT, "ask_status", 5),
        *calm,
    )
    wishes = a_cell(
        "ask_status", "ask_court", 2, *[ReadItem(text=f"what is on in court {n}") for n in (1, 2)]
    )
    dev = (a_cell(URGENT, URGENT, 9), a_cell(URGENT, "ask_status", 1, ReadItem(text=INVENTED)), wishes)
    confusions = [
        Confusion(of=TEST, n=549, cells=test),
        Confusion(of=DEV, n=12, cells=dev),
    ]
    if own:
        missed = a_cell(URGENT, "ask_court", 1, ReadItem(row=own))
        confusions.insert(1, Confusion(of=OWN, n=1, cells=(missed,)))
    evaluation = ModelEvaluation(
        model_id=model_id,
        against=against,
        made_at=AT,
        figures=(
            a_paired("danger_now", 3, 245),
            a_paired("danger", 5, 245, 9, 1),
            a_paired("danger_alone", 12, 245, 2, 1),
            a_paired("routine_alarm", 0, 304),
            a_paired("hard_alarm", 0, 0),
            a_paired("wishes", 4, 304, 1, 0),
        ),
        slicings=(
            Slicing(
                of="danger", by="style", rows=(a_paired("angry", 3, 30, 0, 2), a_paired("plain", 2, 215))
            ),
            Slicing(of="danger", by="channel", rows=(a_paired("whatsapp", 1, 1),)),
            Slicing(of="wishes", by="language", rows=(a_paired("cy", 1, 2),)),
        ),
        confusions=tuple(confusions),
        calibrations=(
            calibrate("danger", [(0.05, False)] * 30 + [(0.95, True)] * 9 + [(0.95, False)]),
            calibrate("wishes", [(0.85, True)] * 8 + [(0.85, False)] * 2),
        ),
        taught=ReadAsTaught(right=38 if untaught else 41, n=41, wrong=rows),
    )
    return replace(evaluation, **values)
