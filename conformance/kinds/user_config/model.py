"""A user's model, made tiny: its config read, shrunk, and asked what it ties."""

from __future__ import annotations

import copy
import difflib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

from conformance.core.user_files import InputError, file_at, named, on_one_line, read_json, shown
from conformance.kinds.user_config.downscale import Shrinking, check_sizes
from tiny_models.families import Family, Sizes
from tiny_models.roles import linear_modules

if TYPE_CHECKING:
    from transformers import PretrainedConfig, PreTrainedModel

MOST_PARAMETERS = 2**22
LEFT_OUT = (  # what says how weights are stored or run, and not what the model is
    "dtype",
    "torch_dtype",
    "quantization_config",
    "attn_implementation",
    "experts_implementation",
    "transformers_version",
    "id2label",
    "label2id",
    "architectures",
)


@dataclass(frozen=True)
class OwnModel:
    """A shrunk config, the class it is built with, and what about it is not as in the file.

    ``tied`` is what the checkpoint of such a config is: some architectures (T5) tie in memory
    whatever their config says, and only the file unties them.
    """

    path: Path
    config: Mapping[str, Any]
    config_class: str
    model_class: str
    tied: bool
    shrinking: Shrinking
    rows: int
    tiny_rows: int
    notes: tuple[str, ...] = ()

    @property
    def layers(self) -> int:
        """How many layers the longest stack has left."""
        return max((len(kept) for kept in self.shrinking.kept_layers.values()), default=1)

    @property
    def width(self) -> int:
        """The width of the body."""
        return max(self.shrinking.widths.values(), default=1)

    def make(self, *, tied: bool | None = None) -> PreTrainedModel:
        """A new model on the CPU, in eval mode, its values transformers' own; seed it before."""
        import transformers

        from tiny_models.compat import set_tie

        config = read_config(getattr(transformers, self.config_class), self.config, self.path)
        wanted = self.tied if tied is None else tied
        if tied is not None:
            set_tie(config, tied=tied)
        model: Any = getattr(transformers, self.model_class)(config)
        model.eval()
        if not wanted:
            own_head(model)
        found: PreTrainedModel = model
        return found

    @cached_property
    def family(self) -> Family:
        """The model as the rest of the suite knows one: by the names of its matrices."""
        from tiny_models.values import fill

        model: Any = self.make(tied=True)
        embedding, head = matrix_modules(model, self.path)
        weight = model.get_submodule(embedding).weight
        copies = tuple(
            name
            for name, module in model.named_modules(remove_duplicate=False)
            if name not in (embedding, head) and getattr(module, "weight", None) is weight
        )
        kept, untied = self.make(), self.make(tied=False)
        for one in (kept, untied):
            fill(one, seed=0)
        return Family(
            name=str(self.config["model_type"]),
            config=self.config_class,
            model=self.model_class,
            embedding=embedding,
            head=head,
            attention=(),
            mlp=(),
            sizes=Sizes(),
            tie_default=bool(getattr(type(model.config)(), "tie_word_embeddings", True)),
            embedding_in_file=_key_of(kept, embedding),
            head_in_file=_key_of(untied, head),
            copies=copies,
            shape=self._shape,
        )

    @cached_property
    def modules(self) -> tuple[str, ...]:
        """Full names of every module, those that are one under each of their names."""
        return tuple(name for name, _ in self._any.named_modules() if name)

    @cached_property
    def parameters(self) -> tuple[str, ...]:
        """Full names of every parameter."""
        return tuple(name for name, _ in self._any.named_parameters())

    @cached_property
    def linear(self) -> tuple[str, ...]:
        """Full names of the linear modules but the head."""
        return linear_modules(self._any, but=(self._head,))

    @property
    def _head(self) -> str:
        return matrix_modules(self._any, self.path)[1]

    @property
    def main_input(self) -> str:
        """What the model is called with first: ``input_ids``, or features."""
        return str(self._any.main_input_name)

    @property
    def has_decoder(self) -> bool:
        """Whether a decoder beside an encoder wants tokens of its own."""
        return bool(self._any.config.is_encoder_decoder)

    @cached_property
    def _any(self) -> Any:
        """One model of this config, to be asked for names."""
        return self.make()

    @property
    def _shape(self) -> str:
        """What goes in and comes out, as families have it."""
        if self.main_input == "input_features":
            return "speech"
        if self.has_decoder:
            return "encoder-decoder"
        if "vision_config" in self.config:
            return "image-text"
        return "masked" if self.model_class.endswith("ForMaskedLM") else "decoder-only"

    def agreeing(self) -> OwnModel:
        """The same model with every tie flag of its config as its weights are."""
        return replace(self, config=_with_flags(self.config, tied=self.tied))

    def plain_keys(self, *, tied: bool) -> frozenset[str]:
        """The keys transformers writes for an untouched model of this config."""
        return frozenset(_saved(self.make(tied=tied)))


