"""Every difference between transformers versions that tiny models and their lives need.

One function each, decided by what is there and not by a version number where that is possible.
"""

from __future__ import annotations

import inspect
import logging as python_logging
import re
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from functools import cache
from importlib import import_module
from typing import TYPE_CHECKING, Any

import transformers
from packaging.version import Version
from torch import nn
from transformers import PretrainedConfig
from transformers.utils import logging

from tiny_models import own
from tiny_models.families.family import AUTO_CLASSES

if TYPE_CHECKING:
    import torch

    from tiny_models.families.family import Family

hf_logging: Any = logging  # partly untyped upstream

_RENAMED = {"lm_head": "embed_out"}
"""Module names of transformers 5 and what transformers 4 calls them (GPT-NeoX)."""

# An expert's matrix in a file, and where transformers 5 keeps it: a fused parameter of the layer,
# and which of the two halves of its rows (conversion_mapping.py). Files keep the split names.
_EXPERT = re.compile(r"^(?P<mlp>.+\.mlp)\.experts\.(?P<number>\d+)\.(?P<part>\w+)\.weight$")
_FUSED = {
    "w1": ("gate_up_proj", 0),
    "gate_proj": ("gate_up_proj", 0),
    "w3": ("gate_up_proj", 1),
    "up_proj": ("gate_up_proj", 1),
    "w2": ("down_proj", None),
    "down_proj": ("down_proj", None),
}


# What a file of a model with a vision tower calls its parts, and where they are since 4.52.
_MOVED = {
    "language_model.model.": "model.language_model.",
    "language_model.lm_head.": "lm_head.",
    "vision_tower.": "model.vision_tower.",
    "multi_modal_projector.": "model.multi_modal_projector.",
}
_NESTED = re.compile("^(" + "|".join(map(re.escape, _MOVED)) + ")")
_MASKED_AT_FLOAT32 = {
    "OPTForCausalLM",
    "BloomForCausalLM",
    "MBartForConditionalGeneration",
    "MarianMTModel",
    "PegasusForConditionalGeneration",
}


# What a config has since its model can be called as it is here: LLaVA counted a picture as one
# token before.
_NEEDED = {"LlavaForConditionalGeneration": "image_seq_length"}


@cache
def dtype_argument() -> str:
    """The keyword of ``from_pretrained`` that sets the dtype.

    ``dtype`` is a TypeError before transformers 4.56, and ``torch_dtype`` is deprecated, with a
    warning, in 5. Signatures hide both; the config's attribute was renamed together with it.
    """
    return "dtype" if hasattr(PretrainedConfig(), "dtype") else "torch_dtype"


def has_family(entry: Family) -> bool:
    """Whether this transformers has the classes of a family: Qwen 3 came with 4.51."""
    if any(class_named(name) is None for name in (entry.config, entry.model)):
        return False
    needed = _NEEDED.get(entry.model)
    return needed is None or hasattr(class_named(entry.config)(), needed)


def class_named(name: str) -> Any:
    """A class of transformers or of our own; None where neither has it."""
    return getattr(own, name, None) or getattr(transformers, name, None)


def fuses_experts() -> bool:
    """Whether the experts of a layer are one parameter, as in transformers 5."""
    return hasattr(import_module("transformers.models.mixtral.modeling_mixtral"), "MixtralExperts")


def runs(entry: Family, dtype: str) -> bool:
    """Whether this transformers can run a family in a dtype at all.

    Some filled their masks with a number that float64 cannot take; measured: 4.36, 4.43 and 4.44
    end in an error, 4.47 does not.
    """
    if dtype in entry.without_dtypes:
        return False
    masked = dtype == "float64" and entry.model in _MASKED_AT_FLOAT32
    return not masked or Version(transformers.__version__) >= Version("4.47")


def writes_bin() -> bool:
    """Whether ``save_pretrained`` can still write ``.bin`` files: 5 cannot."""
    return int(Version(transformers.__version__).major) < 5  # noqa: PLR2004


def auto_class(shape: str) -> Any:
    """The Auto class that loads models of this shape, or None.

    For encoders, ``AutoModelForTextEncoding`` knows T5's and UMT5's only since 4.37 and none loads
    them otherwise: ``AutoModel`` makes a whole model of an encoder's checkpoint.
    """
    return getattr(transformers, AUTO_CLASSES.get(shape, ""), None)


def sorted_names(keys: Iterable[object]) -> tuple[str, ...]:
    """Keys of a loading report: lists on 4, sets on 5; mismatches come with their two shapes."""
    return tuple(sorted(str(key[0]) if isinstance(key, tuple) else str(key) for key in keys))


