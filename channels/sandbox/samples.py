"""The files a pretend phone can send: some as people send them, some as nobody should.

All are made here but the photo, which was drawn for this. None holds anything of anybody.
"""

import struct
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

PHOTO = Path(__file__).parent / "samples" / "photo.jpg"
HUGE_BYTES = 20 * 1024 * 1024
BLOCK_BYTES = 64 * 1024
SIDE = 96


@dataclass(frozen=True)
class Sample:
    """`content_type` is what the sender claims. Without `says_length` the provider names no Content-Length."""

    label: str
    content_type: str
    make: Callable[[], bytes]
    says_length: bool = True
    is_missing: bool = False

    @property
    def size(self) -> int:
        return len(self.make())

    @property
    def kind(self) -> str:
        """WhatsApp's word for it, as in `MessageType`."""
        main = self.content_type.partition("/")[0]
        if self.content_type == "text/vcard":
            return "contacts"
        return main if main in ("image", "video", "audio") else "document"


def iterate_blocks(sample: Sample) -> Iterator[bytes]:
    content = sample.make()
    for start in range(0, len(content), BLOCK_BYTES):
        yield content[start : start + BLOCK_BYTES]


@cache
def _draw_png() -> bytes:
    rows = b"".join(b"\0" + b"".join(bytes((2 * x, 2 * y, 160)) for x in range(SIDE)) for y in range(SIDE))
    header = struct.pack(">IIBBBBB", SIDE, SIDE, 8, 2, 0, 0, 0)
    chunks = ((b"IHDR", header), (b"IDAT", zlib.compress(rows)), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
        for kind, data in chunks
    )


@cache
def _draw_gif() -> bytes:
    return (
        b"GIF89a\x01\x00\x01\x00\x80\x00\x00\x1d\x5a\x8a\xff\xff\xff,\0\0\0\0\x01\0\x01\0\0\x02\x02D\x01\0;"
    )


@cache
def _write_pdf() -> bytes:
    text = b"BT /F1 18 Tf 40 100 Td (A pretend letter) Tj ET"
    objects = (
        b"<< /Type /Catalog /Pages 2 0 R >>",
        b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
        b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 300 160] /Contents 4 0 R "
        b"/Resources << /Font << /F1 5 0 R >> >> >>",
        b"<< /Length %d >>\nstream\n%s\nendstream" % (len(text), text),
        b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>",
    )
    pdf, places = b"%PDF-1.4\n", []
    for number, content in enumerate(objects, start=1):
        places.append(len(pdf))
        pdf += b"%d 0 obj\n%s\nendobj\n" % (number, content)
    table = b"".join(b"%010d 00000 n \n" % place for place in places)
    count = len(objects) + 1
    return (
        pdf
        + b"xref\n0 %d\n0000000000 65535 f \n%s" % (count, table)
        + b"trailer\n<< /Size %d /Root 1 0 R >>\nstartxref\n%d\n%%%%EOF\n" % (count, len(pdf))
    )


@cache
def _record_voice() -> bytes:
    """One second of silence: Ogg pages (RFC 3533) of Opus (RFC 7845)."""
    head = b"OpusHead" + struct.pack("<BBHIHB", 1, 1, 0, 48000, 0, 0)
    tags = b"OpusTags" + struct.pack("<I", 7) + b"waymark" + struct.pack("<I", 0)
    silence = [b"\xf8\xff\xfe"] * 50
    return (
        _ogg_page([head], number=0, position=0, flags=2)
        + _ogg_page([tags], number=1, position=0, flags=0)
        + _ogg_page(silence, number=2, position=48000, flags=4)
    )


def _ogg_page(packets: list[bytes], *, number: int, position: int, flags: int) -> bytes:
    sizes = bytes(len(packet) for packet in packets)
    start = b"OggS\0" + struct.pack("<BqII", flags, position, 1, number)
    end = bytes([len(sizes)]) + sizes + b"".join(packets)
    return start + struct.pack("<I", _ogg_checksum(start + bytes(4) + end)) + end


def _ogg_checksum(page: bytes) -> int:
    checksum = 0
    for byte in page:
        checksum ^= byte << 24
        for _ in range(8):
            checksum = (checksum << 1) ^ (0x04C11DB7 if checksum & 0x80000000 else 0)
    return checksum & 0xFFFFFFFF


@cache
def _film_video() -> bytes:
    brand = b"ftyp" + b"isom\0\0\2\0isomiso2mp41"
    return struct.pack(">I", len(brand) + 4) + brand + struct.pack(">I", 8) + b"mdat"


def _write_contact() -> bytes:
    return b"BEGIN:VCARD\r\nVERSION:3.0\r\nFN:Pretend Person\r\nTEL:+447700900123\r\nEND:VCARD\r\n"


def _write_program() -> bytes:
    stub = b"MZ" + bytes(58) + struct.pack("<I", 64) + b"PE\0\0\x4c\x01"
    return stub + bytes(512)


def _write_script() -> bytes:
    return b'<svg xmlns="http://www.w3.org/2000/svg"><script>alert(document.domain)</script></svg>'


def _fill_huge() -> bytes:
    return PHOTO.read_bytes()[:20] + bytes(HUGE_BYTES - 20)


SAMPLES = {
    "photo": Sample("A photo", "image/jpeg", PHOTO.read_bytes),
    "png": Sample("A drawing (PNG)", "image/png", _draw_png),
    "gif": Sample("A GIF", "image/gif", _draw_gif),
    "pdf": Sample("A letter (PDF)", "application/pdf", _write_pdf),
    "voice": Sample("A voice note", "audio/ogg", _record_voice),
    "video": Sample("A video", "video/mp4", _film_video),
    "contact": Sample("A contact card", "text/vcard", _write_contact),
    "program": Sample("A program that claims to be a photo", "image/jpeg", _write_program),
    "script": Sample("A script that claims to be a drawing", "image/png", _write_script),
    "huge": Sample("A photo of 20 MB", "image/jpeg", _fill_huge),
    "unsized": Sample("20 MB, length not said", "image/jpeg", _fill_huge, says_length=False),
    "missing": Sample("A photo that is gone", "image/jpeg", PHOTO.read_bytes, is_missing=True),
}
