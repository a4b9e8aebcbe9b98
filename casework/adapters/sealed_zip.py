"""A zip that is the same byte for byte whenever the same files are put into it in the same order.

They are stored and not packed (another zlib would pack them otherwise), with one time and one set of rights.
"""

import hashlib
import zipfile
from collections.abc import Iterable
from typing import IO, Any

# The first moment a zip can name, and the rights of a file anybody may read: what the machine says would differ.
MADE_AT = (1980, 1, 1, 0, 0, 0)
RIGHTS = 0o100644 << 16
UNIX = 3


class SealedZip:
    """The zip while it is written, and the list of what is in it."""

    def __init__(self, target: IO[bytes]) -> None:
        self._zip = zipfile.ZipFile(target, "w", zipfile.ZIP_STORED)
        self.files: list[dict[str, Any]] = []

    def keep(self, path: str, content: bytes) -> dict[str, Any]:
        """Its path, size in bytes and sha256, as `files` lists it."""
        return self.stream(path, [content])

    def stream(self, path: str, blocks: Iterable[bytes]) -> dict[str, Any]:
        """The same of a file that comes in parts."""
        size, digest = 0, hashlib.sha256()
        with self._zip.open(_describe(path), "w", force_zip64=True) as file:
            for block in blocks:
                file.write(block)
                digest.update(block)
                size += len(block)
        kept = {"path": path, "size": size, "sha256": digest.hexdigest()}
        self.files.append(kept)
        return kept

    def close(self) -> None:
        self._zip.close()


def _describe(path: str) -> zipfile.ZipInfo:
    described = zipfile.ZipInfo(path, date_time=MADE_AT)
    described.compress_type = zipfile.ZIP_STORED
    described.create_system = UNIX
    described.external_attr = RIGHTS
    return described
