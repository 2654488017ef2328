"""Every promise about a pipeline can be broken: a fault planted upstream is caught."""

from __future__ import annotations

import logging
import os
import re
import subprocess
import sys
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
import torch
from faults.fault import Wrapper, passed_through, replaced
from stubbed_suite import ROOT

from conformance.core.errors import SuiteError
from conformance.kinds.loading.checks import concerns
from conformance.kinds.pipeline.available import missing
from conformance.kinds.pipeline.case import VARIANTS, PipelineCase
from conformance.kinds.pipeline.checks import PIPELINE
from conformance.kinds.pipeline.kind import PIPELINE as PIPELINE_KIND
from conformance.kinds.pipeline.kind import require_informative_pipeline
from conformance.kinds.pipeline.observe import observe_pipeline
from conformance.kinds.pipeline.parts import LENGTH, pipeline
from conformance.running.cache import Cache
from tiny_models import build as tiny
from tiny_models.spec import ModelSpec

pytestmark = [
    pytest.mark.skipif(bool(missing()), reason=missing() or "diffusers is there"),
    pytest.mark.usefixtures("placed"),
]

Plant = Callable[[], AbstractContextManager[None]]
SILENT = "nothing-is-silently-reinitialised"
TIED_KEY = "encoder.embed_tokens.weight"


def loaded_encoder(change: Callable[[Any], None]) -> Plant:
    """Change the text encoder that transformers hands to the pipeline."""

    def make(original: Wrapper) -> Wrapper:
        def from_pretrained(cls: Any, *args: Any, **kwargs: Any) -> Any:
            model = original(cls, *args, **kwargs)
            change(model)
            return model

        return from_pretrained

    return lambda: replaced(import_module("transformers").PreTrainedModel, "from_pretrained", make)


def loaded_pipeline(change: Callable[[Any], None]) -> Plant:
    """Change the pipeline that diffusers hands out."""

    def make(original: Wrapper) -> Wrapper:
        def from_pretrained(cls: Any, *args: Any, **kwargs: Any) -> Any:
            pipe = original(cls, *args, **kwargs)
            change(pipe)
            return pipe

        return from_pretrained

    return lambda: replaced(import_module("diffusers").DiffusionPipeline, "from_pretrained", make)


def reinitialises(model: Any) -> None:
    weight = model.encoder.embed_tokens.weight.detach()
    model.encoder.embed_tokens.weight = torch.nn.Parameter(weight.flip(0).clone())


def unties(model: Any) -> None:
    weight = model.encoder.embed_tokens.weight.detach()
    model.encoder.embed_tokens.weight = torch.nn.Parameter(weight.clone())


def calls_the_tied_key_missing(_model: Any) -> None:
    told = f"{TIED_KEY} | MISSING | "
    logging.getLogger("transformers.modeling_utils").warning(told)


def prints_that_it_is_missing(_pipe: Any) -> None:
    print(f"{TIED_KEY} is newly initialized")  # noqa: T201  that is the fault


def diffusers_calls_it_missing(_pipe: Any) -> None:
    logging.getLogger("diffusers.pipelines").warning("newly initialized: ['%s']", TIED_KEY)


def swaps(model: Any) -> None:
    attention = model.encoder.block[0].layer[0].SelfAttention
    attention.q, attention.k = attention.k, attention.q


def fails(_pipe: Any) -> None:
    raise RuntimeError("planted")


def forgets_the_end(pipe: Any) -> None:
    """Tokenize without the end of the text, as a tokenizer that lost its post-processor."""
    original = pipe.tokenizer

    def without(*args: Any, **kwargs: Any) -> Any:
        return original(*args, **{**kwargs, "add_special_tokens": False})

    pipe.tokenizer = without


