"""Faults of sequences: small bugs in PEFT or transformers that a single life does not show."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Any

import torch
from faults.fault import Wrapper, all_of, replaced, then
from peft import PeftModel, peft_model
from peft.tuners import tuners_utils
from peft.tuners.lora import layer as lora_layer
from peft.tuners.lora.dora import DoraLinearLayer
from peft.tuners.lora.layer import Linear, LoraLayer
from peft.tuners.lora.model import LoraModel
from peft.tuners.trainable_tokens.layer import TrainableTokensLayer
from peft.tuners.tuners_utils import BaseTuner, BaseTunerLayer
from peft.utils import save_and_load
from peft.utils.other import ModulesToSaveWrapper, _set_adapter
from program_fault import ENSURED, fault, lora_layers
from transformers import PreTrainedModel


@fault("program-completes", "merge", "delete")
def a_merged_adapter_can_be_deleted() -> AbstractContextManager[None]:
    return replaced(tuners_utils, "_check_adapters_not_merged", lambda _: lambda *_, **__: None)


@fault("program-follows-reference", "merge")
def dora_is_merged_by_the_norm_of_what_was_merged_before() -> AbstractContextManager[None]:
    @contextmanager
    def merged(self: Any, **_: Any) -> Iterator[Any]:
        yield self.get_base_layer().weight.data.clone()

    return replaced(LoraLayer, "_unmerged_base_weight", lambda _: merged)


@fault("program-sums-gradients", "train")
def the_magnitude_of_dora_gets_another_gradient() -> AbstractContextManager[None]:
    def make(original: Wrapper) -> Wrapper:
        def forward(self: Any, x: Any, **kwargs: Any) -> Any:
            one = self.weight.norm() / self.weight.detach().norm()
            return original(self, x, **kwargs) * one

        return forward

    return replaced(DoraLinearLayer, "forward", make)


@fault("program-keeps-values", "load")
def loading_dora_leaves_its_magnitude_out() -> AbstractContextManager[None]:
    def make(original: Wrapper) -> Wrapper:
        def read(*args: Any, **kwargs: Any) -> Any:
            found = original(*args, **kwargs)
            return {key: one for key, one in found.items() if "magnitude" not in key}

        return read

    return replaced(peft_model, "load_peft_weights", make)


@fault("program-keeps-values", "add", stratum=ENSURED)
def another_ensured_adapter_moves_the_first() -> AbstractContextManager[None]:
    """Beside what is known of it: only the first one is tied."""

    def make(original: Wrapper) -> Wrapper:
        def add(self: Any, name: str, config: Any, *args: Any, **kwargs: Any) -> None:
            original(self, name, config, *args, **kwargs)
            ends = {"embed_tokens", "lm_head"}
            if ends & {*config.target_modules, *(config.modules_to_save or ())}:
                first = next(iter(self.peft_config))
                for key, one in self.named_parameters():
                    if f".{first}" in key and any(end in key for end in ends):
                        one.data.mul_(1.5)

        return add

    return replaced(PeftModel, "add_adapter", make)


@fault("program-keeps-ties", "merge", stratum=ENSURED)
def merging_ensured_lora_unties() -> AbstractContextManager[None]:
    """Beside what is known of it: it is merged twice."""

    def change(model: Any) -> None:
        head = model.model.get_output_embeddings()
        if isinstance(head, LoraLayer):
            base = head.get_base_layer()
            base.weight = torch.nn.Parameter(base.weight.detach().clone(), requires_grad=False)

    return replaced(BaseTuner, "merge_adapter", then(change))


@fault("program-completes", "merge")
def a_row_of_two_adapters_is_merged_twice() -> AbstractContextManager[None]:
    return replaced(TrainableTokensLayer, "_check_overlapping_tokens", lambda _: lambda *_: None)


@fault("program-saves-its-own", "add", "load")
def a_file_takes_what_has_its_name_within() -> AbstractContextManager[None]:
    return replaced(save_and_load, "_filter_state_dict_for_adapter_name", lambda _: lambda s, _: s)


@fault("program-tells-what-it-merges", "merge")
def merging_one_more_is_called_nothing_to_do() -> AbstractContextManager[None]:
    def make(original: Wrapper) -> Wrapper:
        def check(module: Any, adapter_names: Any = None) -> Any:
            if module.merged:
                warnings.warn("All adapters are already merged, nothing to do.", stacklevel=2)
            return original(module, adapter_names)

        return check

    return replaced(lora_layer, "check_adapters_to_merge", make)


@fault("program-follows-reference", "merge", "set")
def set_adapter_leaves_what_is_merged() -> AbstractContextManager[None]:
    def make(_: Wrapper) -> Wrapper:
        def set_adapter(
            model: Any, adapter_name: Any, inference_mode: bool = False, **_: Any
        ) -> None:
            _set_adapter(model, adapter_name, inference_mode=inference_mode)
            for module in model.modules():
                if isinstance(module, BaseTunerLayer):
                    module.set_adapter(adapter_name, inference_mode=inference_mode)

        return set_adapter

    return replaced(tuners_utils, "set_adapter", make)


@fault("program-sums-gradients", "train", stratum=ENSURED)
def the_gradient_of_a_tie_counts_once() -> AbstractContextManager[None]:
    def tied(original: Wrapper) -> Wrapper:
        def update(self: Any, name: str, tied_module: Any = None, **kwargs: Any) -> None:
            original(self, name, tied_module=tied_module, **kwargs)
            self.counts_once = tied_module is not None

        return update

    def make(original: Wrapper) -> Wrapper:
        def forward(self: Any, *args: Any, **kwargs: Any) -> Any:
            if not vars(self).get("counts_once") or not self.active_adapters:
                return original(self, *args, **kwargs)
            weight = self.modules_to_save[self.active_adapters[0]].weight.detach()
            return torch.nn.functional.linear(*args, weight)

        return forward

    return all_of(
        replaced(ModulesToSaveWrapper, "update", tied),
        replaced(ModulesToSaveWrapper, "_forward_wrapped", make),
    )


@fault("program-keeps-values", "wrap", "add")
def a_second_saved_module_is_the_first() -> AbstractContextManager[None]:
    def make(original: Wrapper) -> Wrapper:
        def update(self: Any, name: str, **kwargs: Any) -> None:
            original(self, name, **kwargs)
            self.modules_to_save[name] = next(iter(self.modules_to_save.values()))

        return update

    return replaced(ModulesToSaveWrapper, "update", make)


@fault("program-follows-reference", "merge")
def unmerging_takes_the_first_adapter_off_each_time() -> AbstractContextManager[None]:
    def make(original: Wrapper) -> Wrapper:
        def unmerge(self: Any) -> None:
            self.merged_adapters[:] = self.merged_adapters[:1] * len(self.merged_adapters)
            original(self)

        return unmerge

    return replaced(Linear, "unmerge", make)


@fault("program-follows-reference", "merge")
def unmerging_takes_one_adapter_off() -> AbstractContextManager[None]:
    def make(original: Wrapper) -> Wrapper:
        def unmerge(self: Any) -> None:
            kept = self.merged_adapters[1:]
            del self.merged_adapters[1:]
            original(self)
            self.merged_adapters[:] = kept

        return unmerge

    return replaced(Linear, "unmerge", make)


@fault("program-keeps-values", "weighted")
def a_weighted_sum_forgets_the_scaling() -> AbstractContextManager[None]:
    def make(original: Wrapper) -> Wrapper:
        def add(self: Any, *args: Any, **kwargs: Any) -> None:
            before = [(layer, dict(layer.scaling)) for layer in lora_layers(self)]
            for layer, scaling in before:
                layer.scaling.update(dict.fromkeys(scaling, 1.0))
            original(self, *args, **kwargs)
            for layer, scaling in before:
                layer.scaling.update(scaling)

        return add

    return replaced(LoraModel, "add_weighted_adapter", make)


@fault("program-follows-reference", "delete")
def deleting_an_inactive_adapter_activates_another() -> AbstractContextManager[None]:
    def make(original: Wrapper) -> Wrapper:
        def delete(self: Any, name: str) -> None:
            idle = name not in self.active_adapters
            original(self, name)
            left = [one for one in self._all_available_adapter_names() if one != name]
            if idle and left:
                self._active_adapter = [left[-1]]

        return delete

    return replaced(BaseTunerLayer, "delete_adapter", make)


@fault("program-follows-reference", "resize")
def resizing_loses_a_row() -> AbstractContextManager[None]:
    def change(model: Any) -> None:
        with torch.no_grad():
            model.get_input_embeddings().weight[5] = 0

    return replaced(PreTrainedModel, "resize_token_embeddings", then(change))


@fault("program-keeps-values", "load")
def loading_writes_over_another_adapter() -> AbstractContextManager[None]:
    def make(original: Wrapper) -> Wrapper:
        def load(self: Any, folder: Any, adapter_name: str, *args: Any, **kwargs: Any) -> Any:
            result = original(self, folder, adapter_name, *args, **kwargs)
            name = adapter_name
            for layer in lora_layers(self):
                for other in layer.lora_A:
                    if name in layer.lora_A and other != name:
                        with torch.no_grad():
                            layer.lora_A[other].weight.mul_(1.5)
            return result

        return load

    return replaced(PeftModel, "load_adapter", make)


@fault("program-follows-reference", "merge")
def merging_by_name_merges_the_active() -> AbstractContextManager[None]:
    def make(original: Wrapper) -> Wrapper:
        return lambda self, adapter_names=None, **kwargs: original(self, **kwargs)

    return replaced(BaseTuner, "merge_adapter", make)


@fault("program-follows-reference", "merge")
def disabling_leaves_what_is_merged() -> AbstractContextManager[None]:
    def make(original: Wrapper) -> Wrapper:
        return lambda self: None if self.disable_adapters else original(self)

    return replaced(Linear, "unmerge", make)


@fault("program-tells-what-is-active", "add")
def an_added_adapter_is_active() -> AbstractContextManager[None]:
    def make(original: Wrapper) -> Wrapper:
        def add(self: Any, adapter_name: str, *args: Any, **kwargs: Any) -> None:
            original(self, adapter_name, *args, **kwargs)
            self.set_adapter(adapter_name)

        return add

    return replaced(PeftModel, "add_adapter", make)


@fault("program-follows-reference", "load")
def a_loaded_adapter_forgets_its_alpha() -> AbstractContextManager[None]:
    def make(original: Wrapper) -> Wrapper:
        def load(self: Any, folder: Any, adapter_name: str, *args: Any, **kwargs: Any) -> Any:
            result = original(self, folder, adapter_name, *args, **kwargs)
            name = adapter_name
            for layer in lora_layers(self):
                if name in layer.scaling and len(layer.scaling) > 1:
                    layer.scaling[name] = 1.0
            return result

        return load

    return replaced(PeftModel, "load_adapter", make)


@fault("program-follows-reference", "disable", "enable")
def enabling_wakes_every_adapter() -> AbstractContextManager[None]:
    def make(original: Wrapper) -> Wrapper:
        def enable(self: Any) -> None:
            original(self)
            for layer in lora_layers(self):
                layer._active_adapter = list(layer.scaling)

        return enable

    return replaced(BaseTuner, "enable_adapter_layers", make)


@fault("program-keeps-values", "load")
def saving_an_adapter_saves_the_active_one() -> AbstractContextManager[None]:
    def make(original: Wrapper) -> Wrapper:
        def state(model: Any, *args: Any, adapter_name: str = "default", **kwargs: Any) -> Any:
            found = original(model, *args, adapter_name=adapter_name, **kwargs)
            (active, *_) = [*model.active_adapters, adapter_name]
            other = original(model, *args, adapter_name=active, **kwargs)
            same = {k: v.shape for k, v in found.items()} == {k: v.shape for k, v in other.items()}
            return other if same else found

        return state

    return replaced(peft_model, "get_peft_model_state_dict", make)


@fault("program-follows-reference", "merge", "merge_and_unload")
def merging_for_good_drops_what_was_merged_in_place() -> AbstractContextManager[None]:
    def make(original: Wrapper) -> Wrapper:
        def merge(self: Any, *args: Any, adapter_names: Any = None, **kwargs: Any) -> Any:
            for layer in lora_layers(self):
                if layer.merged and adapter_names is not None:
                    layer.unmerge()
            return original(self, *args, adapter_names=adapter_names, **kwargs)

        return merge

    return replaced(BaseTuner, "merge_and_unload", make)


@fault("program-trains-only-its-adapters", "set")
def the_adapter_before_still_trains() -> AbstractContextManager[None]:
    def make(original: Wrapper) -> Wrapper:
        def set_adapter(self: Any, names: Any, inference_mode: bool = False) -> None:
            before = [*self.active_adapters]
            original(self, names, inference_mode=inference_mode)
            self.set_requires_grad([one for one in before if one not in self.active_adapters])

        return set_adapter

    return replaced(BaseTunerLayer, "set_adapter", make)
