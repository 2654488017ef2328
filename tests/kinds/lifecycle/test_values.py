"""Values that training can reach: what no gradient reaches keeps PEFT's, in every kind of test.

And the claims that were made of values which nobody can train: each case holds, or says what is so.
"""

from __future__ import annotations

import copy
import runpy
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import torch
from faults.fault import after_wrapping
from peft import LoraConfig, get_peft_model
from transformers import MarianConfig, MarianMTModel

from conformance.core.bits import same_bits
from conformance.core.case import Case
from conformance.core.observation import Observation
from conformance.engine.snapshot import canonical
from conformance.kinds.lifecycle.checks import INVARIANTS
from conformance.kinds.lifecycle.observe import observe
from conformance.kinds.pipeline.available import missing
from conformance.kinds.pipeline.case import PipelineCase
from conformance.kinds.pipeline.observe import observe_pipeline
from conformance.kinds.programs.observe import observe_program
from conformance.kinds.programs.program import Program
from conformance.kinds.tuners.case import TunerCase, tuner_case
from conformance.kinds.tuners.subject import observe_tuner
from conformance.reproducer import write_script

TRAINED = ("values", "sgd", "adamw")
CUT = "q_proj"


@cache
def lived(case: Case) -> Observation:
    return observe_tuner(case) if isinstance(case, TunerCase) else observe(case)


def findings(case: Case, invariant: str) -> list[str]:
    return [str(finding) for finding in INVARIANTS[invariant].judge(lived(case)).findings]


def moved(seen: Observation) -> set[str]:
    """What of the adapter has other values after training than PEFT gave it."""
    before, after = seen.stages["adapted"].weights, seen.stages["trained"].weights
    return {n for n in before if " " in n and not same_bits(before[n], after[n])}


def cut_off() -> Any:
    """Wrapped models whose queries are computed by their base alone: no gradient reaches them."""

    def change(model: Any) -> None:
        for name, module in model.named_modules():
            if name.endswith(f".{CUT}"):
                module.forward = module.base_layer.forward

    return after_wrapping(change)


@pytest.mark.parametrize("training", TRAINED)
def test_what_no_gradient_reaches_keeps_its_first_values(training: str) -> None:
    seen = lived(Case(placement="save:embedding", family="t5", training=training))
    adapter = {name for name in seen.stages["adapted"].weights if " " in name}
    assert adapter - moved(seen) == {"shared saved weight"} == adapter - seen.reached
    assert seen.troubles == ()


@pytest.mark.parametrize("training", TRAINED)
def test_where_nothing_is_reached_no_step_is_taken(training: str) -> None:
    case = Case(placement="target:embedding", family="t5", training=training)
    assert lived(case).reached == moved(lived(case)) == set()
    assert lived(case).troubles == ()


@pytest.mark.parametrize("training", TRAINED)
def test_what_is_never_called_is_told_once(training: str) -> None:
    case = Case(placement="save:embedding", family="t5", training=training)
    told = {name: found for name in INVARIANTS if (found := findings(case, name))}
    assert len(told.pop("adapter-takes-part")) == 1
    # what becomes of the copy itself: unload() keeps it, which is another thing
    assert set(told) == {"unload-restores-base"}


@pytest.mark.parametrize(
    "case",
    [
        Case(tied=False, placement="body"),
        Case(tied=False, placement="body", dtype="bfloat16"),
        tuner_case(tied=False, placement="body", tuner="lora-dora"),
        tuner_case(tied=False, placement="body", tuner="loha"),
    ],
    ids=repr,
)
def test_what_is_called_and_cut_off_is_told_and_not_filled(case: Case) -> None:
    assert moved(lived(case)) == {n for n in lived(case).stages["adapted"].trainable if " " in n}
    with cut_off():
        seen = observe_tuner(case) if isinstance(case, TunerCase) else observe(case)
    cut = {n for n in seen.stages["adapted"].trainable if n.partition(" ")[0].endswith(CUT)}
    assert cut
    assert moved(seen) == moved(lived(case)) - cut
    found = INVARIANTS["only-the-adapter-trains"].judge(seen).findings
    assert sorted(str(one) for one in found) == sorted(
        f"wrong-trainable: {name} gets no gradient" for name in cut
    )


