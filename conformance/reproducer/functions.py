"""The functions of a script that depend on its case: the base, the adapter, the training.

A script's values are its own, not the suite's: only their sizes are alike.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from textwrap import indent

from conformance.reproducer.writing import Writing, call, literal, text
from tiny_models.spec import NEW_ROWS

GROWTH = 4  # rows added after wrapping
DELTA = 0.5  # standard deviation of scaling x B A against that of the base's matrix


def _function(head: str, docstring: str, *body: str) -> str:
    return f"def {head}:\n" + indent(f'"""{docstring}"""\n' + "\n".join(filter(None, body)), "    ")


def build(w: Writing) -> str:
    """The model from its config, values from names."""
    case, family = w.case, w.family
    tied = case.tied or case.base == "loaded-untied"
    rows = case.vocab - NEW_ROWS if case.base == "resized" else case.vocab
    arguments = family.sizes.arguments(case.layers, case.hidden, rows)
    written = {name: literal(value) for name, value in arguments.items()}
    written["tie_word_embeddings"] = repr(tied)
    return _function(
        "build()",
        f"A tiny {family.name} with {'one tensor' if tied else 'two tensors'} for embedding "
        "and head.",
        f"config = {call(family.config, written)}\nmodel = {family.model}(config).eval()",
        "fill(model)\nreturn model",
    )


def load_base(w: Writing) -> str:
    """The base as it comes out of a checkpoint."""
    case, model = w.case, w.family.model
    lines = ['build().save_pretrained(work / "base")']
    extra = ""
    if case.base == "loaded-untied":
        lines.append(f'config = {w.family.config}.from_pretrained(work / "base")')
        lines.append("config.tie_word_embeddings = False")
        extra = "config=config, "
    lines.append(f'model = {model}.from_pretrained(work / "base", {extra}{w.dtype})')
    if case.base == "loaded-untied":
        lines.append("# a new head was made at random: give it values")
        lines.append(f'fill(model.get_submodule("{w.head}"), "{w.head}")')
    elif case.base == "resized":
        lines.append(f"model.resize_token_embeddings({case.vocab}, mean_resizing=False)")
        lines.append("fill(model)")
    lines.append("return model")
    how = {"loaded-untied": ", asked to be untied", "resized": ", then given more rows"}
    docstring = f"The base, saved and loaded in {case.dtype}{how.get(case.base, '')}."
    return _function("load_base(work)", docstring, *lines)


def grow(w: Writing) -> str:
    """More vocabulary."""
    return _function(
        "grow(model)",
        f"Add {GROWTH} rows to the vocabulary, and give embedding and head new values.",
        f"model.resize_token_embeddings({w.case.vocab + GROWTH}, mean_resizing=False)",
        f'for name in ("{w.head}", "{w.embedding}"):',
        "    fill(model.get_submodule(name), name)",
        "return model",
    )


def wrap(w: Writing) -> str:
    """The adapter on a copy of the base."""
    precision = "" if w.case.autocast else ", autocast_adapter_dtype=False"
    lines = [
        "torch.manual_seed(0)  # the same initial values each time",
        f"config = {w.lora_config}",
        f"model = get_peft_model(copy.deepcopy(base), config{precision})",
        "grow(model.base_model.model)" if w.case.grown else "",
        "return model",
    ]
    if not w.case.grown:
        lines[2:] = [lines[2].replace("model =", "return")]
    return _function("wrap(base)", "A fresh adapter on a copy of the base.", *lines)


def fill_adapter(w: Writing) -> str:
    """Values for whatever trains, by the kinds of parameters that the case has."""
    size = math.sqrt(DELTA / math.sqrt(w.case.hidden * w.case.rank) / w.case.scaling)
    lora = f"    parameter.data.copy_({size:.2g} * noise)"
    kinds = []
    if w.case.dora:
        kinds += ['"magnitude" in name:', "    parameter.data.mul_(1 + 0.2 * noise.tanh())"]
    loop = [
        "done = set()  # tensors that are one get one value",
        "for name, parameter in model.named_parameters():",
        "    place = parameter.untyped_storage().data_ptr()",
        "    if not parameter.requires_grad or place in done:",
        "        continue",
        "    done.add(place)",
        "    noise = values(name, parameter.shape).to(parameter)",
    ]
    others = w.placement.save or w.placement.tokens or w.case.bias != "none"
    if kinds or others:
        if kinds:
            loop += ["    if " + kinds[0], "    " + kinds[1]]
        if others:
            loop += [f'    {"elif" if kinds else "if"} "lora_" in name:', "    " + lora]
            loop += ["    else:", "        parameter.data.add_(0.2 * noise)"]
        else:
            loop += ["    else:", "    " + lora]
    else:
        loop.append(lora)
    return _function(
        "fill_adapter(model)", "Give all that trains values from its name.", "\n".join(loop)
    )


def steps(w: Writing) -> str:
    """Optimizer steps."""
    optimizer = {"sgd": "SGD(trainable, lr=0.1)", "adamw": "AdamW(trainable, lr=0.02)"}
    body = f"""
        trainable = [parameter for parameter in model.parameters() if parameter.requires_grad]
        optimizer = torch.optim.{optimizer[w.case.training]}
        ids = INPUT_IDS.to(trainable[0].device)
        model.train()
        for _ in range(2):
            optimizer.zero_grad()
            model(input_ids=ids, attention_mask=torch.ones_like(ids), labels=ids).loss.backward()
            optimizer.step()
        model.eval()
    """
    return _function("steps(model)", "Two optimizer steps on next-token loss.", text(body))


def defined(w: Writing) -> str:
    """The definition of the adapter."""
    body = [
        "parts = {name: tensor.double() for name, tensor in weights(model).items()}",
        "before = weights(base)",
        "found = {name: parts[name] for name in before}",
        "for name, part in parts.items():" if w.placement.save or w.placement.tokens else "",
    ]
    if w.placement.save:
        body.append(
            '    if ".modules_to_save.default." in name:\n'
            '        found[name.replace(".modules_to_save.default", "")] = part'
        )
    if w.placement.tokens:
        rows = repr(list(w.case.token_rows))
        if w.placement.tokens == "different":
            rows = f'{list(w.case.other_rows)} if name.startswith("{w.head}.") else {rows}'
        body.append(
            '    if "trainable_tokens_delta" in name:\n'
            '        owner = re.sub(r"(\\.token_adapter)?\\.trainable_tokens_delta.*", "", name)\n'
            f"        rows = torch.tensor({rows})\n"
            '        weight = found[f"{owner}.weight"]\n'
            '        found[f"{owner}.weight"] = weight.index_copy(0, rows, part)'
        )
    body.append(
        "for name, part in parts.items():\n"
        '    owner, _, kind = name.partition(".lora_")\n'
        '    if not kind.startswith(("A.", "embedding_A.")):\n'
        "        continue\n"
        "    # (out, in), however the module keeps it\n"
        "    module = type(base.get_submodule(owner)).__name__\n"
        '    turned = "embedding" in kind or module == "Conv1D"\n'
        '    weight = found[f"{owner}.weight"]\n'
        '    other = parts[name.replace("_A.", "_B.")]\n'
        f"    matrix = (weight.T if turned else weight) + {w.case.scaling!r} * other @ part"
    )
    if w.case.dora:
        body.append(
            '    magnitude = parts[f"{owner}.lora_magnitude_vector.default.weight"].flatten()\n'
            "    matrix = matrix * (magnitude / matrix.norm(dim=1))[:, None]"
        )
    body.append('    found[f"{owner}.weight"] = matrix.T if turned else matrix')
    body.append("return {name: tensor.to(before[name].dtype) for name, tensor in found.items()}")
    what = ["W + scaling B A" + (" at magnitude m" if w.case.dora else "")]
    what += ["replaced modules"] if w.placement.save else []
    what += ["replaced rows"] if w.placement.tokens else []
    docstring = f"The weights that the adapter stands for: {', '.join(what)}."
    return _function("defined(model, base)", docstring, *body)


FUNCTIONS: dict[str, Callable[[Writing], str]] = {
    function.__name__: function
    for function in (build, load_base, grow, wrap, fill_adapter, steps, defined)
}
