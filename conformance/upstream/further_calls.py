"""More calls of PEFT: generating, freezing, casting, asking, and other arguments of loading."""

from __future__ import annotations

import copy
import inspect
import io
import re
from collections.abc import Mapping
from contextlib import redirect_stdout
from typing import TYPE_CHECKING, Any

from conformance.upstream.names import ADAPTER, TOKENS, plain_name
from conformance.upstream.tuner_types import load_adapter_config
from tiny_models.compat import dtype_argument

if TYPE_CHECKING:
    import torch

OFFLOADED_BY: dict[str, Any] = {"device_map": "auto", "offload_index": {}}
"""Arguments that say nothing new of a base that lies on the disk, and are handed over."""
PRINTED = re.compile(r"trainable params: ([\d,]+) \|\| all params: ([\d,]+) \|\| trainable%: (\S+)")


def generate(model: Any, given: Mapping[str, torch.Tensor], count: int, **more: Any) -> Any:
    """``generate`` of so many tokens, greedily, with nothing that ends a row before.

    What it gives has the ``sequences`` and, of each new token, the ``logits``. ``more`` is handed
    over.
    """
    import torch

    plain = model.get_base_model() if hasattr(model, "get_base_model") else model
    plain.generation_config.eos_token_id = None
    device = next(model.parameters()).device
    model.eval()
    with torch.no_grad():
        return model.generate(
            **{name: one.to(device) for name, one in given.items()},
            max_new_tokens=count,
            do_sample=False,
            pad_token_id=0,
            output_logits=True,
            return_dict_in_generate=True,
            **more,
        )


def prepared(model: Any, given: Mapping[str, torch.Tensor]) -> dict[str, Any]:
    """What ``prepare_inputs_for_generation`` makes of what is given, for the first new token.

    ``is_first_iteration`` came with transformers 5.
    """
    import torch

    plain, device = model.get_base_model(), next(model.parameters()).device
    here = {name: one.to(device) for name, one in given.items()}
    more: dict[str, Any] = {"attention_mask": here["attention_mask"], "use_cache": False}
    if "is_first_iteration" in inspect.signature(plain.prepare_inputs_for_generation).parameters:
        more["is_first_iteration"] = True
    ids = here.get("decoder_input_ids", here["input_ids"])
    if "decoder_input_ids" in here:
        with torch.no_grad():
            more["encoder_outputs"] = plain.get_encoder()(
                input_ids=here["input_ids"], attention_mask=here["attention_mask"]
            )
    found: dict[str, Any] = model.prepare_inputs_for_generation(ids, **more)
    return found


def set_requires_grad(model: Any, name: str, *, requires_grad: bool) -> None:
    """The function of that name, for models that are no PeftModel."""
    from peft.functional import set_requires_grad as set_all

    set_all(model, name, requires_grad=requires_grad)


def cast_but_for_trainable(model: Any, dtype: torch.dtype) -> None:
    """``cast_mixed_precision_params``."""
    from peft import cast_mixed_precision_params

    cast_mixed_precision_params(model, dtype)


def told_of_layers(model: Any) -> dict[str, tuple[object, ...]]:
    """``get_layer_status`` by the plain name of each layer's module, every list sorted."""
    return {
        plain_name(f"base_model.{one.name}").removesuffix(TOKENS): (
            one.enabled,
            sorted(one.active_adapters),
            sorted(one.merged_adapters),
            dict(sorted(one.requires_grad.items())),
            sorted(one.available_adapters),
            dict(sorted(one.devices.items())),
            one.quantization_backend,
        )
        for one in model.get_layer_status()
    }


def told_of_counts(model: Any) -> tuple[int, int, float]:
    """What ``print_trainable_parameters`` prints: trainable parameters, all, and the share."""
    heard = io.StringIO()
    with redirect_stdout(heard):
        model.print_trainable_parameters()
    found = PRINTED.search(heard.getvalue())
    if found is None:
        return 0, 0, 0.0
    trainable, every, share = found.groups()
    return int(trainable.replace(",", "")), int(every.replace(",", "")), float(share)


def inject_uncast(model: Any, name: str) -> None:
    """``inject_adapter`` of the tuner, of one like that which is there, and nothing cast."""
    tuner = model.base_model
    tuner.peft_config[name] = copy.deepcopy(tuner.peft_config[ADAPTER])
    tuner.inject_adapter(tuner.model, name, autocast_adapter_dtype=False)


def set_from_cache(base: Any, folder: str, hub_name: str, cache: str) -> Any:
    """A model whose weights come out of the hub's cache, with ``local_files_only``."""
    from peft import get_peft_model, load_peft_weights, set_peft_model_state_dict

    model = get_peft_model(base, load_adapter_config(folder))
    weights = load_peft_weights(hub_name, device="cpu", cache_dir=cache, local_files_only=True)
    set_peft_model_state_dict(model, weights)
    return model


def load_with_base(kind: str, folder: str, dtype: torch.dtype) -> Any:
    """``from_pretrained`` of an ``AutoPeftModel...``: the base that the config names, and it."""
    import peft

    precision: dict[str, Any] = {dtype_argument(): dtype}
    return getattr(peft, kind).from_pretrained(folder, **precision)


def refuses(base: Any, folder: str, word: str, **more: Any) -> bool:
    """Whether ``from_pretrained`` with these arguments is refused, in words with this one."""
    from peft import PeftModel

    try:
        PeftModel.from_pretrained(base, folder, torch_device="cpu", **more)
    except ValueError as error:
        return word in str(error)
    return False
