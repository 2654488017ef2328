"""Building base models: made from a config, filled from names, and perhaps saved and loaded."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import torch

from tiny_models import compat
from tiny_models.families import family
from tiny_models.families.multimodal import PICTURE, SIDE
from tiny_models.loading import NO_ROOM, Loading, load, on_disk
from tiny_models.seeding import seeded
from tiny_models.spec import NEW_ROWS, ModelSpec, of_a_checkpoint
from tiny_models.values import fill, named_values, refill
from tiny_models.verify import verify

if TYPE_CHECKING:
    from transformers import PretrainedConfig, PreTrainedModel

__all__ = [
    "NO_ROOM",
    "Base",
    "Loading",
    "build",
    "config",
    "inputs",
    "load",
    "model_class",
    "on_disk",
]


@dataclass
class Base:
    """A base model as it enters a life.

    Args:
        model: on the CPU, in eval mode, ``requires_grad`` as transformers leaves it.
        loading: what ``from_pretrained`` reported; None for a model that was not loaded.
        reinitialised: parameters that did not come out of the checkpoint as they were saved. Those
            that the checkpoint lacks are filled from their names after this is noted.
    """

    model: PreTrainedModel
    loading: Loading | None = None
    reinitialised: tuple[str, ...] = ()


def config(spec: ModelSpec) -> PretrainedConfig:
    """The config of this specification, with every tie flag on ``spec.tied``.

    LLaVA's is told in the text's config alone, as published ones are. T5's and Marian's say that
    they are tied in transformers 5, whatever they are asked: they keep what they say, as a user's
    would.
    """
    entry = family(spec.family)
    arguments = entry.sizes.arguments(spec.layers, spec.hidden, spec.vocab)
    kind = compat.class_named(entry.config)
    if entry.tie_in:
        inside: Any = arguments[entry.tie_in]
        inside["tie_word_embeddings"] = spec.tied
        return cast("PretrainedConfig", kind(**arguments))
    made: Any = kind(**arguments, tie_word_embeddings=spec.tied)
    if made.tie_word_embeddings == spec.tied:
        compat.set_tie(made, tied=spec.tied)
    return cast("PretrainedConfig", made)


def model_class(spec: ModelSpec) -> type[PreTrainedModel]:
    """The concrete model class of this specification."""
    found: type[PreTrainedModel] = compat.class_named(family(spec.family).model)
    return found


def build(spec: ModelSpec, workdir: Path) -> Base:
    """The base model of this specification; raises TinyModelError if it is not what it says.

    ``built`` comes from its config; ``loaded`` is saved and loaded; ``resized`` is loaded with
    fewer rows and grown; ``loaded-untied`` loads a tied checkpoint with a config that says untied,
    and its new head, which transformers fills at random, is filled from its name. Every base in
    another precision is saved in float32 and loaded in that precision: ``Module.to(dtype)`` would
    also round buffers that a reload computes anew.

    A checkpoint is left in ``workdir``, as a user's base model lies on disk during its life; the
    model does not need it any more.
    """
    with _steady():
        model = _from_config(spec)
        base = Base(model)
        if of_a_checkpoint(spec.base, spec.dtype):
            base = _reloaded(model, spec, workdir)
    verify(base.model, spec)
    return base


def inputs(spec: ModelSpec) -> dict[str, torch.Tensor]:
    """What the model is called with: token ids and a mask of ones, both int64 of shape (2, 7).

    Covers token 0, the pad token 1, the last rows and repeated tokens. A model with a decoder of
    its own gets the ids in another order there; a speech model gets features, of shape (2, mel
    bins, 2 x positions), in the dtype of the model, in place of tokens; one with a vision tower
    gets a picture, of shape (2, 3, 16, 16), which four more tokens before the text stand for.
    """
    last = spec.vocab - 1
    ids = torch.tensor([[2, 0, 1, last, 5, 2, 7], [last, 6, 0, 3, 3, 1, last - 1]])
    shape, sizes = family(spec.family).shape, family(spec.family).sizes.fixed
    if shape == "speech":
        bins, positions = int(str(sizes["num_mel_bins"])), int(str(sizes["max_source_positions"]))
        sound = named_values(spec.seed, "input features", (len(ids), bins, 2 * positions))
        sound = sound.to(getattr(torch, spec.dtype))
        return {"input_features": sound, "decoder_input_ids": ids}
    if shape == "encoder-decoder":
        mask = torch.ones_like(ids)
        return {"input_ids": ids, "attention_mask": mask, "decoder_input_ids": ids.flip(1)}
    if shape == "image-text":
        seen = torch.full((len(ids), PICTURE), int(str(sizes["image_token_index"])))
        kinds = torch.cat([torch.ones_like(seen), torch.zeros_like(ids)], dim=1)
        ids = torch.cat([seen, ids], dim=1)
        picture = named_values(spec.seed, "picture", (len(ids), 3, SIDE, SIDE))
        return {
            "input_ids": ids,
            "attention_mask": torch.ones_like(ids),
            "pixel_values": picture.to(getattr(torch, spec.dtype)),
            **({"token_type_ids": kinds} if family(spec.family).told_of_pictures else {}),
        }
    return {"input_ids": ids, "attention_mask": torch.ones_like(ids)}


def _from_config(spec: ModelSpec) -> PreTrainedModel:
    tied = spec.tied or spec.base == "loaded-untied"
    rows = spec.vocab - NEW_ROWS if spec.base == "resized" else spec.vocab
    model: Any = model_class(spec)(config(replace(spec, tied=tied, vocab=rows, base="built")))
    model.eval()
    if not tied:
        _give_own_head(model, spec)
    fill(model, spec.seed)
    return cast("PreTrainedModel", model)


def _give_own_head(model: PreTrainedModel, spec: ModelSpec) -> None:
    """Untie a head that is tied although the config was asked not to be, as T5 1.1 has one."""
    entry = family(spec.family)
    head = model.get_submodule(compat.live_path(model, entry.head))
    weight = head.get_parameter("weight")
    source = model.get_submodule(compat.live_path(model, entry.embedding))
    if weight is source.get_parameter("weight"):
        head.weight = torch.nn.Parameter(weight.detach().clone())


def _reloaded(model: PreTrainedModel, spec: ModelSpec, folder: Path) -> Base:
    folder.mkdir(parents=True, exist_ok=True)
    model.save_pretrained(folder)
    changed = None
    if spec.base == "loaded-untied":
        changed = type(model.config).from_pretrained(folder)
        compat.set_tie(changed, tied=False)
    loaded, loading = load(type(model), folder, dtype=spec.dtype, config=changed)
    base = Base(loaded, loading, reinitialised=_differing(model, loaded))
    if spec.base == "loaded-untied":
        name = f"{compat.live_path(loaded, family(spec.family).head)}.weight"
        refill(loaded.get_parameter(name), spec.seed, name)
    elif spec.base == "resized":
        before = _shapes(loaded)
        compat.resize(loaded, spec.vocab)
        # only these: once loaded, transformers 5 calls even sinusoidal positions trainable
        grown = [name for name, shape in _shapes(loaded).items() if shape != before.get(name)]
        fill(loaded, spec.seed, only=grown)
    return base


def _shapes(model: PreTrainedModel) -> dict[str, torch.Size]:
    every = (*model.named_parameters(), *model.named_buffers())
    return {name: tensor.shape for name, tensor in every}


def _differing(source: PreTrainedModel, loaded: PreTrainedModel) -> tuple[str, ...]:
    """Parameters of ``loaded`` that do not hold what ``source`` was saved with."""
    saved = dict(source.named_parameters(remove_duplicate=False))
    return tuple(
        name
        for name, parameter in loaded.named_parameters(remove_duplicate=False)
        if not torch.equal(parameter, saved[name].to(parameter.dtype))
    )


@contextmanager
def _steady() -> Iterator[None]:
    """Transformers' own initial values from a fixed seed, the caller's generator untouched."""
    with seeded(0), compat.quiet_progress(), compat.quiet_logs():
        yield
