"""First values that PEFT computes from sample data: EVA's, CorDA's and LoRA-GA's."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

from conformance.upstream.calls import wrap

if TYPE_CHECKING:
    from torch import Tensor

    Batch = Mapping[str, Tensor]


def eva_config(**fields: Any) -> Any:
    """A config for EVA that gives every layer the rank it was asked for."""
    from peft import EvaConfig, LoraConfig

    return LoraConfig(init_lora_weights="eva", eva_config=EvaConfig(rho=1.0), **fields)


def start_eva(model: Any, batches: Sequence[Batch]) -> None:
    """``initialize_lora_eva_weights`` of batches as a language model takes them."""
    from peft import initialize_lora_eva_weights

    initialize_lora_eva_weights(model, batches, show_progress_bar=False)


def start_eva_otherwise(
    model: Any, name: str, batches: Sequence[Tensor], kept: int, *, handed: bool
) -> None:
    """The same of an adapter of this name, of bare token ids, of which the first few count.

    ``handed`` says that the values are computed first, and handed over. They are of a wrapped
    model: of a plain one PEFT 0.21 gives them names that it does not find when they are handed
    over. It empties what it is given, so that it gets values that nobody else has.
    """
    from peft import get_eva_state_dict, initialize_lora_eva_weights

    given: dict[str, Any] = {
        "forward_fn": lambda called, ids: called(input_ids=ids),
        "prepare_model_inputs_fn": lambda _ids, config: kept * bool(config.r),
        "prepare_layer_inputs_fn": _first,
        "adapter_name": name,
        "gather_distributed_inputs": False,
        "show_progress_bar": False,
    }
    if handed:
        values = get_eva_state_dict(model, batches, peft_config=model.peft_config[name], **given)
        initialize_lora_eva_weights(model, eva_state_dict=values, adapter_name=name)
    else:
        initialize_lora_eva_weights(model, batches, **given)


def _first(layer_input: Any, kept: int, _name: str) -> Tensor:
    """The first rows of what a layer is called with."""
    found: Tensor = layer_input[0].flatten(0, -2)[:kept]
    return found


def lacks_corda() -> str:
    """Why CorDA cannot be imported here, or ``""``: PEFT 0.21 does not ask for what it imports."""
    return "" if find_spec("attr") else "CorDA imports attrs, which is not installed"


def corda(base: Any, run: Callable[[], Any] | None, cache: str, **fields: Any) -> Any:
    """``preprocess_corda``, and ``get_peft_model``; without a run, of what lies in the cache."""
    from peft import LoraConfig
    from peft.tuners.lora.config import CordaConfig
    from peft.tuners.lora.corda import preprocess_corda

    how = CordaConfig(cache_file=cache)
    config = LoraConfig(init_lora_weights="corda", corda_config=how, **fields)
    preprocess_corda(base, config, run)
    return wrap(base, config, autocast=True)


def lora_ga(base: Any, step: Callable[[], Any], cache: str, **fields: Any) -> Any:
    """``preprocess_loraga``, and ``get_peft_model``."""
    from peft import LoraConfig, LoraGAConfig, preprocess_loraga

    how: dict[str, Any] = {"init_lora_weights": "lora_ga"}  # PEFT 0.21's types do not know it
    config = LoraConfig(lora_ga_config=LoraGAConfig(), **how, **fields)
    preprocess_loraga(base, config, step, cache_file=cache)
    return wrap(base, config, autocast=True)
