"""Faults of what trains."""

from __future__ import annotations

from contextlib import AbstractContextManager
from typing import Any

from peft import PeftModel
from peft.tuners.lora.layer import Linear
from peft.tuners.lora.model import LoraModel
from peft.tuners.tuners_utils import BaseTuner

from faults.fault import Wrapper, after_wrapping, fault, replaced, then

BODY = ("cpu-untied-default-body",)


@fault(
    "norms-are-left-trainable",
    "freezing the base goes by the word weight and leaves the norms out",
    caught_by=("only-the-adapter-trains",),
    strata=BODY,
    says="trains but is the base's",
)
def norms_are_left_trainable() -> AbstractContextManager[None]:
    def change(model: Any) -> None:
        for parameter in model.parameters():
            if parameter.ndim == 1:
                parameter.requires_grad_()

    return after_wrapping(change)


@fault(
    "lora-a-is-frozen",
    "lora_A is frozen together with the base",
    caught_by=("only-the-adapter-trains",),
    strata=BODY,
    says="frozen but promised",
)
def lora_a_is_frozen() -> AbstractContextManager[None]:
    def change(model: Any) -> None:
        for name, parameter in model.named_parameters():
            if ".lora_A." in name:
                parameter.requires_grad_(False)

    return after_wrapping(change)


@fault(
    "lora-only-biases-are-frozen",
    "bias='lora_only' trains no bias at all",
    caught_by=("only-the-adapter-trains",),
    strata=("cpu-tied-default-body",),
    says="bias is frozen but promised",
)
def lora_only_biases_are_frozen() -> AbstractContextManager[None]:
    def make(original: Wrapper) -> Wrapper:
        def mark(self: Any, model: Any) -> None:
            original(self, model)
            for name, parameter in model.named_parameters():
                if name.endswith(".bias"):
                    parameter.requires_grad_(False)

        return mark

    return replaced(LoraModel, "_mark_only_adapters_as_trainable", make)


@fault(
    "training-moves-the-base",
    "a step in training mode writes to the frozen weight under the adapter",
    caught_by=("only-the-adapter-trains",),
    strata=BODY,
    says="moved while training",
)
def training_moves_the_base() -> AbstractContextManager[None]:
    def make(original: Wrapper) -> Wrapper:
        def forward(self: Any, *args: Any, **kwargs: Any) -> Any:
            if self.training:
                self.get_base_layer().weight.data *= 1.125
            return original(self, *args, **kwargs)

        return forward

    return replaced(Linear, "forward", make)


@fault(
    "the-adapter-does-not-learn",
    "the gradient of lora_B is lost on its way",
    caught_by=("only-the-adapter-trains",),
    strata=BODY,
    says="did not move while training",
)
def the_adapter_does_not_learn() -> AbstractContextManager[None]:
    def change(model: Any) -> None:
        for name, parameter in model.named_parameters():
            if ".lora_B." in name:
                parameter.register_hook(lambda gradient: gradient * 0)

    return after_wrapping(change)


@fault(
    "no-gradient-reaches-the-adapter",
    "what LoRA adds is cut off from the graph: nothing of it can ever be trained",
    caught_by=("only-the-adapter-trains",),
    strata=BODY,
    says="gets no gradient",
)
def no_gradient_reaches_the_adapter() -> AbstractContextManager[None]:
    def make(original: Wrapper) -> Wrapper:
        def forward(self: Any, x: Any, *args: Any, **kwargs: Any) -> Any:
            base = self.get_base_layer()(x)
            return base + (original(self, x, *args, **kwargs) - base).detach()

        return forward

    return replaced(Linear, "forward", make)


def _freeze_lora(model: Any) -> None:
    for name, parameter in model.named_parameters():
        if ".lora_" in name:
            parameter.requires_grad_(False)


@fault(
    "loaded-adapters-never-train",
    "is_trainable is ignored: an adapter is loaded frozen",
    caught_by=("only-the-adapter-trains",),
    strata=BODY,
    says="is frozen, loaded with is_trainable=True",
)
def loaded_adapters_never_train() -> AbstractContextManager[None]:
    def make(original: Wrapper) -> Wrapper:
        def from_pretrained(*args: Any, **kwargs: Any) -> Any:
            return original(*args, **{**kwargs, "is_trainable": False})

        return from_pretrained

    return replaced(PeftModel, "from_pretrained", make)


@fault(
    "enabling-again-leaves-frozen",
    "leaving disable_adapter switches the adapter on and leaves its weights frozen",
    caught_by=("only-the-adapter-trains",),
    strata=BODY,
    says="after disable_adapter, .* is not as before",
)
def enabling_again_leaves_frozen() -> AbstractContextManager[None]:
    return replaced(BaseTuner, "enable_adapter_layers", then(_freeze_lora))


@fault(
    "adapters-stay-in-half-precision",
    "autocast_adapter_dtype is ignored: the adapter keeps the half precision of its base",
    caught_by=("dtype-is-kept",),
    strata=BODY,
    says="asked for torch.float32",
)
def adapters_stay_in_half_precision() -> AbstractContextManager[None]:
    return replaced(BaseTuner, "_cast_adapter_dtype", lambda _: lambda _self, **_kwargs: None)
