"""Errors met in a life: whose they are, and whether somebody meant them."""

from __future__ import annotations

import re
import traceback
from pathlib import Path

from conformance.core.errors import ForeignError, SuiteError
from conformance.core.observation import Trouble

OURS = ("conformance", "tiny_models")
_SET = re.compile(r"\{('[^'{}]*'(?:, '[^'{}]*')+)\}")


def trouble(error: Exception, stage: str, branch: str) -> Trouble:
    """Describe an upstream error; an error of our own code is raised again as what it is."""
    if isinstance(error, ForeignError):
        return _foreign(error, stage, branch)
    frames = traceback.extract_tb(error.__traceback__)
    origin = _package(frames[-1].filename)
    if origin in OURS or isinstance(error, SuiteError):
        raise error
    # The last frame inside PEFT or transformers says more than torch's own.
    upstream = [f for f in frames if _package(f.filename) in ("peft", "transformers")]
    return Trouble(
        stage=stage,
        branch=branch,
        type=type(error).__name__,
        message=said(error),
        origin=_package(upstream[-1].filename) if upstream else origin,
        deliberate=(frames[-1].line or "").startswith("raise"),
    )


def said(error: BaseException) -> str:
    """The message of an error; a set of names in a fixed order, since a process prints its own."""
    return _SET.sub(
        lambda found: f"{{{', '.join(sorted(found[1].split(', ')))}}}", str(error).strip()
    )


def _foreign(error: ForeignError, stage: str, branch: str) -> Trouble:
    frames = traceback.extract_tb(error.error.__traceback__)
    return Trouble(
        stage=stage,
        branch=branch,
        type=type(error.error).__name__,
        message=said(error.error),
        origin=error.whose,
        deliberate=bool(frames) and (frames[-1].line or "").startswith("raise"),
    )


def _package(filename: str) -> str:
    parts = Path(filename).parts
    if "site-packages" in parts:
        return parts[parts.index("site-packages") + 1]
    for name in (*OURS, "peft", "transformers", "torch"):
        if name in parts:
            return name
    return parts[-1]
