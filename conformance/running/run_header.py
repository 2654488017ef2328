"""The header of a run: which versions judged which part of the grid."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timezone
from typing import Any

from conformance.core.options import Options
from conformance.kinds.corpus.checks import CORPUS
from conformance.kinds.lifecycle.checks import INVARIANTS


def header(
    options: Options,
    versions: Mapping[str, str],
    saver: Mapping[str, str] | None = None,
    kernels: Mapping[str, str] | None = None,
) -> dict[str, Any]:
    """What a run says of itself before its first item.

    ``saver`` is who saved its corpus, ``kernels`` what the environment sets of them.
    """
    first = CORPUS if options.corpus else INVARIANTS
    of_a_corpus = {"saver": dict(saver)} if saver else {}
    of_kernels = {"kernels": dict(kernels)} if kernels else {}
    of_a_merger = {"merger": options.merger} if options.merger else {}
    return (
        of_a_corpus
        | of_a_merger
        | of_kernels
        | {
            "versions": dict(versions),
            "devices": list(options.devices),
            "profile": options.profile,
            "examples": options.lives,
            "seed": options.seed,
            "families": list(options.families),
            "invariants": [name for name in options.invariants if name in first],
            "strata": sorted({stratum.on_any_device for stratum in options.strata}),
            "started": datetime.now(timezone.utc).isoformat(timespec="seconds"),
        }
    )
