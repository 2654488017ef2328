"""Scripts about what trains."""

from __future__ import annotations

from conformance.reproducer.code import text
from conformance.reproducer.snippets.pieces import ADAPTER_PARTS
from conformance.reproducer.snippets.snippet import snippet
from conformance.reproducer.writing import Writing


def _biases(w: Writing) -> str:
    return {
        "none": "",
        "lora_only": """
            owners = {name.partition(".lora_")[0] for name in adapter if ".lora_" in name}
            adapter |= {f"{owner}.bias" for owner in owners} & set(found)
        """,
        "all": """
            replaced = {name.partition(".modules_to_save.")[0] for name in adapter}
            adapter |= {
                name
                for name in found
                if name.endswith(".bias") and name.removesuffix(".bias") not in replaced
            }
        """,
    }[w.case.bias]


@snippet("only-the-adapter-trains")
def only_the_adapter_trains(w: Writing) -> str:
    stepped = w.case.training != "values"
    return text(
        w.adapted,
        ADAPTER_PARTS,
        """
        found = parameters(model)
        adapter = {name for name in found if re.search(parts, name)}
        """,
        _biases(w),
        """
        frozen, loose = adapter - trainable(model), trainable(model) - adapter
        check("all of the adapter trains", not frozen, ", ".join(sorted(frozen)))
        check("nothing else trains", not loose, ", ".join(sorted(loose)))
        owners = {name: re.split(parts, name)[0] for name in adapter if re.search(parts, name)}
        left, places = idle(model, owners), reached(model)
        live = {n for n, one in found.items() if one.untyped_storage().data_ptr() in places}
        cut = [n for n in sorted(adapter - frozen - live) if owners.get(n) not in left]
        check("a gradient reaches what is called", not cut, ", ".join(cut))
        was = {name: tensor for name, tensor in weights(base).items() if name not in adapter}
        fill_adapter(model)
        """,
        "filled = weights(model)\nsteps(model)" if stepped else "",
        'check_weights("the base after training", was, weights(model))',
        """
        now = weights(model)
        # rows that the batch does not meet have no gradient; half precision loses small steps
        for name in sorted(adapter):
            stepped = name in live and "tokens" not in name and now[name].element_size() >= 4
            if stepped and not name.endswith(".bias") and same(filled[name], now[name]):
                check(f"{name} moves in training", False)
        """
        if stepped
        else "",
        f"""
        before = trainable(model)
        with model.disable_adapter():
            pass
        changed = trainable(model) ^ before
        check("disable_adapter changes nothing that trains", not changed, sorted(changed))
        {w.save_adapter}
        loaded = {w.load_adapter}
        expected = {"before & set(parameters(loaded))" if w.case.is_trainable else "set()"}
        wrong = trainable(loaded) ^ expected
        check("is_trainable={w.case.is_trainable} is kept to", not wrong, sorted(wrong))
        """,
    )
