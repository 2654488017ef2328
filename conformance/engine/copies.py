"""A model that is kept, and copied as often as it is needed: ``copy.deepcopy``, but in C.

The structure is pickled once, the tensors are kept beside it; a copy reads the structure and gets
tensors of its own. What shares storage in the model shares it in a copy, which ``deepcopy`` does
not keep where two parameters do. Only models of this process are read back, never a file.
"""

from __future__ import annotations

import copy
import io
import pickle
from collections import Counter
from collections.abc import Callable
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn

from conformance.core.sharing import shares


class Kept:
    """A model as it is now; changing it afterwards changes no copy."""

    def __init__(self, model: Any) -> None:
        written = _Written(buffer := io.BytesIO())
        written.dump(model)
        self._structure, found = buffer.getvalue(), written.tensors
        self._tensors = _copied(found)  # the model may train on

    def copy(self) -> Any:
        """The model once more, with tensors of its own."""
        return _Read(io.BytesIO(self._structure), _copied(self._tensors)).load()


def copier(model: Any) -> Callable[[], Any]:
    """What makes copies of a model that stays as it is."""
    found = kept(model)
    return partial(copy.deepcopy, model) if found is None else found.copy


def kept(model: Any) -> Kept | None:
    """The model, to be copied; None where it is not to be shared or has what cannot be pickled."""
    if not shares():
        return None
    try:
        return Kept(model)
    except (pickle.PicklingError, AttributeError, TypeError):
        return None  # a local function, such as a hook, is no name that can be looked up


class _Written(pickle.Pickler):
    """Writes all but the tensors, which it collects, each once."""

    def __init__(self, file: io.BytesIO) -> None:
        super().__init__(file, protocol=pickle.HIGHEST_PROTOCOL)
        self.tensors: list[Tensor] = []
        self._numbers: dict[int, int] = {}

    def persistent_id(self, obj: Any) -> int | None:
        if not isinstance(obj, Tensor):
            return None
        if id(obj) not in self._numbers:
            self._numbers[id(obj)] = len(self.tensors)
            self.tensors.append(obj)
        return self._numbers[id(obj)]


class _Read(pickle.Unpickler):
    """Reads what ``_Written`` wrote, with these tensors."""

    def __init__(self, file: io.BytesIO, tensors: list[Tensor]) -> None:
        super().__init__(file)
        self._tensors = tensors

    def persistent_load(self, pid: int) -> Tensor:
        return self._tensors[pid]


def _copied(tensors: list[Tensor]) -> list[Tensor]:
    """Tensors of the same values, dtype, layout and kind; those that share storage do so again."""
    users = Counter(map(_place, tensors))
    storages: dict[tuple[object, ...], torch.UntypedStorage] = {}
    copies = []
    with torch.no_grad():
        for tensor in tensors:
            place = _place(tensor)
            if users[place] == 1:
                values = tensor.detach().clone()
            else:
                if place not in storages:
                    storages[place] = tensor.untyped_storage().clone()  # type: ignore[no-untyped-call]
                values = torch.empty(0, dtype=tensor.dtype, device=tensor.device).set_(
                    storages[place], tensor.storage_offset(), tensor.size(), tensor.stride()
                )
            trains = tensor.requires_grad
            is_parameter = isinstance(tensor, nn.Parameter)
            copies.append(nn.Parameter(values, trains) if is_parameter else values)
    return copies


def _place(tensor: Tensor) -> tuple[object, ...]:
    """Where a tensor's storage lies; the tensor itself, where it has none that can be shared."""
    if tensor.layout is not torch.strided or tensor.device.type == "meta" or not tensor.numel():
        return ("alone", id(tensor))
    return (tensor.device, tensor.untyped_storage().data_ptr())