def read_model(given: str, *, layers: int) -> OwnModel:
    """Read and shrink the config at a path; raises InputError with one sentence."""
    path = file_at(given, "config.json")
    raw = read_json(path)
    what = named(path)
    if "auto_map" in raw:
        raise InputError(
            f"{what} asks for code of its own (auto_map), which is never run here; without "
            "auto_map, what is judged is transformers' own model of that type"
        )
    check_sizes(raw, what)
    plain = without_storage(raw)
    cls = config_class(plain.get("model_type"), what)
    full = without_storage(read_config(cls, plain, path).to_dict())
    check_sizes(full, what)
    shrinking = Shrinking(layers)
    shrunk = shrinking.config(full)
    config = read_config(cls, shrunk, path, shrunk=True)
    model_cls = model_class(config, raw.get("architectures"), what)
    tied, rows = _measure(model_cls, config, raw, path)
    notes = []
    if raw.get("quantization_config"):
        notes.append("quantization_config is not followed: the model is judged in float32")
    if raw.get("architectures") not in (None, [], [model_cls.__name__]):
        notes.append(f"architectures names {shown(raw['architectures'])}; judged is another class")
    return OwnModel(
        path=path,
        config=shrunk,
        config_class=cls.__name__,
        model_class=model_cls.__name__,
        tied=tied,
        shrinking=shrinking,
        rows=_rows(full, rows),
        tiny_rows=rows,
        notes=tuple(notes),
    )


def without_storage(config: Mapping[str, Any]) -> dict[str, Any]:
    """A config without what says how it was stored, nested configs too."""
    return {
        str(name): without_storage(value) if isinstance(value, Mapping) else copy.deepcopy(value)
        for name, value in config.items()
        if str(name) not in LEFT_OUT and not str(name).startswith("_")
    }


def config_class(model_type: object, what: str) -> Any:
    """The config class of a model type; raises InputError for one transformers has not."""
    from transformers import CONFIG_MAPPING

    if not isinstance(model_type, str):
        raise InputError(f"{what} has no model_type, so no model can be made of it")
    if model_type not in CONFIG_MAPPING:
        near = difflib.get_close_matches(model_type, list(CONFIG_MAPPING.keys()), n=1)
        hint = f"; did you mean {near[0]!r}" if near else ""
        raise InputError(
            f"{what}: the installed transformers knows no model_type {shown(model_type)}{hint}"
        )
    return CONFIG_MAPPING[model_type]


def read_config(
    cls: Any, values: Mapping[str, Any], path: Path, *, shrunk: bool = False
) -> PretrainedConfig:
    """A config object; whatever transformers says of the values becomes one sentence."""
    try:
        found: PretrainedConfig = cls.from_dict(copy.deepcopy(dict(values)))
    except Exception as error:  # noqa: BLE001  configs check themselves as they like
        state = "cannot be shrunk" if shrunk else "is no config that transformers reads"
        raise InputError(f"{named(path)} {state}: {on_one_line(error)}") from None
    return found


def model_class(config: Any, architectures: object, what: str) -> Any:
    """The class with a head that a config is for: the one it names, or transformers' own choice.

    Raises InputError where there is none.
    """
    import transformers

    order = _WITH_ENCODER + _DECODERS if config.is_encoder_decoder else _DECODERS
    mappings = [getattr(transformers, f"MODEL_FOR_{name}_MAPPING", {}) for name in order]
    fitting = [mapping[type(config)] for mapping in mappings if type(config) in mapping]
    if not fitting:
        raise InputError(
            f"{what}: {shown(config.model_type)} has no model with an output head, so there are "
            "no logits to judge"
        )
    named = architectures[0] if isinstance(architectures, list) and architectures else ""
    return next((cls for cls in fitting if cls.__name__ == named), fitting[0])


