"""Every promise about tuners can be broken: a fault planted in one tuner of PEFT is caught."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any

import pytest
import torch
from faults.fault import Plant, Wrapper, after_loading_adapter, replaced, then
from peft.tuners.hira.layer import Linear as HiraLinear
from peft.tuners.hra.model import HRAModel
from peft.tuners.ia3.layer import Linear as IA3Linear
from peft.tuners.ia3.model import IA3Model
from peft.tuners.loha.layer import LoHaLayer
from peft.tuners.lokr.model import LoKrModel
from peft.tuners.lora.model import LoraModel
from peft.tuners.lycoris_utils import LycorisLayer
from peft.tuners.miss.layer import MissLinear
from peft.tuners.oft.model import OFTModel
from planted_tuners import Planted, case, is_caught
from test_once_faults import PLANTED as ONCE
from test_option_faults import PLANTED as OPTIONS
from test_use_faults import PLANTED as USES
from test_way_faults import PLANTED as WAYS

from conformance.causes.known import Known
from conformance.core.finding import Violation, invariant_class
from conformance.kinds.lifecycle.checks import INVARIANTS
from conformance.kinds.tuners.checks import ONLY_TUNERS, TUNER_PROMISES
from conformance.kinds.tuners.kind import TUNERS
from conformance.kinds.tuners.subject import observe_tuner
from conformance.running.judge import SeveralViolations, judge_item

pytestmark = pytest.mark.usefixtures("placed")


def taking_off(model: Any, change: Callable[[Any], None], *, merging: bool) -> Plant:
    """Do something to the plain model that one tuner hands back."""

    def make(original: Wrapper) -> Wrapper:
        def off(self: Any, *args: Any, merge: bool = True, **kwargs: Any) -> Any:
            plain = original(self, *args, merge=merge, **kwargs)
            if merge == merging:
                change(plain)
            return plain

        return off

    return lambda: replaced(model, "_unload_and_optionally_merge", make)


def merges_twice() -> AbstractContextManager[None]:
    def make(original: Wrapper) -> Wrapper:
        def merge(self: Any, *args: Any, **kwargs: Any) -> None:
            original(self, *args, **kwargs)
            for name in self.merged_adapters:
                self.get_base_layer().weight.data += self.get_delta_weight(name)

        return merge

    return replaced(LycorisLayer, "merge", make)


def unties(plain: Any) -> None:
    head = plain.get_output_embeddings()
    head.weight = torch.nn.Parameter(head.weight.detach().clone())


def leaves_a_delta(plain: Any) -> None:
    plain.model.layers[0].self_attn.q_proj.weight.data[0] += 0.1


def scales_a_norm(plain: Any) -> None:
    plain.model.norm.weight.data *= 1.01


def loses_its_projection() -> AbstractContextManager[None]:
    def change(model: Any) -> None:
        for name, buffer in model.named_buffers():
            if "vera_A" in name:
                buffer.copy_(buffer.flip(0))

    return after_loading_adapter(change)


def passes_over_embeddings() -> AbstractContextManager[None]:
    def make(original: Wrapper) -> Wrapper:
        def create(self: Any, config: Any, name: str, target: Any, *args: Any, **more: Any) -> None:
            if not isinstance(target, torch.nn.Embedding):
                original(self, config, name, target, *args, **more)

        return create

    return replaced(OFTModel, "_create_and_replace", make)


def fails_to_merge() -> AbstractContextManager[None]:
    def make(_: Wrapper) -> Wrapper:
        def merge(self: Any, *args: Any, **kwargs: Any) -> None:
            raise KeyError("planted")

        return merge

    return replaced(MissLinear, "merge", make)


def starts_elsewhere() -> AbstractContextManager[None]:
    def change(layer: Any) -> None:
        for parameter in layer.hada_w2_b.values():
            parameter.data += 0.1
        for parameter in layer.hada_w2_a.values():
            parameter.data += 0.1

    return replaced(LoHaLayer, "update_layer", then(change))


def computes_something_else() -> AbstractContextManager[None]:
    def make(original: Wrapper) -> Wrapper:
        return lambda self, *args, **kwargs: original(self, *args, **kwargs) * 1.01

    return replaced(HiraLinear, "forward", make)


def stays_on() -> AbstractContextManager[None]:
    return replaced(IA3Linear, "enable_adapters", lambda _: lambda self, enabled: None)


def adds_its_start() -> AbstractContextManager[None]:
    """The difference to the start is a sum."""

    def make(original: Wrapper) -> Wrapper:
        def subtract(self: Any, trained: Any, *args: Any, **kwargs: Any) -> Any:
            found = original(self, trained, *args, **kwargs)
            for name in found:
                if "lora_B" in name:
                    found[name][:, trained[name].shape[1] :] *= -1
            return found

        return subtract

    return replaced(LoraModel, "subtract_mutated_init", make)


PLANTED = (
    Planted("LoHa is merged twice", case("loha"), merges_twice, ("merge-keeps-logits",)),
    Planted(
        "LoHa merged twice, found in the weights of the head",
        case("loha", "target:head"),
        merges_twice,
        ("merge-keeps-logits", "untied-stay-untied", "trouble-is-announced-early"),
    ),
    Planted(
        "IA3 loses the tie of the base at merging",
        case("ia3", tied=True),
        taking_off(IA3Model, unties, merging=True),
        ("tied-stay-tied", "config-tells-the-truth"),
        "at merged",
    ),
    Planted(
        "unload of LoKr leaves a delta",
        case("lokr"),
        taking_off(LoKrModel, leaves_a_delta, merging=False),
        ("unload-restores-base",),
    ),
    Planted(
        "VeRA comes back with another projection",
        case("vera"),
        loses_its_projection,
        ("adapter-keeps-logits", "trouble-is-announced-early"),
    ),
    Planted(
        "OFT passes over an embedding beside the head",
        case("oft", "target:both"),
        passes_over_embeddings,
        ("tuner-wraps-what-it-names",),
        "model.embed_tokens is asked for",
    ),
    Planted(
        "OFT passes over an embedding and stands on nothing",
        case("oft", "target:embedding"),
        passes_over_embeddings,
        ("tuner-wraps-what-it-names",),
        "model.embed_tokens is asked for",
    ),
    Planted(
        "merging HRA scales a norm that it does not stand on",
        case("hra"),
        taking_off(HRAModel, scales_a_norm, merging=True),
        ("merging-touches-targets-alone", "merge-keeps-logits"),
    ),
    Planted(
        "merging MiSS ends in an error that says nothing",
        case("miss"),
        fails_to_merge,
        ("life-completes",),
        "KeyError",
    ),
    Planted(
        "LoHa does not start from an identity",
        case("loha"),
        starts_elsewhere,
        ("wrapping-keeps-logits",),
    ),
    Planted(
        "HiRA computes something else than it stands for",
        case("hira"),
        computes_something_else,
        ("forward-follows-definition", "merge-keeps-logits"),
    ),
    Planted(
        "PiSSA is converted to LoRA with its start added, not taken off",
        case("lora-init-pissa"),
        adds_its_start,
        ("conversion-keeps-logits",),
    ),
    Planted("IA3 cannot be disabled", case("ia3"), stays_on, ("disabled-is-base",)),
)


@pytest.mark.parametrize("planted", PLANTED, ids=lambda planted: planted.story)
def test_fault_is_caught(planted: Planted) -> None:
    is_caught(planted)


def test_every_promise_of_tuners_alone_is_broken_by_a_fault() -> None:
    every = (*PLANTED, *USES, *WAYS, *ONCE, *OPTIONS)
    caught = {name for one in every for name in one.caught_by}
    changed = {n for n in INVARIANTS if n in TUNER_PROMISES} & {"life-completes"}
    assert caught >= {*ONLY_TUNERS, *changed, "wrapping-keeps-logits"}


def test_no_kind_of_finding_hides_another() -> None:
    (item,) = TUNERS.given(case("loha", "target:head"), tuple(TUNER_PROMISES.values()))
    with merges_twice(), pytest.raises(SeveralViolations) as raised:
        judge_item(TUNERS, item, Known())
    found = raised.value.exceptions
    assert {type(one).__mro__[1] for one in found} >= {
        invariant_class("merge-keeps-logits"),
        invariant_class("untied-stay-untied"),
    }
    assert all(isinstance(one, Violation) and "RERUN" in str(one) for one in found)
    assert len({type(one) for one in found}) == len(found)


def test_what_all_layers_draw_from_is_no_tie_between_them() -> None:
    seen = observe_tuner(case("vblora"))
    names = {name for name in seen.stages["adapted"].weights if name.startswith("base_model ")}
    assert names == {"base_model vblora_vector_bank"}
    assert TUNER_PROMISES["untied-stay-untied"].judge(seen).verdict == "holds"


@pytest.mark.parametrize(
    ("tuner", "placement"), [("boft", "target:head"), ("oft", "target:embedding")]
)
def test_what_a_tuner_we_do_not_define_leaves_alone_is_not_overwritten(
    tuner: str, placement: str
) -> None:
    """Merging into the one tensor of a tied base breaks it; there are two of an untied one."""
    promise = TUNER_PROMISES["untied-stay-untied"]
    tied = observe_tuner(case(tuner, placement, tied=True))
    assert "defined" not in tied.stages
    (found,) = promise.judge(tied).findings
    assert (found.kind, found.stage) == ("wrong-value", "merged")
    assert promise.judge(observe_tuner(case(tuner, placement, tied=False))).verdict == "holds"


def test_tokens_that_a_tuner_trains_by_itself_are_no_spill() -> None:
    seen = observe_tuner(case("lora-tokens", "body", tied=False))
    assert TUNER_PROMISES["untied-stay-untied"].judge(seen).verdict == "holds"