@pytest.mark.parametrize("step", [(), (("add", "more", "body", 2, 2),)], ids=["wrap", "add"])
def test_a_program_fills_what_a_gradient_reaches(step: tuple[Any, ...]) -> None:
    program = Program(steps=(("wrap", "default", "body", 2, 2), *step))
    for planted in (False, True):
        if planted:
            with cut_off():
                seen = observe_program(program)
        else:
            seen = observe_program(program)
        zero = {
            (name, module)
            for (name, module, part), one in seen.steps[-1].parts.items()
            if part == "lora_B" and not bool(one.any())
        }
        assert {module.rpartition(".")[2] for _, module in zero} == ({CUT} if planted else set())
        assert len({name for name, _ in zero}) == (len(program.steps) if planted else 0)


@pytest.mark.skipif(bool(missing()), reason="diffusers is not installed")
@pytest.mark.parametrize(
    ("variant", "filled"), [("merged-lora-on-shared", False), ("merged-lora", True)]
)
def test_a_pipeline_fills_what_a_gradient_reaches(variant: str, *, filled: bool) -> None:
    seen = observe_pipeline(PipelineCase(variant=variant))
    factors = [w for n, w in seen.stages["adapted"].weights.items() if n.endswith(ZERO_AT_FIRST)]
    assert factors
    assert {bool(one.any()) for one in factors} == {filled} == {bool(seen.called)}
    assert not seen.troubles


ZERO_AT_FIRST = ("lora_B", "lora_embedding_A")


@pytest.mark.parametrize("training", TRAINED)
@pytest.mark.parametrize(
    "case",
    [
        {"placement": "save:embedding", "family": "t5"},
        {"placement": "target:both", "ensure": True, "family": "t5", "dora": True},
        {"placement": "target:embedding", "family": "umt5", "tied": False},
        {"placement": "tokens:same", "family": "marian"},
        {"placement": "target:both", "ensure": True, "dtype": "bfloat16"},
        {"placement": "target:both", "ensure": True, "bias": "all", "family": "phi"},
    ],
    ids=lambda case: "-".join(map(str, case.values())),
)
def test_a_script_gives_the_values_of_the_suite(
    case: dict[str, Any], training: str, tmp_path: Path
) -> None:
    whole = Case(**case, training=training)
    file = tmp_path / "script.py"
    file.write_text(write_script(whole, "only-the-adapter-trains"), encoding="utf-8")
    script = runpy.run_path(str(file))
    base = script["load_base"](tmp_path) if "load_base" in script else script["build"]()
    model = script["wrap"](base)
    script["fill_adapter"](model)
    if training != "values":
        script["steps"](model)
    expected = lived(whole).stages["trained"].weights
    found = {name: one.detach() for name, one in model.named_parameters(remove_duplicate=False)}
    assert {canonical(name) for name in found} == set(expected)
    wrong = [name for name, one in found.items() if not same_bits(one, expected[canonical(name)])]
    assert wrong == []


# the claims made of values that cannot be: the case that showed each, and what holds now
UNTRUE = (
    ("merge-keeps-logits", {"placement": "target:embedding+save:head", "family": "t5"}),
    ("untied-stay-untied", {"placement": "target:embedding+save:head", "family": "t5"}),
    ("merge-keeps-logits", {"placement": "target:embedding", "family": "t5", "tied": False}),
    ("untied-stay-untied", {"placement": "target:embedding", "family": "t5", "tied": False}),
    ("merge-keeps-logits", {"placement": "tokens:different", "family": "t5", "tied": False}),
    ("reload-keeps-logits", {"placement": "save:embedding", "family": "t5", "tied": False}),
    ("reload-keeps-logits", {"placement": "save:embedding", "family": "t5"}),
    ("config-driven-loader-agrees", {"placement": "save:embedding", "family": "t5"}),
    ("merge-keeps-logits", {"placement": "target:embedding", "family": "bart"}),
    ("trouble-is-announced-early", {"placement": "target:embedding", "family": "bart"}),
    ("merge-keeps-logits", {"placement": "target:embedding", "family": "t5", "ensure": True}),
    ("tied-stay-tied", {"placement": "tokens:list", "family": "marian"}),
    ("adapter-takes-part", {"placement": "tokens:list", "family": "marian"}),
    (
        "reload-keeps-logits",
        {"placement": "body", "family": "marian", "dtype": "bfloat16", "reload_dtype": "float32"},
    ),
    (
        "trouble-is-announced-early",
        {"placement": "body", "family": "mbart", "base": "resized", "dtype": "bfloat16"},
    ),
)


