"""The script for a case without an invariant: the chain of logits, ties and flags."""

from __future__ import annotations

from conformance.core.expected_ties import base_tie_survives
from conformance.reproducer.code import text
from conformance.reproducer.snippets import pieces
from conformance.reproducer.writing import Writing


def promises(w: Writing, *, ties: bool = False) -> str:
    """From ``model`` on: what a user loses when it breaks, as far as the case promises it.

    ``ties`` are added. Weights count by themselves where more than embedding and head is tied.
    """
    plain = w.family.shape == "decoder-only"
    reads = w.case.reload_dtype == "same"
    return text(
        pieces.BEFORE,
        w.save_adapter,
        pieces.adapter_reload(w),
        'check_flags("trained", model)',
        pieces.merge(w),
        'check_flags("merged", merged)',
        pieces.save_and_reload(w),
        'check_tie("reloaded", reloaded)' if ties and base_tie_survives(w.case) else "",
        'check_flags("reloaded", reloaded)',
        pieces.saved_flags(w),
        pieces.compare_reloaded_logits(w) if ties or plain else pieces.compare_reloaded(w),
        pieces.read_as_config_says(w) if reads else "",
    )


def CHAIN(w: Writing) -> str:  # noqa: N802  it stands beside the table of snippets
    """Wrap, merge, reload and adapter reload, each against what went before."""
    return text(
        w.adapted,
        """
        check_logits("logits after wrapping", logits(base), logits(model), rounding(base))
        """,
        w.train,
        'check_tie("trained", model)' if w.case.tied else 'check_untied("trained", model)',
        promises(w, ties=True),
    )
