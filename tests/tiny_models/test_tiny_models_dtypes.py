"""Every dtype that a family runs gives finite logits, and the declared impossible ones fail."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from conformance.engine.snapshot import logits
from tiny_models import DTYPES, FAMILIES, ModelSpec
from tiny_models.build import build, inputs, load, model_class

RUNS = [(n, d) for n, family in FAMILIES.items() for d in DTYPES if d not in family.without_dtypes]
FAILS = [(name, dtype) for name, family in FAMILIES.items() for dtype in family.without_dtypes]
TIES = [(n, tied) for n, f in FAMILIES.items() for tied in (True, False) if tied or f.head]
# What transformers keeps in float32: Mamba's A_log and D (4), T5's wo where the rest is float16.
KEPT = dict.fromkeys(DTYPES, ("A_log", "D")) | {"float16": ("A_log", "D", ".wo.weight")}
# Rounding of weights and activations, times what norms and attention make of it.
ALLOWED = {"float32": 0.0, "bfloat16": 0.1, "float16": 0.02, "float64": 1e-5}


@pytest.mark.parametrize(("name", "dtype"), RUNS)
def test_dtype_runs(name: str, dtype: str, tmp_path: Path) -> None:
    spec = ModelSpec(family=name, dtype=dtype)
    model = build(spec, tmp_path).model
    found = logits(model, inputs(spec)).double()
    plain = ModelSpec(family=name)
    wanted = logits(build(plain, tmp_path).model, inputs(plain)).double()
    odd = {key for key, p in model.named_parameters() if p.dtype != getattr(torch, dtype)}
    assert all(key.endswith(KEPT[dtype]) for key in odd), odd
    assert found.isfinite().all()
    assert (found - wanted).abs().max() <= ALLOWED[dtype] * wanted.abs().max()


@pytest.mark.parametrize(("name", "tied"), TIES)
def test_half_precision_reload_is_bit_equal(name: str, tied: bool, tmp_path: Path) -> None:
    """Buffers such as rotary frequencies must be those that a reload computes."""
    spec = ModelSpec(family=name, tied=tied, dtype="bfloat16")
    model = build(spec, tmp_path / "work").model
    model.save_pretrained(tmp_path)
    again, _ = load(model_class(spec), tmp_path, dtype="bfloat16")
    buffers = dict(again.named_buffers())
    assert all(torch.equal(buffers[key], value) for key, value in model.named_buffers())
    assert torch.equal(logits(model, inputs(spec)), logits(again, inputs(spec)))


@pytest.mark.parametrize(("name", "dtype"), FAILS)
def test_impossible_dtype_fails(name: str, dtype: str, tmp_path: Path) -> None:
    spec = ModelSpec(family=name)
    build(spec, tmp_path / "work").model.save_pretrained(tmp_path)
    model, _ = load(model_class(spec), tmp_path, dtype=dtype)
    if any(key.endswith("experts.0") for key, _ in model.named_modules()):
        pytest.skip("transformers 4 runs experts one by one, in any dtype")
    with torch.no_grad(), pytest.raises(RuntimeError):
        model(**inputs(spec))
