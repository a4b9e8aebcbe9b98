import random

import pytest

from casework.model.pins import PinFault, find_pin_fault, load_pin_rules


@pytest.mark.parametrize(
    ("pin", "fault"),
    [
        ("", PinFault.SHAPE),
        ("83592", PinFault.SHAPE),
        ("8359271648350", PinFault.SHAPE),
        ("8359 27", PinFault.SHAPE),
        ("83592a", PinFault.SHAPE),
        ("٨٣٥٩٢٧", PinFault.SHAPE),
        ("835927\n", PinFault.SHAPE),
        ("159753", PinFault.COMMON),
        ("444444", PinFault.PATTERN),
        ("838383", PinFault.PATTERN),
        ("835835", PinFault.PATTERN),
        ("8358358", PinFault.PATTERN),
        ("345678", PinFault.PATTERN),
        ("876543", PinFault.PATTERN),
        ("8901234", PinFault.PATTERN),
        ("3210987", PinFault.PATTERN),
        ("250391", PinFault.DATE),
        ("032591", PinFault.DATE),
        ("910325", PinFault.DATE),
        ("198477", PinFault.DATE),
        ("771984", PinFault.DATE),
        ("25031984", PinFault.DATE),
        ("19840325", PinFault.DATE),
        ("290200", PinFault.DATE),
        ("835927", None),
        ("40718263", None),
        ("835927164835", None),
    ],
)
def test_a_pin_that_others_would_try_first_is_not_accepted(pin: str, fault: PinFault | None) -> None:
    assert find_pin_fault(pin) is fault


@pytest.mark.parametrize("pin", load_pin_rules()["commonest"])
def test_none_of_the_commonest_is_accepted(pin: str) -> None:
    assert find_pin_fault(pin) is not None


def test_most_pins_are_left_to_choose_from() -> None:
    pins = [f"{number:06d}" for number in random.Random(4).sample(range(1_000_000), 5000)]

    assert sum(find_pin_fault(pin) is None for pin in pins) > 4000
