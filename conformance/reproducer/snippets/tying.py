"""Scripts about storage: what is tied stays one tensor, what is independent stays two."""

from __future__ import annotations

from conformance.core.expected_ties import adapters_tied, base_tie_survives
from conformance.core.tying_tables import row_for
from conformance.reproducer.code import text
from conformance.reproducer.shapes import ENCODER_IS_INPUT
from conformance.reproducer.snippets.snippet import snippet
from conformance.reproducer.writing import Writing


def adapter_pairs(w: Writing) -> list[tuple[str, str, bool]]:
    """Which part of the embedding's adapter is which of the others', and whether transposed."""
    members = dict(w.matrices)
    if w.placement.tokens == "list" and w.case.family in ENCODER_IS_INPUT:
        del members["embedding"]
    first, *others = members
    return [
        pair
        for role in others
        for pair in _pairs(w, members[first], members[role], head=role == "head")
    ]


def _pairs(
    w: Writing, embedding: str, other_module: str, *, head: bool
) -> list[tuple[str, str, bool]]:
    if w.placement.tokens:
        parts = [("token_adapter.trainable_tokens_delta.default",) * 2]
    elif w.placement.save:
        parts = [("modules_to_save.default.weight",) * 2]
    elif not head:
        parts = [(f"lora_embedding_{part}.default",) * 2 for part in "AB"]
    else:
        parts = [
            ("lora_embedding_A.default", "lora_B.default.weight"),
            ("lora_embedding_B.default", "lora_A.default.weight"),
        ]
    return [
        (f"{embedding}.{one}", f"{other_module}.{other}", head and "lora" in one)
        for one, other in parts
    ]


@snippet("tied-stay-tied")
def tied_stay_tied(w: Writing) -> str:
    tied = adapters_tied(w.case)
    both = "check_tied_adapters" if tied else ""
    lines = ['check_tie("base", base)', f"model = {w.wrap}", 'check_tie("wrapped", model)']
    lines += [f'{both}("wrapped", model)'] if both else []
    lines += [w.train, 'check_tie("trained", model)']
    lines += [f'{both}("trained", model)'] if both else []
    lines.append(w.save_adapter)
    if base_tie_survives(w.case):
        lines.append(f"merged = {w.merge()}")
        lines.append('check_tie("merged", merged)')
        lines.append(w.save("merged", "merged"))
        lines.append(f'check_tie("reloaded", {w.reload()}{w.reload_to_device})')
    lines += [w.again, "model.merge_adapter()"]
    if base_tie_survives(w.case):
        lines.append('check_tie("merged in place", model)')
    lines += ["model.unmerge_adapter()", 'check_tie("unmerged", model)']
    lines.append(f"loaded = {w.load_adapter}")
    lines.append('check_tie("adapter reloaded", loaded)')
    lines += [f'{both}("adapter reloaded", loaded)'] if both else []
    return text(w.base, *lines)


@snippet("untied-stay-untied")
def untied_stay_untied(w: Writing) -> str:
    row = row_for(w.case)
    untied = not w.case.tied
    independent = untied or (row is not None and not row.tied)

    def apart(stage: str, model: str) -> str:
        base = ", base" if w.sides_are_one else ""
        lines = [f'check_untied("{stage}", {model})'] if untied else []
        lines += [f'check_separate_adapters("{stage}", {model}{base})'] if independent else []
        return "\n".join(lines)

    return text(
        w.adapted,
        apart("wrapped", "model"),
        w.train,
        apart("trained", "model"),
        "expected, was = defined(model, base), weights(base)",
        w.save_adapter if independent else "",
        f"merged = {w.merge()}",
        """
        found = weights(merged)
        expected = {name: expected[name] for name in MEMBERS}
        check_close_weights("merged weights by definition", expected, found, was)
        """,
        apart("merged", "merged"),
        f"loaded = {w.load_adapter}" if independent else "",
        apart("adapter reloaded", "loaded"),
        w.save("merged", "merged") if untied else "",
        f"reloaded = {w.reload()}{w.reload_to_device}" if untied else "",
        apart("reloaded", "reloaded") if untied else "",
    )
