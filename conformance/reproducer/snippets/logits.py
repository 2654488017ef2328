"""Scripts about logits."""

from __future__ import annotations

from conformance.reproducer.code import literal, text
from conformance.reproducer.snippets import pieces
from conformance.reproducer.snippets.snippet import snippet
from conformance.reproducer.writing import Writing


@snippet("merge-keeps-logits")
def merge_keeps_logits(w: Writing) -> str:
    return text(w.trained, pieces.BEFORE, pieces.merge(w))


@snippet("reload-keeps-logits")
def reload_keeps_logits(w: Writing) -> str:
    return text(
        w.trained,
        "allowed = rounding(model)",
        f"merged = {w.merge()}",
        pieces.save_and_reload(w),
        pieces.compare_reloaded(w),
    )


@snippet("adapter-keeps-logits")
def adapter_keeps_logits(w: Writing) -> str:
    return text(w.trained, pieces.BEFORE, w.save_adapter, pieces.adapter_reload(w))


@snippet("wrapping-keeps-logits")
def wrapping_keeps_logits(w: Writing) -> str:
    return text(
        w.adapted,
        """
        one, other = logits(base), logits(model)
        check_logits("logits after wrapping", one, other, rounding(base))
        check_weights("base weights after wrapping", weights(base), weights(model))
        """,
    )


def _apart(w: Writing) -> str:
    """Statements that give all but the embedding a tensor of their own in ``plain``."""
    names = list(w.matrices.values())[1:]
    body = "plain.set_submodule(name, copy.deepcopy(plain.get_submodule(name)))"
    if len(names) == 1:
        return f"name = {literal(names[0])}\n{body}"
    return f"for name in {literal(names)}:\n    {body}"


@snippet("forward-follows-definition")
def forward_follows_definition(w: Writing) -> str:
    return text(
        w.trained,
        """
        # a plain model, nothing of it tied, that holds what the adapter stands for
        plain = copy.deepcopy(base)
        """,
        _apart(w),
        """
        expected = defined(model, base)
        for name, parameter in plain.named_parameters(remove_duplicate=False):
            parameter.data.copy_(expected[name])
        check_logits("logits by definition", logits(plain), logits(model), rounding(plain))
        """,
    )


@snippet("disabled-is-base")
def disabled_is_base(w: Writing) -> str:
    return text(
        w.trained,
        """
        allowed = rounding(base)
        with model.disable_adapter():
            disabled = logits(model)
        check_logits("logits with the adapter disabled", logits(base), disabled, allowed)
        """,
    )


@snippet("config-driven-loader-agrees")
def config_driven_loader_agrees(w: Writing) -> str:
    return text(
        w.trained,
        "allowed = rounding(model)",
        f"merged = {w.merge()}",
        pieces.save_and_reload(w),
        pieces.read_as_config_says(w),
    )
