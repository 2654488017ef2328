"""Statements that several snippets share; each reads the variables that the one before it left."""

from __future__ import annotations

from conformance.core.tolerances import ACROSS, coarsest, margin
from conformance.reproducer.code import WIDTH, literal, text
from conformance.reproducer.shapes import POSITIONS_AT_LOAD
from conformance.reproducer.writing import Writing

ADAPTER_PARTS = r"""
parts = r"\.(lora_|modules_to_save\.|(token_adapter\.)?trainable_tokens_delta)"
"""
"""``parts``: what comes between a module's name and that of a part of its adapter."""
BEFORE = "before, allowed = logits(model), rounding(model)"


def wrap_and_hear(w: Writing) -> str:
    """``model`` from ``base``, with ``told`` what is said of the tie."""
    return text(
        f"""
        with warnings.catch_warnings(record=True) as heard:
            warnings.simplefilter("always")
            model = {w.wrap}
        told = about_the_tie(heard)
        """
    )


def merge(w: Writing) -> str:
    """``before`` and ``allowed`` from ``model``, then ``merged``; logits compared."""
    return text(
        f"merged = {w.merge()}",
        'check_logits("logits after merge_and_unload", before, logits(merged), allowed)',
    )


def save_and_reload(w: Writing) -> str:
    """``reloaded`` from ``merged``."""
    return text(w.save("merged", "merged"), f"reloaded = {w.reload()}{w.reload_to_device}")


def compare_reloaded(w: Writing) -> str:
    """Weights, buffers and logits of ``merged`` and ``reloaded``."""
    return text(_compare_reloaded_weights(w), compare_reloaded_logits(w))


def _compare_reloaded_weights(w: Writing) -> str:
    case = w.case
    same = case.reload_dtype == "same"
    lines = ["was, now = weights(merged), weights(reloaded)"]
    if not same:
        dtype = f"torch.{case.reload_dtype}"
        lines.append(f"was = {{name: tensor.to({dtype}) for name, tensor in was.items()}}")
        if case.family in POSITIONS_AT_LOAD:
            lines.append(
                "# no file holds positions: loading makes them, in the precision asked for"
            )
            kept = '{n: one for n, one in was.items() if ".embed_positions." not in n}'
            lines.append(f"was = {kept}")
    lines.append('check_weights("weights after the reload", was, now)')
    if same:
        lines.append("was, now = buffers(merged), buffers(reloaded)")
        lines.append('check_weights("buffers after the reload", was, now)')
    return "\n".join(lines)


def compare_reloaded_logits(w: Writing) -> str:
    """Logits of ``merged`` and ``reloaded``: weights keep their bits, what is computed may not."""
    case, allowed, lines = w.case, "allowed", []
    coarse = case.dtype if case.reload_dtype == "same" else coarsest(case.dtype, case.reload_dtype)
    if coarse != case.dtype:
        allowed = "coarser * allowed"
        more = margin(coarse) / margin(case.dtype) * (1 if case.crossing == "none" else ACROSS)
        times = "" if more == 1 else f"{more:g} * "
        lines.append(f"coarser = {times}torch.finfo(torch.{coarse}).eps / EPS")
    lines.append("one, other = logits(merged), logits(reloaded)")
    lines.append(f'check_logits("logits after the reload", one, other, {allowed})')
    return "\n".join(lines)


def adapter_reload(w: Writing) -> str:
    """The adapter loaded onto a fresh base, its logits compared with ``before``."""
    return text(
        f"loaded = {w.load_adapter}",
        'check_logits("logits of the reloaded adapter", before, logits(loaded), allowed)',
    )


def saved_flags(w: Writing) -> str:
    """What the saved config says against what the file holds."""
    if not w.head:
        return ""
    return f"""\
tensors = tensors_in(work / "merged")
embedding = tensors.get("{w.family.embedding_in_file}")
head = tensors.get("{w.family.head_in_file}")
for path, flag in flags(json.loads((work / "merged" / "config.json").read_text())).items():
    if flag and embedding is not None and head is not None:
        check(f"saved {{path}} is {{flag}}: one head in the file", same(embedding, head))
    if flag is False:
        check(f"saved {{path}} is {{flag}}: a head in the file", head is not None)"""


def read_as_config_says(w: Writing) -> str:
    """A plain reader's model, made in ``reloaded``, its logits compared with those merged."""
    return text(
        f"""
        # a plain reader, as converters and servers are: it trusts config.json and the tensors alone
        tensors = tensors_in(work / "merged")
        stated = flags(json.loads((work / "merged" / "config.json").read_text())).values()
        tied = next((flag for flag in stated if flag is not None), {w.family.tie_default})
        """,
        _keys(w),
        """
        lost = sorted(set(keys.values()) - set(tensors))
        check("what config.json points to is in the file", not lost, ", ".join(lost))
        if not lost:
            for name, key in keys.items():
                module = reloaded.get_submodule(name)
                module.weight = torch.nn.Parameter(tensors[key].to(module.weight, copy=True))
            check_logits("logits of the plain reader", logits(merged), logits(reloaded), allowed)
        """,
    )


def _keys(w: Writing) -> str:
    """Which tensor of the file each module gets."""
    names, source = tuple(w.matrices.values()), literal(w.family.embedding_in_file)
    made = f"keys = dict.fromkeys({literal(names)}, {source})"
    if len(made) > WIDTH:
        made = f"keys = dict.fromkeys(\n    {literal(names)},\n    {source},\n)"
    lines = [made, "if not tied:"]
    if w.several:  # embeddings of encoder and decoder are their own if the file has them
        own = '{name: f"{name}.weight" for name in keys if f"{name}.weight" in tensors}'
        lines.append(f"    keys |= {own}")
    if w.head:
        lines.append(f'    keys["{w.head}"] = "{w.family.head_in_file}"')
    live = f'"{w.head}.weight"'
    if w.family.shape == "image-text":
        # a head beside a vision tower has two names in files
        lines.append(f'if keys["{w.head}"] not in tensors and {live} in tensors:')
        lines.append(f'    keys["{w.head}"] = {live}')
    return "\n".join(lines)
