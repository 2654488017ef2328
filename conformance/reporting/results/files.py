"""Results files on disk: which files of a folder they are, and their bytes, compressed or not."""

from __future__ import annotations

import gzip
import io
import zlib
from pathlib import Path

PLAIN, COMPRESSED = ".jsonl", ".jsonl.gz"
GZIP = 31  # to zlib: the data has the head and the checksum of a gzip file


class DamagedError(ValueError):
    """A compressed file that nothing can be read from; the message says what it is."""


def inside(folder: Path) -> list[Path]:
    """The results files of a folder; none where there is no folder."""
    if not folder.is_dir():
        return []
    return sorted(path for path in folder.iterdir() if path.name.endswith((PLAIN, COMPRESSED)))


def content(path: Path) -> bytes:
    """What a results file holds; of one that was cut off, all up to there.

    Raises OSError, or DamagedError where it is no gzip file or its checksum is another.
    """
    raw = path.read_bytes()
    if not path.name.endswith(COMPRESSED):
        return raw
    found = b""
    while raw:
        member = zlib.decompressobj(GZIP)
        try:
            found += member.decompress(raw)
        except zlib.error:
            told = "is a damaged gzip file" if raw.startswith(b"\x1f\x8b") else "is no gzip file"
            raise DamagedError(told) from None
        raw = member.unused_data
    return found


def compressed(text: bytes) -> bytes:
    """The same bytes for the same text, whenever and wherever it is compressed."""
    made = io.BytesIO()
    with gzip.GzipFile(filename="", mode="wb", fileobj=made, mtime=0) as file:
        file.write(text)
    return made.getvalue()
