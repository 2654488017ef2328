"""Loaded tensors that lie where a file happens to put them: off by some bytes from 64."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from importlib.util import find_spec
from itertools import chain
from typing import Any
from unittest.mock import patch

import torch
from peft import PeftModel

from tiny_models import loading

LINE = 64
"""Bytes: what torch aligns all that it allocates itself to."""


def moved(model: torch.nn.Module, offset: int) -> None:
    """Copy every tensor of a model to an address off by ``offset`` bytes, what is shared shared."""
    copies: dict[int, tuple[torch.UntypedStorage, int]] = {}
    for tensor in chain(model.parameters(), model.buffers()):
        if tensor.device.type != "cpu" or not tensor.numel():
            continue
        old = tensor.untyped_storage()
        if old.data_ptr() not in copies:
            new = torch.UntypedStorage(old.nbytes() + 2 * LINE)
            start = -new.data_ptr() % LINE + offset
            torch.tensor([], dtype=torch.uint8).set_(new)[start : start + old.nbytes()].copy_(
                torch.tensor([], dtype=torch.uint8).set_(old)
            )
            copies[old.data_ptr()] = new, start
        new, start = copies[old.data_ptr()]
        where = tensor.storage_offset() + start // tensor.element_size()
        found = torch.tensor([], dtype=tensor.dtype).set_(new, where, tensor.shape, tensor.stride())
        assert found.data_ptr() % LINE == (offset + tensor.data_ptr() - old.data_ptr()) % LINE
        tensor.data = found


@contextmanager
def misaligned(offset: int) -> Iterator[list[str]]:
    """Whatever is loaded lies off by ``offset`` bytes; yields what was loaded, as it happens."""
    met: list[str] = []
    own = loading.own_memory

    def own_memory(model: torch.nn.Module) -> None:
        own(model)
        moved(model, offset)
        met.append("model")

    def after(owner: Any, name: str, part: Callable[[Any, Any], torch.nn.Module]) -> Any:
        original = getattr(owner, name)

        def loads(self: Any, *args: Any, **kwargs: Any) -> Any:
            found = original(self, *args, **kwargs)
            moved(part(self, found), offset)
            met.append(owner.__name__)
            return found

        return patch.object(owner, name, loads)

    with ExitStack() as stack:
        stack.enter_context(patch.object(loading, "own_memory", own_memory))
        stack.enter_context(after(PeftModel, "load_adapter", lambda model, _: model))
        if find_spec("diffusers"):
            stack.enter_context(_pipelines(offset, met))
        yield met


@contextmanager
def _pipelines(offset: int, met: list[str]) -> Iterator[None]:
    import diffusers

    original = diffusers.DiffusionPipeline.from_pretrained.__func__

    def from_pretrained(cls: Any, *args: Any, **kwargs: Any) -> Any:
        pipe = original(cls, *args, **kwargs)
        moved(pipe.text_encoder, offset)
        met.append("pipeline")
        return pipe

    with patch.object(diffusers.DiffusionPipeline, "from_pretrained", classmethod(from_pretrained)):
        yield
