"""The addresses of synthetic victims: no number, no chat id, and so nothing a provider could send to."""

PREFIX = "drill:"


def make_drill_address(mark: str, number: str) -> str:
    """`mark` tells one drill's victims from another's; `number` is one of those kept for drama."""
    return f"{PREFIX}{mark}:{number.replace(' ', '')}"


def is_drill_address(address: str) -> bool:
    return address.startswith(PREFIX)
