"""The calls of PEFT that take a state dict, a list or a mapping of the caller's."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from conformance.upstream.names import ADAPTER, PREFIX
from conformance.upstream.tuner_types import load_adapter_config

Given = tuple[str, Any, Callable[[Any], object]]
"""What it is called, the thing, and the call that takes it."""


def calls(model: Any, folder: str, base: Callable[[], Any], *, merges: bool) -> Iterator[Given]:
    """Each call with what it is given: of an adapted model, its saved adapter, and fresh bases.

    ``merges`` says that the tuner can. What some tuners refuse comes last.
    """
    from peft import (
        PeftModel,
        get_peft_model_state_dict,
        inject_adapter_in_model,
        load_peft_weights,
        set_peft_model_state_dict,
    )

    state, more = model.state_dict(), f"{folder}-handed"
    weights = load_peft_weights(folder, device="cpu")
    yield (
        "state_dict of get_peft_model_state_dict",
        state,
        lambda given: get_peft_model_state_dict(model, state_dict=given),
    )
    yield (
        "state_dict of save_pretrained",
        state,
        lambda given: model.save_pretrained(more, state_dict=given),
    )
    yield (
        "selected_adapters of save_pretrained",
        [ADAPTER],
        lambda given: model.save_pretrained(more, selected_adapters=given),
    )
    yield (
        "peft_model_state_dict of set_peft_model_state_dict",
        dict(weights),
        lambda given: set_peft_model_state_dict(model, given),
    )
    yield (
        "the same with ignore_mismatched_sizes",
        dict(weights),
        lambda given: set_peft_model_state_dict(model, given, ignore_mismatched_sizes=True),
    )
    yield (
        "key_mapping of from_pretrained",
        {"^nothing_of_this_name": ""},
        lambda given: PeftModel.from_pretrained(
            base(), folder, key_mapping=given, torch_device="cpu"
        ),
    )
    if merges:
        yield (
            "adapter_names of merge_adapter",
            [ADAPTER],
            lambda given: model.merge_adapter(adapter_names=given),
        )
    yield (
        "state_dict of inject_adapter_in_model",
        {key.removeprefix(PREFIX): tensor for key, tensor in weights.items()},
        lambda given: inject_adapter_in_model(
            load_adapter_config(folder), base(), state_dict=given
        ),
    )
