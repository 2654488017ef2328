"""Promises about the uses that one case is enough for."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from conformance.core.bits import distance
from conformance.core.comparison import Allowance, Comparison, Evidence
from conformance.core.finding import Finding
from conformance.core.invariant import Applies
from conformance.core.observation import Observation, adapted_modules
from conformance.core.tolerances import conversion_allowance, weight_allowance
from conformance.kinds.lifecycle.checks.logits import differ
from conformance.kinds.tuners.registry import ONLY_TUNERS

if TYPE_CHECKING:
    from torch import Tensor

CONVERTED = "as-lora-by-name"
STARTS = {
    "eva": ("eva-started", "eva-own", "eva-handed"),
    "corda": ("corda-started", "corda-cached"),
    "lora-ga": ("lora-ga-started", "lora-ga-cached"),
}
"""The stages of adapters that start from sample data, by how they do."""
ENDS = ("merged", "reloaded", "converted")
JUDGED = frozenset(
    {CONVERTED, "merged-shown", *(one for stages in STARTS.values() for one in stages)}
    | {f"{method}-{end}" for method in STARTS for end in ("trained", *ENDS)}
)
"""The stages whose logits are judged here."""
DAMPED = 0.02
"""CorDA adds a hundredth of its mean to the diagonal of what it inverts; the share of the energy
that this may cost is of that order, twice over at most."""


def _asked(what: str, *stages: str) -> Applies:
    """None where one of the stages was reached: one case of the table is enough for them."""

    def applies(seen: Observation) -> str | None:
        if any(stage in seen.stages or stage in seen.loading for stage in stages):
            return None
        return seen.absent.get("ways", f"{what} is asked of one case alone")

    return applies


SAMPLED = _asked("what starts from sample data", *(one for of in STARTS.values() for one in of))


@ONLY_TUNERS.check(
    "conversion-is-as-foretold",
    "supports_lora_conversion says of an adapter whether it can be converted; converted under any "
    "name, and merged with progress shown, it gives the same logits.",
    source="PEFT supports_lora_conversion, save_as_lora, merge_and_unload",
    needs=("trained", "merged", "adapter-reloaded"),
    applies=_asked("conversion under a name of its own", CONVERTED),
)
def conversion_is_as_foretold(seen: Observation) -> Iterator[Evidence]:
    for whose in seen.loading[CONVERTED].mismatched:
        what = f"supports_lora_conversion of the {whose} is not what became of it"
        yield Finding("false-report", what, stage=CONVERTED, subject=whose)
    if CONVERTED in seen.stages:
        base, trained, found = (seen.stages[one].logits for one in ("base", "trained", CONVERTED))
        assert trained is not None
        assert found is not None
        allowed = conversion_allowance(seen, base, trained, found)
        what = f"logits of {CONVERTED} differ from trained"
        yield Comparison(what, distance(trained, found), allowed, stage=CONVERTED, subject="logits")
    if "merged-shown" in seen.stages:
        yield from differ(seen, "merged", "merged-shown")


@ONLY_TUNERS.check(
    "padding-is-told",
    "Padded to be swapped, each factor has the rank that was asked for, and the config says it.",
    source="PEFT prepare_model_for_compiled_hotswap, target_rank and config",
    needs=("trained", "padded"),
    applies=_asked("padding", "padded"),
)
def padding_is_told(seen: Observation) -> Iterator[Finding]:
    stage = "padded"
    told = seen.stages[stage].settings
    if told["told"] != told["asked"]:
        what = f"the config says rank {told['told']}, asked for was {told['asked']}"
        yield Finding("wrong-flag", what, stage=stage, subject="r")
    for name, tensor in sorted(seen.stages[stage].weights.items()):
        rank = tensor.shape[0 if name.endswith("lora_A") else 1]
        if str(rank) != told["asked"]:
            what = f"{name} has rank {rank}, asked for was {told['asked']}"
            yield Finding("wrong-value", what, stage=stage, subject=seen.subject(name))


@ONLY_TUNERS.check(
    "pruned-sum-has-what-is-kept",
    "A sum that prunes has of each factor the largest values, or by chance some of them scaled up; "
    "one that clamps has no value beyond the quantile that was asked for.",
    source="PEFT add_weighted_adapter, density and svd_clamp; arXiv:2311.03099 (DARE)",
    needs=("trained", "pruned-by-magnitude", "pruned-by-chance", "unclamped", "clamped"),
    applies=_asked("pruning", "clamped"),
)
def pruned_sum_has_what_is_kept(seen: Observation) -> Iterator[Evidence]:
    trained = seen.stages["trained"].weights
    by_size, by_chance = (
        seen.stages[f"pruned-by-{one}"].weights for one in ("magnitude", "chance")
    )
    for name in sorted(by_size):
        # the case's scaling goes into both factors alike, as its root
        whole = trained[name] * seen.case.scaling**0.5
        kept = float(seen.stages["pruned-by-magnitude"].settings["density"])
        yield _same(seen, "pruned-by-magnitude", name, _largest(whole, kept), by_size[name])
        kept = float(seen.stages["pruned-by-chance"].settings["density"])
        left = by_chance[name] != 0
        yield _same(seen, "pruned-by-chance", name, whole * left / kept, by_chance[name])
    lost = sum(int((one == 0).sum()) for one in by_chance.values())
    every = sum(one.numel() for one in by_chance.values())
    if not 0 < lost < every:
        what = f"{lost} of {every} values are pruned by chance"
        yield Finding("wrong-value", what, stage="pruned-by-chance", subject="values")
    yield from _clamped(seen)


def _largest(whole: Tensor, kept: float) -> Tensor:
    """A tensor with so large a share of its values, the largest ones, and zeros."""
    import torch

    least = whole.abs().flatten().sort(descending=True).values[int(kept * whole.numel()) - 1]
    return torch.where(whole.abs() >= least, whole, torch.zeros_like(whole))


def _clamped(seen: Observation) -> Iterator[Comparison]:
    """Against the sum that is not clamped, of which ours are the quantile and the clamping."""
    whole, found = (seen.stages[one].weights for one in ("unclamped", "clamped"))
    share = float(seen.stages["clamped"].settings["svd_clamp"])
    for module in sorted(adapted_modules(whole)):
        pair = [f"{module} {part}" for part in ("lora_A", "lora_B")]
        values = sorted(value for name in pair for value in whole[name].flatten().tolist())
        at = share * (len(values) - 1)  # between two values the quantile is linear
        low, high = values[int(at)], values[min(int(at) + 1, len(values) - 1)]
        most = low + (at - int(at)) * (high - low)
        for name in pair:
            yield _same(seen, "clamped", name, whole[name].clamp(-most, most), found[name])


def _same(seen: Observation, stage: str, name: str, expected: Tensor, found: Tensor) -> Comparison:
    allowed = weight_allowance(seen.case.dtype, seen.case.rank, expected)
    what = f"{name} of {stage} is not what is kept of it"
    subject = seen.subject(name)
    return Comparison(what, distance(expected, found), allowed, stage=stage, subject=subject)


@ONLY_TUNERS.check(
    "first-values-come-from-data",
    "EVA's A are directions in which the inputs of a layer vary most; CorDA's B A is what of the "
    "weight matters most for its inputs; LoRA-GA's A are directions of the largest gradients. "
    "What goes into the adapter is taken off the base.",
    source="arXiv:2410.07170 (EVA), arXiv:2406.05223 (CorDA), arXiv:2407.05000 (LoRA-GA); PEFT "
    "initialize_lora_eva_weights, preprocess_corda, preprocess_loraga",
    needs=("base", "trained"),
    applies=SAMPLED,
)
def first_values_come_from_data(seen: Observation) -> Iterator[Comparison]:
    for method, stages in STARTS.items():
        for stage in (one for one in stages if one in seen.stages):
            yield from differ(seen, "base", stage)
            for module in sorted(adapted_modules(seen.stages[stage].weights)):
                yield from _start(seen, method, stage, module)


def _start(seen: Observation, method: str, stage: str, module: str) -> Iterator[Comparison]:
    """Of one layer: that the base gave what the adapter has, and what this is."""
    import torch

    found = seen.stages[stage]
    weight = seen.stages["base"].weights[f"{module}.weight"]
    left = found.weights[f"{module}.weight"]
    a, b, data = (found.weights[f"{module} {one}"] for one in ("lora_A", "lora_B", "data"))
    delta = float(found.settings["scaling"]) * b @ a
    exact = weight_allowance(seen.case.dtype, seen.case.hidden, weight, left, delta)

    def told(what: str, amount: float, allowed: Allowance) -> Comparison:
        subject = seen.subject(f"{module} lora_A")
        return Comparison(f"{module}: {what}", amount, allowed, stage=stage, subject=subject)

    one = torch.eye(len(a))
    # a sum of as many products of numbers up to one
    unit = weight_allowance(seen.case.dtype, seen.case.hidden, one)
    yield told("base and adapter are not the weight", distance(weight, left + delta), exact)
    data = data.double()
    if method == "corda":
        basis = torch.linalg.qr(b.double()).Q
        share = Allowance(DAMPED, DAMPED, seen.case.dtype)
        # what is inverted has a condition number of so much, by its damping
        worse = len(weight) / DAMPED
        loose = Allowance(exact.holds * worse, exact.breaks * worse, exact.dtype)
        met = weight.double() @ data.T @ data
        projected = (basis @ basis.T @ weight.double()).float()
        yield told("B A is no part of the weight", distance(projected, delta), loose)
        yield told("B spans less of what matters", _lacks(met.T, basis.T), share)
        return
    seen_by = data - data.mean(0) if method == "eva" else data
    yield told("rows of A are not orthonormal", distance(a @ a.T, one), unit)
    yield told("A spans less of the data", _lacks(seen_by, a.double()), unit)
    if method == "lora-ga":
        basis = torch.linalg.svd(data).U[:, : 2 * len(a)]
        beside = b.double() - basis @ basis.T @ b.double()
        amount = float(beside.norm() / b.double().norm())
        yield told("B lies beside the directions of the gradient", amount, unit)


def _lacks(data: Tensor, rows: Tensor) -> float:
    """How much less of the energy of the data these rows have than as many could, as a share."""
    import torch

    best = float(torch.linalg.svdvals(data)[: len(rows)].square().sum())
    return 1 - float((data @ rows.T).square().sum()) / best


@ONLY_TUNERS.check(
    "sampled-adapter-keeps-logits",
    "An adapter that started from sample data is merged, loaded or converted with its logits.",
    source="PEFT merge_and_unload, from_pretrained, path_initial_model_for_weight_conversion",
    needs=("base", "trained"),
    applies=SAMPLED,
)
def sampled_adapter_keeps_logits(seen: Observation) -> Iterator[Comparison]:
    for method in STARTS:
        for end in ENDS:
            if f"{method}-{end}" in seen.stages:
                yield from differ(seen, f"{method}-trained", f"{method}-{end}")
