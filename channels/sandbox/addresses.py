"""What a pretend handset's address says: its channel, the number on it, and the name WhatsApp may give instead."""

import hashlib
import re
from collections.abc import Iterable

SPACES = re.compile(r"[\s()-]")
WHATSAPP = "whatsapp:"
TELEGRAM = "telegram:"
# Ofcom keeps these numbers for drama: nobody's phone rings.
PRETEND_NUMBER = re.compile(r"(whatsapp:)?\+447700900\d{3}")
PRETEND_CHAT = re.compile(r"telegram:[1-9]\d{0,11}")


def get_address(number: str) -> str:
    """A handset's address: `07700 900001` is `+447700900001`; anything else stays as it is."""
    prefix, plain = _split(SPACES.sub("", number))
    if prefix != TELEGRAM and plain.startswith("07") and plain.isdigit():
        return f"{prefix}+44{plain[1:]}"
    return number


def is_whatsapp(address: str) -> bool:
    return address.startswith(WHATSAPP)


def is_telegram(address: str) -> bool:
    return address.startswith(TELEGRAM)


def get_chat_id(address: str) -> int:
    """The number of a Telegram chat. Raises ValueError where `telegram:` is not followed by one."""
    return int(address.removeprefix(TELEGRAM))


def get_hidden_address(address: str) -> str:
    """The business-scoped id WhatsApp gives instead of a number: the same for the same handset, always."""
    digits = int.from_bytes(hashlib.sha256(address.encode()).digest()[:8]) % 10**15
    return f"{WHATSAPP}GB.{digits:015d}"


def find_handset(to: str, known: Iterable[str]) -> str:
    """The handset a message to `to` reaches: the one whose number is hidden behind it, else `to` itself."""
    if not is_whatsapp(to) or "+" in to:
        return to
    return next((each for each in known if is_whatsapp(each) and get_hidden_address(each) == to), to)


def format_national(address: str) -> str:
    """`+447700900001` as people write it, `07700 900001`; the channel before it where it is not SMS."""
    prefix, number = _split(address)
    named = {WHATSAPP: "WhatsApp ", TELEGRAM: "Telegram "}.get(prefix, "")
    if prefix == TELEGRAM:
        return named + number
    return named + f"0{number[3:7]} {number[7:]}" if re.fullmatch(r"\+447\d{9}", number) else address


def _split(address: str) -> tuple[str, str]:
    prefix = next((each for each in (WHATSAPP, TELEGRAM) if address.startswith(each)), "")
    return prefix, address.removeprefix(prefix)
