"""What is somebody's is hidden though it has no shape of its own: codes, houses, names in apps, days of birth.

Red when, each tried once: codes are not looked for, houses are not, parts of one address are not joined, apps have no
names, a phone in pieces is not put together, or a second day of birth is left.
"""

import pytest

from tests.casework.model.masking_cases import hidden


@pytest.mark.parametrize(
    ("text", "kind", "value"),
    [
        ("frame number is WBX 0088 14 Q, stamped", "number", "WBX 0088 14 Q"),
        ("under policy HX/88120/D they said", "number", "HX/88120/D"),
        ("staff number 40817, for the payroll", "number", "40817"),
        ("they said log 77 of 2 November", "number", "log 77 of 2 November"),
        ("the card ends 4482", "account", "4482"),
        ("the last four digits, 7718, she read", "account", "7718"),
        ("my pin was 4416", "account", "4416"),
        ("I sent it to 00 88 31", "account", "00 88 31"),
        ("on fortnite hes gloomduck", "handle", "gloomduck"),
        ("the seller nicethings_zq blocked me", "handle", "nicethings_zq"),
        ("his snap is lilmockzz", "handle", "lilmockzz"),
        ("he is queen shanzy99 on facebook", "handle", "queen shanzy99"),
        ("it is up at Mockhill Farm", "address", "Mockhill Farm"),
        ("we are at number 14 Mill Lane", "address", "number 14 Mill Lane"),
        ("we live at the old forge", "address", "the old forge"),
        ("send it to Room 12, Mockford Hall", "address", "Room 12, Mockford Hall"),
        ("it is Flat 4, third floor, Beacon Mews, ZZ99 4RT", "address", "Flat 4, third floor, Beacon Mews, ZZ99 4RT"),
        ("he lives at number 45", "address", "number 45"),
        ("to PO Box 8812 please", "address", "PO Box 8812"),
        ("ring 07700 (that has two noughts) 900 714", "phone", "07700 (that has two noughts) 900 714"),
        ("date of brith 11 4 72", "birth_date", "11 4 72"),
        ("dob is fourth of the seventh eighty three", "birth_date", "fourth of the seventh eighty three"),
        ("I was eighty on the fourth of June", "birth_date", "the fourth of June"),
    ],
)  # fmt: skip
def test_what_is_somebodys_is_hidden(text: str, kind: str, value: str) -> None:
    assert hidden(text) == [(kind, value)]


def test_every_birth_date_of_a_sentence_is_hidden() -> None:
    assert hidden("Her DOB's 1 May 2018, mine 2 June 2019.") == [
        ("birth_date", "1 May 2018"),
        ("birth_date", "2 June 2019"),
    ]


@pytest.mark.parametrize(
    "text",
    [
        "room 4 at 10am, then room 12 on the 2nd floor",
        "the 47 or the 209 bus from the high street",
        "it was 1730 when they knocked and 2145 when they left",
        "is there a log number or a crime number",
        "he owes me 3500 and I paid 1200 back in 2022",
        "I live in a flat above a shop, second floor",
        "my account was hacked on instagram and facebook",
        "they went to Crown Court and the Town Hall",
        "my card is cancelled and the plate was stolen",
        "the handle on the door was broken, facebook that",
        "Section 39 or Section 47, form MG11, 28 pages",
    ],
)
def test_rooms_buses_times_and_talk_of_numbers_stay(text: str) -> None:
    assert hidden(text) == []
