"""A checkpoint's folder: its config, its index, and the headers of its files."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from conformance.core.user_files import InputError, file_at, inside, named, read_json, shown
from conformance.inspecting.safetensors_header import Tensor, read_header

WEIGHTS = "model.safetensors"
INDEX = "model.safetensors.index.json"
MOST_FILES = 2**12
PICKLED = (".bin", ".pt", ".pth", ".ckpt")


@dataclass(frozen=True)
class Checkpoint:
    """What a folder holds, by its own account: ``misplaced`` are keys not where the index says."""

    folder: Path
    config: Mapping[str, Any]
    tensors: Mapping[str, Tensor]
    misplaced: tuple[str, ...] = ()

    @property
    def flags(self) -> dict[str, bool | None]:
        """Every ``tie_word_embeddings`` of the config, by dotted path."""
        return dict(_flags(self.config))


def read_checkpoint(given: str) -> Checkpoint:
    """Read a folder; raises InputError, in one sentence, where there is nothing to judge."""
    folder = Path(given)
    if not folder.is_dir():
        raise InputError(f"{shown(given)} is no folder")
    if not (folder / "config.json").exists() and (folder / "adapter_config.json").exists():
        raise InputError(
            f"{shown(given)} holds an adapter, not a merged checkpoint: judge it with "
            "pytest conformance --model-config PATH --adapter-config PATH"
        )
    config = read_json(file_at(given, "config.json"))
    tensors, misplaced = _tensors(folder)
    return Checkpoint(folder, config, tensors, misplaced)


def _tensors(folder: Path) -> tuple[dict[str, Tensor], tuple[str, ...]]:
    if (folder / WEIGHTS).exists() or not (folder / INDEX).exists():
        return _unindexed(folder), ()
    index = read_json(file_at(str(folder), INDEX)).get("weight_map")
    what = named(folder / INDEX)
    if not isinstance(index, Mapping) or not all(isinstance(v, str) for v in index.values()):
        raise InputError(f"{what} has no weight_map from keys to files")
    names = sorted(set(index.values()))
    odd = [name for name in names if Path(name).name != name or not name.endswith(".safetensors")]
    if odd:
        raise InputError(f"{what} names {shown(odd[0])}, which is no safetensors file beside it")
    if not names or len(names) > MOST_FILES:
        raise InputError(f"{what} names {len(names)} files")
    files = {name: read_header(_file(folder, name)) for name in names}
    found = {key: tensor for file in files.values() for key, tensor in file.items()}
    misplaced = [key for key, name in index.items() if key not in files[name]]
    misplaced += [key for key in found if key not in index]
    return {k: t for k, t in found.items() if k in index}, tuple(sorted(misplaced))


def _unindexed(folder: Path) -> dict[str, Tensor]:
    every = sorted(folder.glob("*.safetensors"))
    whole = [path for path in every if path.name == WEIGHTS]
    files = [path for path in whole or every if not path.name.startswith("adapter_model")]
    if not files:
        pickled = [path for path in sorted(folder.iterdir()) if path.suffix in PICKLED]
        why = (
            f"only {shown(pickled[0].name)}, and unpickling it could run code of its own"
            if pickled
            else "no safetensors file"
        )
        raise InputError(f"{named(folder)} holds {why}")
    if len(files) > MOST_FILES:
        raise InputError(f"{named(folder)} holds {len(files)} files")
    found: dict[str, Tensor] = {}
    for path in files:
        found |= read_header(_file(folder, path.name))
    return found


def _file(folder: Path, name: str) -> Path:
    """A file of the folder that is no link out of it, and no pipe or device."""
    inside(folder, name)
    return file_at(str(folder / name), name)


def _flags(config: Mapping[str, Any], path: str = "") -> list[tuple[str, bool | None]]:
    found: list[tuple[str, bool | None]] = []
    for key, value in config.items():
        where = f"{path}.{key}" if path else str(key)
        if key == "tie_word_embeddings":
            found.append((where, value if isinstance(value, bool) else None))
        elif isinstance(value, Mapping):
            found += _flags(value, where)
    return found
