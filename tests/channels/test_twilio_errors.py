"""What each of Twilio's codes means for a message, row by row, written down by hand.

From the reference notes on the channels, section 4.
"""

import re
from pathlib import Path

import pytest

from casework.model.delivery_failures import load_failures
from channels.twilio_errors import MEANINGS, DeliveryOutcome, name_failure, sort_refusal

AGAIN, NEVER, UNKNOWN = DeliveryOutcome.TRY_AGAIN, DeliveryOutcome.GIVE_UP, DeliveryOutcome.UNKNOWN

TABLE = [
    (10001, AGAIN, "account_refused"),
    (20003, AGAIN, "account_refused"),
    (20005, AGAIN, "account_refused"),
    (20403, AGAIN, "account_refused"),
    (20429, AGAIN, "busy"),
    (21211, NEVER, "not_a_mobile"),
    (21212, AGAIN, "not_our_number"),
    (21214, NEVER, "not_a_mobile"),
    (21217, NEVER, "not_a_mobile"),
    (21265, NEVER, "not_a_mobile"),
    (21408, NEVER, "not_allowed_there"),
    (21603, AGAIN, "not_our_number"),
    (21606, AGAIN, "not_our_number"),
    (21608, NEVER, "not_allowed_there"),
    (21610, NEVER, "opted_out"),
    (21611, AGAIN, "queue_full"),
    (21612, NEVER, "not_allowed_there"),
    (21614, NEVER, "not_a_mobile"),
    (21617, NEVER, "too_long"),
    (21635, NEVER, "not_a_mobile"),
    (21655, NEVER, "template_wrong"),
    (21656, NEVER, "template_wrong"),
    (21657, NEVER, "template_wrong"),
    (21658, NEVER, "template_wrong"),
    (21659, AGAIN, "not_our_number"),
    (21660, AGAIN, "not_our_number"),
    (30001, AGAIN, "queue_full"),
    (30002, AGAIN, "account_refused"),
    (30003, AGAIN, "unreachable_now"),
    (30004, NEVER, "blocked_by_person"),
    (30005, NEVER, "number_not_in_use"),
    (30006, NEVER, "not_a_mobile"),
    (30007, NEVER, "filtered_as_spam"),
    (30008, NEVER, "unknown_fault"),
    (30036, NEVER, "too_late"),
    (30038, NEVER, "redacted_code"),
    (30410, NEVER, "unknown_fault"),
    (63001, AGAIN, "account_refused"),
    (63002, AGAIN, "not_our_number"),
    (63003, NEVER, "not_on_whatsapp"),
    (63005, NEVER, "unknown_fault"),
    (63007, AGAIN, "not_our_number"),
    (63010, AGAIN, "busy"),
    (63012, AGAIN, "busy"),
    (63013, NEVER, "template_wrong"),
    (63014, NEVER, "blocked_by_person"),
    (63016, NEVER, "window_closed"),
    (63017, AGAIN, "busy"),
    (63018, AGAIN, "busy"),
    (63020, AGAIN, "account_refused"),
    (63021, NEVER, "template_wrong"),
    (63022, AGAIN, "account_refused"),
    (63023, NEVER, "unknown_fault"),
    (63024, NEVER, "not_on_whatsapp"),
    (63027, NEVER, "template_wrong"),
    (63028, NEVER, "template_wrong"),
    (63029, NEVER, "template_wrong"),
    (63030, NEVER, "template_wrong"),
    (63032, NEVER, "not_allowed_there"),
    (63033, NEVER, "not_on_whatsapp"),
    (63038, AGAIN, "busy"),
    (63049, NEVER, "not_allowed_there"),
    (90010, AGAIN, "account_refused"),
]


@pytest.mark.parametrize(("code", "outcome", "failure"), TABLE)
def test_every_code_is_sorted_as_written_down(code: int, outcome: DeliveryOutcome, failure: str) -> None:
    """Red when: 21610 is sorted as TRY_AGAIN, or a code is taken out of the module."""
    delivery = sort_refusal(status=400, code=code)

    assert (delivery.outcome, delivery.failure, delivery.error_code) == (outcome, failure, code)
    assert name_failure(str(code)) == failure


def test_no_code_of_the_module_is_missing_from_the_table() -> None:
    assert [code for code, _, _ in TABLE] == sorted(MEANINGS)


def test_the_table_in_the_documents_says_the_same() -> None:
    page = (Path(__file__).parent.parent.parent / "docs" / "channels.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| `(\w+)` \| ([^|]*) \|", page, re.MULTILINE)
    written = {(int(code), failure) for failure, codes in rows for code in re.findall(r"\d{5}", codes)}

    assert written == {(code, failure) for code, _, failure in TABLE}


def test_every_failure_named_is_in_the_table_of_failures() -> None:
    assert {meaning.failure for meaning in MEANINGS.values()} <= set(load_failures())


@pytest.mark.parametrize(
    ("status", "code", "outcome", "failure"),
    [
        (400, 99999, NEVER, "unknown_fault"),
        (400, None, NEVER, "unknown_fault"),
        (422, 12345, NEVER, "unknown_fault"),
        (401, None, AGAIN, "account_refused"),
        (403, 99999, AGAIN, "account_refused"),
        (403, 21408, NEVER, "not_allowed_there"),
        (404, 20404, AGAIN, "account_refused"),
        (429, None, AGAIN, "busy"),
        (429, 21610, AGAIN, "busy"),
        (302, None, UNKNOWN, None),
        (408, None, UNKNOWN, None),
        (500, None, UNKNOWN, None),
        (500, 21610, UNKNOWN, None),
        (502, 20502, UNKNOWN, None),
        (503, 99999, UNKNOWN, None),
        (504, None, UNKNOWN, None),
    ],
)
def test_the_status_decides_where_the_code_does_not(
    status: int, code: int | None, outcome: DeliveryOutcome, failure: str | None
) -> None:
    """Red when: the code is looked at before a 5xx."""
    delivery = sort_refusal(status=status, code=code)

    assert (delivery.outcome, delivery.failure) == (outcome, failure)


@pytest.mark.parametrize("code", [None, "", "0", "99999", "30003x", "٣٠٠٠٣", "3" * 5000, "-30003"])
def test_a_code_that_is_none_is_an_unknown_fault(code: str | None) -> None:
    assert name_failure(code) == "unknown_fault"
