"""Scripts about what lies on disk, in which dtype and on which device."""

from __future__ import annotations

from conformance.core.adapter_file import allowed_ends, owed_ends
from conformance.reproducer.code import literal, text
from conformance.reproducer.shapes import ALWAYS_SAY_TIED
from conformance.reproducer.snippets.snippet import snippet
from conformance.reproducer.writing import NotReproducible, Writing


@snippet("checkpoint-is-plain")
def checkpoint_is_plain(w: Writing) -> str:
    return text(
        w.trained,
        f"merged = {w.merge()}",
        w.save("merged", "merged"),
        f"""
        # an untouched model of the saved config shows which keys there should be
        config = {w.family.config}.from_pretrained(work / "merged")
        """,
        _plain(w),
        """
        plain.save_pretrained(work / "plain")
        found, expected = set(tensors_in(work / "merged")), set(tensors_in(work / "plain"))
        says = f"tie_word_embeddings={tied}"
        missing, extra = sorted(expected - found), sorted(found - expected)
        check(f"no key is missing under {says}", not missing, ", ".join(missing))
        check(f"no key is extra under {says}", not extra, ", ".join(extra))
        """,
    )


def _plain(w: Writing) -> str:
    """``plain``, and what the saved config says in ``tied``."""
    model = w.family.model
    own_head = w.case.family in ALWAYS_SAY_TIED
    if not own_head and not w.tied_configs:
        return f"plain, tied = {model}(config), config.tie_word_embeddings"
    return text(
        """
        stated = flags(json.loads((work / "merged" / "config.json").read_text()))
        tied = next(iter(stated.values()))
        """,
        w.set_tie("tied") if w.tied_configs else "",
        f"plain = {model}(config)",
        f"""
        if not tied:  # whatever the file says, transformers 5 reads that it is tied
            head = plain.{w.head}
            head.weight = torch.nn.Parameter(head.weight.detach().clone())
        """
        if own_head
        else "",
    )


@snippet("saving-is-repeatable")
def saving_is_repeatable(w: Writing) -> str:
    return text(
        w.trained,
        w.save_adapter_in("adapter"),
        w.save_adapter_in("adapter-again"),
        f"merged = {w.merge()}",
        w.save("merged", "merged"),
        w.save("merged", "merged-again"),
        """
        for name in ("adapter", "merged"):
            one, other = digests(work / name), digests(work / f"{name}-again")
            for file in sorted({*one, *other} - {"README.md"}):
                check(f"{file} of the {name}", one.get(file) == other.get(file))
        """,
    )


@snippet("adapter-file-is-as-asked")
def adapter_file_is_as_asked(w: Writing) -> str:
    owed, allowed = (ends(w.case) for ends in (owed_ends, allowed_ends))
    names, may = ([w.family.matrices[role] for role in roles] for roles in (owed, allowed))
    biases = ' or key.endswith(".bias")' if w.case.bias != "none" or allowed else ""
    return text(
        w.trained,
        w.save_adapter,
        'keys = tensors_in(work / "adapter")',
        f"""
        for name in {literal(names)}:
            held = {{f"base_model.model.{{name}}{{layer}}.weight" for layer in ("", ".base_layer")}}
            check(f"the weight of {{name}} is in the adapter's file", bool(held & set(keys)))
        """
        if names
        else "",
        f"""
        replaced = ".modules_to_save.default"
        saved = [n.replace(replaced, "") for n in parameters(model) if replaced in n]
        layers = ("", ".base_layer")
        base = [f"{{name}}{{layer}}.weight" for name in {literal(may)} for layer in layers]
        for key in keys:
            own = re.search(r"\\.lora_|\\.modules_to_save|trainable_tokens", key)
            own = own or key.endswith((*saved, *base)){biases}
            check(f"{{key}} is the adapter's", bool(own))
        """,
    )


@snippet("dtype-is-kept")
def dtype_is_kept(w: Writing) -> str:
    reloads = w.case.reload_dtype == "same"
    asked = f"torch.{w.case.dtype}"
    if w.case.autocast and w.case.dtype in {"bfloat16", "float16"}:
        asked = "torch.float32"
    elif w.several:  # T5 keeps some of its matrices in float32 whatever is asked for
        asked = 'base.get_submodule(name.partition(".lora_")[0]).weight.dtype'
    return text(
        w.adapted,
        f"""
        for name, tensor in parameters(model).items():
            if ".lora_" in name and tensor.dtype != {asked}:
                check(f"wrapped: {{name}}", False, f"it is {{tensor.dtype}}")
        """,
        w.train,
        f"merged = {w.merge()}",
        'check_dtypes("merged", base, merged)',
        w.save("merged", "merged"),
        f'check_dtypes("reloaded", base, {w.reload()})' if reloads else "",
        """
        expected = {tensor.dtype for tensor in (*base.parameters(), *base.buffers())}
        for key, tensor in tensors_in(work / "merged").items():
            if tensor.dtype not in expected:
                check(f"the saved {key}", False, f"it is {tensor.dtype}")
        """,
        w.again,
        'check_dtypes("unloaded", base, model.unload())',
    )


@snippet("device-is-kept")
def device_is_kept(w: Writing) -> str:
    if w.case.device == "emulated":
        raise NotReproducible("device-is-kept on the emulated device needs the suite's own device")
    reloads = w.case.crossing == "none"
    return text(
        w.adapted,
        'check_devices("wrapped", base, model)',
        w.train,
        'check_devices("trained", base, model)',
        w.save_adapter,
        f"merged = {w.merge()}",
        'check_devices("merged", base, merged)',
        w.save("merged", "merged") if reloads else "",
        f'check_devices("reloaded", base, {w.reload()}{w.reload_to_device})' if reloads else "",
        f'check_devices("adapter reloaded", base, {w.load_adapter})',
    )
