"""The functions of a script that depend on the base of its case: how it is made, filled, grown."""

from __future__ import annotations

from conformance.reproducer.code import WIDTH, call, function, literal
from conformance.reproducer.shapes import ALWAYS_SAY_TIED, COMPUTED_POSITIONS, LOGITS_BIAS, MEASURED
from conformance.reproducer.writing import Writing
from tiny_models.magnitudes import BIAS, NORM
from tiny_models.spec import NEW_ROWS

GROWTH = 4  # rows added after wrapping
NESTED = WIDTH - 8  # a config inside a config stands further in


def build(w: Writing) -> str:
    """The model from its config, values from names."""
    case, family = w.case, w.family
    tied = case.tied or case.base == "loaded-untied"
    rows = case.vocab - NEW_ROWS if case.base == "resized" else case.vocab
    arguments = family.sizes.arguments(case.layers, case.hidden, rows)
    config = w.given_config or call(family.config, _written(w, arguments, tied=tied))
    lines = [f"config = {config}", f"model = {family.model}(config).eval()"]
    if not tied and (case.family in ALWAYS_SAY_TIED or w.given_config):
        if case.family in ALWAYS_SAY_TIED:
            lines.append("# in transformers 5, the config says tied whatever it is asked")
        lines.append(f"head = model.{w.head}")
        lines.append("head.weight = torch.nn.Parameter(head.weight.detach().clone())")
    whom = "embedding and head" if w.head else "its embeddings"
    return function(
        "build()",
        f"A tiny {family.name} with {'one tensor' if tied else 'two tensors'} for {whom}.",
        *lines,
        "fill(model)\nreturn model",
    )


def _written(w: Writing, arguments: dict[str, object], *, tied: bool) -> dict[str, str]:
    """Arguments of a config as code, those of the configs inside it too."""
    written = {
        name: call("dict", _nested(w, name, value, tied=tied), width=NESTED)
        if isinstance(value, dict)
        else literal(value)
        for name, value in arguments.items()
    }
    return written if w.family.tie_in else {**written, "tie_word_embeddings": repr(tied)}


def _nested(w: Writing, name: str, arguments: dict[str, object], *, tied: bool) -> dict[str, str]:
    written = {key: literal(value) for key, value in arguments.items()}
    says = name == w.family.tie_in if w.family.tie_in else name in w.tied_configs
    return written | ({"tie_word_embeddings": repr(tied)} if says else {})


def fill(w: Writing) -> str:
    """Values for a base's parameters, by their kinds."""
    loop = [
        "for name, parameter in module.named_parameters(prefix):",
        "    if not parameter.requires_grad:" if w.case.family in COMPUTED_POSITIONS else "",
        "        continue  # positions, which are computed"
        if w.case.family in COMPUTED_POSITIONS
        else "",
        "    noise = values(name, parameter.shape)",
        '    if name.endswith("bias"):',
        f"        noise = {BIAS} * noise",
        "    elif noise.ndim < 2:",
        f"        noise = 1 + {NORM} * noise",
        "    else:",
        "        noise = noise / noise.shape[-1] ** 0.5",
        "    parameter.data.copy_(noise)",
    ]
    if w.case.family in LOGITS_BIAS:
        loop += [
            "for name, buffer in module.named_buffers():",
            '    if name == "final_logits_bias":',
            f"        buffer.copy_({BIAS} * values(name, buffer.shape))",
        ]
    return function(
        'fill(module: torch.nn.Module, prefix: str = "") -> None',
        "Give every parameter values of moderate size, made from its own name.",
        *loop,
    )


def logits(w: Writing) -> str:
    """A forward pass."""
    given = "{name: tensor.to(device) for name, tensor in INPUTS.items()}"
    measured = MEASURED.get(w.family.shape)
    recast = measured and w.case.reload_dtype not in ("same", w.case.dtype)
    return function(
        "logits(model: torch.nn.Module) -> torch.Tensor",
        "What the model computes for the same two lines of tokens.",
        "device = next(model.parameters()).device",
        f"given = {given}" if recast else "",
        f'given["{measured}"] = given["{measured}"].to(next(model.parameters()).dtype)'
        if recast
        else "",
        "with torch.no_grad():",
        f"    out = model.eval()(**{'given' if recast else given})",
        f"return out.{'logits' if w.head else 'last_hidden_state'}.cpu()",
    )


def load_base(w: Writing) -> str:
    """The base as it comes out of a checkpoint."""
    case, model = w.case, w.family.model
    lines = ['build().save_pretrained(work / "base")']
    extra = ""
    if case.base == "loaded-untied":
        lines.append(f'config = {w.family.config}.from_pretrained(work / "base")')
        lines.append(w.set_tie("False"))
        extra = "config=config, "
    lines.append(f'model = {model}.from_pretrained(work / "base", {extra}{w.dtype})')
    if case.base == "loaded-untied":
        lines.append("# a new head was made at random: give it values")
        lines.append(f'fill(model.get_submodule("{w.head}"), "{w.head}")')
    elif case.base == "resized":
        lines.append(f"model.resize_token_embeddings({case.vocab}, mean_resizing=False)")
        # once loaded, transformers 5 calls even computed positions trainable
        computed = case.family in COMPUTED_POSITIONS
        lines.append(_refill(w) if computed else "fill(model)")
    lines.append("return model")
    how = {"loaded-untied": ", asked to be untied", "resized": ", then given more rows"}
    docstring = f"The base, saved and loaded in {case.dtype}{how.get(case.base, '')}."
    return function("load_base(work)", docstring, *lines)


def grow(w: Writing) -> str:
    """More vocabulary."""
    return function(
        "grow(model)",
        f"Add {GROWTH} rows to the vocabulary, and give {'embedding and head' if w.head else 'it'} "
        "new values.",
        f"model.resize_token_embeddings({w.case.vocab + GROWTH}, mean_resizing=False)",
        _refill(w),
        "return model",
    )


def _refill(w: Writing) -> str:
    """New values for whatever holds the matrix, the embedding's last."""
    names = literal(tuple(reversed(w.matrices.values())))
    return f"for name in {names}:\n    fill(model.get_submodule(name), name)"


def paths(w: Writing) -> str:
    """Full names; of the language model alone, where a vision tower stands beside it."""
    within = w.body_within
    test = 'name.rpartition(".")[2] in endings'
    test += f' and name.startswith("{within}")' if within else ""
    return function(
        "paths(model: torch.nn.Module, *endings: str) -> list[str]",
        "Full names of the modules whose last name is one of the endings.",
        f"return [name for name, _ in model.named_modules() if {test}]"
        if not within
        else f"names = [name for name, _ in model.named_modules()]\n"
        f"return [name for name in names if {test}]",
    )
