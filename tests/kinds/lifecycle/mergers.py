"""Mergers as they should not be: each spoils what PEFT's own way makes, in one way."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

from safetensors.torch import load_file, save_file

from conformance.mergers import peft

SAID = "this adapter is not for me"
number = 1


def _tensors(out: str) -> tuple[Path, dict[str, Any]]:
    file = Path(out) / "model.safetensors"
    return file, load_file(file)


def adds_twice(base: str, adapter: str, out: str) -> None:
    """The delta goes in a second time."""
    peft(base, adapter, out)
    file, merged = _tensors(out)
    before = load_file(Path(base) / "model.safetensors")
    twice = {key: 2 * tensor - before[key] for key, tensor in merged.items()}
    save_file(twice, file, metadata={"format": "pt"})


def drops_the_head(base: str, adapter: str, out: str) -> None:
    """The head is not in the file."""
    peft(base, adapter, out)
    file, merged = _tensors(out)
    merged.pop("lm_head.weight")
    save_file(merged, file, metadata={"format": "pt"})


def calls_it_tied(base: str, adapter: str, out: str) -> None:
    """The config says tied of two different matrices."""
    peft(base, adapter, out)
    config = Path(out) / "config.json"
    fields = json.loads(config.read_text()) | {"tie_word_embeddings": True}
    config.write_text(json.dumps(fields))


def halves(base: str, adapter: str, out: str) -> None:
    """Whatever came in, half precision goes out."""
    peft(base, adapter, out)
    file, merged = _tensors(out)
    save_file({k: t.half() for k, t in merged.items()}, file, metadata={"format": "pt"})


def never_the_same(base: str, adapter: str, out: str) -> None:
    """Another file each time."""
    peft(base, adapter, out)
    (Path(out) / "notes.txt").write_text(Path(out).name)


def raises(base: str, adapter: str, out: str) -> None:
    """Refuses, naming the folder that it was given."""
    raise NotImplementedError(f"{SAID}: {base}, {adapter}, {out}")


def leaves(base: str, adapter: str, out: str) -> None:
    """Ends the process, as commands do."""
    sys.exit(f"{SAID}: {base}, {adapter}, {out}")


def writes_nothing(_base: str, _adapter: str, _out: str) -> None:
    """Does nothing."""


def takes_two(base: str, out: str) -> None:
    """Has another signature."""
