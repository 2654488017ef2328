"""Loading: its report, own memory, silence; and models that are not what they should be."""

from __future__ import annotations

import logging
import shutil
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors import safe_open
from safetensors.torch import load_file, save_file
from torch import nn
from transformers import AutoModelForCausalLM, Gemma3Config

from tiny_models import FAMILIES, ModelSpec, compat
from tiny_models.build import build, inputs, load, model_class
from tiny_models.errors import TinyModelError
from tiny_models.loading import own_memory
from tiny_models.verify import verify


def test_model_outlives_its_file(tmp_path: Path) -> None:
    spec = ModelSpec()
    build(spec, tmp_path / "work").model.save_pretrained(tmp_path / "saved")
    model, _ = load(model_class(spec), tmp_path / "saved", dtype="float32")
    with torch.no_grad():
        before = model(**inputs(spec)).logits
        file = tmp_path / "saved" / "model.safetensors"
        with file.open("r+b") as opened:  # in place, as a writer that does not replace the file
            opened.write(bytes(file.stat().st_size))
        assert torch.equal(model(**inputs(spec)).logits, before)
        shutil.rmtree(tmp_path)
        assert torch.equal(model(**inputs(spec)).logits, before)


def test_own_memory_keeps_storage_shared_by_two_parameters() -> None:
    data = torch.randn(3, 3)
    pair = nn.ParameterList([nn.Parameter(data), nn.Parameter(data)])
    own_memory(pair)
    assert pair[0].data_ptr() == pair[1].data_ptr() != data.data_ptr()


def test_auto_class_loads_the_same(tmp_path: Path) -> None:
    spec = ModelSpec(tied=False, dtype="bfloat16")
    model = build(spec, tmp_path / "work").model
    model.save_pretrained(tmp_path)
    again, _ = load(AutoModelForCausalLM, tmp_path, dtype="bfloat16")
    assert type(again) is type(model)
    assert all(
        torch.equal(value, again.state_dict()[key]) for key, value in model.state_dict().items()
    )


def test_report_names_what_is_missing_or_unexpected(tmp_path: Path) -> None:
    build(ModelSpec(tied=False), tmp_path / "work").model.save_pretrained(tmp_path)
    tensors = load_file(tmp_path / "model.safetensors")
    tensors["stray.weight"] = tensors.pop("lm_head.weight")
    save_file(tensors, tmp_path / "model.safetensors", metadata={"format": "pt"})
    _, report = load(model_class(ModelSpec()), tmp_path, dtype="float32")
    assert (report.missing, report.unexpected) == (("lm_head.weight",), ("stray.weight",))


@pytest.mark.parametrize("name", FAMILIES)
def test_matrices_are_in_the_file_where_the_family_says(name: str, tmp_path: Path) -> None:
    family = FAMILIES[name]
    for tied in (True, False) if family.head else (True,):
        folder = tmp_path / str(tied)
        build(ModelSpec(family=name, tied=tied), tmp_path).model.save_pretrained(folder)
        with safe_open(folder / "model.safetensors", "pt") as file:
            keys = set(file.keys())
        assert family.embedding_in_file in keys
        assert (family.head_in_file in keys) is not tied


def test_building_is_silent_but_listeners_hear(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    class Listener(logging.Handler):
        heard = 0

        def emit(self, record: logging.LogRecord) -> None:
            self.heard += "lm_head.weight" in record.getMessage()

    logger, listener = logging.getLogger("transformers"), Listener()
    logger.addHandler(listener)
    before = logger.handlers[:]
    try:
        build(ModelSpec(tied=False, base="loaded-untied"), tmp_path)
        assert logger.handlers == before
    finally:
        logger.removeHandler(listener)
    assert listener.heard == 1
    assert capfd.readouterr() == ("", "")


def test_a_model_that_is_not_its_spec_is_an_error(tmp_path: Path) -> None:
    spec = ModelSpec(family="gpt2")
    model = build(spec, tmp_path).model
    for wrong in (
        ModelSpec(family="gpt2", tied=False),
        ModelSpec(family="gpt2", dtype="float16"),
        ModelSpec(family="gpt2", vocab=40),
    ):
        with pytest.raises(TinyModelError):
            verify(model, wrong)
    with pytest.raises(TinyModelError, match="eval mode"):
        verify(model.train(), spec)


def test_declared_ties_are_read(tmp_path: Path) -> None:
    declared = compat.tied_weights(build(ModelSpec(), tmp_path).model)
    assert list(declared) == ["lm_head.weight"]
    assert declared["lm_head.weight"] in (None, "model.embed_tokens.weight")


def test_set_tie_reaches_nested_configs() -> None:
    made: Any = Gemma3Config(text_config={"num_hidden_layers": 1})
    compat.set_tie(made, tied=False)
    assert made.tie_word_embeddings is False
    assert made.text_config.tie_word_embeddings is False