def tied_weights(model: nn.Module | type[nn.Module]) -> Mapping[str, str | None]:
    """Declared ties, target to source; 4 has a list of targets (source None), 5 a mapping."""
    declared = getattr(model, "_tied_weights_keys", None) or ()
    if isinstance(declared, Mapping):
        return dict(declared)
    return dict.fromkeys(declared)


def live_path(model: nn.Module, path: str) -> str:
    """Where the module of this path is in a live model.

    GPT-NeoX's head moved in 5, and what stands beside a vision tower in 4.52.
    """
    parts = {name for name, _ in model.named_modules()}
    older = [old + path.removeprefix(new) for new, old in _RENAMED.items() if path == new]
    dotted = f"{path}."
    older += [
        (old + dotted.removeprefix(new)).rstrip(".")
        for old, new in _MOVED.items()
        if dotted.startswith(new)
    ]
    return next((name for name in (path, *older) if name in parts), path)


def matrices_here(entry: Family) -> dict[str, str]:
    """A family's ``matrices`` under this transformers' names; no model has to be built for that."""
    tied = tied_weights(class_named(entry.model))
    older = {role: _RENAMED.get(path, "") for role, path in entry.matrices.items()}
    return {
        role: older[role] if f"{older[role]}.weight" in tied else path
        for role, path in entry.matrices.items()
    }


def canonical_name(name: str) -> str:
    """A parameter's name as transformers 5 has it, so that values are the same on 4.

    Models with a vision tower keep in files the names of before they got a common ``model``, and
    SigLIP lost a level in 5.
    """
    for new, old in _RENAMED.items():
        if name.startswith(f"{old}."):
            return new + name.removeprefix(old)
    moved = _NESTED.sub(lambda match: _MOVED[match[0]], name)
    return moved.replace(".vision_tower.vision_model.", ".vision_tower.")


def older_name(name: str) -> str:
    """What files of models with a vision tower called a module before 4.52; see canonical_name."""
    older = (old + name.removeprefix(new) for old, new in _MOVED.items() if name.startswith(new))
    return re.sub(
        r"^vision_tower\.(?!vision_model\.)", "vision_tower.vision_model.", next(older, name)
    )


def parameter_of(
    key: str, parameters: Mapping[str, torch.Tensor]
) -> tuple[str, torch.Tensor] | None:
    """The parameter that a file's key stands for, with its part of a fused one; or None.

    ``parameters`` are by canonical name. Mixtral's ``block_sparse_moe`` is ``mlp`` in 5.
    """
    name = canonical_name(key)
    moved = name.replace(".block_sparse_moe.", ".mlp.")
    for candidate in (name, moved):
        if candidate in parameters:
            return candidate, parameters[candidate]
    expert = _EXPERT.match(moved)
    if expert is None or expert["part"] not in _FUSED:
        return None
    part, half = _FUSED[expert["part"]]
    fused, number = f"{expert['mlp']}.experts.{part}", int(expert["number"])
    if fused not in parameters or number >= len(parameters[fused]):
        return None
    matrix = parameters[fused][number]
    return fused, matrix if half is None else matrix.chunk(2)[half]


def set_tie(config: Any, *, tied: bool) -> None:
    """Say on every level whether head and embedding are tied: which level counts has changed."""
    config.tie_word_embeddings = tied
    for nested in vars(config).values():
        if hasattr(nested, "tie_word_embeddings") and hasattr(nested, "to_diff_dict"):
            set_tie(nested, tied=tied)


def resize(model: Any, rows: int) -> None:
    """Resize the vocabulary; the slow statistics for the new rows came with 4.46."""
    resize_rows = model.resize_token_embeddings
    if "mean_resizing" in inspect.signature(resize_rows).parameters:
        resize_rows(rows, mean_resizing=False)
    else:
        resize_rows(rows)


def forget_warned_once() -> None:
    """Let ``warning_once`` warn again: it is cached for the process."""
    for name in ("warning_once", "info_once"):
        clear = getattr(getattr(hf_logging, name, None), "cache_clear", None)
        if clear is not None:
            clear()


@contextmanager
def quiet_progress() -> Iterator[None]:
    """No progress bars: 5 draws them while loading and writing, whatever the verbosity."""
    before = hf_logging.is_progress_bar_enabled()
    hf_logging.disable_progress_bar()
    try:
        yield
    finally:
        if before:
            hf_logging.enable_progress_bar()


@contextmanager
def quiet_logs() -> Iterator[None]:
    """Keep transformers' load reports off the terminal; handlers that others attached hear them."""
    logger = hf_logging.get_logger("transformers")
    before = logger.handlers[:]
    # Exactly the library's own handler; a StreamHandler subclass is somebody's listener.
    kept = [handler for handler in before if type(handler) is not python_logging.StreamHandler]
    # Without any handler, Python falls back to stderr.
    logger.handlers[:] = [*kept, python_logging.NullHandler()]
    try:
        yield
    finally:
        logger.handlers[:] = before
