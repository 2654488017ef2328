"""Promises about options that change what is computed: it is what they are documented as."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from conformance.core.bits import distance, same_bits
from conformance.core.comparison import Comparison, Evidence
from conformance.core.finding import Finding
from conformance.core.observation import Observation
from conformance.core.tolerances import gradient_allowance, precision, size
from conformance.kinds.lifecycle.checks.logits import differ
from conformance.kinds.tuners.case import TunerCase
from conformance.kinds.tuners.registry import ONLY_TUNERS

if TYPE_CHECKING:
    from torch import Tensor

DEFINED = "-defined"
"""What the stage of our own definition is called, after the stage that it defines."""
OF_A_RUN = frozenset({"runtime_config", "ephemeral_gpu_offload"})
"""What no file holds."""
DRAWING = ("dropped", "drawn")
"""The stages in training mode at which something is drawn."""


def pairs(seen: Observation) -> list[str]:
    """The stages that an option adds, each with a definition beside it."""
    return [stage for stage in seen.stages if f"{stage}{DEFINED}" in seen.stages]


@ONLY_TUNERS.check(
    "option-follows-definition",
    "What an option changes, forward, in training or on the way back, is what it is defined as.",
    source="PEFT LoraConfig, create_arrow_model, TrainableTokensConfig, AutoPeftModel; "
    "arXiv:2405.17991, 2405.11157",
    needs=("trained",),
    applies=lambda seen: None if pairs(seen) else "no option changes what is computed here",
)
def option_follows_definition(seen: Observation) -> Iterator[Evidence]:
    for stage in pairs(seen):
        other = f"{stage}{DEFINED}"
        if seen.stages[stage].logits is not None:
            yield from differ(seen, other, stage)
        if stage in DRAWING and _same(seen, stage):
            what = f"at {stage}, in training mode, nothing is drawn"
            yield Finding("wrong-value", what, stage=stage, subject="logits")
        yield from _gradients(seen, stage, other)


def _same(seen: Observation, stage: str) -> bool:
    """Whether the logits are those of the trained model, which rounding alone tells apart."""
    (compared,) = differ(seen, "trained", stage)
    return not compared.broken


def _gradients(seen: Observation, stage: str, other: str) -> Iterator[Comparison]:
    found, defined = (seen.stages[one].weights for one in (stage, other))
    for name in sorted(defined.keys() & found.keys()) if seen.stages[stage].logits is None else ():
        largest = size(*defined.values())
        allowed = gradient_allowance(precision(seen), seen.case, 0.0, largest)
        what = f"the gradient of {name} at {stage} is not that of its definition"
        amount = distance(defined[name], found[name])
        yield Comparison(what, amount, allowed, stage=stage, subject=seen.subject(name))


def _unmergeable(seen: Observation) -> str | None:
    assert isinstance(seen.case, TunerCase)
    if seen.case.what.unmergeable or "routed" in seen.stages:
        return None
    return "nothing of it is documented as impossible to merge"


@ONLY_TUNERS.check(
    "what-cannot-be-merged-is-refused",
    "Merging is refused where no weights stand for what the adapter computes.",
    source="PEFT ALoraLinearVariant, ArrowLinearVariant: merging adapters is not even possible",
    needs=("trained",),
    applies=_unmergeable,
)
def what_cannot_be_merged_is_refused(seen: Observation) -> Iterator[Finding]:
    assert isinstance(seen.case, TunerCase)
    own = ("merged", "merged-in-place", "merged-otherwise", "added-merged")
    for stage in (*(own if seen.case.what.unmergeable else ()), "router-merged"):
        if stage in seen.stages:
            yield Finding("missing-error", f"{stage} was done without a word", stage=stage)


def _of_a_run(seen: Observation) -> str | None:
    assert isinstance(seen.case, TunerCase)
    known = "runtime_config" in seen.case.what.arguments
    return None if known else "it has no options of a run alone"


@ONLY_TUNERS.check(
    "run-options-are-not-saved",
    "Options that are of a run alone are in no file, and a file that has none of them is loaded.",
    source="PEFT LoraConfig.to_dict: removes runtime configurations",
    needs=("trained", "adapter-reloaded"),
    applies=_of_a_run,
)
def run_options_are_not_saved(seen: Observation) -> Iterator[Finding]:
    for name in sorted(OF_A_RUN & {*seen.saved["adapter"].config}):
        what = f"{name} is in adapter_config.json"
        yield Finding("extra-key", what, stage="adapter-saved", subject=name)


def _starts(seen: Observation) -> dict[str, tuple[Tensor, Tensor]]:
    """Rows that were told to start from nothing, each with those of the base, by module."""
    assert isinstance(seen.case, TunerCase)
    arguments, stages = seen.case.what.arguments, seen.stages
    found = {}
    if arguments.get("init_weights") is False and "adapted" in stages:
        for name, rows in stages["adapted"].weights.items():
            module, _, part = name.partition(" ")
            if part == "trainable_tokens_delta":
                weight = stages["base"].weights[f"{module}.weight"]
                found[module] = rows, weight[list(arguments["token_indices"])]
    if "first-rows" in stages:
        base = stages["rows-of-the-base"].weights
        found |= {name: (rows, base[name]) for name, rows in stages["first-rows"].weights.items()}
    return found


@ONLY_TUNERS.check(
    "rows-start-as-asked",
    "Rows that are told to start from nothing hold no row of the base.",
    source="PEFT TrainableTokensConfig, init_weights: if set to False the weights will be random",
    needs=("adapted",),
    applies=lambda seen: None if _starts(seen) else "all of it starts from the base",
)
def rows_start_as_asked(seen: Observation) -> Iterator[Finding]:
    stage = "started-anew" if "first-rows" in seen.stages else "adapted"
    for name, (rows, base) in _starts(seen).items():
        if same_bits(rows, base):
            what = f"the rows of {name} are those of the base"
            yield Finding("wrong-value", what, stage=stage, subject=seen.role(name))
