"""Writing the checkpoints that users meet, with a few lines of our own on the files."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from conformance.engine.snapshot import saved
from conformance.kinds.loading.case import KINDS, LoadingCase
from tiny_models import compat
from tiny_models.checkpoints import SHARD
from tiny_models.families import FAMILIES, Family
from tiny_models.values import named_values

if TYPE_CHECKING:
    from torch import Tensor

FILE, OLDER = "model.safetensors", "pytorch_model.bin"


def write(case: LoadingCase, model: Any, folder: Path) -> None:
    """Save ``model`` as this kind of checkpoint."""
    options: dict[str, Any] = {}
    if case.checkpoint == "sharded":
        options["max_shard_size"] = SHARD
    older = bool(KINDS[case.checkpoint].form)
    if case.checkpoint == "bin" and compat.writes_bin():
        model.save_pretrained(folder, safe_serialization=False)
        return
    model.save_pretrained(folder, **options)
    if case.form in ("untied-config", "no-head"):
        say_untied(folder / "config.json")
    edit = EDITS.get(case.form)
    if edit is None and not older:
        return
    entry, tensors = FAMILIES[case.family], dict(saved(folder).tensors)
    if edit is not None:
        tensors = edit(entry, tensors, tensors[entry.embedding_in_file])
    if older:
        _write_older(folder, tensors, entry, model)
    else:
        from safetensors.torch import save_file

        save_file({k: t.clone() for k, t in tensors.items()}, folder / FILE, {"format": "pt"})


def _write_older(folder: Path, tensors: Mapping[str, Tensor], entry: Family, model: Any) -> None:
    """The same as transformers 4 wrote it: a pickled dict, in which what is tied is one storage.

    Unlike safetensors it holds both names of a tied bias.
    """
    import torch

    biases = {name: tensor for name, tensor in model.state_dict().items() if name in entry.biases}
    torch.save({**biases, **tensors}, folder / OLDER)
    (folder / FILE).unlink()


def say_untied(file: Path) -> None:
    """Let the config say what those of transformers 4 do: 5 writes another for T5."""
    config = json.loads(file.read_text())
    config.pop("scale_decoder_outputs", None)
    file.write_text(json.dumps(_untied({"tie_word_embeddings": False, **config})))


def _untied(config: Any) -> Any:
    """A config whose every level that speaks of the tie says untied."""
    if not isinstance(config, dict):
        return config
    said = {name: _untied(value) for name, value in config.items()}
    return said | ({"tie_word_embeddings": False} if "tie_word_embeddings" in config else {})


def keys(entry: Family) -> dict[str, str]:
    """The key of each name of the tied matrix in a file that has them all, by role."""
    found = {role: f"{path}.weight" for role, path in entry.matrices.items()}
    found["embedding"] = entry.embedding_in_file
    if entry.head:
        found["head"] = entry.head_in_file
    return found


def _only(role: str) -> Any:
    def edit(entry: Family, tensors: Mapping[str, Tensor], matrix: Tensor) -> dict[str, Tensor]:
        names = keys(entry)
        kept = {key: tensor for key, tensor in tensors.items() if key not in names.values()}
        return {**kept, names[role]: matrix}

    return edit


def _all_equal(entry: Family, tensors: Mapping[str, Tensor], matrix: Tensor) -> dict[str, Tensor]:
    return {**tensors, **dict.fromkeys(keys(entry).values(), matrix)}


def _all_different(
    entry: Family, tensors: Mapping[str, Tensor], matrix: Tensor
) -> dict[str, Tensor]:
    scale = matrix.shape[1] ** -0.5
    others = {
        key: matrix if role == "embedding" else scale * named_values(1, role, tuple(matrix.shape))
        for role, key in keys(entry).items()
    }
    return {**tensors, **others}


def _no_source(entry: Family, tensors: Mapping[str, Tensor], matrix: Tensor) -> dict[str, Tensor]:
    sides = {key: matrix for role, key in keys(entry).items() if role.endswith("-embedding")}
    found = {**tensors, **{key: tensors.get(key, matrix) for key in sides}}
    del found[entry.embedding_in_file]
    return found


EDITS: Mapping[str, Any] = {
    "source-only": _only("embedding"),
    "encoder-embedding-only": _only("encoder-embedding"),
    "head-only": _only("head"),
    "all-equal": _all_equal,
    "all-different": _all_different,
    "own-head-no-source": _no_source,
}
