"""The assistant's own words, read for the pages that must say the same."""

from datetime import date, timedelta
from pathlib import Path
from shutil import copytree

import pytest

from casework.adapters.bot_texts import DOMAIN_FOLDER, NEXT, RIGHT, STAGE, load_bot_texts
from casework.model.errors import SettingsInvalid
from casework.model.outcomes import RESPONSES_OF_OUTCOMES
from casework.model.stage_line import ALL_RIGHTS
from casework.model.stages import Stage

TEXTS = load_bot_texts()
TODAY = date(2026, 11, 21)


def test_every_stage_right_and_end_has_its_full_form() -> None:
    names = [f"{prefix}{stage.value}" for prefix in (STAGE, NEXT) for stage in Stage]
    names += [*RESPONSES_OF_OUTCOMES.values(), *(RIGHT + right for right in ALL_RIGHTS)]

    assert [name for name in names if not TEXTS.find(name, today=TODAY)] == []
    assert len(ALL_RIGHTS) == 12
    # The short form, for SMS, is one paragraph.
    assert len(TEXTS.find("utter_stage_arrested", today=TODAY)) == 2


def test_the_day_that_a_page_says_beside_the_words_is_left_out_of_them() -> None:
    assert TEXTS.find("utter_stage_recorded", today=TODAY)[0] == "It is recorded as a crime."
    assert [text for text in TEXTS.by_name.values() if "{" in " ".join(text.paragraphs)] == []


def test_past_its_review_date_a_text_hides_itself() -> None:
    """Red when `find` looks at no date."""
    last = TEXTS.by_name["utter_right_6"].review_by

    assert TEXTS.find("utter_right_6", today=last)
    assert TEXTS.find("utter_right_6", today=last + timedelta(days=1)) == ()
    assert TEXTS.find("utter_no_such_thing", today=TODAY) == ()


@pytest.mark.parametrize(
    ("was", "becomes"),
    [
        ("  utter_right_1:", "  utter_right_one:"),
        ("review_by:", "reviewed:"),
        ("You have a right to understand", "{name}, you have a right to understand"),
    ],
)
def test_words_that_no_page_can_show_are_named_at_the_start(tmp_path: Path, was: str, becomes: str) -> None:
    folder = copytree(DOMAIN_FOLDER, tmp_path / "domain")
    rights = folder / "rights.yml"
    rights.write_text(rights.read_text().replace(was, becomes))

    with pytest.raises(SettingsInvalid, match="utter_right_"):
        load_bot_texts(folder)
