"""Scripts about merging in place, twice, safely, and back."""

from __future__ import annotations

from conformance.core.observation import CYCLES
from conformance.reproducer.code import text
from conformance.reproducer.snippets import pieces
from conformance.reproducer.snippets.snippet import snippet
from conformance.reproducer.writing import Writing


@snippet("merge-in-place-keeps-logits")
def merge_in_place_keeps_logits(w: Writing) -> str:
    return text(
        w.trained,
        pieces.BEFORE,
        """
        model.merge_adapter()
        check_logits("logits after merge_adapter", before, logits(model), allowed)
        """,
    )


@snippet("unmerge-restores")
def unmerge_restores(w: Writing) -> str:
    return text(
        w.trained,
        """
        before, allowed, was = logits(model), rounding(model), weights(model)
        model.merge_adapter()
        between = weights(model)
        model.merge_adapter()  # changes nothing
        model.unmerge_adapter()
        check_logits("logits after unmerge_adapter", before, logits(model), allowed)
        check_close_weights("weights after unmerge_adapter", was, weights(model), between)
        """,
    )


@snippet("drift-is-bounded")
def drift_is_bounded(w: Writing) -> str:
    return text(
        w.trained,
        f"""
        was = weights(model)
        for _ in range({CYCLES}):
            model.merge_adapter()
            between = weights(model)
            model.unmerge_adapter()
        what = "weights after {CYCLES} merges in place, each unmerged"
        check_close_weights(what, was, weights(model), between, cycles={CYCLES})
        """,
    )


@snippet("merging-twice-changes-nothing")
def merging_twice_changes_nothing(w: Writing) -> str:
    return text(
        w.trained,
        """
        model.merge_adapter()
        once = weights(model)
        model.merge_adapter()
        check_weights("weights after a second merge_adapter", once, weights(model))
        """,
    )


@snippet("safe-merge-agrees")
def safe_merge_agrees(w: Writing) -> str:
    return text(
        w.trained,
        f"one = weights({w.merge()})",
        w.again,
        f"other = weights({w.merge(otherwise=True)})",
        'check_close_weights("weights of the safe and the plain merge", one, other)',
        f"model = {w.wrap}",
        """
        for parameter in model.parameters():
            if parameter.requires_grad:
                parameter.data.fill_(float("inf"))
        frozen = set(weights(base)) - trainable(model)
        was = {name: tensor for name, tensor in weights(model).items() if name in frozen}
        try:
            model.merge_adapter(safe_merge=True)
        except ValueError:
            check_weights("weights after a refused safe merge", was, weights(model))
        else:
            check("a safe merge refuses infinities", False)
        """,
    )
