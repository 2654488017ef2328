"""The header of a safetensors file: read, checked, and nothing else of the file touched.

Format: eight bytes of a little-endian length, that many bytes of JSON, then the tensors' bytes
(https://github.com/huggingface/safetensors, "Format").
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from conformance.core.user_files import MOST_BYTES, InputError, named, parse, shown

BITS = {
    "BOOL": 8,
    "U8": 8,
    "I8": 8,
    "F8_E5M2": 8,
    "F8_E4M3": 8,
    "F8_E8M0": 8,
    "F8_E4M3FNUZ": 8,
    "F8_E5M2FNUZ": 8,
    "F4": 4,
    "F6_E2M3": 6,
    "F6_E3M2": 6,
    "I16": 16,
    "U16": 16,
    "F16": 16,
    "BF16": 16,
    "I32": 32,
    "U32": 32,
    "F32": 32,
    "C64": 64,
    "F64": 64,
    "I64": 64,
    "U64": 64,
}
LENGTH = 8  # bytes of the length in front
MOST_AXES = 16
CHUNK = 2**20


@dataclass(frozen=True)
class Tensor:
    """Where one tensor lies: its file, its type and shape, its bytes from ``start`` to ``end``."""

    file: Path
    dtype: str
    shape: tuple[int, ...]
    start: int
    end: int

    def chunks(self) -> Iterator[bytes]:
        """Its bytes, a mebibyte at a time."""
        with self.file.open("rb") as opened:
            opened.seek(self.start)
            left = self.end - self.start
            while left:
                chunk = opened.read(min(CHUNK, left))
                if not chunk:
                    raise InputError(f"{named(self.file)} ends inside a tensor")
                left -= len(chunk)
                yield chunk


def same(one: Tensor, other: Tensor) -> bool:
    """Whether two tensors have one type, one shape and equal bytes; little of them is held."""
    if (one.dtype, one.shape) != (other.dtype, other.shape):
        return False
    return all(a == b for a, b in zip(one.chunks(), other.chunks(), strict=True))


def read_header(path: Path) -> dict[str, Tensor]:
    """The tensors of a file by key; raises InputError for a header that cannot be believed."""
    what = named(path)
    try:
        size = path.stat().st_size
        with path.open("rb") as file:
            front = file.read(LENGTH)
            length = int.from_bytes(front, "little")
            if len(front) < LENGTH or length > size - LENGTH:
                raise InputError(f"{what} is cut off: its header does not fit into it")
            if length > MOST_BYTES:
                raise InputError(f"{what} has a header larger than {MOST_BYTES >> 20} MiB")
            raw = file.read(length)
    except OSError as error:
        raise InputError(f"{what} cannot be read: {error.strerror}") from None
    entries = parse(raw, f"the header of {what}")
    entries.pop("__metadata__", None)
    data = LENGTH + length
    return {key: _tensor(path, key, entry, data, size) for key, entry in entries.items()}


def _tensor(path: Path, key: str, entry: object, data: int, size: int) -> Tensor:
    what = f"{named(path)}: the entry of {shown(key)}"
    if not isinstance(entry, Mapping) or {"dtype", "shape", "data_offsets"} - set(entry):
        raise InputError(f"{what} is no tensor's")
    dtype, shape, offsets = (entry[name] for name in ("dtype", "shape", "data_offsets"))
    if not (isinstance(dtype, str) and dtype in BITS):
        raise InputError(f"{what} has the unknown dtype {shown(dtype)}")
    if not (_counts(shape) and len(shape) <= MOST_AXES):
        raise InputError(f"{what} has the shape {shown(shape)}")
    if not (_counts(offsets) and len(offsets) == 2):  # noqa: PLR2004  a start and an end
        raise InputError(f"{what} has the offsets {shown(offsets)}")
    start, end = offsets
    if not start <= end or data + end > size:
        raise InputError(f"{what} lies outside the file, which is cut off or damaged")
    if math.prod(shape) * BITS[dtype] != 8 * (end - start):
        raise InputError(f"{what} has a shape and a place of different sizes")
    return Tensor(path, dtype, tuple(shape), data + start, data + end)


def _counts(value: Any) -> bool:
    return isinstance(value, list) and all(
        isinstance(one, int) and not isinstance(one, bool) and 0 <= one < 2**63 for one in value
    )
