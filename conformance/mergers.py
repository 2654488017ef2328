"""Mergers: code that makes one plain model folder of a base folder and an adapter folder.

``--merger module:callable`` judges anybody's. A merger takes three folders as strings: the base
model, the adapter, and one to write to, which does not exist yet. Here are ours.
"""

from __future__ import annotations

from importlib import import_module
from typing import Any

__all__ = ["axolotl", "in_place", "peft"]


def peft(base: str, adapter: str, out: str) -> None:
    """PEFT's own way: ``merge_and_unload``, then ``save_pretrained``."""
    _adapted(base, adapter).merge_and_unload().save_pretrained(out)


def in_place(base: str, adapter: str, out: str) -> None:
    """``merge_adapter``, then the base's parameters are saved under their plain names.

    A base whose adapter is still on it has names that no loader knows. TRL 1.16 mends them so for
    an inference server (``trl/generation/vllm_generation.py``).
    """
    from conformance.upstream.names import plain_parameters

    model = _adapted(base, adapter)
    model.merge_adapter()
    model.get_base_model().save_pretrained(out, state_dict=plain_parameters(model))


def axolotl(base: str, adapter: str, out: str) -> None:
    """Axolotl's default ``merge_method``, which merges shard by shard without PEFT's layers."""
    module = import_module("axolotl.cli.utils.lora_merge")  # no package of ours
    module.merge_lora_sharded_efficient(base, adapter, out)


def _adapted(base: str, adapter: str) -> Any:
    """The base of a folder, in the precision of its file, with the adapter on it."""
    import transformers

    from conformance.upstream.calls import load_adapter
    from tiny_models.compat import dtype_argument

    config: Any = transformers.AutoConfig.from_pretrained(base)
    cls = getattr(transformers, config.architectures[0])
    model = cls.from_pretrained(base, **{dtype_argument(): "auto"})
    return load_adapter(model, adapter, low_cpu_mem_usage=False, is_trainable=False)
