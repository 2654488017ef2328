"""The kinds of test: each is a folder here, and a word in ``KINDS``."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from conformance.core.kind import AnyCase, Kind
from conformance.kinds.corpus.kind import CORPUS
from conformance.kinds.heads.kind import HEADS
from conformance.kinds.lifecycle.kind import LIFECYCLE
from conformance.kinds.loading.kind import LOADING
from conformance.kinds.pipeline.kind import PIPELINE
from conformance.kinds.programs.kind import PROGRAMS
from conformance.kinds.tuners.kind import TUNERS
from conformance.kinds.user_config.kind import USER_CONFIG

KINDS: tuple[Kind[Any, Any], ...] = (
    LIFECYCLE,
    LOADING,
    PIPELINE,
    PROGRAMS,
    TUNERS,
    HEADS,
    CORPUS,
    USER_CONFIG,
)


def kind_of(case: AnyCase, kinds: Sequence[Kind[Any, Any]] = KINDS) -> Kind[Any, Any]:
    """The kind that a case is of; what crosses versions is of the lifecycle until it is loaded."""
    return next(kind for kind in kinds if kind.case_type is type(case))
