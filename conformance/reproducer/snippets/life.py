"""Scripts about a life that goes on to its end."""

from __future__ import annotations

from textwrap import indent

from conformance.reproducer.code import text
from conformance.reproducer.snippets.snippet import snippet
from conformance.reproducer.writing import Writing


def _stage(name: str, *lines: str) -> str:
    return f'with completes("{name}"):\n' + indent(text(*lines), "    ")


@snippet("life-completes")
def life_completes(w: Writing) -> str:
    again = w.again
    return "\n".join(
        [
            w.base,
            _stage("wrapping, training", f"model = {w.wrap}", w.train, "logits(model)"),
            _stage("disabling", "with model.disable_adapter():\n    logits(model)"),
            _stage("saving the adapter", w.save_adapter),
            _stage("loading the adapter", f"logits({w.load_adapter})"),
            _stage(
                "merging, saving, reloading",
                f"merged = {w.merge()}",
                "logits(merged)",
                w.save("merged", "merged"),
                f"logits({w.reload()}{w.reload_to_device})",
            ),
            _stage(
                "merging in place, twice, and back",
                again,
                "model.merge_adapter()\nmodel.merge_adapter()\nmodel.unmerge_adapter()",
                "logits(model)",
            ),
            _stage("unloading", again, "logits(model.unload())"),
            _stage("merging otherwise", again, f"logits({w.merge(otherwise=True)})"),
        ]
    )
