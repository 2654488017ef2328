"""What one case is enough for is judged: a fault in any of these calls of PEFT is caught."""

from __future__ import annotations

from contextlib import AbstractContextManager
from importlib import import_module
from typing import Any

import peft
import peft.tuners.lora.eva
import peft.utils.hotswap
import peft.utils.merge_utils
import pytest
import torch
from faults.fault import Wrapper, replaced
from peft import PeftModel
from peft.tuners.lora import LoraLayer, LoraModel
from peft.tuners.tuners_utils import BaseTuner
from planted_tuners import Planted, case, is_caught
from test_way_faults import LOGITS, called

from conformance.kinds.tuners.subject import observe_tuner

pytestmark = pytest.mark.usefixtures("placed")

SUMS = ("pruned-sum-has-what-is-kept",)
STARTS = ("first-values-come-from-data",)
FORETOLD = ("conversion-is-as-foretold",)


def answers(owner: Any, name: str, answer: Any) -> Any:
    """Plant a function that gives this answer, whatever it is asked."""
    return lambda: replaced(owner, name, lambda _: lambda *_args, **_kwargs: answer)


def pads_with_ones() -> AbstractContextManager[None]:
    """What is added to a factor are ones."""

    def make(original: Wrapper) -> Wrapper:
        def pad(layer: Any, target_rank: int, *, is_lora_A: bool, **more: Any) -> Any:  # noqa: N803  PEFT's own
            before = layer.weight.shape[0 if is_lora_A else 1]
            new = original(layer, target_rank=target_rank, is_lora_A=is_lora_A, **more)
            (new.weight.data[before:] if is_lora_A else new.weight.data[:, before:]).fill_(1)
            return new

        return pad

    return replaced(peft.utils.hotswap, "_get_padded_linear", make)


def keeps_the_smallest() -> AbstractContextManager[None]:
    """Pruning by magnitude keeps the smallest values."""

    def make(original: Wrapper) -> Wrapper:
        return lambda tensor, density: tensor - original(tensor, density)

    return replaced(peft.utils.merge_utils, "magnitude_based_pruning", make)


def never_rescales() -> AbstractContextManager[None]:
    """What is kept by chance is not scaled up."""

    def make(original: Wrapper) -> Wrapper:
        return lambda tensor, density, rescale: original(tensor, density, rescale=False)

    return replaced(peft.utils.merge_utils, "random_pruning", make)


def prunes_nothing() -> AbstractContextManager[None]:
    """By chance all values are kept, and scaled up."""

    def make(_: Wrapper) -> Wrapper:
        return lambda tensor, density, rescale: tensor / density if rescale else tensor

    return replaced(peft.utils.merge_utils, "random_pruning", make)


def merges_nothing_if_shown() -> AbstractContextManager[None]:
    """Where progress is shown, the adapter is taken off."""

    def make(original: Wrapper) -> Wrapper:
        def merge(tuner: Any, progressbar: bool = False, **more: Any) -> Any:
            return tuner.unload() if progressbar else original(tuner, **more)

        return merge

    return replaced(BaseTuner, "merge_and_unload", make)


def takes_first_axes() -> AbstractContextManager[None]:
    """EVA's directions are the first axes, whatever the data are."""

    def make(original: Wrapper) -> Wrapper:
        def put(model: Any, values: dict[str, Any], name: str) -> None:
            axes = {key: torch.eye(*one.shape) for key, one in values.items()}
            original(model, axes, name)

        return put

    return replaced(peft.tuners.lora.eva, "_load_eva_state_dict", make)


def leaves_the_base(name: str) -> Any:
    """Plant first values that are not taken off the base."""

    def make(original: Wrapper) -> Wrapper:
        def start(layer: Any, *args: Any, **kwargs: Any) -> None:
            weight = layer.get_base_layer().weight.data.clone()
            original(layer, *args, **kwargs)
            layer.get_base_layer().weight.data = weight

        return start

    return lambda: replaced(LoraLayer, name, make)


def keeps_what_matters_least() -> AbstractContextManager[None]:
    """CorDA cuts off what it should keep."""

    def make(original: Wrapper) -> Wrapper:
        def crop(model: Any, config: Any) -> None:
            for module in model.modules():
                if hasattr(module, "corda_method"):
                    module.corda_method = "kpm"
            original(model, config)

        return crop

    return replaced(import_module("peft.tuners.lora.corda"), "crop_corda_eigens", make)


