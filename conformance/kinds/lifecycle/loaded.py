"""A saved adapter where it lies, on a base, and what is looked at of it: its logits alone."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Any

from conformance.core.observation import Snapshot
from conformance.engine.snapshot import logits
from conformance.upstream import calls

if TYPE_CHECKING:
    from conformance.kinds.lifecycle.run import Life

CONFIG = "adapter_config.json"
HUB_NAME = "conformance/adapter"
COMMIT = "0" * 40


def load(life: Life, folder: str | Path, base: Any = None, **more: Any) -> Any:
    """The adapter of a folder, to be used, on a fresh base or the one that is given."""
    return calls.load_adapter(
        life.fresh_base() if base is None else base,
        os.fspath(folder),
        low_cpu_mem_usage=False,
        is_trainable=False,
        **more,
    )


def cached(life: Life, root: Path, revision: str = "main") -> str:
    """Put the saved adapter where the hub's client leaves it, under ``HUB_NAME``; that folder."""
    kept = root / f"models--{HUB_NAME.replace('/', '--')}"
    shutil.copytree(life.folder / "adapter", kept / "snapshots" / COMMIT)
    (kept / "refs").mkdir()
    (kept / "refs" / revision).write_text(COMMIT, encoding="utf-8")
    return os.fspath(root)


def edited(life: Life, name: str, **fields: object) -> str:
    """The saved adapter's folder once more, with other fields of its config."""
    folder = life.folder / name
    shutil.copytree(life.folder / "adapter", folder)
    config = json.loads((folder / CONFIG).read_text(encoding="utf-8"))
    (folder / CONFIG).write_text(json.dumps(config | fields), encoding="utf-8")
    return os.fspath(folder)


def look(life: Life, stage: str, model: Any) -> None:
    """Write down the logits of a model."""
    model.eval()
    life.stages[stage] = Snapshot(logits=logits(model, life.inputs))
