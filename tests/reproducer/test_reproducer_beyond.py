"""Scripts for families beyond decoders say what the suite says, shape by shape."""

from __future__ import annotations

from pathlib import Path

import pytest
from scripts import STATUS, imports, run_all, scripts_for, unbound

from conformance.core.case import Case
from conformance.core.grid import Stratum
from conformance.core.placements import MATRICES
from conformance.core.versions import installed, minor
from conformance.kinds.lifecycle.checks import INVARIANTS
from conformance.kinds.lifecycle.observe import observe
from conformance.reproducer import write_script
from conformance.reproducer.shapes import (
    ALWAYS_SAY_TIED,
    COMPUTED_POSITIONS,
    LOGITS_BIAS,
    auto_class,
    labels,
    path,
)
from conformance.running.drawn import drawn
from tiny_models import build as tiny
from tiny_models import compat
from tiny_models.families import BEYOND, FAMILIES
from tiny_models.spec import ModelSpec

SHAPES = {shape: [] for shape in dict.fromkeys(FAMILIES[name].shape for name in BEYOND)}
for _name in BEYOND:
    SHAPES[FAMILIES[_name].shape].append(_name)

# For each shape, a stratum where little breaks and one where much does: of both, one drawn case.
QUIET = {shape: Stratum("cpu", False, False, "target:both") for shape in SHAPES}
QUIET["encoder"] = Stratum("cpu", True, False, "body")
LOUD = {shape: Stratum("cpu", True, True, "target:both") for shape in SHAPES}
LOUD["encoder"] = Stratum("cpu", True, False, "target:embedding")
AS_WELL = ("merge-keeps-logits", "forward-follows-definition", "config-driven-loader-agrees")

FAULT = """
from peft.tuners.lora.layer import Linear
right = Linear.get_delta_weight
Linear.get_delta_weight = lambda self, adapter: 2 * right(self, adapter)
"""


def test_shapes_are_all_there() -> None:
    assert len(SHAPES) == 5


@pytest.mark.parametrize("shape", SHAPES)
def test_scripts_agree_with_the_suite(shape: str, tmp_path: Path) -> None:
    families = tuple(SHAPES[shape])
    judged, scripts = {}, {}
    for stratum in (QUIET[shape], LOUD[shape]):
        case = drawn(stratum, 5, families=families, group="scripts")[-1]
        seen = observe(case)
        written = scripts_for(case)
        turn = list(SHAPES).index(shape) % 2  # half of them for one shape, half for the next
        for name, script in written.items():
            found = INVARIANTS[name].judge(seen)
            mine = name in AS_WELL or (
                stratum == QUIET[shape] and name in list(INVARIANTS)[turn::2]
            )
            if found.verdict == "holds" and not mine:
                continue
            if found.verdict in ("holds", "breaks"):
                file = f"{stratum.id.replace(':', '-')}-{name}.py"
                scripts[file], judged[file] = script, (case, found)
    # what a script plants stays for those after it
    body = Case(placement="body", family=families[-1], training="sgd")
    scripts["wrong.py"] = FAULT + write_script(body, "merge-keeps-logits")
    ended = run_all(scripts, tmp_path)
    assert ended["wrong.py"].status == 1, ended["wrong.py"].output
    assert len(judged) > 10
    for file, (case, found) in judged.items():
        assert ended[file].status == STATUS[found.verdict], (file, case, found, ended[file].output)
    idle = [file for file in judged if "adapter-takes-part" in file and ended[file].broken]
    if shape == "encoder":  # it reads its other embedding: LoRA on the shared one is passed by
        assert "shared" in ended[idle[0]].broken[0]


@pytest.mark.parametrize("family", BEYOND)
def test_what_scripts_take_for_granted_of_a_family_is_so(family: str) -> None:
    entry = FAMILIES[family]
    if not compat.has_family(entry):
        pytest.skip(f"the installed transformers has no {entry.model}")
    spec = ModelSpec(family=family)
    model = tiny.model_class(spec)(tiny.config(spec))
    frozen = any(not parameter.requires_grad for parameter in model.parameters())
    assert frozen == (family in COMPUTED_POSITIONS)
    bias = any(name == "final_logits_bias" for name, _ in model.named_buffers())
    assert bias == (family in LOGITS_BIAS)
    here = installed("transformers")
    for role in (role for role in MATRICES if role in entry.matrices):
        assert path(entry, role, here) == compat.live_path(model, entry.matrices[role])
    loader = compat.auto_class(entry.shape)
    assert auto_class(entry, here) == (loader.__name__ if loader else entry.model)
    if entry.head:
        assert labels(entry) in tiny.inputs(spec)
        untied = tiny.config(ModelSpec(family=family, tied=False))
        if minor(here) >= (5,):
            assert untied.tie_word_embeddings == (family in ALWAYS_SAY_TIED)


@pytest.mark.parametrize("family", BEYOND)
def test_scripts_of_every_family_stand_alone(family: str) -> None:
    written = {"writing": "paths", "training": "adamw", "base": "resized", "grown": True}
    for script in scripts_for(Case(placement="body", family=family, **written)).values():
        assert imports(script) >= {"torch", "transformers", "peft"}
        assert unbound(script) == set()


def test_an_untied_config_inside_a_config_is_written_on_each_level() -> None:
    case = Case(tied=False, placement="body", family="gemma3", base="loaded-untied")
    script = write_script(case, "merge-keeps-logits")
    assert "text_config=dict(" in script
    assert "for part in (config, config.text_config" in script


def test_a_tie_of_several_members_is_named_in_full() -> None:
    script = write_script(Case(placement="body", family="bart"), "tied-stay-tied")
    for name in FAMILIES["bart"].matrices.values():
        assert f'"{name}.weight"' in script