PLANTED = (
    Planted("a factor is padded with ones", case("lora"), pads_with_ones, LOGITS, "of padded"),
    Planted(
        "the config is not told that it was padded",
        case("lora"),
        called(
            peft.utils.hotswap,
            "prepare_model_for_compiled_hotswap",
            lambda given: given.pop("config"),
        ),
        ("padding-is-told",),
        "the config says rank 2",
    ),
    Planted(
        "nothing is padded",
        case("lora"),
        answers(peft.utils.hotswap, "_pad_lora_weights", answer=True),
        ("padding-is-told",),
        "lora_A has rank 2, asked for was 4",
    ),
    Planted(
        "hot-swapping takes no tag",
        case("lora"),
        called(peft.utils.hotswap, "load_peft_weights", lambda given: given.pop("revision", None)),
        ("life-completes",),
        "swapped-by-tag ended in",
    ),
    Planted(
        "hot-swapping zeroes what its prefix does not name",
        case("lora"),
        called(
            peft.utils.hotswap,
            "hotswap_adapter_from_state_dict",
            lambda given: given.pop("parameter_prefix"),
        ),
        LOGITS,
        "of swapped-half",
    ),
    Planted(
        "pruning keeps the smallest values", case("lora"), keeps_the_smallest, SUMS, "by-magnitude"
    ),
    Planted("what is left is not rescaled", case("lora"), never_rescales, SUMS, "by-chance"),
    Planted("nothing is pruned by chance", case("lora"), prunes_nothing, SUMS, "0 of"),
    Planted(
        "a sum does not clamp",
        case("lora"),
        called(LoraModel, "add_weighted_adapter", lambda given: given.pop("svd_clamp", None)),
        SUMS,
        "of clamped",
    ),
    Planted(
        "a tuner says that it cannot be converted",
        case("loha"),
        answers(BaseTuner, "supports_lora_conversion", answer=False),
        FORETOLD,
        "of the tuner is not what became of it",
    ),
    Planted(
        "a model says that it cannot be converted",
        case("loha"),
        answers(PeftModel, "supports_lora_conversion", answer=False),
        FORETOLD,
        "of the model is not what became of it",
    ),
    Planted(
        "an adapter of another name becomes a LoRA of a lower rank",
        case("loha"),
        called(
            peft,
            "save_as_lora",
            lambda given: given.update(rank=1) if "adapter_name" in given else None,
        ),
        FORETOLD,
        "of as-lora-by-name",
    ),
    Planted(
        "nothing is merged where progress is shown",
        case("loha"),
        merges_nothing_if_shown,
        FORETOLD,
        "of merged-shown",
    ),
    Planted("EVA does not look at the data", case("lora"), takes_first_axes, STARTS, "spans less"),
    Planted(
        "EVA takes all tokens, whichever are asked for",
        case("lora"),
        called(
            peft.tuners.lora.eva,
            "_get_eva_state_dict",
            lambda given: given.update(prepare_layer_inputs_fn=None),
        ),
        STARTS,
        "spans less",
    ),
    Planted(
        "CorDA takes what matters least",
        case("lora"),
        keeps_what_matters_least,
        STARTS,
        "B spans less of what matters",
    ),
    Planted(
        "CorDA takes nothing off the base",
        case("lora"),
        leaves_the_base("corda_init"),
        STARTS,
        "base and adapter are not the weight",
    ),
    Planted(
        "LoRA-GA takes nothing off the base",
        case("lora"),
        leaves_the_base("lora_ga_init"),
        STARTS,
        "base and adapter are not the weight",
    ),
    Planted(
        "LoRA-GA takes other directions",
        case("lora"),
        called(peft, "LoraGAConfig", lambda given: given.update(direction="A2rBr")),
        STARTS,
        "A spans less of the data",
    ),
    Planted(
        "LoRA-GA reads no cache",
        case("lora"),
        called(peft, "preprocess_loraga", lambda given: given.pop("cache_file")),
        STARTS,
        "rows of A are not orthonormal",
    ),
    Planted(
        "what started from data is not converted",
        case("lora"),
        called(
            PeftModel,
            "save_pretrained",
            lambda given: given.pop("path_initial_model_for_weight_conversion", None),
        ),
        ("sampled-adapter-keeps-logits",),
        "converted",
    ),
)


@pytest.mark.parametrize("planted", PLANTED, ids=lambda planted: planted.story)
def test_fault_is_caught(planted: Planted) -> None:
    is_caught(planted)


def test_corda_is_left_out_where_what_it_imports_is_missing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("conformance.upstream.first_values.find_spec", lambda _name: None)
    seen = observe_tuner(case("lora"))
    assert "attrs" in seen.absent["corda-started"]
    assert not seen.troubles
    assert "corda-started" not in seen.stages
    assert "lora-ga-started" in seen.stages
