"""Freezing: each call that stops an adapter's training, and each that lets it train again."""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING

from conformance.engine.snapshot import snapshot
from conformance.engine.training import steps
from conformance.upstream import further_calls
from conformance.upstream.names import ADAPTER, SECOND

if TYPE_CHECKING:
    from conformance.kinds.lifecycle.run import Life


def frozen(life: Life) -> None:
    """Frozen and thawed in turn; then frozen beside a second adapter, which trains."""
    model = life.adapted()
    for stage, call in (
        ("frozen-by-grad", lambda: model.set_requires_grad(ADAPTER, requires_grad=False)),
        ("thawed-by-grad", lambda: model.set_requires_grad(ADAPTER)),
        ("frozen-by-setting", lambda: model.set_adapter(ADAPTER, inference_mode=True)),
        ("thawed-by-setting", lambda: model.set_adapter(ADAPTER)),
        (
            "frozen-by-function",
            lambda: further_calls.set_requires_grad(model, ADAPTER, requires_grad=False),
        ),
    ):
        with life.at(stage):
            call()
            life.stages[stage] = snapshot(model, life.inputs)
    trained = life.stages["trained"].weights
    if any(" saved " in name or name.endswith(" trainable_tokens_delta") for name in trained):
        return  # of those one adapter at a time can be active
    with life.at("frozen-beside"):
        model.add_adapter(SECOND, copy.deepcopy(model.peft_config[ADAPTER]))
        model.base_model.set_adapter([ADAPTER, SECOND])
        model.set_requires_grad(ADAPTER, requires_grad=False)
        life.stages["frozen-beside"] = snapshot(model, life.inputs)
    with life.at("stepped"):
        steps(model, life.inputs, life.case)
        life.stages["stepped"] = snapshot(model, None)
