"""Every promise about options of LoRA can be broken: a fault in what an option does is caught."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any

import peft.peft_model
import peft.tuners.lora.model as lora_model
import peft.tuners.tuners_utils
import pytest
import torch
from faults.fault import Wrapper, passed_through, replaced, then
from peft import LoraConfig, PeftModel, TrainableTokensConfig
from peft.tuners.lora import variants, velora
from peft.tuners.lora.arrow import ArrowLoraLinearLayer
from peft.tuners.lora.layer import LoraLayer
from peft.tuners.trainable_tokens.layer import TrainableTokensLayer
from planted_tuners import Planted, case, is_caught

from conformance.kinds.tuners.options import OPTIONS
from conformance.kinds.tuners.options import option as tried
from conformance.kinds.tuners.subject import observe_tuner
from conformance.kinds.tuners.table import TUNERS

pytestmark = pytest.mark.usefixtures("placed")

DEFINED = ("option-follows-definition",)
REFUSED = ("what-cannot-be-merged-is-refused",)


def before(change: Callable[[Any, dict[str, Any]], object]) -> Callable[[Wrapper], Wrapper]:
    """Do something to the first argument, and to those by keyword, before the original."""

    def make(original: Wrapper) -> Wrapper:
        def both(first: Any, *args: Any, **kwargs: Any) -> Any:
            change(first, kwargs)
            return original(first, *args, **kwargs)

        return both

    return make


def drops_with(rate: float) -> Any:
    """What an adapter drops out is another share of it than its config says."""

    def make(original: Wrapper) -> Wrapper:
        def update(self: Any, name: str, *args: Any, **kwargs: Any) -> None:
            original(self, name, *args, **kwargs)
            if not isinstance(self.lora_dropout[name], torch.nn.Identity):
                self.lora_dropout[name].p = rate

        return update

    return lambda: replaced(LoraLayer, "update_layer", make)


def never_draws() -> AbstractContextManager[None]:
    """MonteCLoRA computes in training what it computes otherwise."""

    def make(original: Wrapper) -> Wrapper:
        def forward(module: Any, *args: Any, **kwargs: Any) -> Any:
            mode = module.training
            for sampler in module.lora_monteclora_sampler.values():
                if mode:
                    sampler()
            module.training = False
            try:
                return original(module, *args, **kwargs)
            finally:
                module.training = mode

        return forward

    return replaced(variants.MontecloraLinearVariant, "forward", make)


def draws_twice() -> AbstractContextManager[None]:
    """MonteCLoRA adds its noise to a matrix that has it already."""

    def make(original: Wrapper) -> Wrapper:
        def forward(module: Any, active_adapter: str, *args: Any, **kwargs: Any) -> Any:
            weight = module.lora_A[active_adapter].weight
            with torch.no_grad():
                weight.mul_(2 if module.training else 1)
            found = original(module, active_adapter, *args, **kwargs)
            with torch.no_grad():
                weight.div_(2 if module.training else 1)
            return found

        return forward

    return replaced(variants.MontecloraLinearVariant, "forward", make)


def one_later(found: list[int | None]) -> list[int | None]:
    return [None if one is None else one - 1 for one in found]


def forgets(name: str) -> Any:
    """What the caller says of a call is not handed on."""
    return lambda: replaced(
        peft.peft_model, name, before(lambda _, given: given.pop("alora_offsets", None))
    )


def merges_anyway(owner: Any) -> Any:
    """Merging does nothing, and says nothing."""
    return lambda: replaced(owner, "merge_unsafe", lambda _: lambda *_args, **_kwargs: None)


def replicates_in_another_order() -> AbstractContextManager[None]:
    def make(original: Wrapper) -> Wrapper:
        return lambda model, order: original(model, [[0, 2], [0, 1]])

    return replaced(lora_model, "replicate_layers", make)


def keeps_general_knowledge() -> AbstractContextManager[None]:
    return replaced(ArrowLoraLinearLayer, "gen_know_sub", lambda _: lambda *_args: None)


def takes_the_furthest() -> AbstractContextManager[None]:
    """A token is sent to the adapter that it is least along."""

    def make(original: Wrapper) -> Wrapper:
        def build(self: Any, *args: Any) -> None:
            new = not self._protos_ready
            original(self, *args)
            if new:
                self.prototypes = self.prototypes.flip(0)

        return build

    return replaced(ArrowLoraLinearLayer, "build_prototypes", make)


def halves_what_is_routed() -> AbstractContextManager[None]:
    return replaced(ArrowLoraLinearLayer, "forward", passed_through(lambda delta: delta / 2))


def saves_options_of_a_run() -> AbstractContextManager[None]:
    def make(original: Wrapper) -> Wrapper:
        def to_dict(self: Any) -> dict[str, Any]:
            return {**original(self), "runtime_config": {"ephemeral_gpu_offload": True}}

        return to_dict

    return replaced(LoraConfig, "to_dict", make)


def starts_from_the_base() -> AbstractContextManager[None]:
    """Rows start from those of the base, whatever was asked for."""

    def change(_: Any, given: dict[str, Any]) -> None:
        if "init_weights" in given:
            given["init_weights"] = True

    return replaced(TrainableTokensLayer, "update_layer", before(change))


def configures_the_base() -> AbstractContextManager[None]:
    """A config never says that rows start from nothing."""

    def change(self: Any) -> None:
        self.init_weights = True

    return replaced(TrainableTokensConfig, "__post_init__", then(change))


def takes_other_rows() -> AbstractContextManager[None]:
    def change(_: Any, given: dict[str, Any]) -> None:
        if "init_weights" in given:
            given["token_indices"] = [one + 1 for one in given["token_indices"]]

    return replaced(TrainableTokensLayer, "update_layer", before(change))


def takes_every_layer() -> AbstractContextManager[None]:
    """A pattern of layers stands for all of them."""

    def make(original: Wrapper) -> Wrapper:
        def check(config: Any, key: str) -> Any:
            layers, config.layers_to_transform = config.layers_to_transform, None
            try:
                return original(config, key)
            finally:
                config.layers_to_transform = layers

        return check

    return replaced(peft.tuners.tuners_utils, "check_target_module_exists", make)


def names_no_class() -> AbstractContextManager[None]:
    """A file without a task type does not say of which class the base is."""

    def make(original: Wrapper) -> Wrapper:
        def save(self: Any, *args: Any, **kwargs: Any) -> Any:
            config = self.peft_config["default"]
            config.task_type = config.task_type or "CAUSAL_LM"
            return original(self, *args, **kwargs)

        return save

    return replaced(PeftModel, "save_pretrained", make)


PLANTED = (
    Planted(
        "nothing is dropped out in training",
        case("lora-dropout"),
        drops_with(0.0),
        DEFINED,
        "at dropped, in training mode, nothing is drawn",
    ),
    Planted(
        "less is dropped out than asked",
        case("lora-dropout"),
        drops_with(0.2),
        DEFINED,
        "logits of dropped differ",
    ),
    Planted(
        "VeLoRA takes another scale on the way back",
        case("lora-velora"),
        lambda: replaced(velora, "_reconstruct_activations", passed_through(lambda x: x / 2)),
        DEFINED,
        "the gradient of .* lora_A at compressed",
    ),
    Planted(
        "MonteCLoRA computes in training what it does afterwards",
        case("lora-monteclora"),
        never_draws,
        DEFINED,
        "at drawn, in training mode, nothing is drawn",
    ),
    Planted(
        "MonteCLoRA doubles A in training",
        case("lora-monteclora"),
        draws_twice,
        DEFINED,
        "logits of drawn differ",
    ),
    Planted(
        "activated LoRA begins after the first invocation token",
        case("lora-activated"),
        lambda: replaced(variants, "calculate_alora_offsets", passed_through(one_later)),
        DEFINED,
        "logits of activated differ",
    ),
    Planted(
        "forward does not listen where to begin",
        case("lora-activated"),
        forgets("get_alora_offsets_for_forward"),
        DEFINED,
        "logits of activated-as-told differ",
    ),
    Planted(
        "generate does not listen where to begin",
        case("lora-activated"),
        forgets("get_alora_offsets_for_generate"),
        DEFINED,
        "logits of activated-generated differ",
    ),
    Planted(
        "activated LoRA is merged without a word",
        case("lora-activated"),
        merges_anyway(variants.ALoraLinearVariant),
        REFUSED,
        "merged was done without a word",
    ),
    Planted(
        "a router is merged without a word",
        case("lora"),
        merges_anyway(variants.ArrowLinearVariant),
        REFUSED,
        "router-merged was done without a word",
    ),
    Planted(
        "layers are replicated in another order",
        case("lora-replicated"),
        replicates_in_another_order,
        DEFINED,
        "logits of replicated differ",
    ),
    Planted(
        "a router keeps what is general",
        case("lora"),
        keeps_general_knowledge,
        DEFINED,
        "logits of routed differ",
    ),
    Planted(
        "a router takes the adapter that is furthest from a token",
        case("lora"),
        takes_the_furthest,
        DEFINED,
        "logits of routed differ",
    ),
    Planted(
        "a router over one adapter gives half of it",
        case("lora"),
        halves_what_is_routed,
        DEFINED,
        "logits of routed-alone differ",
    ),
    Planted(
        "options of a run are saved",
        case("lora-runtime"),
        saves_options_of_a_run,
        ("run-options-are-not-saved",),
        "runtime_config is in",
    ),
    Planted(
        "rows that start from nothing are those of the base",
        case("trainable-tokens", "target:embedding"),
        starts_from_the_base,
        ("rows-start-as-asked",),
        "are those of the base",
    ),
    Planted(
        "a config cannot make rows start from nothing",
        case("trainable-tokens-init-false", "target:embedding"),
        configures_the_base,
        ("rows-start-as-asked",),
        "are those of the base",
    ),
    Planted(
        "other rows are trained than asked for",
        case("trainable-tokens", "target:embedding"),
        takes_other_rows,
        DEFINED,
        "logits of started-anew differ",
    ),
    Planted(
        "layers_pattern stands for every layer",
        case("lora-layers"),
        takes_every_layer,
        ("tuner-wraps-what-it-names",),
        "is not asked for",
    ),
    Planted(
        "a file without a task names no class of the base",
        case("trainable-tokens-without-task", "target:embedding"),
        names_no_class,
        ("life-completes",),
        "mapped ended in",
    ),
)


@pytest.mark.parametrize("planted", PLANTED, ids=lambda planted: planted.story)
def test_fault_is_caught(planted: Planted) -> None:
    is_caught(planted)


def test_every_option_is_tried_by_a_tuner_and_leaves_a_definition() -> None:
    having = {tuner.option: name for name, tuner in TUNERS.items() if tuner.option}
    assert set(having) == set(OPTIONS)
    for option, name in having.items():
        mine = case(name, TUNERS[name].placements[0])
        assert tried(mine) == option
        assert any(stage.endswith("-defined") for stage in observe_tuner(mine).stages)
