"""An address as a code to print and scan (ISO/IEC 18004)."""

import segno

# A printed code must bear a fold or a stain: 15 % of it may be lost.
ERROR_CORRECTION = "m"
QUIET_ZONE = 4  # blank squares all round, without which no camera finds it


def make_code(address: str) -> segno.QRCode:
    return segno.make(address, error=ERROR_CORRECTION, micro=False)


def draw_code(address: str) -> str:
    """The code as SVG, as wide as its place, with the quiet zone in it."""
    return make_code(address).svg_inline(
        omitsize=True, border=QUIET_ZONE, title="Code to scan", dark="#000", light="#fff"
    )
