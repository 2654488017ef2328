"""Comparing: allowances have a reason, grow with what they cover, and miss no real fault."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from observations import healthy

from conformance.core.bits import distance, same_bits, worst
from conformance.core.case import CHOICES, Case
from conformance.core.comparison import Allowance
from conformance.core.errors import SuiteError
from conformance.core.observation import FEW, Observation, Snapshot
from conformance.core.tolerances import (
    EPS,
    coarsest,
    drowned,
    logits_allowance,
    size,
    strays,
    weight_allowance,
)
from conformance.kinds.lifecycle.checks import INVARIANTS
from conformance.kinds.lifecycle.observe import observe
from conformance.kinds.lifecycle.proof import require_informative
from conformance.kinds.lifecycle.verdict import verdict_of

NAN = float("nan")
OF_THE_BASE = ("base", "adapted", "disabled", "unloaded")
DTYPES = tuple(EPS)
LOGITS_PROMISES_OF_ADAPTED = (
    "merge-keeps-logits",
    "adapter-keeps-logits",
    "forward-follows-definition",
    "disabled-is-base",
    "config-driven-loader-agrees",
)


def seen(dtype: str = "float32", layers: int = 1, scale: float = 1.0) -> Observation:
    """A life whose base has logits of this size."""
    life = healthy(dtype=dtype, layers=layers)
    base = replace(life.stages["base"], logits=torch.full((2, 4), scale))
    kind, weights = getattr(torch, dtype), life.stages["trained"].weights
    weights = {name: tensor.to(kind) for name, tensor in weights.items()}
    trained = replace(life.stages["trained"], weights=weights)
    return replace(life, stages={**life.stages, "base": base, "trained": trained})


def with_nudge(found: Observation, moved: float) -> Observation:
    """A life whose plain model moves by this much when every weight moves by one eps."""
    logits = found.stages["base"].logits
    assert logits is not None
    defined, *moves = (Snapshot(logits=logits + by) for by in (0.0, moved, -moved, 0.0))
    nudge = dict(zip(FEW, moves, strict=True))
    return replace(found, stages={**found.stages, "defined": defined, **nudge})


def test_eps_is_that_of_torch() -> None:
    assert {name: torch.finfo(getattr(torch, name)).eps for name in EPS} == EPS
    assert set(EPS) == set(CHOICES["dtype"])


def test_coarsest_dtype() -> None:
    assert coarsest("float32", "bfloat16") == "bfloat16"
    assert coarsest("float16", "bfloat16") == "bfloat16"
    assert coarsest("float64") == "float64"


def breaks(dtype: str = "float32", layers: int = 1, scale: float = 1.0) -> float:
    """How far apart logits of such a life must be to be broken."""
    return logits_allowance(seen(dtype, layers, scale)).breaks


def test_derived_numbers_of_the_docstring() -> None:
    """4 sqrt(2 n) u size by hand, one block of width 16, logits of size 3.

    n = 4 + 14 roundings in half precision; 8 products of 16 terms add 8 each in float32.
    """
    half, noise = logits_allowance(seen("float16", scale=3.0)), 4 * 6 * 2.0**-11 * 3
    assert half == Allowance(pytest.approx(noise / 2), pytest.approx(2 * noise), "float16")
    full = pytest.approx(32 * 4 * math.sqrt(2 * 82) * 2.0**-24 * 3)
    assert logits_allowance(seen(scale=3.0)) == Allowance(full, full, "float32")
    weights = pytest.approx(32 * 10 * 2.0**-24 * 7)
    assert weight_allowance("float32", 2, torch.tensor([3.0]), torch.tensor([-4.0])) == (
        Allowance(weights, weights, "float32")
    )


@pytest.mark.parametrize("dtype", DTYPES)
def test_allowances_grow_with_size_depth_rank_and_eps(dtype: str) -> None:
    small, large = torch.ones(3), torch.full((3,), 7.0)
    of_small, of_large = (logits_allowance(seen(dtype), one) for one in (small, large))
    assert of_small.holds < of_large.holds
    assert breaks(dtype) < breaks(dtype, layers=2)
    assert breaks(dtype) < breaks(dtype, scale=2.0)
    weights = [
        weight_allowance(dtype, rank, *added).breaks
        for rank, added in ((1, [small]), (2, [small]), (2, [small, small]))
    ]
    assert weights == sorted(set(weights))


def test_allowances_grow_with_eps_in_full_precision_and_in_half() -> None:
    for ordered in (("float64", "float32"), ("float16", "bfloat16")):
        allowed = [breaks(dtype) for dtype in ordered]
        assert allowed == sorted(set(allowed))
        coarser = [logits_allowance(seen("float64"), dtype=dtype).breaks for dtype in ordered]
        assert coarser == sorted(set(coarser))


def test_an_adapter_coarser_than_its_base_decides() -> None:
    found = seen("float64")
    fine = logits_allowance(found).breaks
    name = "model.q_proj lora_A"
    for kind, times in ((torch.float64, 1), (torch.float32, 2**29)):
        trained = replace(found.stages["trained"], weights={name: torch.ones(2, dtype=kind)})
        coarse = replace(found, stages={**found.stages, "trained": trained})
        assert logits_allowance(coarse).breaks == pytest.approx(times * fine)


@pytest.mark.parametrize(("kind", "verdict"), [("float64", "breaks"), ("float32", "holds")])
def test_a_merged_weight_is_as_fine_as_its_adapter(kind: str, verdict: str) -> None:
    """Up to 0.6 PEFT merges a delta in float32 into a base in float64."""
    found = healthy(placement="target:head", tied=False, dtype="float64")
    weights = found.stages["trained"].weights
    weights = {name: tensor.to(getattr(torch, kind)) for name, tensor in weights.items()}
    merged = dict(found.stages["merged"].weights)
    merged["lm_head.weight"] = merged["lm_head.weight"].double() * (1 + 2.0**-24)
    stages = {
        "trained": replace(found.stages["trained"], weights=weights),
        "merged": replace(found.stages["merged"], weights=merged),
    }
    found = replace(found, stages={**found.stages, **stages})
    assert INVARIANTS["untied-stay-untied"].judge(found).verdict == verdict


@pytest.mark.parametrize(
    ("dtype", "by", "verdict"),
    [("bfloat16", 0.0, "breaks"), ("bfloat16", 50.0, "holds"), ("float32", 50.0, "breaks")],
)
def test_in_half_precision_no_nudge_speaks_for_a_model_that_is_not_the_defined_one(
    dtype: str, by: float, verdict: str
) -> None:
    found = healthy(dtype=dtype)
    logits = found.stages["trained"].logits
    assert logits is not None
    stages = {
        "defined": replace(found.stages["defined"], logits=logits + by),
        "unmerged": replace(found.stages["unmerged"], logits=logits + 10.0),
    }
    found = replace(found, stages={**found.stages, **stages})
    assert strays(found) is (verdict == "holds")
    assert INVARIANTS["unmerge-restores"].judge(found).verdict == verdict


def test_a_sensitive_model_is_allowed_more_and_a_dull_one_no_less() -> None:
    derived = logits_allowance(seen())
    assert logits_allowance(with_nudge(seen(), 0.0)) == derived
    # the root mean square of 0.5, 0.5 and 0, times four
    more = logits_allowance(with_nudge(seen(), 0.5)).breaks
    assert more == pytest.approx(32 * 2 * math.sqrt(2 / 3))


def test_logits_that_rounding_moves_as_much_as_the_adapter_are_not_judged() -> None:
    assert drowned(seen("bfloat16")) is None
    found = with_nudge(seen("bfloat16"), 100.0)
    for name in LOGITS_PROMISES_OF_ADAPTED:
        judgement = INVARIANTS[name].judge(found)
        assert (judgement.verdict, judgement.reason) == ("not applicable", drowned(found))
    assert INVARIANTS["reload-keeps-logits"].judge(found).verdict == "holds"  # of what is copied


def test_in_full_precision_such_logits_are_an_error_of_the_suite() -> None:
    assert drowned(with_nudge(seen("float32"), 100.0)) is None
    with pytest.raises(SuiteError, match="would prove nothing"):
        require_informative(with_nudge(seen("float32"), 100.0))
    require_informative(with_nudge(seen("float16"), 100.0))


@pytest.mark.parametrize("dtype", DTYPES)
def test_allowance_is_far_below_what_an_adapter_does(dtype: str) -> None:
    """Half the size of the logits in the coarsest precision, or the suite sees nothing."""
    assert breaks(dtype, layers=2) < (0.5 if dtype == "bfloat16" else 0.1)


ANSWERS = [(0.9, 0.0, "holds"), (0.0, 1.5, "breaks")]
"""Times what holds, times what breaks, and the verdict."""


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("scale", [1e-3, 1.0, 50.0])
@pytest.mark.parametrize(("held", "broken", "verdict"), ANSWERS)
def test_a_fault_of_more_than_an_allowance_is_caught(
    dtype: str, scale: float, held: float, broken: float, verdict: str
) -> None:
    found = seen(dtype, scale=scale)
    trained = torch.full((2, 4), scale, dtype=torch.float64)
    trained[0, 0] = -4 * scale  # the adapter's doing
    allowed = logits_allowance(found, trained)
    merged = trained.clone()
    merged[1, 2] -= held * allowed.holds + broken * allowed.breaks
    stages = {
        "trained": replace(found.stages["trained"], logits=trained),
        "merged": replace(found.stages["merged"], logits=merged),
    }
    found = replace(found, stages={**found.stages, **stages})
    assert INVARIANTS["merge-keeps-logits"].judge(found).verdict == verdict


@pytest.mark.parametrize("dtype", ["float16", "bfloat16"])
def test_in_half_precision_there_is_a_third_answer(dtype: str) -> None:
    found = healthy(dtype=dtype)
    trained = found.stages["trained"]
    assert trained.logits is not None
    base = replace(found.stages["base"], logits=trained.logits - 4 * trained.logits.abs().max())
    plain = {name: replace(found.stages[name], logits=base.logits) for name in OF_THE_BASE}
    found = replace(found, stages={**found.stages, **plain})
    moved = trained.logits.double() + 2 * logits_allowance(found, trained.logits).holds
    after = ("merged", "reloaded", "read")
    stages = {name: replace(found.stages[name], logits=moved) for name in after}
    doubtful = replace(found, stages={**found.stages, **stages})
    judgement = INVARIANTS["merge-keeps-logits"].judge(doubtful)
    assert judgement.verdict == "not judged"
    assert f"in {dtype} rounding may explain it" in judgement.reason
    assert (verdict_of(found), verdict_of(doubtful)) == ("holds", "not run")


@pytest.mark.parametrize(("held", "broken", "verdict"), ANSWERS)
def test_a_weight_fault_of_more_than_an_allowance_is_caught(
    held: float, broken: float, verdict: str
) -> None:
    found = seen()
    (name, weight), *_ = found.stages["merged"].weights.items()
    allowed = weight_allowance("float32", found.case.rank, weight, weight)
    other = weight.clone()
    other.view(-1)[0] -= held * allowed.holds + broken * allowed.breaks
    weights = {**found.stages["merged"].weights, name: other}
    changed = replace(found.stages["merged"], weights=weights)
    found = replace(found, stages={**found.stages, "merged-otherwise": changed})
    assert INVARIANTS["safe-merge-agrees"].judge(found).verdict == verdict


DISTANCES = [
    ([1.0, 2.0], [1.0, 2.0], 0.0),
    ([1.0, 2.0], [1.5, 0.0], 2.0),
    ([NAN, 1.0], [1.0, 1.0], math.inf),
    ([NAN], [NAN], math.inf),
    ([math.inf], [math.inf], math.inf),
    ([math.inf], [1.0], math.inf),
    ([1.0], [1.0, 1.0], math.inf),
    ([1.0], [[1.0]], math.inf),
    ([], [], 0.0),
    ([], [1.0], math.inf),
]


@pytest.mark.parametrize(("one", "other", "expected"), DISTANCES)
def test_distance(one: list[float], other: list[float], expected: float) -> None:
    first, second = torch.tensor(one), torch.tensor(other)
    assert distance(first, second) == distance(second, first) == expected


def test_distance_does_not_round_in_the_tensors_own_precision() -> None:
    one, other = torch.tensor([256.0]).bfloat16(), torch.tensor([257.0])
    assert distance(one, other) == 1.0
    assert distance(torch.tensor([60000.0]).half(), torch.tensor([-60000.0]).half()) > 1e5


SAME = [
    ([1.0, -2.0], [1.0, -2.0], True),
    ([1.0], [1.0000001], False),
    ([NAN, 1.0], [NAN, 1.0], True),
    ([NAN, 1.0], [1.0, NAN], False),
    ([NAN, 1.0], [NAN, 2.0], False),
    ([NAN], [0.0], False),
    ([math.inf], [math.inf], True),
    ([NAN, math.inf], [NAN, math.inf], True),
    ([1.0], [[1.0]], False),
    ([1.0], [1.0, 1.0], False),
    ([], [], True),
]


@pytest.mark.parametrize(("one", "other", "expected"), SAME)
def test_same_bits(one: list[float], other: list[float], expected: bool) -> None:
    first, second = torch.tensor(one), torch.tensor(other)
    assert same_bits(first, second) is same_bits(second, first) is expected


def test_same_bits_needs_one_dtype() -> None:
    assert not same_bits(torch.ones(2), torch.ones(2).double())
    assert not same_bits(torch.ones(2).half(), torch.ones(2).bfloat16())


@settings(max_examples=300, derandomize=True)
@given(
    values=st.lists(st.floats(width=32), max_size=6),
    other=st.lists(st.floats(width=32), max_size=6),
)
def test_same_bits_is_what_the_bytes_say(values: list[float], other: list[float]) -> None:
    one = torch.tensor(values, dtype=torch.float32)
    two = torch.tensor(other, dtype=torch.float32)
    assert same_bits(one, one.clone())
    if one.numpy().tobytes() == two.numpy().tobytes():
        assert same_bits(one, two)
    elif not one.isnan().any() and 0.0 not in values:  # NaNs of other payloads, signs of zero
        assert not same_bits(one, two)


def test_size_of_nothing_is_nothing() -> None:
    assert size() == size(None, torch.tensor([])) == 0.0
    assert size(None, torch.tensor([1.0, -3.0]), torch.tensor([2.0])) == 3.0


def test_worst_pair() -> None:
    one, two = torch.zeros(2), torch.ones(2)
    assert worst([]) == ("", 0.0)
    assert worst([("a", one, one), ("b", one, two), ("c", one, one)]) == ("b", 1.0)
    assert worst([("a", one, two), ("b", one, torch.full((2,), NAN))]) == ("b", math.inf)


def test_what_dora_adds_may_be_larger_than_what_it_leaves() -> None:
    """Trained to add 50 to weights of 0.6, which keep the direction: unmerging cannot restore."""
    life = observe(
        Case(
            tied=False,
            placement="tokens:different",
            family="gemma",
            dtype="bfloat16",
            hidden=32,
            vocab=40,
            rank=1,
            alpha=4,
            dora=True,
            autocast=False,
            training="sgd",
            seed=97,
        )
    )
    assert INVARIANTS["unmerge-restores"].judge(life).verdict == "holds"


# Two devices ---------------------------------------------------------------------------------


def crossing(moved: float, *, home: str, away: str) -> str:
    """The verdict on a reload in float64 whose logits are this far from the merged ones."""
    life = healthy(device="cuda", dtype="float64", crossing="reload-on-cpu")
    merged = replace(life.stages["merged"], devices={"lm_head.weight": home})
    assert merged.logits is not None
    reloaded = replace(
        life.stages["reloaded"],
        devices={"lm_head.weight": away},
        logits=merged.logits + moved * merged.logits.abs().max(),
    )
    found = replace(life, stages={**life.stages, "merged": merged, "reloaded": reloaded})
    return INVARIANTS["reload-keeps-logits"].judge(found).verdict


def test_two_devices_may_differ_as_float32_does_and_no_more() -> None:
    assert crossing(1e-7, home="cuda", away="cpu") == "holds"
    assert crossing(1e-3, home="cuda", away="cpu") == "breaks"


def test_one_device_keeps_the_precision_of_the_model() -> None:
    assert crossing(1e-7, home="cuda", away="cuda") == "breaks"
