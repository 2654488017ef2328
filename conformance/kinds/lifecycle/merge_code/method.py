"""What another merger does in a life: in place of ``merge_and_unload`` and saving."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from conformance.kinds.lifecycle.merge_code.load import Merger
from tiny_models import build as tiny
from tiny_models.checkpoints import SHARD
from tiny_models.compat import auto_class
from tiny_models.seeding import reseed

if TYPE_CHECKING:
    from conformance.kinds.lifecycle.run import Life

BASE = "base-to-merge"
ABSENT = MappingProxyType({"merged-otherwise": "another merger has no other way of merging"})
"""Stages that a run with another merger does not have, with the reason."""


@dataclass(frozen=True)
class Elsewhere:
    """Merging by somebody's code, which is handed folders and writes one."""

    merger: Merger

    @property
    def absent(self) -> Mapping[str, str]:
        """Stages that a run with it does not have."""
        return ABSENT

    @property
    def name(self) -> str:
        """What ``--merger`` called it."""
        return self.merger.name

    def merged(self, life: Life) -> Any:
        """Save the base, have it merged with the saved adapter, and load what was made of them."""
        base = life.fresh_base().to("cpu")
        options = {"max_shard_size": SHARD} if life.case.sharded else {}
        base.save_pretrained(life.folder_for(BASE), **options)
        out = self._merge(life, "merged")
        cls: Any = auto_class(life.family.shape) if life.case.loader == "auto" else None
        cls = cls or tiny.model_class(life.case.model)
        reseed(life.case.seed + 3)  # of what the file lacks
        model, _ = tiny.load(
            cls, out, dtype=life.case.dtype, safetensors=any(out.glob("*.safetensors"))
        )
        # transformers wraps nn.Module.to without its types
        return model.to(life.device)  # type: ignore[arg-type]

    def saved(self, life: Life, name: str) -> Path:
        """The folder: where it was saved when it was made, or one that is made again."""
        return life.folder / name if name == "merged" else self._merge(life, name)

    def _merge(self, life: Life, name: str) -> Path:
        """Merge into a new folder; the merger gets the adapter as a copy of its own."""
        base, adapter, out = (
            life.folder / BASE,
            life.folder / f"adapter-for-{name}",
            life.folder / name,
        )
        shutil.copytree(life.folder / "adapter", adapter)
        config = adapter / "adapter_config.json"
        fields = json.loads(config.read_text()) | {"base_model_name_or_path": os.fspath(base)}
        config.write_text(json.dumps(fields, indent=2))
        self.merger(base, adapter, out)
        return out
