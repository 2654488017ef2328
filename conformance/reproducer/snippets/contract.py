"""Scripts about PEFT's published weight-tying tables."""

from __future__ import annotations

from conformance.core.placements import ENDS
from conformance.core.tying_tables import row_for, wrapped_roles
from conformance.reproducer.code import literal, text
from conformance.reproducer.snippets.pieces import ADAPTER_PARTS, wrap_and_hear
from conformance.reproducer.snippets.snippet import snippet
from conformance.reproducer.snippets.tying import adapter_pairs
from conformance.reproducer.writing import Writing

WRAPPERS = {
    "modules_to_save": ("ModulesToSaveWrapper",),
    "trainable_token_indices": ("TrainableTokensWrapper",),
    "target_modules": ("Linear", "Embedding"),
}


@snippet("config-wraps-what-it-names")
def config_wraps_what_it_names(w: Writing) -> str:
    short, left_out = w.body_targets
    if w.case.writing == "paths" and w.body_within:
        named = f" and name.startswith({literal(w.body_within)})"
    else:
        named = ""
    named += "" if short is None else f" and name.rpartition('.')[2] in {literal(short)}"
    named += f" and name.rpartition('.')[2] not in {literal(left_out)}" if left_out else ""
    head = f' and name != "{w.head}"' if w.head else ""
    return text(
        w.adapted,
        f"""
        parts = r"\\.(lora_(?=[ABem])|modules_to_save\\.|(token_adapter\\.)?trainable_tokens_delta)"
        owners = {{name: re.split(parts, name)[0] for name in parameters(model)}}
        members = {{{", ".join(map(literal, w.matrices.values()))}}}
        lora = {{owner for name, owner in owners.items() if ".lora_" in name[len(owner) :]}}
        found = lora - members
        asked = {{
            name
            for name, module in base.named_modules()
            if isinstance(module, (torch.nn.Linear, Conv1D)){head}
        }}
        """,
        f"asked = {{name for name in asked if True{named}}}".replace("True and ", "")
        if named
        else "",
        """
        lack, extra = sorted(asked - found), sorted(found - asked)
        check("every module asked for carries LoRA", not lack, ", ".join(lack))
        check("no other module carries LoRA", not extra, ", ".join(extra))
        others = {owner for name, owner in owners.items() if name != owner} - lora - members - asked
        check("nothing else is saved or has tokens", not others, ", ".join(sorted(others)))
        """,
    )


@snippet("adapter-takes-part")
def adapter_takes_part(w: Writing) -> str:
    return text(
        w.adapted,
        ADAPTER_PARTS,
        """
        adapter = {name: re.split(parts, name)[0] for name in parameters(model)}
        adapter = {name: owner for name, owner in adapter.items() if name != owner}
        found = idle(model, adapter)
        check("every module that carries an adapter is called", not found, sorted(found))
        """,
    )


@snippet("documented-contract")
def documented_contract(w: Writing) -> str:
    row = row_for(w.case)
    assert row is not None
    if row.raises:
        return text(
            w.base,
            f"""
            try:
                {w.wrap}
            except ValueError as error:
                check("wrapping is refused, as documented", True, error)
            else:
                check("wrapping is refused, as documented", False, "it was not")
            """,
        )
    wrapped = wrapped_roles(w.case, row)
    kinds = WRAPPERS[row.table]
    lines = []
    for role in ENDS:
        name = w.embedding if role == "embedding" else w.head
        lines.append(f'module = model.base_model.model.get_submodule("{name}")')
        kind = 'f"it is {type(module).__module__}.{type(module).__name__}"'
        if role in wrapped:
            words = f"{role} is wrapped as {' or '.join(kinds)} of peft"
            test = (
                f'type(module).__module__.startswith("peft.") and '
                f"type(module).__name__ in {kinds!r}"
            )
        else:
            words = f"{role} carries no adapter"
            test = 'not type(module).__module__.startswith("peft.")'
        lines += [f"kept = {test}", f'check("the {words}", kept, {kind})']
    pairs = [(one, other) for one, other, _ in adapter_pairs(w)]
    lines.append(f"pairs = {pairs}")
    lines.append("one = any(are_one(model, *pair) for pair in pairs)")
    lines.append(
        f'check("the adapters are documented as {"tied" if row.tied else "separate"}", '
        f"{'one' if row.tied else 'not one'})"
    )
    words, kept = ("warns", "bool(told)") if row.warns else ("does not warn", "not told")
    return text(
        w.base,
        wrap_and_hear(w),
        f'check("wrapping {words} of the tie, as documented", {kept}, told[:1])',
        *lines,
    )
