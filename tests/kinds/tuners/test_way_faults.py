"""Every promise about the ways of an adapter can be broken: a fault in how PEFT loads is caught."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import peft
import peft.helpers
import peft.peft_model
import peft.utils.hotswap
import pytest
from faults.fault import Wrapper, called, no_context, replaced, skipped
from peft import PeftModel
from peft.tuners.lora import LoraLayer, LoraModel
from peft.tuners.lora import model as lora_model
from peft.tuners.lora.layer import Linear
from peft.utils import transformers_weight_conversion
from planted_tuners import Planted, case, is_caught

from conformance.kinds.tuners.case import tuner_case
from conformance.upstream.names import ADAPTER

pytestmark = pytest.mark.usefixtures("placed")

LOGITS = ("every-way-keeps-logits",)
TRUTH = ("adapter-load-tells-the-truth",)
PICTURES = tuner_case(tuner="lora-image-text", placement="body", family="llava")


def telling(change: Callable[[Any], object]) -> Any:
    """Plant another report of what was loaded."""

    def make(original: Wrapper) -> Wrapper:
        def load(*args: Any, **kwargs: Any) -> Any:
            told = original(*args, **kwargs)
            change(told)
            return told

        return load

    return lambda: replaced(PeftModel, "load_adapter", make)


def loses_another() -> AbstractContextManager[None]:
    """Where sizes are passed by, a second tensor is lost."""

    def make(original: Wrapper) -> Wrapper:
        def put(model: Any, state: dict[str, Any], *args: Any, **kwargs: Any) -> Any:
            if kwargs.get("ignore_mismatched_sizes"):
                state = dict(list(state.items())[:-1])
            return original(model, state, *args, **kwargs)

        return put

    return replaced(peft.peft_model, "set_peft_model_state_dict", make)


def given_back_as_given() -> AbstractContextManager[None]:
    """The names in an adapter's file are taken as those of the model."""
    return replaced(
        transformers_weight_conversion,
        "convert_peft_adapter_state_dict_for_transformers",
        lambda _: lambda **given: given["adapter_state_dict"],
    )


def empties_what_is_set() -> AbstractContextManager[None]:
    """What is given is taken out key by key."""

    def make(original: Wrapper) -> Wrapper:
        def put(model: Any, state: dict[str, Any], *args: Any, **kwargs: Any) -> Any:
            taken = {key: state.pop(key) for key in list(state)}
            return original(model, taken, *args, **kwargs)

        return put

    return replaced(peft, "set_peft_model_state_dict", make)


def writes_to_what_is_saved() -> AbstractContextManager[None]:
    """The tensors that are given are halved once they are saved."""

    def make(original: Wrapper) -> Wrapper:
        def save(*args: Any, state_dict: Any = None, **kwargs: Any) -> None:
            original(*args, state_dict=state_dict, **kwargs)
            for tensor in (state_dict or {}).values():
                tensor.mul_(0.5)

        return save

    return replaced(PeftModel, "save_pretrained", make)


def scales_what_is_added() -> AbstractContextManager[None]:
    """What is added by a call counts twice."""

    def make(original: Wrapper) -> Wrapper:
        def add(model: Any, name: str, *args: Any, **kwargs: Any) -> Any:
            original(model, name, *args, **kwargs)
            for layer in model.modules():
                if isinstance(layer, LoraLayer) and not model.peft_config[name].inference_mode:
                    layer.scaling[name] *= 2

        return add

    return replaced(PeftModel, "add_adapter", make)


def halves_another_in_merging() -> AbstractContextManager[None]:
    """The delta of all adapters but the first is half of what they compute."""

    def make(original: Wrapper) -> Wrapper:
        def delta(layer: Any, name: str) -> Any:
            return original(layer, name) * (1 if name == ADAPTER else 0.5)

        return delta

    return replaced(Linear, "get_delta_weight", make)


def litters() -> AbstractContextManager[None]:
    """Loading leaves a file."""

    def make(original: Wrapper) -> Wrapper:
        def load(*args: Any, **kwargs: Any) -> Any:
            Path("adapter.tmp").touch()
            return original(*args, **kwargs)

        return load

    return replaced(peft.peft_model, "load_peft_weights", make)


def saves_onto_a_file() -> AbstractContextManager[None]:
    """What is there goes."""

    def make(original: Wrapper) -> Wrapper:
        def save(self: Any, folder: Any, *args: Any, **kwargs: Any) -> Any:
            if Path(folder).is_file():
                Path(folder).unlink()
            return original(self, folder, *args, **kwargs)

        return save

    return replaced(PeftModel, "save_pretrained", make)


def other_weights() -> AbstractContextManager[None]:
    """A weighted sum takes half of each."""

    def make(original: Wrapper) -> Wrapper:
        def add(self: Any, adapters: Any, weights: Any, *args: Any, **kwargs: Any) -> Any:
            return original(self, adapters, [one / 2 for one in weights], *args, **kwargs)

        return add

    return replaced(LoraModel, "add_weighted_adapter", make)


def loses_half() -> AbstractContextManager[None]:
    """What signs agree on is merged at half its size."""

    def make(original: Wrapper) -> Wrapper:
        def ties(*args: Any, **kwargs: Any) -> Any:
            return original(*args, **kwargs) / 2

        return ties

    return replaced(lora_model, "ties", make)


