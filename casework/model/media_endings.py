"""How a kept file of each type ends. Whatever is not among them is `bin`: nothing that goes by a name will run it."""

ENDINGS = {
    "image/jpeg": "jpg",
    "image/png": "png",
    "image/gif": "gif",
    "image/webp": "webp",
    "image/heic": "heic",
    "video/mp4": "mp4",
    "video/3gpp": "3gp",
    "video/quicktime": "mov",
    "audio/ogg": "ogg",
    "audio/mpeg": "mp3",
    "audio/mp4": "m4a",
    "audio/amr": "amr",
    "audio/aac": "aac",
    "application/pdf": "pdf",
    "text/vcard": "vcf",
}


def find_ending(found_type: str | None) -> str:
    """By the type that was found in the bytes, never by what the sender calls it."""
    return ENDINGS.get(found_type or "", "bin")
