"""Codes go to British mobiles alone, and a day has an end to them; whoever asks sees neither.

Red when: the number is not looked at, the day's limit is not asked, what does not leave is counted as spent, or
strangers may use up what is kept for the contact of record.
"""

from collections import Counter

import pytest
from phonenumbers import PhoneNumberFormat, PhoneNumberType, example_number_for_type, format_number

from casework.adapters.storage.tables import alarm, desk_item, metadata, outbox, spend
from casework.model.desk import HandoffReason
from casework.services import prove
from casework.services.gb_mobiles import is_gb_mobile
from casework.services.prove import request_code
from tests.support.builders import VICTIM, a_case
from tests.support.line import Line

STRANGER = "+447700900777"


def example(region: str, kind: int = PhoneNumberType.MOBILE) -> str:
    """The number the library itself shows as one of that kind; nobody's."""
    return format_number(example_number_for_type(region, kind), PhoneNumberFormat.E164)


FRENCH = example("FR")


@pytest.mark.parametrize(
    ("number", "is_mobile"),
    [
        ("+447700900001", True),  # kept for drama
        (example("GB"), True),
        (example("GB", PhoneNumberType.FIXED_LINE), False),
        (example("GB", PhoneNumberType.PERSONAL_NUMBER), False),
        (example("GB", PhoneNumberType.PAGER), False),
        (example("JE"), False),  # +44 as well
        (example("GG"), False),
        (example("IM"), False),
        (FRENCH, False),
        (example("US"), False),
        (example("GB")[1:], False),
        ("", False),
        ("hello", False),
    ],
)
def test_only_a_british_mobile_is_one(number: str, is_mobile: bool) -> None:
    assert is_gb_mobile(number) is is_mobile


async def ask(line: Line, reference: str, *, asker: str = STRANGER, segments_a_day: int = 500) -> str:
    conversation_id = line.open(asker)
    line.database.write_now(lambda tx: request_code(tx, conversation_id, reference))
    while await prove.issue_next_code(
        line.database, codes=line.codes, texts=line.texts, segments_a_day=segments_a_day
    ):
        pass
    return conversation_id


def filed(line: Line, conversation_id: str) -> Counter[str]:
    return Counter(
        {
            table.name: len(line.rows(table, conversation_id=conversation_id))
            for table in metadata.sorted_tables
            if "conversation_id" in table.c
        }
    )


def case_number(number: int) -> str:
    return f"4326002{number:04d}"


async def test_a_code_to_a_foreign_number_stays_a_decoy_and_a_person_is_told(line: Line) -> None:
    line.add_cases(a_case(), a_case(crime_reference=case_number(1), contact_mobile=FRENCH))

    sent = await ask(line, a_case().crime_reference)
    not_sent = await ask(line, case_number(1), asker="+447700900778")
    unknown = await ask(line, case_number(2), asker="+447700900779")

    [item] = line.rows(desk_item)
    assert [row.to for row in line.rows(outbox)] == [VICTIM]
    assert (item.reason, item.conversation_id) == (HandoffReason.CODE_NOT_SENT, line.open(FRENCH))
    assert filed(line, not_sent) == filed(line, unknown) == filed(line, sent)
    assert line.rows(alarm) == []


async def test_the_day_has_an_end_to_codes_and_the_asker_sees_nothing_of_it(line: Line) -> None:
    """Four fifths of ten segments for strangers: eight codes leave, two are for people to see to."""
    line.add_cases(
        *(a_case(crime_reference=case_number(n), contact_mobile=f"+4477009003{n:02d}") for n in range(11))
    )

    askers = [
        await ask(line, case_number(n), asker=f"+4477009004{n:02d}", segments_a_day=10) for n in range(10)
    ]

    assert len(line.rows(outbox)) == 8
    assert [row.reason for row in line.rows(desk_item)] == [HandoffReason.CODE_NOT_SENT] * 2
    assert [row.kind for row in line.rows(alarm)] == ["codes_capped"]
    assert line.row(spend).segments == 8
    assert len({frozenset(filed(line, asker).items()) for asker in askers}) == 1


async def test_what_strangers_use_up_is_not_taken_from_the_contact_of_record(line: Line) -> None:
    line.add_cases(
        *(a_case(crime_reference=case_number(n), contact_mobile=f"+4477009003{n:02d}") for n in range(13))
    )
    for number in range(12):
        await ask(line, case_number(number), asker=f"+4477009004{number:02d}", segments_a_day=10)

    await ask(line, case_number(12), asker="+447700900312", segments_a_day=10)

    assert [row.to for row in line.rows(outbox)][-1] == "+447700900312"
    assert line.row(spend).segments == 9


async def test_the_alarm_ends_with_the_day(line: Line) -> None:
    line.add_cases(
        *(a_case(crime_reference=case_number(n), contact_mobile=f"+4477009003{n:02d}") for n in range(5))
    )
    for number in range(4):
        await ask(line, case_number(number), asker=f"+4477009004{number:02d}", segments_a_day=3)
    sounding = line.database.read_now(lambda tx: tx.alarms.list_open())

    line.clock.advance(days=1)
    await ask(line, case_number(4), segments_a_day=3)

    assert [each.kind for each in sounding] == ["codes_capped"]
    assert line.database.read_now(lambda tx: tx.alarms.list_open()) == []


async def test_a_second_code_that_is_not_sent_is_the_same_task(line: Line) -> None:
    line.add_cases(a_case(contact_mobile=FRENCH))

    for asker in ("+447700900401", "+447700900402"):
        await ask(line, a_case().crime_reference, asker=asker)

    assert len(line.rows(desk_item)) == 1
