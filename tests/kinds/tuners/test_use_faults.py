"""Every promise about further uses can be broken: a fault in what PEFT does or tells is caught."""

from __future__ import annotations

from contextlib import AbstractContextManager
from typing import Any

import peft
import peft.auto
import peft.functional
import peft.peft_model
import pytest
import torch
from faults.fault import Plant, Wrapper, called, given_back, replaced
from peft import PeftModel, PeftModelForCausalLM, PeftModelForSeq2SeqLM
from peft.tuners.lora.layer import Linear
from peft.tuners.lora.model import LoraModel
from peft.tuners.tuners_utils import BaseTuner, BaseTunerLayer
from peft.utils.other import AuxiliaryTrainingWrapper
from planted_tuners import Planted, case, is_caught

from conformance.kinds.tuners.case import tuner_case
from conformance.upstream.names import ADAPTER

pytestmark = pytest.mark.usefixtures("placed")

SEQUENCES = tuner_case(tuner="lora-seq2seq", placement="body", family="bart")
GENERATION = ("generation-follows-forward",)
FROZEN = ("frozen-adapter-stays",)
TOLD = ("model-tells-what-it-is",)
CAST = ("mixed-precision-as-documented",)
LOGITS = ("every-way-keeps-logits",)


def generates_without() -> AbstractContextManager[None]:
    """The base generates, not what was put on it."""

    def make(original: Wrapper) -> Wrapper:
        def generate(self: Any, *args: Any, **kwargs: Any) -> Any:
            with self.disable_adapter():
                return original(self, *args, **kwargs)

        return generate

    return replaced(PeftModelForCausalLM, "generate", make)


def stays_off_after_generating() -> AbstractContextManager[None]:
    """The adapters are off once tokens were made."""

    def make(original: Wrapper) -> Wrapper:
        def generate(self: Any, *args: Any, **kwargs: Any) -> Any:
            made = original(self, *args, **kwargs)
            self.base_model.disable_adapter_layers()
            return made

        return generate

    return replaced(PeftModelForCausalLM, "generate", make)


def other_token(made: Any) -> Any:
    """The last token is another one."""
    made.sequences[0, -1] = (made.sequences[0, -1] + 1) % made.logits[0].shape[-1]
    return made


def turned_round(given: dict[str, Any]) -> dict[str, Any]:
    """The decoder is given its tokens the other way round."""
    return {**given, "decoder_input_ids": given["decoder_input_ids"].flip(1)}


def without_the_first(given: dict[str, Any]) -> dict[str, Any]:
    """The first token is another."""
    ids = given["input_ids"].clone()
    ids[:, 0] = 3
    return {**given, "input_ids": ids}


def freezes_nothing(owner: Any) -> Plant:
    """Whatever is asked for, it trains."""
    return called(owner, "set_requires_grad", lambda given: given.update(requires_grad=True))


def thaws_nothing() -> AbstractContextManager[None]:
    """What is frozen stays so."""
    return called(PeftModel, "set_requires_grad", lambda given: given.update(requires_grad=False))()


def decays_in_training() -> AbstractContextManager[None]:
    """Each forward pass in training makes the first adapter a little smaller."""

    def make(original: Wrapper) -> Wrapper:
        def forward(self: Any, *args: Any, **kwargs: Any) -> Any:
            if self.training:
                self.lora_A[ADAPTER].weight.data.mul_(0.9)
            return original(self, *args, **kwargs)

        return forward

    return replaced(Linear, "forward", make)


def merged_of_nothing(layers: list[Any]) -> list[Any]:
    """No layer says that anything is merged into it."""
    for one in layers:
        one.merged_adapters = []
    return layers


def counts_names() -> AbstractContextManager[None]:
    """What is tied counts twice."""

    def make(_: Wrapper) -> Wrapper:
        def count(self: Any) -> tuple[int, int]:
            every = list(dict(self.named_parameters(remove_duplicate=False)).values())
            trains = sum(one.numel() for one in every if one.requires_grad)
            return trains, sum(one.numel() for one in every)

        return count

    return replaced(PeftModel, "get_nb_trainable_parameters", make)


