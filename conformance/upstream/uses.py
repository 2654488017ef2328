"""Which of PEFT's public functions and options a piece of work uses, as it is seen by the machine.

An option is used by a call that gives it another value than its default. Nothing of PEFT is
replaced: the interpreter tells of each call (``sys.setprofile``), and whose code is of the surface
is written down.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, is_dataclass
from pathlib import Path
from types import CodeType, FrameType
from typing import Any

from conformance.upstream.surface import Callee, Signature, Surface, option_name

ROOT = Path(__file__).parents[2]
OURS = (f"{ROOT}/conformance/", f"{ROOT}/tiny_models/")
PLAIN = (bool, int, float, str, tuple, list, dict, set, type(None))


@dataclass(frozen=True)
class Use:
    """Who used something first: a function of the suite, and what it called to get there.

    ``through`` is ``""`` where it called the thing itself.
    """

    file: str
    function: str
    through: str


@dataclass
class Uses:
    """What has been used, by the names of the surface."""

    watched: Mapping[CodeType, list[tuple[Callee, Signature]]]
    found: dict[str, Use] = field(default_factory=dict)

    def meet(self, frame: FrameType, event: str, _: Any) -> None:
        """Take down one call."""
        if event != "call" or frame.f_code not in self.watched:
            return
        for callee, signature in self.watched[frame.f_code]:
            for name in self._used(callee, signature, frame):
                self.found[name] = _use(frame)

    def _used(self, callee: Callee, signature: Signature, frame: FrameType) -> Iterator[str]:
        """What one call uses for the first time."""
        new = [one for one in callee.options if option_name(callee.name, one) not in self.found]
        if callee.name in self.found and not new:
            return
        given = frame.f_locals
        if callee.made is not None:
            if given.get("cls", type(given.get("self"))) is not callee.made:
                return
            given = vars(given["self"]) if callee.options else given
        if callee.name not in self.found:
            yield callee.name
        more = given.get(signature.more, {})
        for one in new:
            if one in more or (
                one in signature.options
                and one in given
                and _differs(given[one], signature.options[one])
            ):
                yield option_name(callee.name, one)


def _differs(value: Any, default: Any) -> bool:
    """Whether a value is not the default; tensors and modules are compared with none."""
    if value is default:
        return False
    compared = isinstance(value, PLAIN) or is_dataclass(value)
    return not (compared and type(value) is type(default) and value == default)


def _use(frame: FrameType) -> Use:
    """The nearest named function of the suite that is being called through, and what it called."""
    through, at = frame.f_code, frame.f_back
    while at is not None:
        named = not at.f_code.co_name.startswith("<")
        if named and at.f_code.co_filename.startswith(OURS):
            break
        through, at = at.f_code if named else through, at.f_back
    if at is None:
        return Use("", "", "")
    path = Path(at.f_code.co_filename).relative_to(ROOT).as_posix()
    called = through.co_name if through is not frame.f_code else ""
    return Use(path, at.f_code.co_name, called)


@contextmanager
def watching(of: Surface) -> Iterator[Uses]:
    """See what the block uses; a profiler that is there before it is put back."""
    watched: dict[CodeType, list[tuple[Callee, Signature]]] = {}
    for callee in of.callees:
        for signature in callee.signatures:
            watched.setdefault(signature.code, []).append((callee, signature))
    uses = Uses(watched)
    before = sys.getprofile()
    sys.setprofile(uses.meet)
    try:
        yield uses
    finally:
        sys.setprofile(before)
