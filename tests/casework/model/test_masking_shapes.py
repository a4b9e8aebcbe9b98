"""Numbers and addresses are known by their shape, and dates, times, ages and sums are left for the meaning.

Red when, each tried once: dates are not protected, or the check digit is not asked.
"""

import pytest

from casework.model.masking.numbers import is_nhs_number
from tests.casework.model.masking_cases import hidden


@pytest.mark.parametrize(
    ("text", "kind", "value"),
    [
        ("ring 07700 900123 please", "phone", "07700 900123"),
        ("ring (01632) 960.123", "phone", "(01632) 960.123"),
        ("+44 7700 900 123 is mine", "phone", "+44 7700 900 123"),
        ("text 0 7 7 0 0 9 0 0 1 2 3", "phone", "0 7 7 0 0 9 0 0 1 2 3"),
        ("write to jo.b@example.org.", "email", "jo.b@example.org"),
        ("jo dot b at example dot org is it", "email", "jo dot b at example dot org"),
        ("see www.example.org/a?b=1", "url", "www.example.org/a?b=1"),
        ("look at htps://example.com/x", "url", "htps://example.com/x"),
        ("at ZZ99 4RT now", "postcode", "ZZ99 4RT"),
        ("at zz994rt now", "postcode", "zz994rt"),
        ("postcode z z 9 9 4 r t", "postcode", "z z 9 9 4 r t"),
        ("NI QQ 12 34 56 C", "nino", "QQ 12 34 56 C"),
        ("a grey van ZZ99 ABC drove off", "vehicle", "ZZ99 ABC"),
        ("zz99abc", "vehicle", "zz99abc"),
        ("nhs 999 093 0031", "nhs", "999 093 0031"),
        ("about 42/990001/26", "reference", "42/990001/26"),
        ("its 4326 099 0001", "reference", "4326 099 0001"),
        ("they said CAD 412", "reference", "412"),
        ("dob 5/6/13", "birth_date", "5/6/13"),
        ("12 November 1934 is my birthday", "birth_date", "12 November 1934"),
        ("born on the third of may nineteen sixty one", "birth_date", "the third of may nineteen sixty one"),
        ("sort code 00-98-01", "account", "00-98-01"),
        ("card 9999 1111 0000 2222", "account", "9999 1111 0000 2222"),
        ("he is @pretend_9 on there", "handle", "@pretend_9"),
        ("at 12 example street", "address", "12 example street"),
        ("at 29a Sampel Raod", "address", "29a Sampel Raod"),
        ("in flat 4b", "address", "flat 4b"),
        ("its zz991cv round the back", "postcode", "zz991cv"),
        ("by zz99 7q z i think", "postcode", "zz99 7q z"),
        ("take ZX4 8KV off it", "postcode", "ZX4 8KV"),
        ("the camera has zz19 fgw clearly", "vehicle", "zz19 fgw"),
        ("a trailer, X 41 WNB on the plate", "vehicle", "X 41 WNB"),
        ("born 1O/l2/1971", "birth_date", "1O/l2/1971"),
        ("dob 14 09 66", "birth_date", "14 09 66"),
        ("date of birth 3 grudnia 1990", "birth_date", "3 grudnia 1990"),
        ("we are at 7 Sample Hill Road since", "address", "7 Sample Hill Road"),
        ("she lives on her own at The Old Forge, 2 Pretend Lane", "address", "The Old Forge, 2 Pretend Lane"),
        ("to ZZ00 PRET 0000 0012 3456 78", "account", "ZZ00 PRET 0000 0012 3456 78"),
        ("tracking ZQ000123987 was it", "number", "ZQ000123987"),
        ("it is 07700, 900, 412, with commas", "phone", "07700, 900, 412"),
    ],
)  # fmt: skip
def test_what_has_a_shape_is_hidden(text: str, kind: str, value: str) -> None:
    assert hidden(text) == [(kind, value)]


@pytest.mark.parametrize(
    "text",
    [
        "he hit me on 12/10/2026 at 10:30",
        "on 12.10.2026, 3 march 2026 and 2026-10-12",
        "court is 8 December at 9.45am, it cost £1,250,000.50",
        "my kids are 10, 12 and 14 and i am 34",
        "i lost 350 pounds between 2023-2024",
        "999 took 41 minutes and 101 took 12 days",
        "two men on the street, one was 6 foot",
        "it was 10 minutes drive, the 2 lads next door",
        "i rang 101 3 times",
        "in 5 2pm",
        "NOBODY CAME and NOT ONE word",
        "he rang 999 and then 101 about it",
        "my kids are 10, 12, 14, 15 and 16",
        "in yr10 and in w8 4 me",
        "Hello, 12 weeks is long",
        "the 30 10 35 bus, 4 of us",
    ],
)
def test_dates_times_ages_and_sums_stay(text: str) -> None:
    assert hidden(text) == []


def test_an_nhs_number_has_a_check_digit() -> None:
    assert is_nhs_number("9990930031")
    assert not is_nhs_number("9990930032")