def as_property(name: str, found: Any) -> Plant:
    """A property that says another thing."""

    def plant() -> AbstractContextManager[None]:
        patch = pytest.MonkeyPatch()
        patch.setattr(PeftModel, name, property(lambda _: found))
        return _undone(patch)

    return plant


class _undone(AbstractContextManager[None]):  # noqa: N801  a context like those of contextlib
    def __init__(self, patch: pytest.MonkeyPatch) -> None:
        self.patch = patch

    def __exit__(self, *_: object) -> None:
        self.patch.undo()


def casts_all(owner: Any = peft) -> AbstractContextManager[None]:
    """What trains is cast as well."""

    def make(_: Wrapper) -> Wrapper:
        return lambda model, dtype: model.to(dtype)

    return replaced(owner, "cast_mixed_precision_params", make)


def casts_each_by_itself() -> AbstractContextManager[None]:
    """The tie is lost in casting."""

    def make(original: Wrapper) -> Wrapper:
        def cast(model: Any, dtype: Any) -> None:
            original(model, dtype)
            head = model.get_output_embeddings()
            head.weight = torch.nn.Parameter(head.weight.detach().clone(), requires_grad=False)

        return cast

    return replaced(peft, "cast_mixed_precision_params", make)


def casts_what_is_injected() -> AbstractContextManager[None]:
    """What is injected is in float32, whatever was asked."""

    def make(original: Wrapper) -> Wrapper:
        def inject(self: Any, model: Any, name: str, *args: Any, **kwargs: Any) -> None:
            original(self, model, name, *args, **kwargs)
            self._cast_adapter_dtype(name, autocast_adapter_dtype=True)

        return inject

    return replaced(BaseTuner, "inject_adapter", make)


def loads_no_adapter(owner: Any) -> Plant:
    """What is loaded with its base has no adapter that counts."""

    def off(model: Any) -> Any:
        model.base_model.disable_adapter_layers()
        return model

    return given_back(owner, "from_pretrained", off)


def one_folder(given: dict[str, Any]) -> None:
    """Of two folders for the same the second is not looked at."""
    if "offload_dir" in given:
        given.pop("offload_folder", None)


def half_to_the_disk() -> AbstractContextManager[None]:
    """What is written to the disk is half of what was loaded."""

    def make(original: Wrapper) -> Wrapper:
        def update(self: Any, index: Any, weights: dict[str, Any]) -> Any:
            return original(self, index, halved(weights))

        return update

    return replaced(PeftModel, "_update_offload", make)


def halved(weights: dict[str, Any]) -> dict[str, Any]:
    return {name: one / 2 for name, one in weights.items()}


