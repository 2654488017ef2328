"""A parameter that no file holds and loading makes anew, as Marian's table of positions."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from observations import healthy

from conformance.compare import EPS, same_but_for_a_rounding
from conformance.invariants import INVARIANTS
from conformance.observation import Observation

TABLE = "model.embed_positions.weight"
EXACT = torch.full((4, 2), 1 + 2.0**-8 + 2.0**-13, dtype=torch.float64)
"""Rounded to bfloat16 it is more than 1; by way of float16 it is 1."""


def with_a_table(
    reload_dtype: str, reloaded: torch.Tensor, *, in_file: bool = False
) -> Observation:
    """A life with a table that is float16 when merged."""
    seen = healthy(dtype="float16", reload_dtype=reload_dtype)
    tables = dict.fromkeys(seen.stages, EXACT.half()) | {"reloaded": reloaded}
    stages = {
        name: replace(found, weights={**found.weights, TABLE: tables[name]})
        for name, found in seen.stages.items()
        if found.weights
    }
    saved = seen.saved["merged"]
    if in_file:
        saved = replace(saved, tensors={**saved.tensors, TABLE: EXACT.half()})
    return replace(seen, stages=seen.stages | stages, saved={**seen.saved, "merged": saved})


def broken(seen: Observation) -> list[str]:
    found = INVARIANTS["reload-keeps-logits"].judge(seen).findings
    return [finding.what for finding in found if TABLE in finding.what]


def test_a_table_made_anew_in_another_dtype_was_rounded_another_way() -> None:
    made = EXACT.bfloat16()
    assert not torch.equal(made, EXACT.half().bfloat16())
    assert not broken(with_a_table("bfloat16", made))


@pytest.mark.parametrize("factor", [1.02, -1.0, 0.0])
def test_a_table_that_is_another_one_is_found(factor: float) -> None:
    assert broken(with_a_table("bfloat16", (EXACT * factor).bfloat16()))


def test_what_a_file_holds_is_cast_from_it_and_from_nothing_else() -> None:
    assert broken(with_a_table("bfloat16", EXACT.bfloat16(), in_file=True))
    assert not broken(with_a_table("bfloat16", EXACT.half().bfloat16(), in_file=True))


def test_in_the_same_dtype_nothing_may_differ() -> None:
    assert broken(with_a_table("same", (EXACT * (1 + EPS["float16"])).half()))
    assert not broken(with_a_table("same", EXACT.half()))


def test_a_rounding_has_a_size() -> None:
    one = torch.ones(3)
    assert same_but_for_a_rounding(one * (1 + EPS["bfloat16"] / 2), one, "bfloat16")
    assert not same_but_for_a_rounding(one * (1 + EPS["bfloat16"] * 2), one, "bfloat16")
    assert not same_but_for_a_rounding(one, one[:2], "bfloat16")
    assert not same_but_for_a_rounding(one * torch.nan, one, "bfloat16")