@pytest.mark.parametrize(
    ("invariant", "case"),
    UNTRUE,
    ids=[f"{name}-{'-'.join(map(str, case.values()))}" for name, case in UNTRUE],
)
def test_an_untrue_claim_is_made_no_more(invariant: str, case: dict[str, Any]) -> None:
    assert findings(Case(**case), invariant) == []


def test_positions_that_loading_makes_are_compared_where_the_precision_stays() -> None:
    seen = lived(Case(placement="body", family="marian"))
    name = "model.encoder.embed_positions.weight"
    reloaded = seen.stages["reloaded"]
    other = {**reloaded.weights, name: reloaded.weights[name] + 1}
    broken = replace(seen, stages={**seen.stages, "reloaded": replace(reloaded, weights=other)})
    found = INVARIANTS["reload-keeps-logits"].judge(broken).findings
    assert [str(one) for one in found if name in str(one)]


@pytest.mark.parametrize("changed", ["model.shared.weight", "model.encoder.layers.0.fc1.bias"])
def test_what_a_file_holds_is_compared_in_any_precision(changed: str) -> None:
    case = Case(placement="body", family="marian", dtype="bfloat16", reload_dtype="float32")
    seen = lived(case)
    reloaded = seen.stages["reloaded"]
    value = reloaded.weights[changed].clone()
    value.view(torch.int32).view(-1)[0] ^= 1  # one bit
    other = {**reloaded.weights, changed: value}
    broken = replace(seen, stages={**seen.stages, "reloaded": replace(reloaded, weights=other)})
    found = INVARIANTS["reload-keeps-logits"].judge(broken).findings
    assert [str(one) for one in found if changed in str(one)]


@pytest.mark.parametrize(
    ("tokens", "ensure", "breaks"),
    [
        ([1, 5], False, False),
        ({"shared": [1, 5]}, False, False),
        ({"shared": [1, 5], "lm_head": [1, 5]}, False, True),
        ({"shared": [1, 5], "lm_head": [3, 7]}, True, True),
    ],
)
def test_marians_tokens_by_hand(tokens: Any, *, ensure: bool, breaks: bool) -> None:
    """At an ordinary size, trained by AdamW from PEFT's values: what merging does to the logits.

    Rows of the head do train and are merged into the matrix of all; those of shared do not.
    """
    torch.manual_seed(0)
    sizes = {
        f"{side}_{what}": size
        for side in ("encoder", "decoder")
        for what, size in (("layers", 2), ("attention_heads", 4), ("ffn_dim", 128))
    }
    special = {"pad_token_id": 99, "decoder_start_token_id": 99, "eos_token_id": 0}
    config = MarianConfig(
        vocab_size=100, d_model=64, dropout=0.0, forced_eos_token_id=0, **sizes, **special
    )
    adapter = LoraConfig(
        task_type="SEQ_2_SEQ_LM",
        r=8,
        target_modules=["q_proj", "v_proj"],
        trainable_token_indices=copy.deepcopy(tokens),
        ensure_weight_tying=ensure,
    )
    model: Any = get_peft_model(MarianMTModel(config), adapter)
    ids = torch.randint(0, 98, (4, 12))
    ids[0, :4] = torch.tensor([1, 5, 3, 7])
    batch = {"input_ids": ids, "decoder_input_ids": ids.flip(1)}
    optimizer = torch.optim.AdamW([p for p in model.parameters() if p.requires_grad], lr=0.01)
    for _ in range(10):
        optimizer.zero_grad()
        model(**batch, labels=ids.flip(1)).loss.backward()
        optimizer.step()
    model.eval()
    with torch.no_grad():
        before = model(**batch).logits
        after = model.merge_and_unload()(**batch).logits
    off = float((before - after).abs().max() / before.abs().max())
    assert off > 0.05 if breaks else off < 1e-5


@pytest.mark.parametrize("placement", ["save:both", "body"])
def test_a_bias_trains_under_all_its_names_or_where_its_copy_is(placement: str) -> None:
    """BERT's head has its bias under two names; where the head is saved, a copy trains instead."""
    seen = lived(Case(tied=True, placement=placement, family="bert", bias="all"))
    names = {"cls.predictions.bias", "cls.predictions.decoder.bias"}
    trains = names & seen.stages["adapted"].trainable
    assert trains == (set() if placement == "save:both" else names)
    judged = INVARIANTS["only-the-adapter-trains"].judge(replace(seen, stages={
        stage: one for stage, one in seen.stages.items() if stage != "adapter-reloaded"
    }))  # fmt: skip
    assert judged.verdict == "holds", judged.findings
