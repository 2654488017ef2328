"""Scripts about taking the adapter off."""

from __future__ import annotations

from conformance.reproducer.snippets.snippet import snippet
from conformance.reproducer.writing import Writing, text


@snippet("unload-restores-base")
def unload_restores_base(w: Writing) -> str:
    return text(
        w.trained,
        """
        unloaded = model.unload()
        check_logits("logits after unload", logits(base), logits(unloaded), rounding(base))
        check_weights("weights after unload", weights(base), weights(unloaded))
        extra = sorted(set(weights(unloaded)) - set(weights(base)))
        check("unload leaves no other parameter", not extra, ", ".join(extra))
        was, now = kinds(base), kinds(unloaded)
        for name in sorted({*was, *now}):
            if was.get(name) != now.get(name):
                check(f"{name} is as before", False, f"{was.get(name)} and {now.get(name)}")
        groups = [", ".join(sorted(group)) for group in shared(base) ^ shared(unloaded)]
        check("the same parameters are tied", not groups, "; ".join(groups))
        """,
    )


@snippet("unload-leaves-no-trace")
def unload_leaves_no_trace(w: Writing) -> str:
    return text(
        w.trained,
        f"left = traces({w.merge()})",
        'check("merge_and_unload leaves nothing behind", not left, ", ".join(left))',
        w.again,
        "left = traces(model.unload())",
        'check("unload leaves nothing behind", not left, ", ".join(left))',
    )
