"""A saved adapter on a base, and what is looked at of it where only its logits are asked for."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

from conformance.core.observation import Snapshot
from conformance.engine.snapshot import logits
from conformance.upstream import calls

if TYPE_CHECKING:
    from conformance.kinds.lifecycle.run import Life


def load(life: Life, folder: str | Path, base: Any = None, **more: Any) -> Any:
    """The adapter of a folder, to be used, on a fresh base or the one that is given."""
    return calls.load_adapter(
        life.fresh_base() if base is None else base,
        os.fspath(folder),
        low_cpu_mem_usage=False,
        is_trainable=False,
        **more,
    )


def look(life: Life, stage: str, model: Any) -> None:
    """Write down the logits of a model."""
    model.eval()
    life.stages[stage] = Snapshot(logits=logits(model, life.inputs))
