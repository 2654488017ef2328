"""Specifications: sentences for what cannot exist, inputs, and records usable without torch."""

from __future__ import annotations

import subprocess
import sys

import pytest
import torch

from tiny_models import DTYPES, FAMILIES, ModelSpec, SpecError
from tiny_models.build import inputs
from tiny_models.families import DECODERS, family
from tiny_models.families.family import SHAPES
from tiny_models.families.multimodal import PICTURE

REFUSED = [
    ({"family": "lama"}, "family must be one of llama, mistral, "),
    ({"dtype": "int8"}, "dtype must be one of float32, bfloat16, float16, float64, not 'int8'."),
    (
        {"family": "mixtral", "dtype": "float64"},
        "dtype must be one of float32, bfloat16, float16, not 'float64'.",
    ),
    ({"base": "made"}, "base must be one of built, loaded, resized, loaded-untied, not 'made'."),
    ({"base": "loaded-untied"}, "base 'loaded-untied' needs tied=False: it unties a tied"),
    (
        {"family": "t5-encoder", "tied": False},
        "tied must be True for t5-encoder: it has no head.",
    ),
    (
        {"family": "bart", "tied": False, "base": "resized"},
        "base must be one of built, loaded for an untied bart, not 'resized': ",
    ),
    (
        {"family": "bert", "tied": False, "base": "loaded-untied"},
        "base must be one of built, loaded for an untied bert, not 'loaded-untied': ",
    ),
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


def test_families_that_live_are_the_decoders_alone() -> None:
    assert tuple(n for n, entry in FAMILIES.items() if entry.shape == "decoder-only") == DECODERS


def test_an_encoder_alone_is_that_of_a_family_with_both() -> None:
    for entry in FAMILIES.values():
        if entry.encoder_of:
            whole = family(entry.encoder_of)
            assert (entry.config, entry.sizes) == (whole.config, whole.sizes)
            assert not entry.head
            assert set(entry.matrices.items()) < set(whole.matrices.items())
    assert {n for n, entry in FAMILIES.items() if not entry.head} == {
        n for n, entry in FAMILIES.items() if entry.shape == "encoder"
    }


KEYS = {
    "encoder-decoder": {"input_ids", "attention_mask", "decoder_input_ids"},
    "speech": {"input_features", "decoder_input_ids"},
    "image-text": {"input_ids", "attention_mask", "pixel_values", "token_type_ids"},
}
OF_EACH_SHAPE = {entry.shape: name for name, entry in reversed(FAMILIES.items())}


def test_every_shape_has_a_family_and_every_family_a_shape() -> None:
    assert set(OF_EACH_SHAPE) == set(SHAPES)


@pytest.mark.parametrize("vocab", [16, 22, 24, 40])
@pytest.mark.parametrize("shape", SHAPES)
def test_inputs_cover_the_rows_that_matter(shape: str, vocab: int) -> None:
    entry = family(OF_EACH_SHAPE[shape])
    made = inputs(ModelSpec(family=entry.name, vocab=vocab))
    assert set(made) == KEYS.get(shape, {"input_ids", "attention_mask"})
    texts = [ids for key, ids in made.items() if key.endswith("input_ids")]
    for ids in texts:
        assert ids.dtype == torch.int64
        shown = entry.sizes.fixed.get("image_token_index")
        assert ids[:, :-7].eq(shown or 0).all()  # what a picture takes, before the text
        assert ids.shape == (2, 7 + PICTURE * (shape == "image-text"))
        assert {0, 1, vocab - 1} <= set(ids.flatten().tolist()) <= set(range(vocab))
        assert all(len(set(row.tolist())) < len(row) for row in ids)  # a repeated token in each
        assert shown is None or shown not in ids[:, -7:]
    assert len({str(ids.tolist()) for ids in texts}) == len(texts)
    if "attention_mask" in made:
        mask = made["attention_mask"]
        assert mask.dtype == torch.int64
        assert mask.shape == made["input_ids"].shape
        assert mask.all()


@pytest.mark.parametrize("dtype", DTYPES)
def test_features_are_in_the_dtype_of_the_model(dtype: str) -> None:
    made = inputs(ModelSpec(family="whisper", dtype=dtype))["input_features"]
    assert made.dtype == getattr(torch, dtype)
    assert torch.equal(made, inputs(ModelSpec(family="whisper"))["input_features"].to(made.dtype))


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