def encodes_with_another(pipe: Any) -> None:
    """Encode with an encoder that is not the one the pipeline holds."""
    held = pipe.text_encoder
    other = type(held)(held.config).eval()
    original = pipe.encode_prompt

    def encode_prompt(*args: Any, **kwargs: Any) -> Any:
        pipe.text_encoder = other
        try:
            return original(*args, **kwargs)
        finally:
            pipe.text_encoder = held

    pipe.encode_prompt = encode_prompt


def merges_a_hundredth_too_much() -> AbstractContextManager[None]:
    from peft.tuners.lora import Linear

    return replaced(Linear, "get_delta_weight", passed_through(lambda delta: delta * 1.01))


def merges_nothing() -> AbstractContextManager[None]:
    from peft.tuners.lora import Linear

    return replaced(Linear, "get_delta_weight", passed_through(torch.zeros_like))


@dataclass(frozen=True)
class Planted:
    """One small bug, the variant that shows it, and the promises it breaks."""

    story: str
    variant: str
    plant: Plant
    caught_by: tuple[str, ...]
    says: str
    spares: tuple[str, ...] = ()


PLANTED = (
    Planted(
        "the tied member of a pipeline's text encoder is initialised anew",
        "plain",
        loaded_encoder(reinitialises),
        (SILENT, "tied-members-are-one", "loading-keeps-outputs", "pipeline-encodes-alike"),
        f"{TIED_KEY}|outputs|prompts",
        spares=("file-is-restored", "missing-means-missing"),
    ),
    Planted(
        "it is so after a LoRA was merged",
        "merged-lora-untied-config",
        loaded_encoder(reinitialises),
        ("pipeline-keeps-outputs", SILENT),
        f"{TIED_KEY}|outputs of loaded differ from adapted",
    ),
    Planted(
        "the tie is lost and the values are kept",
        "untied-config",
        loaded_encoder(unties),
        ("tied-members-are-one",),
        f"{TIED_KEY} are two",
        spares=(SILENT, "loading-keeps-outputs", "pipeline-encodes-alike"),
    ),
    Planted(
        "the log calls a restored key missing",
        "plain",
        loaded_encoder(calls_the_tied_key_missing),
        ("tied-keys-are-not-missing", "missing-means-missing"),
        TIED_KEY,
        spares=(SILENT,),
    ),
    Planted(
        "it is printed that a restored key is missing",
        "plain",
        loaded_pipeline(prints_that_it_is_missing),
        ("missing-means-missing",),
        TIED_KEY,
    ),
    Planted(
        "diffusers says that a restored key is missing",
        "plain",
        loaded_pipeline(diffusers_calls_it_missing),
        ("missing-means-missing",),
        TIED_KEY,
    ),
    Planted(
        "two tensors of one shape are exchanged",
        "merged-lora",
        loaded_encoder(swaps),
        ("file-is-restored", SILENT, "pipeline-keeps-outputs"),
        "SelfAttention|outputs",
    ),
    Planted("loading fails", "plain", loaded_pipeline(fails), ("checkpoint-loads",), "planted"),
    Planted(
        "the loaded tokenizer forgets the end of the text",
        "plain",
        loaded_pipeline(forgets_the_end),
        ("pipeline-encodes-alike",),
        "prompts of loaded differ",
        spares=("loading-keeps-outputs",),
    ),
    Planted(
        "the pipeline encodes with another text encoder than it holds",
        "plain",
        loaded_pipeline(encodes_with_another),
        ("pipeline-encodes-alike",),
        "prompts of loaded differ",
        spares=("loading-keeps-outputs",),
    ),
    Planted(
        "merging adds a hundredth too much",
        "merged-lora",
        merges_a_hundredth_too_much,
        ("pipeline-keeps-outputs",),
        "outputs of loaded differ from adapted",
        spares=("loading-keeps-outputs", "pipeline-encodes-alike"),
    ),
    Planted(
        "merging adds nothing",
        "merged-lora",
        merges_nothing,
        ("pipeline-keeps-outputs",),
        "outputs of loaded differ from adapted",
        spares=("loading-keeps-outputs",),
    ),
)


