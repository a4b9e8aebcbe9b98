"""The fields of a plain form, as bytes: what cannot be decoded is kept until somebody decides what it means."""

from urllib.parse import unquote_to_bytes


def parse_fields(body: bytes) -> dict[str, bytes]:
    """Name -> value; of a name that comes twice the last. Never refuses."""
    pairs = (part.partition(b"=") for part in body.split(b"&"))
    return {_unquote(name).decode("utf-8", "replace"): _unquote(value) for name, _, value in pairs}


def read_text(value: bytes) -> str:
    """As a page can show it again: line ends of one kind, U+FFFD for what is no text."""
    return value.decode("utf-8", "replace").replace("\0", "\ufffd").replace("\r\n", "\n")


def _unquote(quoted: bytes) -> bytes:
    return unquote_to_bytes(quoted.replace(b"+", b" "))