PLANTED = (
    Planted("the base generates", case("lora", tied=True), generates_without, GENERATION, "logits"),
    Planted(
        "an adapter is off once it has generated",
        case("lora", tied=True),
        stays_off_after_generating,
        GENERATION,
        "logits of generated-then",
    ),
    Planted(
        "rows go through the active adapter, whatever they name",
        case("lora", tied=True),
        called(PeftModelForCausalLM, "generate", lambda given: given.pop("adapter_names", None)),
        GENERATION,
        "logits of generated-by-names",
    ),
    Planted(
        "another token than the likeliest is taken",
        case("lora", tied=True),
        given_back(PeftModelForCausalLM, "generate", other_token),
        GENERATION,
        "the tokens of generated are not those",
    ),
    Planted(
        "the decoder is given its tokens the other way round",
        SEQUENCES,
        given_back(PeftModelForSeq2SeqLM, "prepare_inputs_for_generation", turned_round),
        GENERATION,
        "logits of prepared",
    ),
    Planted(
        "a decoder is given another first token",
        case("lora", tied=True),
        given_back(PeftModelForCausalLM, "prepare_inputs_for_generation", without_the_first),
        GENERATION,
        "logits of prepared",
    ),
    Planted(
        "an adapter is not frozen",
        case("lora", tied=True),
        freezes_nothing(BaseTuner),
        FROZEN,
        "trains at frozen-by-grad",
    ),
    Planted(
        "saved modules are not frozen",
        case("lora", "save:head", tied=True),
        freezes_nothing(AuxiliaryTrainingWrapper),
        FROZEN,
        "saved weight trains at frozen-by-grad",
    ),
    Planted(
        "rows are not frozen",
        case("trainable-tokens", "target:embedding", tied=True),
        freezes_nothing(BaseTunerLayer),
        FROZEN,
        "trainable_tokens_delta trains at frozen-by-function",
    ),
    Planted(
        "what is set for inference trains",
        case("lora", "save:head", tied=True),
        called(LoraModel, "set_adapter", lambda given: given.update(inference_mode=False)),
        FROZEN,
        "trains at frozen-by-setting",
    ),
    Planted(
        "what was frozen stays frozen",
        case("lora", tied=True),
        thaws_nothing,
        FROZEN,
        "does not train at thawed-by-grad",
    ),
    Planted(
        "a frozen adapter decays while another trains",
        case("lora", tied=True),
        decays_in_training,
        FROZEN,
        "was changed by a step",
    ),
    Planted(
        "no layer says what is merged",
        case("lora", tied=True),
        given_back(peft.peft_model, "get_layer_status", merged_of_nothing),
        TOLD,
        "at told-merged",
    ),
    Planted(
        "a layer is told of twice less",
        case("lora", tied=True),
        given_back(peft.peft_model, "get_layer_status", lambda layers: layers[1:]),
        TOLD,
        "the model tells nothing at told,",
    ),
    Planted(
        "what is tied counts twice",
        case("lora", tied=True),
        counts_names,
        TOLD,
        "of all parameters",
    ),
    Planted(
        "saved modules are not told of",
        case("lora", "save:head", tied=True),
        as_property("modules_to_save", None),
        TOLD,
        "of modules_to_save",
    ),
    Planted(
        "the base is said to be in another precision",
        case("lora", tied=True),
        as_property("base_model_torch_dtype", torch.float16),
        TOLD,
        "of base_model_torch_dtype",
    ),
    Planted("what trains is cast", case("lora", tied=True), casts_all, CAST, "not in float32"),
    Planted(
        "a cast unties",
        case("lora", tied=True),
        casts_each_by_itself,
        CAST,
        "lost-tie",
    ),
    Planted(
        "an injected adapter is cast, though that was not wanted",
        tuner_case(tuner="lora", placement="body", tied=False, dtype="bfloat16"),
        casts_what_is_injected,
        ("uncast-adapter-keeps-precision",),
        "is in torch.float32",
    ),
    Planted(
        "weights out of the cache are halved",
        case("lora", tied=True),
        given_back(peft, "load_peft_weights", halved),
        LOGITS,
        "logits of cached-weights",
    ),
    Planted(
        "with its base an adapter is loaded and off",
        case("lora", tied=True),
        loads_no_adapter(peft.AutoPeftModelForCausalLM),
        ("base-by-its-name-is-the-base",),
        "logits of with-base",
    ),
    Planted(
        "with a mapped base an adapter is loaded and off",
        case("lora", tied=True),
        loads_no_adapter(peft.AutoPeftModel),
        ("base-by-its-name-is-the-base",),
        "logits of with-mapped-base",
    ),
    Planted(
        "with the base of a sequence model an adapter is loaded and off",
        SEQUENCES,
        loads_no_adapter(peft.AutoPeftModelForSeq2SeqLM),
        ("base-by-its-name-is-the-base",),
        "logits of with-base",
    ),
    Planted(
        "pickles are taken for a base on the disk",
        case("lora"),
        called(PeftModel, "from_pretrained", lambda given: given.pop("use_safetensors", None)),
        ("offloading-refuses-as-documented",),
        "use_safetensors=False is taken",
    ),
    Planted(
        "of two folders one is taken",
        case("lora"),
        called(PeftModel, "load_adapter", one_folder),
        ("offloading-refuses-as-documented",),
        "offload_folder beside offload_dir is taken",
    ),
    Planted(
        "half of the adapter goes to the disk",
        case("lora"),
        half_to_the_disk,
        LOGITS,
        "logits of offloaded-otherwise",
    ),
)


@pytest.mark.parametrize("planted", PLANTED, ids=lambda planted: planted.story)
def test_fault_is_caught(planted: Planted) -> None:
    is_caught(planted)
