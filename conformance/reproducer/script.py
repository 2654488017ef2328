"""Putting a script together: what its steps call comes before them, and nothing else."""

from __future__ import annotations

import ast
import re
from functools import cache
from pathlib import Path
from textwrap import fill, indent

from conformance.core.case import Case
from conformance.core.tolerances import (
    ACROSS,
    NUDGES,
    blocks,
    coarsest,
    margin,
    nudges,
    roundings,
)
from conformance.kinds.lifecycle.checks import INVARIANTS
from conformance.reproducer.applicable import require_applicable
from conformance.reproducer.code import WIDTH, literal, several
from conformance.reproducer.functions import FUNCTIONS
from conformance.reproducer.own_classes import OWN_NEEDS, own_classes
from conformance.reproducer.snippets import CHAIN, SNIPPETS, WITHOUT_SNIPPET
from conformance.reproducer.snippets.tying import adapter_pairs
from conformance.reproducer.writing import NotReproducible, Writing
from tiny_models.families.family import AUTO_CLASSES

PARTS = Path(__file__).with_name("parts.py")
STDLIB = {
    **dict.fromkeys(("copy", "hashlib", "json", "logging", "math", "os", "re", "sys"), ""),
    **dict.fromkeys(("tempfile", "traceback", "warnings"), ""),
    "Any": "typing",
    "Iterator": "collections.abc",
    "Path": "pathlib",
    "contextmanager": "contextlib",
    "defaultdict": "collections",
}
THIRD_PARTY = {
    **dict.fromkeys(AUTO_CLASSES.values(), "transformers"),
    **OWN_NEEDS,
    **dict.fromkeys(("LoraConfig", "PeftConfig", "PeftModel", "get_peft_model"), "peft"),
    "load_file": "safetensors.torch",
    "Conv1D": "transformers.pytorch_utils",
}
STORY = ("build", "load_base", "grow", "wrap")
COMMENTS = {
    "emulated": "# Found on an emulated device; written for the CPU, where it may not show.\n"
}
FOOTER = """\
if __name__ == "__main__":
    for package in (peft, transformers, torch):
        print(package.__name__, package.__version__)
    try:
        RUN
    except Exception:  # whatever ended the life early, the promise was not judged
        traceback.print_exc()
        print("NOT JUDGED: the life ended early")
        sys.exit(1 if BROKEN else 125)  # git bisect run skips 125
    print(f"{len(BROKEN)} broken" if BROKEN else "all kept")
    sys.exit(1 if BROKEN else 0)
"""
IN_A_FOLDER = """\
with tempfile.TemporaryDirectory() as folder:
            main(Path(folder))"""


def write_script(case: Case, invariant: str | None = None) -> str:
    """A standalone script that lives ``case`` and checks one promise, or the chain of them.

    Raises NotReproducible, in one sentence, where there is nothing to write.
    """
    if invariant is not None and invariant not in SNIPPETS:
        reason = WITHOUT_SNIPPET.get(invariant, "nobody has written its snippet yet")
        raise NotReproducible(f"{invariant} has no script: {reason}")
    require_applicable(case, invariant)
    return script_of(Writing(case), invariant)


def script_of(writing: Writing, invariant: str | None) -> str:
    """The script of anything that can be written down, for a promise that applies to it."""
    body = (CHAIN if invariant is None else SNIPPETS[invariant])(writing)
    works = "work" in _names(body)
    main = f"def main({'work' if works else ''}):\n" + indent(body, "    ")
    footer = FOOTER.replace("RUN", IN_A_FOLDER if works else "main()")
    functions = _needed(main, footer, writing)
    code = "\n\n\n".join([*functions, footer])
    constants = _constants(writing, code)
    if writing.family.own:
        constants = f"{constants}\n\n\n{own_classes()}"
    return "\n".join(
        [
            _docstring(writing, invariant),
            COMMENTS.get(writing.case.device, "") + _imports(writing, f"{constants}\n{code}"),
            f"{constants}\n\n\n{code}",
        ]
    )


def _docstring(writing: Writing, invariant: str | None) -> str:
    if invariant is None:
        promise = "Each stage of the adapter's life keeps its logits, ties and config flags."
        source = ""
    else:
        promise = f"{invariant}: {INVARIANTS[invariant].promise}"
        source = f"Source: {INVARIANTS[invariant].source}\n"
    return (
        f'r"""{fill(promise, WIDTH)}\n\n{source}{writing.about}\n\n'
        "Needs torch, transformers and peft. Exit status: 1 while this is broken, 0 when kept.\n"
        '"""\n'
    )


