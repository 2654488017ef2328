"""Loading a checkpoint with a report of what was missing, unexpected or of another shape."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import chain
from typing import TYPE_CHECKING, Any

import torch

from tiny_models import compat

if TYPE_CHECKING:
    from pathlib import Path

    from transformers import PretrainedConfig, PreTrainedModel


NO_ROOM = {"cpu": 1}
"""What accelerate is told of the bytes there are."""


@dataclass(frozen=True)
class Loading:
    """What ``from_pretrained`` reported: sorted parameter names, and its error messages."""

    missing: tuple[str, ...]
    unexpected: tuple[str, ...]
    mismatched: tuple[str, ...]
    errors: tuple[str, ...]


def load(
    cls: Any,
    folder: Path,
    *,
    dtype: str,
    config: PretrainedConfig | None = None,
    safetensors: bool = True,
) -> tuple[PreTrainedModel, Loading]:
    """Load a checkpoint folder with a model class (concrete or Auto), on the CPU, in eval mode.

    Only local files, only safetensors unless ``.bin`` files are asked for. The model does not need
    the folder any more.
    """
    options: dict[str, Any] = {compat.dtype_argument(): getattr(torch, dtype)}
    if config is not None:
        options["config"] = config
    with compat.quiet_progress():
        model, report = cls.from_pretrained(
            folder,
            output_loading_info=True,
            local_files_only=True,
            use_safetensors=safetensors,
            **options,
        )
    own_memory(model)
    return model, Loading(
        missing=compat.sorted_names(report["missing_keys"]),
        unexpected=compat.sorted_names(report["unexpected_keys"]),
        mismatched=compat.sorted_names(report["mismatched_keys"]),
        errors=compat.sorted_names(report["error_msgs"]),
    )


def on_disk(cls: Any, folder: Path, *, dtype: str, left: Path) -> PreTrainedModel:
    """Load a checkpoint as accelerate does where memory has no room: all of it stays on the disk.

    Its parameters are on the device meta until a module is called, on the CPU; both folders are
    needed as long as the model.
    """
    options: dict[str, Any] = {compat.dtype_argument(): getattr(torch, dtype)}
    with compat.quiet_progress():
        model: PreTrainedModel = cls.from_pretrained(
            folder,
            device_map="auto",
            max_memory=dict(NO_ROOM),
            offload_folder=left,
            local_files_only=True,
            **options,
        )
    return model


def own_memory(model: torch.nn.Module) -> None:
    """Copy what was loaded out of the mapped file, shared storage staying shared.

    Loaded tensors are views of the file (safetensors 0.8 maps it): writing to it changes them.
    """
    copies: dict[tuple[int, torch.Size], torch.Tensor] = {}
    for tensor in chain(model.parameters(), model.buffers()):
        key = (tensor.data_ptr(), tensor.shape)
        if key not in copies:
            copies[key] = tensor.data.clone()
        tensor.data = copies[key]
