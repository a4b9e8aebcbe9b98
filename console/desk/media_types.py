"""Which pictures and files the desk hands out, and as what: the type found in the bytes, never the stated one."""

from casework.model.media_endings import find_ending

# A browser shows these and runs nothing in them. A drawing that may hold a script (SVG) is not among them.
SHOWN_AS = frozenset({"image/jpeg", "image/png", "image/gif", "image/webp"})

SAVED_AS = "application/octet-stream"
# The first bytes of each type that is shown, as its format says.
_BEGINNINGS: dict[str, tuple[bytes, ...]] = {
    "image/jpeg": (b"\xff\xd8\xff",),
    "image/png": (b"\x89PNG\r\n\x1a\n",),
    "image/gif": (b"GIF87a", b"GIF89a"),
    "image/webp": (b"RIFF",),
}


def name_kind(media_type: str) -> str:
    """A name in [media_kinds] of the words: picture, film, sound, contact, document or file."""
    family = media_type.partition("/")[0]
    if media_type in ("text/vcard", "text/x-vcard"):
        return "contact"
    if media_type == "application/pdf":
        return "document"
    return {"image": "picture", "video": "film", "audio": "sound"}.get(family, "file")


def find_shown_type(found_type: str | None, content: bytes) -> str | None:
    """The type to show it as, or None: it is for saving only. The bytes are looked at once more."""
    if found_type not in SHOWN_AS or not content.startswith(_BEGINNINGS[found_type]):
        return None
    is_webp = content[8:12] == b"WEBP"
    return None if found_type == "image/webp" and not is_webp else found_type


def name_file(media_id: int, found_type: str | None) -> str:
    """A plain name of our own: theirs may be anything."""
    return f"file-{media_id}.{find_ending(found_type)}"
