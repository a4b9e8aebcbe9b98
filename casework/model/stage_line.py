"""What lies around a stage of a case: what may follow it, and which rights of the Victims' Code matter most there.

Source: case_stages.yaml (`next`, `code_clock`) and rights.yaml, compiled 2026-11-21; review_by: 2027-05-21. What may
follow is what the answer `utter_next_...` of that stage names, and nothing where it names none.
"""

from casework.model.stages import Stage

MAY_FOLLOW: dict[str, tuple[Stage, ...]] = {
    Stage.REPORTED: (Stage.RECORDED,),
    Stage.RECORDED: (Stage.ASSESSING,),
    Stage.ASSESSING: (Stage.UNDER_INVESTIGATION, Stage.CLOSED_NO_FURTHER_LINES),
    Stage.ALLOCATED: (Stage.UNDER_INVESTIGATION,),
    Stage.UNDER_INVESTIGATION: (Stage.SUSPECT_IDENTIFIED, Stage.CLOSED_NO_FURTHER_LINES),
    Stage.SUSPECT_IDENTIFIED: (Stage.INTERVIEWED_VOLUNTARY, Stage.ARRESTED),
    Stage.ARRESTED: (
        Stage.CHARGED,
        Stage.RELEASED_ON_BAIL,
        Stage.RELEASED_UNDER_INVESTIGATION,
        Stage.RELEASED_NO_CHARGE,
    ),
    Stage.INTERVIEWED_VOLUNTARY: (Stage.WITH_CPS, Stage.CLOSED_NO_FURTHER_LINES),
    Stage.RELEASED_ON_BAIL: (Stage.WITH_CPS, Stage.RELEASED_NO_CHARGE),
    Stage.RELEASED_UNDER_INVESTIGATION: (Stage.WITH_CPS, Stage.CLOSED_NO_FURTHER_LINES),
    Stage.CHARGED: (Stage.COURT_DATE_SET,),
    Stage.REMANDED_OR_COURT_BAIL: (Stage.COURT_DATE_SET,),
    Stage.COURT_DATE_SET: (Stage.TRIAL,),
    Stage.TRIAL: (Stage.VERDICT_AND_SENTENCE,),
}

ALL_RIGHTS = tuple(f"right_{number}" for number in range(1, 13))

_REPORT = ("right_3", "right_4", "right_2")
_INVESTIGATION = ("right_6", "right_4", "right_7")
_NO_CHARGE = ("right_6", "right_12", "right_4")
_COURT = ("right_8", "right_7", "right_10")
_AFTER_COURT = ("right_9", "right_11", "right_5")

RIGHTS_AT: dict[str, tuple[str, ...]] = {
    Stage.REPORTED: _REPORT,
    Stage.RECORDED: ("right_4", "right_6", "right_3"),
    Stage.ASSESSING: ("right_6", "right_4", "right_12"),
    Stage.ALLOCATED: ("right_6", "right_4", "right_1"),
    Stage.UNDER_INVESTIGATION: _INVESTIGATION,
    Stage.SUSPECT_IDENTIFIED: _INVESTIGATION,
    Stage.ARRESTED: _INVESTIGATION,
    Stage.INTERVIEWED_VOLUNTARY: _INVESTIGATION,
    Stage.RELEASED_ON_BAIL: _INVESTIGATION,
    Stage.RELEASED_UNDER_INVESTIGATION: _INVESTIGATION,
    Stage.RELEASED_NO_CHARGE: _NO_CHARGE,
    Stage.WITH_CPS: _INVESTIGATION,
    Stage.CHARGED: _COURT,
    Stage.REMANDED_OR_COURT_BAIL: _COURT,
    Stage.COURT_DATE_SET: _COURT,
    Stage.TRIAL: _COURT,
    Stage.VERDICT_AND_SENTENCE: _AFTER_COURT,
    Stage.POST_SENTENCE: ("right_11", "right_10", "right_5"),
    Stage.APPEAL: _AFTER_COURT,
    Stage.OUT_OF_COURT: _NO_CHARGE,
    Stage.CLOSED_NO_FURTHER_LINES: _NO_CHARGE,
    Stage.TRANSFERRED: ("right_6", "right_1", "right_12"),
}