_WITH_ENCODER = ("SEQ_TO_SEQ_CAUSAL_LM", "SPEECH_SEQ_2_SEQ")
_DECODERS = ("CAUSAL_LM", "IMAGE_TEXT_TO_TEXT", "MASKED_LM")


def _measure(cls: Any, config: Any, raw: Mapping[str, Any], path: Path) -> tuple[bool, int]:
    """Whether a checkpoint of this config is tied, and the rows of its embedding.

    Counted on the meta device first, where nothing takes memory and 5.0 ties nothing.
    """
    count = _tried(lambda: _count(cls, config), path)
    if count > MOST_PARAMETERS:
        raise InputError(
            f"{named(path)} cannot be made tiny: {count} parameters are left, since some of "
            "its sizes have names that are not known here"
        )
    model: Any = _tried(lambda: cls(copy.deepcopy(config)), path)
    embedding, head = (model.get_submodule(name) for name in matrix_modules(model, path))
    asked = raw.get("tie_word_embeddings")
    tied = embedding.weight is head.weight and asked is not False
    return tied, len(embedding.weight)


def _tried(made: Callable[[], Any], path: Path) -> Any:
    """What is made; whatever transformers says where it cannot be becomes one sentence."""
    try:
        return made()
    except Exception as error:  # noqa: BLE001  models check themselves as they like
        raise InputError(f"{named(path)} cannot be made tiny: {on_one_line(error)}") from None


def _count(cls: Any, config: Any) -> int:
    """The number of parameters, where the model can be made without memory; else 0."""
    import torch

    try:
        with torch.device("meta"):
            model = cls(copy.deepcopy(config))
    except (NotImplementedError, RuntimeError) as error:
        if "meta tensor" in str(error):  # some read a value while they are made: 4.43
            return 0
        raise
    return sum(parameter.numel() for parameter in model.parameters())


def _rows(full: Mapping[str, Any], default: int) -> int:
    """The vocabulary of the original: that of the config with the text in it."""
    for body in (full.get("text_config"), full.get("decoder"), full):
        if isinstance(body, Mapping) and isinstance(body.get("vocab_size"), int):
            return int(body["vocab_size"])
    return default


def matrix_modules(model: Any, path: Path) -> tuple[str, str]:
    """Full names of the input embedding and the output head, as the model tells them."""
    found = []
    for what, asked in (
        ("input embedding", model.get_input_embeddings),
        ("output head", model.get_output_embeddings),
    ):
        try:
            module = asked()
        except (NotImplementedError, AttributeError):
            module = None
        name = next((n for n, one in model.named_modules() if one is module), "")
        if module is None or not name or getattr(module, "weight", None) is None:
            raise InputError(f"{named(path)}: {type(model).__name__} tells of no {what}")
        found.append(name)
    return found[0], found[1]


def own_head(model: Any) -> None:
    """Give a head that is tied a weight of its own."""
    import torch

    head = model.get_output_embeddings()
    if head.weight is model.get_input_embeddings().weight:
        head.weight = torch.nn.Parameter(head.weight.detach().clone())


def _with_flags(config: Mapping[str, Any], *, tied: bool) -> dict[str, Any]:
    return {
        name: _with_flags(value, tied=tied)
        if isinstance(value, Mapping)
        else (tied if name == "tie_word_embeddings" else value)
        for name, value in config.items()
    }


def _saved(model: Any) -> dict[str, Any]:
    from safetensors.torch import load_file

    from tiny_models.compat import quiet_logs, quiet_progress

    with TemporaryDirectory(prefix="conformance-") as folder, quiet_progress(), quiet_logs():
        model.save_pretrained(folder)
        files = sorted(Path(folder).glob("*.safetensors"))
        return {key: tensor for file in files for key, tensor in load_file(file).items()}


def _key_of(model: Any, name: str) -> str:
    """Under which key a file holds a module's weight, known by its values."""
    import torch

    weight = model.get_submodule(name).weight.detach()
    tensors = _saved(model).items()
    return next((key for key, one in tensors if torch.equal(one, weight)), f"{name}.weight")