PLANTED = (
    Planted(
        "a sum takes half of each weight", case("lora"), other_weights, LOGITS, "logits of sum-svd"
    ),
    Planted("a sum of ties loses half", case("lora"), loses_half, LOGITS, "logits of sum-ties "),
    Planted(
        "rescaling scales nothing",
        case("lora"),
        no_context(peft.helpers, "rescale_adapter_scale"),
        LOGITS,
        "logits of rescaled",
    ),
    Planted(
        "a scale is not set",
        case("lora"),
        skipped(LoraLayer, "set_scale"),
        LOGITS,
        "logits of scale-set",
    ),
    Planted(
        "a scale is not taken back",
        case("lora"),
        skipped(LoraLayer, "unscale_layer"),
        LOGITS,
        "logits of scaled",
    ),
    Planted(
        "an adapter is saved by every process",
        case("lora"),
        called(PeftModel, "save_pretrained", lambda given: given.pop("is_main_process", None)),
        LOGITS,
        "written by a process that is not the main one",
    ),
    Planted(
        "a subfolder is not looked at",
        case("lora"),
        called(peft.peft_model, "load_peft_weights", lambda given: given.pop("subfolder", None)),
        ("life-completes",),
        "subfolder ended in",
    ),
    Planted(
        "a base gets nothing of the state dict that it is given",
        case("lora"),
        skipped(peft, "set_base_model_state_dict"),
        LOGITS,
        "logits of base-given",
    ),
    Planted(
        "a model without memory for first values gets no others",
        case("lora"),
        skipped(peft, "set_peft_model_state_dict"),
        LOGITS,
        "logits of added-on-meta",
    ),
    Planted(
        "a model of several tuners loads no weights",
        case("lora"),
        skipped(peft.PeftMixedModel, "load_adapter"),
        LOGITS,
        "logits of mixed",
    ),
    Planted(
        "an adapter becomes a LoRA of a lower rank",
        case("loha"),
        called(peft, "save_as_lora", lambda given: given.update(rank=1)),
        LOGITS,
        "logits of as-lora",
    ),
    Planted(
        "a pickle is asked for, and written as safetensors",
        case("lora"),
        called(PeftModel, "save_pretrained", lambda given: given.update(safe_serialization=True)),
        LOGITS,
        "adapter_model.bin is not in the folder pickled",
    ),
    Planted(
        "hot-swapping swaps nothing",
        case("lora"),
        skipped(peft.utils.hotswap, "hotswap_adapter"),
        LOGITS,
        "logits of swapped",
    ),
    Planted(
        "a model that is no PeftModel gets no weights",
        case("loha"),
        skipped(peft, "set_peft_model_state_dict"),
        LOGITS,
        "logits of injected",
    ),
    Planted(
        "key_mapping is not looked at",
        case("lora", "save:head"),
        called(peft.peft_model, "load_peft_weights", lambda given: given.pop("key_mapping", None)),
        ("life-completes",),
        "renamed ended in KeyError",
    ),
    Planted(
        "names of before are not converted",
        PICTURES,
        given_back_as_given,
        LOGITS,
        "logits of older-names",
    ),
    Planted(
        "where another size is passed by, another tensor is lost too",
        case("lora"),
        loses_another,
        LOGITS,
        "is not loaded where another tensor is passed by",
    ),
    Planted(
        "other sizes are passed by, whether that was asked for or not",
        case("lora"),
        called(
            peft.peft_model,
            "set_peft_model_state_dict",
            lambda given: given.update(ignore_mismatched_sizes=True),
        ),
        TRUTH,
        "of another size was loaded",
    ),
    Planted(
        "nobody says what the file lacks",
        case("ia3"),
        telling(lambda told: told.missing_keys.clear()),
        TRUTH,
        "nothing was said at incomplete",
    ),
    Planted(
        "a parameter of the base is reported missing",
        case("lora"),
        telling(lambda told: told.missing_keys.append("base_model.model.lm_head.weight")),
        TRUTH,
        "lm_head.weight is reported missing",
    ),
    Planted(
        "nobody warns of a base that PiSSA moved",
        case("lora-init-pissa"),
        skipped(PeftModel, "_check_new_adapter_config"),
        ("second-adapter-is-warned-of",),
    ),
    Planted(
        "an adapter is saved onto a file",
        case("lora"),
        saves_onto_a_file,
        ("saving-spares-a-file",),
    ),
    Planted(
        "loading an adapter leaves a file where one stands",
        case("lora-rslora"),
        litters,
        ("loading-leaves-no-file",),
        "adapter.tmp",
    ),
    Planted(
        "a second adapter stays frozen, though it was loaded to be trained",
        case("lora"),
        skipped(PeftModel, "set_requires_grad"),
        ("second-adapter-trains-as-asked",),
        "is trainable in the first adapter alone",
    ),
    Planted(
        "setting an adapter's tensors takes the keys out of the dict that was given",
        case("lora"),
        empties_what_is_set,
        ("what-is-handed-over-stays",),
        "peft_model_state_dict of set_peft_model_state_dict was changed",
    ),
    Planted(
        "saving writes to the tensors that it was given",
        case("lora"),
        writes_to_what_is_saved,
        ("what-is-handed-over-stays",),
        "state_dict of save_pretrained was changed",
    ),
    Planted(
        "an adapter that is added takes the scaling of another config",
        case("lora"),
        scales_what_is_added,
        ("added-adapter-is-like-the-first",),
        "logits of added differ from trained",
    ),
    Planted(
        "another adapter than the first is merged with half of what it adds",
        case("lora"),
        halves_another_in_merging,
        ("added-adapter-is-like-the-first",),
        "logits of added-merged differ from merged",
    ),
)


@pytest.mark.parametrize("planted", PLANTED, ids=lambda planted: planted.story)
def test_fault_is_caught(planted: Planted) -> None:
    is_caught(planted)
