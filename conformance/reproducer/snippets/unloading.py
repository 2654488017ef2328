"""Scripts about taking the adapter off."""

from __future__ import annotations

from conformance.reproducer.code import text
from conformance.reproducer.snippets.snippet import snippet
from conformance.reproducer.writing import Writing


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
        was, now = flags(base.config.to_dict()), flags(unloaded.config.to_dict())
        check("the tie flags are as before", was == now, f"{was} and {now}")
        """,
    )


@snippet("unload-leaves-no-trace")
def unload_leaves_no_trace(w: Writing) -> str:
    return text(
        w.trained,
        f"merged = {w.merge()}",
        "left = traces(merged)",
        'check("merge_and_unload leaves nothing behind", not left, ", ".join(left))',
        'check_settings("merge_and_unload", base, merged)',
        w.again,
        "unloaded = model.unload()\nleft = traces(unloaded)",
        'check("unload leaves nothing behind", not left, ", ".join(left))',
        'check_settings("unload", base, unloaded)',
    )
