"""What counts as left on a model: hooks of anyone but transformers."""

from __future__ import annotations

from pathlib import Path

import pytest
from torch import nn

from conformance.engine.snapshot import logits
from conformance.upstream.names import traces
from tiny_models import FAMILIES, ModelSpec, compat
from tiny_models.build import build, inputs


def test_a_hook_is_left_behind() -> None:
    model = nn.Sequential(nn.Linear(2, 2)).eval()
    assert not traces(model)
    model[0].register_forward_hook(lambda *_args: None)
    assert traces(model) == {"hook on 0"}


@pytest.mark.parametrize("name", [n for n, one in FAMILIES.items() if compat.has_family(one)])
def test_a_plain_model_that_was_called_has_nothing_left(name: str, tmp_path: Path) -> None:
    """LLaVA's vision tower is asked for hidden states: transformers 5 captures them with hooks."""
    spec = ModelSpec(family=name)
    model = build(spec, tmp_path).model
    logits(model, inputs(spec))
    assert not traces(model)
