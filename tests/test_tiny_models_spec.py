"""Specifications: sentences for what cannot exist, inputs, and records usable without torch."""

from __future__ import annotations

import subprocess
import sys

import pytest
import torch

from tiny_models import FAMILIES, ModelSpec, SpecError
from tiny_models.build import inputs
from tiny_models.families import family

REFUSED = [
    ({"family": "lama"}, "family must be one of llama, mistral, "),
    ({"dtype": "int8"}, "dtype must be one of float32, bfloat16, float16, float64, not 'int8'."),
    (
        {"family": "mixtral", "dtype": "float64"},
        "dtype must be one of float32, bfloat16, float16, not 'float64'.",
    ),
    ({"base": "made"}, "base must be one of built, loaded, resized, loaded-untied, not 'made'."),
    ({"base": "loaded-untied"}, "base 'loaded-untied' needs tied=False: it unties a tied"),
    ({"layers": 0}, "layers must be at least 1, not 0."),
    ({"vocab": 15}, "vocab must be at least 16, not 15."),
    ({"hidden": 0}, "hidden must be at least 8, not 0."),
    ({"hidden": 12}, "hidden must be a multiple of 8, not 12."),
    ({"seed": -1}, "seed must be at least 0, not -1."),
]


@pytest.mark.parametrize(("fields", "sentence"), REFUSED)
def test_impossible_specs_are_refused(fields: dict[str, object], sentence: str) -> None:
    with pytest.raises(SpecError) as refused:
        ModelSpec(**fields)  # type: ignore[arg-type]
    assert str(refused.value).startswith(sentence)
    assert isinstance(refused.value, ValueError)


def test_spec_pastes_back() -> None:
    spec = ModelSpec(family="gpt2", tied=False, base="loaded-untied")
    assert eval(repr(spec)) == spec  # noqa: S307 -- our own repr


def test_families_are_named_once_and_llama_comes_first() -> None:
    assert next(iter(FAMILIES)) == "llama"
    assert all(family(name) is entry and entry.name == name for name, entry in FAMILIES.items())
    assert set(FAMILIES["llama"].roles) == {"embedding", "head", "attention", "mlp"}


@pytest.mark.parametrize("vocab", [16, 24, 40])
def test_inputs_cover_the_rows_that_matter(vocab: int) -> None:
    made = inputs(ModelSpec(vocab=vocab))
    ids = made["input_ids"]
    assert ids.shape == made["attention_mask"].shape == (2, 7)
    assert ids.dtype == made["attention_mask"].dtype == torch.int64
    assert made["attention_mask"].all()
    assert {0, 1, vocab - 1} <= set(ids.flatten().tolist()) <= set(range(vocab))
    assert all(len(set(row.tolist())) < len(row) for row in ids)  # a repeated token in each


def test_records_import_neither_torch_nor_transformers_nor_peft() -> None:
    script = (
        "import sys, tiny_models, tiny_models.spec, tiny_models.families;"
        "print(sorted({'torch', 'transformers', 'peft', 'hypothesis'} & set(sys.modules)))"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "[]"


def test_building_imports_neither_peft_nor_hypothesis_nor_pytest() -> None:
    script = (
        "import sys, tiny_models.build;"
        "print(sorted({'peft', 'hypothesis', 'pytest'} & set(sys.modules)))"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "[]"
