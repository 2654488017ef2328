"""A merger as ``--merger`` names it: found, checked, and called on folders."""

from __future__ import annotations

import gc
import inspect
import os
import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from pathlib import Path

from conformance.core.errors import ForeignError

FORM = re.compile(r"[A-Za-z_][\w.]*:[A-Za-z_]\w*")
FOLDERS = ("base", "adapter", "out")


class MergerError(ValueError):
    """A merger that cannot be used; one sentence names it and says why."""


@dataclass(frozen=True)
class Merger:
    """Somebody's code that makes a model folder of a base folder and an adapter folder."""

    name: str
    call: Callable[[str, str, str], object]

    @classmethod
    def named(cls, name: str) -> Merger:
        """The merger ``module:callable``; raises MergerError.

        The module must be installed or on PYTHONPATH. Importing it runs it, which is what was
        asked for.
        """
        if not FORM.fullmatch(name):
            raise MergerError(f"accepts module:callable, not {name!r}")
        module, _, attribute = name.partition(":")
        try:
            found = getattr(import_module(module), attribute, None)
        except (Exception, SystemExit) as error:  # noqa: BLE001  another's module may raise anything
            said = " ".join(str(error).split())
            raise MergerError(
                f"{name}: {module} cannot be imported ({type(error).__name__}: {said})"
            ) from None
        if found is None:
            raise MergerError(f"{name}: {module} has no {attribute}")
        if not callable(found):
            raise MergerError(f"{name}: {attribute} is a {type(found).__name__}, not callable")
        try:
            inspect.signature(found).bind(*FOLDERS)
        except TypeError:
            raise MergerError(
                f"{name}: must take three folders ({', '.join(FOLDERS)}), "
                f"not {inspect.signature(found)}"
            ) from None
        except ValueError:  # a builtin may have no signature: calling it will tell
            pass
        return cls(name, found)

    def __call__(self, base: Path, adapter: Path, out: Path) -> None:
        """Merge; raises ForeignError for whatever goes wrong in there, or if nothing comes out."""
        _set_aside_what_stays()
        try:
            self.call(os.fspath(base), os.fspath(adapter), os.fspath(out))
        except (Exception, SystemExit) as error:
            raise ForeignError("merger", error) from error
        files = {file.suffix for file in out.glob("*")} if out.is_dir() else set()
        if not (out / "config.json").is_file() or not files & {".safetensors", ".bin"}:
            nothing = FileNotFoundError("no config.json or no tensors lie in the output folder")
            raise ForeignError("merger", nothing)


@cache
def _set_aside_what_stays() -> None:
    """Keep the garbage collector off what was imported: trainers collect after every shard."""
    gc.freeze()