def findings(name: str, case: PipelineCase) -> list[str]:
    seen = observe_pipeline(case)
    require_informative_pipeline(seen)
    return [str(finding) for finding in PIPELINE[name].judge(seen).findings]


@pytest.mark.parametrize("planted", PLANTED, ids=lambda one: one.story.replace(" ", "-"))
def test_fault_is_caught(planted: Planted) -> None:
    case = PipelineCase(variant=planted.variant)
    before = observe_pipeline(case)
    with planted.plant():
        after = observe_pipeline(case)
    require_informative_pipeline(after)
    for name in planted.caught_by:
        promise = PIPELINE[name]
        assert concerns(case, promise)
        assert promise.judge(before).verdict == "holds", "it breaks without the fault too"
        found = [str(finding) for finding in promise.judge(after).findings]
        assert any(re.search(planted.says, one) for one in found), f"{name} says {found}"
    for name in planted.spares:
        assert PIPELINE[name].judge(after).verdict == "holds"


def test_every_promise_is_broken_by_a_fault() -> None:
    assert {name for planted in PLANTED for name in planted.caught_by} == set(PIPELINE)


def test_a_pipeline_that_never_asks_its_text_encoder_is_an_error_of_the_suite() -> None:
    def make(_original: Wrapper) -> Wrapper:
        return lambda _pipe, prompts, **_kwargs: (torch.zeros(len(prompts), LENGTH, 16),) * 2

    with replaced(import_module("diffusers").WanPipeline, "encode_prompt", make):
        seen = observe_pipeline(PipelineCase())
    with pytest.raises(SuiteError, match="encoded alike"):
        require_informative_pipeline(seen)


def test_the_pipeline_runs_from_prompt_to_pixels(tmp_path: Path) -> None:
    """It is one that a user could run, not only a folder of parts."""
    spec = ModelSpec(family="umt5-encoder")
    pipe: Any = pipeline(tiny.build(spec, tmp_path).model, spec)
    pipe.set_progress_bar_config(disable=True)
    made = pipe(
        "a cat",
        height=16,
        width=16,
        num_frames=1,
        num_inference_steps=1,
        output_type="pt",
        max_sequence_length=LENGTH,
    )
    assert made.frames.numel()
    assert made.frames.isfinite().all()


RECORDER = """
import socket, sys

asked = []


def recorded(name):
    def asks(*args, **kwargs):
        asked.append((name, args[-1:]))
        raise OSError("no network here")

    return asks


for name in ("connect", "connect_ex", "sendto"):
    setattr(socket.socket, name, recorded(name))
for name in ("getaddrinfo", "gethostbyname", "create_connection"):
    setattr(socket, name, recorded(name))
try:
    socket.create_connection(("example.org", 443))
except OSError:
    asked.pop()
from conformance.kinds.pipeline.case import PipelineCase, VARIANTS
from conformance.kinds.pipeline.observe import observe_pipeline

for variant in VARIANTS:
    seen = observe_pipeline(PipelineCase(variant=variant))
    assert seen.lacks or "loaded" in seen.stages, seen.troubles
print("asked", asked)
"""


def test_nothing_is_asked_of_the_network(tmp_path: Path) -> None:
    """Though the hub is not told to be offline, and no cache of it is there."""
    hidden = ("HF_HUB_OFFLINE", "TRANSFORMERS_OFFLINE", "HF_HUB_CACHE")
    environment = {name: value for name, value in os.environ.items() if name not in hidden}
    done = subprocess.run(
        [sys.executable, "-c", RECORDER],
        cwd=ROOT,
        env={**environment, "HF_HOME": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[-1] == "asked []"
    assert not [path for path in tmp_path.rglob("*") if path.is_file()]


@pytest.mark.parametrize("variant", VARIANTS)
def test_two_observations_are_the_same(variant: str) -> None:
    cache = Cache(PIPELINE_KIND)
    case = PipelineCase(variant=variant)
    if not cache(case).lacks:
        cache.confirm(case)
