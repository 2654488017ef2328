"""PEFT's surface is found by looking at it, and a use is what the machine sees, and no more."""

from __future__ import annotations

import sys
from importlib import import_module

import peft
import pytest
from peft import LoraConfig, PeftModel, get_peft_model
from peft.tuners.lora import LoraModel
from transformers import LlamaConfig, LlamaForCausalLM

from conformance.upstream.surface import Surface, surface
from conformance.upstream.uses import watching

pytestmark = pytest.mark.skipif(
    not hasattr(PeftModel, "delete_adapter"), reason="these are names that newer PEFTs have"
)


@pytest.fixture(scope="module")
def known() -> Surface:
    return surface()


def config(**more: object) -> LoraConfig:
    return LoraConfig(r=2, target_modules=["q_proj"], **more)


def base() -> object:
    config = LlamaConfig(
        vocab_size=16,
        hidden_size=8,
        intermediate_size=8,
        num_hidden_layers=1,
        num_attention_heads=2,
        num_key_value_heads=2,
    )
    return LlamaForCausalLM(config)


def test_the_surface_has_what_a_user_calls(known: Surface) -> None:
    assert len(known.entries) > 300
    assert known.entries["PeftModel.save_pretrained(save_embedding_layers=)"] == "PeftModel"
    assert {
        "peft.get_peft_model",
        "PeftModel.from_pretrained(is_trainable=)",
        "BaseTunerLayer.merge(safe_merge=)",
        "BaseTunerLayer.merge",
        "LoraConfig(trainable_token_indices=)",
        "TrainableTokensConfig(token_indices=)",
        "peft.utils.hotswap.hotswap_adapter",
    } <= known.entries.keys()


def test_what_has_no_default_is_no_option(known: Surface) -> None:
    assert "PeftModel.delete_adapter" in known.entries
    assert "PeftModel.delete_adapter(adapter_name=)" not in known.entries


def test_what_is_taken_out_of_the_rest_by_name_is_an_option(known: Surface) -> None:
    assert "PeftModel.save_pretrained(state_dict=)" in known.entries
    assert "PeftModel.forward(adapter_names=)" in known.entries


def test_a_redefined_method_stands_once(known: Surface) -> None:
    assert "BaseTunerLayer.delete_adapter" in known.entries
    assert "LoraLayer.delete_adapter" not in known.entries


def test_a_new_method_function_option_and_field_appear(
    known: Surface, monkeypatch: pytest.MonkeyPatch
) -> None:
    def renew(self: object, names: object, gently: bool = False) -> None: ...

    def inspect_model(model: object) -> None: ...

    helpers = import_module("peft.helpers")
    tuner = import_module("peft.tuners.tuners_utils").BaseTuner
    inspect_model.__module__ = "peft.helpers"
    monkeypatch.setattr(tuner, "renew", renew, raising=False)
    monkeypatch.setattr(helpers, "inspect_model", inspect_model, raising=False)
    new = surface().entries.keys() - known.entries.keys()
    assert new == {
        "BaseTuner.renew",
        "BaseTuner.renew(gently=)",
        "peft.helpers.inspect_model",
    }


def test_calls_are_uses_by_whom_they_are_made(known: Surface) -> None:
    with watching(known) as seen:
        model = get_peft_model(base(), config())
    assert "PeftModel.add_adapter" not in seen.found
    assert "LoraLayer.update_layer" in seen.found
    assert seen.found["peft.get_peft_model"].file == ""  # this test is none of the suite's cases
    with watching(known) as seen:
        model.merge_adapter()
    assert "BaseTuner.merge_adapter" in seen.found
    assert "peft.get_peft_model" not in seen.found


def test_a_default_is_not_used_by_saying_it(known: Surface) -> None:
    model = get_peft_model(base(), config())
    with watching(known) as seen:
        model.merge_adapter(safe_merge=False, adapter_names=None)
    options = {name for name in seen.found if name.startswith("BaseTuner.merge_adapter(")}
    assert options == set()
    model.unmerge_adapter()
    with watching(known) as seen:
        model.merge_adapter(safe_merge=True)
    options = {name for name in seen.found if name.startswith("BaseTuner.merge_adapter(")}
    assert options == {"BaseTuner.merge_adapter(safe_merge=)"}


def test_a_later_call_shows_more_options_of_the_same(known: Surface) -> None:
    model = get_peft_model(base(), config())
    with watching(known) as seen:
        model.merge_adapter()
        model.unmerge_adapter()
        model.merge_adapter(adapter_names=["default"])
    assert "BaseTuner.merge_adapter(adapter_names=)" in seen.found


def test_fields_of_a_config_are_those_of_this_config(known: Surface) -> None:
    with watching(known) as seen:
        config(bias="all")
    fields = {name for name in seen.found if name.startswith("LoraConfig(")}
    assert fields == {"LoraConfig(r=)", "LoraConfig(target_modules=)", "LoraConfig(bias=)"}
    with watching(known) as seen:
        peft.AdaLoraConfig(target_modules=["q_proj"], total_step=10)  # derives from LoraConfig
    assert not {name for name in seen.found if name.startswith("LoraConfig")}


def test_a_class_is_made_where_it_and_no_other_is(known: Surface) -> None:
    with watching(known) as seen:
        get_peft_model(base(), config(task_type="CAUSAL_LM"))
    assert {one for one in seen.found if known.entries[one] == "model classes"} == {
        "PeftModelForCausalLM"
    }
    with watching(known) as seen:
        PeftModel(base(), config())
    assert {one for one in seen.found if known.entries[one] == "model classes"} == {"PeftModel"}


def test_what_a_subclass_redefines_is_a_use_of_what_it_redefines(known: Surface) -> None:
    model = get_peft_model(base(), config())
    assert isinstance(model.base_model, LoraModel)
    with watching(known) as seen:
        model.merge_adapter()  # lora.Linear.merge, which BaseTunerLayer only promises
    assert "BaseTunerLayer.merge" in seen.found


def test_a_profiler_that_is_there_comes_back(known: Surface) -> None:
    def mine(frame: object, event: str, argument: object) -> None: ...

    before = sys.getprofile()
    sys.setprofile(mine)
    try:
        with watching(known):
            assert sys.getprofile() is not mine
        assert sys.getprofile() is mine
    finally:
        sys.setprofile(before)
