"""Calls of PEFT that options of LoRA, and of trained tokens, bring with them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from conformance.upstream.names import plain_name

if TYPE_CHECKING:
    from torch import Tensor

SAMPLER = "lora_monteclora_sampler"


def route(base: Any, tasks: list[str], general: list[str], *, device: str) -> Any:
    """``create_arrow_model`` with one expert a token, less what is general where that is given."""
    from peft import ArrowConfig, create_arrow_model

    config = ArrowConfig(top_k=1, use_gks=bool(general), rng_seed=0)
    return create_arrow_model(
        base, tasks, config, general_adapter_paths=general or None, torch_device=device
    )


def routes() -> bool:
    """Whether the installed PEFT has a router over adapters; it came with 0.18."""
    import peft

    return hasattr(peft, "create_arrow_model")


def is_refused(call: Any) -> bool:
    """Whether PEFT refuses a call that merges, and says that it is merging which it cannot do."""
    try:
        call()
    except (NotImplementedError, RuntimeError, ValueError) as error:
        return "merg" in str(error)
    return False


def start_rows(model: Any, name: str, rows: list[int]) -> dict[str, Any]:
    """``TrainableTokensLayer.update_layer`` without first values: each layer that has rows.

    Those that are tied to another follow it. Returned are the others, by plain name.
    """
    from peft.tuners.trainable_tokens.layer import TrainableTokensLayer

    found = {}
    for path, layer in model.named_modules():
        if isinstance(layer, TrainableTokensLayer):
            if layer.tied_adapter is None:
                layer.update_layer(name, token_indices=rows, init_weights=False)
                found[plain_name(path)] = layer
            layer.set_adapter(name)
    return found


def take(model: Any, folder: str) -> None:
    """Give an adapter the values that lie in a folder."""
    from peft import set_peft_model_state_dict
    from peft.utils.save_and_load import load_peft_weights

    set_peft_model_state_dict(model, load_peft_weights(folder, device="cpu"))


def load_by_class(folder: str, home: str) -> Any:
    """``AutoPeftModel.from_pretrained``, of a file that names the base's folder and its class."""
    from peft import AutoPeftModel, PeftConfig

    told = PeftConfig.from_pretrained(folder)
    if told.base_model_name_or_path != home:
        raise ValueError(f"the base is said to lie in {told.base_model_name_or_path}")
    return AutoPeftModel.from_pretrained(folder)


@contextmanager
def drawing(model: Any) -> Iterator[dict[str, tuple[Tensor, Tensor]]]:
    """What MonteCLoRA draws while the model trains: noise and its shares, by plain module."""
    met: dict[str, tuple[Tensor, Tensor]] = {}
    hooks = []
    for path, module in model.named_modules():
        owner, _, last = path.partition(f".{SAMPLER}.")
        if last and "." not in last:

            def taken(_module: Any, _given: Any, out: Any, owner: str = owner) -> None:
                met[plain_name(owner)] = out

            hooks.append(module.register_forward_hook(taken))
    try:
        yield met
    finally:
        for one in hooks:
            one.remove()