def _names(code: str) -> set[str]:
    """Every name that the code holds."""
    return {node.id for node in ast.walk(ast.parse(code)) if isinstance(node, ast.Name)}


def _calls(code: str) -> set[str]:
    """Every name that the code calls: a local variable may have a function's name."""
    calls = [node.func for node in ast.walk(ast.parse(code)) if isinstance(node, ast.Call)]
    return {called.id for called in calls if isinstance(called, ast.Name)}


@cache
def _parts() -> dict[str, str]:
    """The source of each function of ``parts``, decorators included, lint comments not."""
    source = PARTS.read_text(encoding="utf-8")
    lines = [re.sub(r"  # (noqa|type: ignore).*", "", line) for line in source.splitlines()]
    found = {}
    for node in ast.parse(source).body:
        if isinstance(node, ast.FunctionDef):
            first = min([node.lineno, *(decorator.lineno for decorator in node.decorator_list)])
            found[node.name] = "\n".join(lines[first - 1 : node.end_lineno])
    return found


def _needed(main: str, footer: str, writing: Writing) -> list[str]:
    """``main`` among the functions it calls, and those they call: what a reader wants first."""
    found: dict[str, str] = {}
    waiting = _calls(f"{main}\n{footer}")
    while waiting:
        name = waiting.pop()
        if name in found or not (name in FUNCTIONS or name in _parts()):
            continue
        found[name] = FUNCTIONS[name](writing) if name in FUNCTIONS else _parts()[name]
        waiting |= _calls(found[name])
    order = [*FUNCTIONS, *_parts()]
    story = [found.pop(name) for name in STORY if name in found]
    return [*story, main, *(found[name] for name in sorted(found, key=order.index))]


def _constants(writing: Writing, code: str) -> str:
    case = writing.case
    more = margin(case.dtype)
    each = more * roundings(case.dtype, blocks(case), case.hidden)
    members = tuple(f"{name}.weight" for name in writing.matrices.values())
    values = {
        "BROKEN": "[]",
        "SEED": f"{case.seed}",
        **writing.inputs,
        "EPS": _eps(case),
        "ROUNDINGS": f"{each:.3g}  # in the middle between their sum and what a fault does",
        "NUDGES": f"{more * NUDGES:g}",
        "TURNS": f'"{"".join(str(turn) for turn, _ in enumerate(nudges(case.dtype), 1))}"',
        "DELTA_ROUNDINGS": f"{more * (8 + case.rank):g}",
        "MEMBERS": several(members),
        "ADAPTER_PAIRS": _pairs(writing),
    }
    used = _names(code)
    if "INPUTS" in used:
        used |= set(writing.inputs)
    lines = ["torch.set_num_threads(1)"]
    if case.device == "cuda":
        lines += ["torch.backends.cudnn.allow_tf32 = False  # convolve float32 in float32"]
    return "\n".join([*lines, *(f"{k} = {v}" for k, v in values.items() if k in used)])


def _eps(case: Case) -> str:
    """That of its precision; larger between devices, as in ``conformance.core.tolerances``."""
    if case.crossing == "none":
        return f"torch.finfo(torch.{case.dtype}).eps"
    return f"{ACROSS:g} * torch.finfo(torch.{coarsest(case.dtype, 'float32')}).eps"


def _pairs(writing: Writing) -> str:
    """Parts of the embedding's adapter and of the head's, and whether they are transposed."""
    rows = "".join(f"    {literal(pair)},\n" for pair in adapter_pairs(writing))
    return f"[  # the last says whether one is the other transposed\n{rows}]"


def _imports(writing: Writing, code: str) -> str:
    used = _names(code) | {"os"}
    classes = () if writing.family.own else (writing.family.config, writing.family.model)
    family = dict.fromkeys(classes, "transformers")
    stdlib = _import_lines({name: module for name, module in STDLIB.items() if name in used})
    others = {**THIRD_PARTY, **family, writing.adapter_class: "peft"}
    third_party = _import_lines(
        {name: module for name, module in others.items() if name in used}
        | {"peft": "", "torch": "", "transformers": ""}
    )
    offline = 'os.environ["HF_HUB_OFFLINE"] = "1"  # before the imports: nothing needs the hub'
    return f"{stdlib}\n\n{offline}\n\n{third_party}\n"


def _import_lines(modules: dict[str, str]) -> str:
    plain = sorted(f"import {name}" for name, module in modules.items() if not module)
    froms: dict[str, list[str]] = {}
    for name, module in modules.items():
        if module:
            froms.setdefault(module, []).append(name)
    named = [f"from {m} import {', '.join(sorted(names))}" for m, names in sorted(froms.items())]
    return "\n".join([*plain, *named])
