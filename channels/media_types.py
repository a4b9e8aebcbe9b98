"""What a file is, by its bytes. What the sender or the provider calls it is not asked."""

import puremagic

# Of the library's names for a type, the ones we take and what we call them. AMR has no name there, only an ending.
TAKEN = {
    "image/jpeg": "image/jpeg",
    "image/png": "image/png",
    "image/gif": "image/gif",
    "image/webp": "image/webp",
    "image/heif": "image/heic",
    "image/heic": "image/heic",
    "video/mp4": "video/mp4",
    "video/3gpp": "video/3gpp",
    "video/quicktime": "video/quicktime",
    "audio/mp4": "audio/mp4",
    "audio/ogg": "audio/ogg",
    "application/ogg": "audio/ogg",
    "audio/mpeg": "audio/mpeg",
    "audio/aac": "audio/aac",
    "application/pdf": "application/pdf",
    "text/vcard": "text/vcard",
    "text/x-vcard": "text/vcard",
    ".amr": "audio/amr",
}
# Beginnings that puremagic 1.30 does not know: HEIC of other phones (ISO/IEC 23008-12), MP4 of other brands
# (ISO/IEC 14496-12), MPEG audio of lower rates.
ALSO = {
    **{(4, b"ftyp" + brand): "image/heic" for brand in (b"mif1", b"heix", b"hevc", b"msf1")},
    **{(4, b"ftyp" + brand): "video/mp4" for brand in (b"iso2", b"iso4", b"iso5", b"iso6", b"mp41", b"avc1")},
    (4, b"ftyp3g"): "video/3gpp",
    (4, b"ftypqt  "): "video/quicktime",  # what an iPhone films
    (0, b"\xff\xf3"): "audio/mpeg",
    (0, b"\xff\xf2"): "audio/mpeg",
}


def find_media_type(content: bytes) -> str | None:
    """The type we keep it as, or None: it is nothing we take, or nothing can tell what it is."""
    for (start, beginning), found in ALSO.items():
        if content.startswith(beginning, start):
            return found
    try:
        matches = puremagic.magic_string(content)
    except (puremagic.PureError, ValueError):
        return None
    # Surest first. The first that has a name decides: a second guess is how a film becomes a picture.
    for match in matches:
        if match.extension == ".amr":
            return TAKEN[".amr"]
        if match.mime_type:
            return TAKEN.get(match.mime_type)
    return None
