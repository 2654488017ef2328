"""The functions of a script that depend on the adapter of its case: wrapping, training, ties.

A script's values are those of the suite, so what it prints is what the suite found.
"""

from __future__ import annotations

import math
from textwrap import indent

from conformance.core.magnitudes import DELTA, DELTA_OF_EMBEDDING, SIZES, WIDE
from conformance.reproducer.code import function, literal, text
from conformance.reproducer.shapes import labels
from conformance.reproducer.writing import Writing


def wrap(w: Writing) -> str:
    """The adapter on a copy of the base."""
    precision = "" if w.case.autocast else ", autocast_adapter_dtype=False"
    lines = [
        f"torch.manual_seed({w.case.seed + 1})  # the same initial values each time",
        f"config = {w.lora_config}",
        f"model = get_peft_model(copy.deepcopy(base), config{precision})",
        "grow(model.base_model.model)" if w.case.grown else "",
        "return model",
    ]
    if not w.case.grown:
        lines[2:] = [lines[2].replace("model =", "return")]
    return function("wrap(base)", "A fresh adapter on a copy of the base.", *lines)


def fill_adapter(w: Writing) -> str:
    """Values for whatever trains, by the kinds of parameters that the case has."""
    others: list[tuple[str, str]] = []
    if w.case.dora:
        noise = f"1 + {SIZES['lora_magnitude_vector']} * noise.tanh()"
        others.append(('"magnitude" in name', f"parameter.data.mul_({noise})"))
    if w.placement.save:
        others.append(('".modules_to_save." in name', _added("saved")))
    if w.placement.tokens:
        others.append(('"tokens_delta" in name', _added("trainable_tokens_delta")))
    if w.case.bias != "none":
        others.append(('".lora_" not in name', _added("bias")))
    rest = _factor(w) if w.moved is None else f"parameter.data.add_({w.moved} * noise)"
    branches = [
        f"{'elif' if n else 'if'} {test}:\n    {made}" for n, (test, made) in enumerate(others)
    ]
    if branches:
        branches.append("else:\n" + indent(rest, "    "))
    loop = "\n".join(branches) or rest
    lines = [
        "live, done = reached(model), set()  # tensors that are one get one value",
        "for name, parameter in model.named_parameters():",
        "    place = parameter.untyped_storage().data_ptr()",
        "    if not parameter.requires_grad or place not in live - done:",
        "        continue",
        "    done.add(place)",
        "    noise = values(name, parameter.shape).to(parameter)",
        indent(loop, "    "),
    ]
    return function(
        "fill_adapter(model)", "Give all that a gradient reaches values from its name.", *lines
    )


def _added(kind: str) -> str:
    return f"parameter.data.add_({SIZES[kind]} * noise)"


def _factor(w: Writing) -> str:
    """A factor of LoRA: that which knows the width of its layer takes it."""
    size = math.sqrt(DELTA / (w.case.scaling * math.sqrt(w.case.rank)))
    wide = {kind.removeprefix("lora_"): axis for kind, axis in WIDE.items()}
    axes = ", ".join(f"{literal(kind)}: parameter.shape[{axis}]" for kind, axis in wide.items())
    lines = [
        'kind = name.split(".lora_")[-1].split(".")[0]',
        f"width = {{{axes}}}.get(kind, 1)",
    ]
    more = math.sqrt(DELTA_OF_EMBEDDING[w.case.dtype] / DELTA)
    if more != 1:
        lines.append(f'width /= {more**2:.6g} if "embedding" in kind else 1')
    return "\n".join([*lines, f"parameter.data.copy_({size!r} / width**0.5 * noise)"])


def steps(w: Writing) -> str:
    """Optimizer steps."""
    optimizer = {"sgd": "SGD(trainable, lr=0.1", "adamw": "AdamW(trainable, lr=0.02"}
    if w.head:
        loss = f'model(**batch, labels=batch["{labels(w.family)}"]).loss'
        what = "the model's own loss"
    else:
        loss = "model(**batch).last_hidden_state.square().mean()"
        what = "the size of the last hidden states"
    body = f"""
        trainable = [parameter for parameter in model.parameters() if parameter.requires_grad]
        # one after the other: two Parameters may lie over one storage
        optimizer = torch.optim.{optimizer[w.case.training]}, foreach=False)
        batch = {{name: tensor.to(trainable[0].device) for name, tensor in INPUTS.items()}}
        model.train()
        for _ in range(2):
            optimizer.zero_grad()
            loss = {loss}
            if not loss.requires_grad:
                break  # no gradient reaches anything
            loss.backward()
            optimizer.step()
        model.eval()
    """
    return function("steps(model)", f"Two optimizer steps on {what}.", text(body))


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
    return function("defined(model, base)", docstring, *body)


def check_separate_adapters(w: Writing) -> str:
    """The check that adapters are separate; those on what is one in an untied base may be one."""
    one = w.sides_are_one
    test = "len(owners) > 1"
    if one:
        test += ' and not are_one(base, *(f"{owner}.weight" for owner in owners))'
    body = f"""
        parts = r"\\.(lora_|modules_to_save\\.|(token_adapter\\.)?trainable_tokens_delta)"
        for group in shared(model):
            owners = {{re.split(parts, name)[0] for name in group if re.search(parts, name)}}
            if {test}:
                found = ", ".join(sorted(group))
                check(f"{{stage}}: adapters are separate", False, found)
    """
    return function(
        f"check_separate_adapters(stage, model{', base' if one else ''})",
        "No two modules may have one adapter" + (", unless they have one weight." if one else "."),
        text(body),
    )
