"""The tied matrix and the roles of every family, found in a live model of any transformers."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import transformers
from packaging.version import Version
from torch import nn
from transformers.pytorch_utils import Conv1D

from tiny_models import FAMILIES, ModelSpec, compat
from tiny_models.build import build
from tiny_models.roles import matrix_names, module_names

HERE = {name: family for name, family in FAMILIES.items() if compat.has_family(family)}
SPECS = [
    ModelSpec(family=name, tied=tied, seed=3)
    for name, family in HERE.items()
    for tied in (True, False)
    if tied or family.head
]
BEFORE_5 = Version(transformers.__version__).major < 5
ONE_LAYER = {"albert"}
"""Those whose every layer is the first one, called again."""
LAYER = re.compile(r"\.([01])\.")  # the first number of a path


def named(spec: ModelSpec) -> str:
    return f"{spec.family}-{'tied' if spec.tied else 'untied'}"


def shared(model: nn.Module) -> set[frozenset[str]]:
    """Names of parameters by storage, where it has more than one."""
    groups: dict[int, set[str]] = {}
    for name, parameter in model.named_parameters(remove_duplicate=False):
        groups.setdefault(parameter.data_ptr(), set()).add(name)
    return {frozenset(group) for group in groups.values() if len(group) > 1}


@pytest.mark.parametrize("spec", SPECS, ids=named)
def test_shared_storage_is_exactly_the_tie(spec: ModelSpec, tmp_path: Path) -> None:
    model: Any = build(spec, tmp_path).model
    family = FAMILIES[spec.family]
    names = matrix_names(model, family)
    assert set(names) == set(family.matrices)
    embeddings = frozenset(name for role, name in names.items() if role != "head")
    if spec.tied:
        expected = {frozenset(names.values()), frozenset(family.biases)}
    else:
        # transformers 4 shared the embeddings of encoder and decoder, and the two biases, of an
        # untied model too; transformers 5 does so where the config says tied whatever it was asked
        sides = BEFORE_5 or model.config.tie_word_embeddings
        expected = {embeddings if sides else frozenset(), frozenset(family.biases * BEFORE_5)}
    assert shared(model) == {group for group in expected if len(group) > 1}


@pytest.mark.parametrize("spec", SPECS, ids=named)
def test_matrices_are_those_that_transformers_calls_so(spec: ModelSpec, tmp_path: Path) -> None:
    model: Any = build(spec, tmp_path).model
    modules = {
        role: model.get_submodule(name.removesuffix(".weight"))
        for role, name in matrix_names(model, HERE[spec.family]).items()
    }
    head = modules.pop("head", None)
    assert all(isinstance(module, nn.Embedding) for module in modules.values())
    # Marian gives its encoder's, which need not be its decoder's
    given = model.get_input_embeddings()
    assert given is modules["encoder-embedding" if spec.family == "marian" else "embedding"]
    assert model.get_output_embeddings() is head
    assert head is None or isinstance(head, nn.Linear)


@pytest.mark.parametrize("name", HERE)
def test_roles_resolve_to_modules(name: str, tmp_path: Path) -> None:
    model = build(ModelSpec(family=name, layers=2), tmp_path).model
    family = HERE[name]
    found = module_names(model, family)
    assert set(found) == {role for role, names in family.roles.items() if names}
    for role in ("embedding", "head"):
        names = [compat.live_path(model, path) for path in family.roles[role]]
        assert list(found.get(role, ())) == names
    for role in ("attention", "mlp"):
        for short in family.roles[role]:
            paths = [path for path in found[role] if path.split(".")[-1] == short]
            if name == "phi" and not paths:  # queries, keys and values were one module in 4.36
                assert any(path.endswith(".query_key_value") for path, _ in model.named_modules())
                continue
            layers = [layer[1] for layer in map(LAYER.search, paths) if layer]
            if name in ONE_LAYER:
                assert layers == ["0"]
            else:
                assert layers.count("0") == layers.count("1") > 0
            # the head of a model that fills gaps has a layer of its own before its matrix
            beside = len(paths) - len(layers)
            assert beside == (family.shape == "masked" and short == "dense")
            modules = [model.get_submodule(path) for path in paths]
            assert all(isinstance(module, (nn.Linear, Conv1D)) for module in modules)
