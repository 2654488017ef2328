"""Every promise about a corpus can be broken: a spoilt file or loader is caught by its own."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import torch
from corpus_files import (
    FUSED,
    HALF,
    RENAMED,
    TIED,
    UNTIED,
    change_config,
    change_tensors,
    copied,
    findings,
    judged,
    saved,
)
from faults import FAULTS

from conformance.core.case import Case
from conformance.kinds.corpus.checks import CORPUS
from conformance.kinds.corpus.manifest import EXPECTED, Corpus

pytestmark = pytest.mark.usefixtures("placed")

Change = Callable[[Corpus], None]
MERGED, BASE, ADAPTER = (
    "merged/model.safetensors",
    "base/model.safetensors",
    "adapter/adapter_model.safetensors",
)


@dataclass(frozen=True)
class Spoilt:
    """What is done to a corpus or its loader, and the promise that must break with these words."""

    story: str
    case: Case
    caught_by: str
    says: str
    change: Change = lambda _corpus: None
    loader: Callable[[], AbstractContextManager[None]] = nullcontext


def planted(name: str) -> Callable[[], AbstractContextManager[None]]:
    return FAULTS[name].plant


def tensors(case: Case, file: str, change: Callable[[Any], None]) -> Change:
    return lambda corpus: change_tensors(corpus, case, file, change)


def config(case: Case, file: str, **values: Any) -> Change:
    return lambda corpus: change_config(corpus, case, file, **values)


def flip(key: str) -> Callable[[Any], None]:
    """Change the last bit of a tensor's first number."""

    def change(held: Any) -> None:
        words = {2: torch.int16, 4: torch.int32}[held[key].element_size()]
        held[key].view(words).flatten()[0] ^= 1

    return change


def drop(key: str) -> Callable[[Any], None]:
    return lambda held: held.pop(key)


def scale(part: str) -> Callable[[Any], None]:
    def change(held: Any) -> None:
        for key in held:
            if part in key:
                held[key] = held[key] * 1.5

    return change


def cut(case: Case, file: str) -> Change:
    """Leave the first half of a file."""

    def change(corpus: Corpus) -> None:
        path = corpus.path / corpus.lives[case].folder / file
        path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])

    return change


Q = "model.layers.0.self_attn.q_proj.weight"
EXPERT = "model.layers.0.block_sparse_moe.experts.1.w3.weight"
SPOILT = (
    Spoilt(
        "one bit of the file is another",
        UNTIED,
        "merged-file-is-restored",
        f"{Q} is not what the saver held",
        tensors(UNTIED, MERGED, flip(Q)),
    ),
    Spoilt(
        "one bit of an expert is another",
        FUSED,
        "merged-file-is-restored",
        f"{EXPERT} is not what the saver held",
        tensors(FUSED, MERGED, flip(EXPERT)),
    ),
    Spoilt(
        "one bit of what was expected is another",
        HALF,
        "merged-file-is-restored",
        "lm_head.weight is not the saver's",
        tensors(HALF, EXPECTED, flip("weight lm_head.weight")),
    ),
    Spoilt(
        "the loader changes the head it reads",
        UNTIED,
        "merged-file-is-restored",
        "lm_head.weight is not loaded as it is in the file",
        loader=planted("loading-reinitialises-silently"),
    ),
    Spoilt(
        "the loader ignores the dtype",
        HALF,
        "merged-file-is-restored",
        "is torch.bfloat16 in the file and torch.float32 loaded",
        loader=planted("auto-class-ignores-dtype"),
    ),
    Spoilt(
        "the file has a tensor that no model has",
        TIED,
        "merged-file-report-is-true",
        "calls extra.weight unexpected",
        tensors(TIED, MERGED, lambda held: held.update({"extra.weight": torch.ones(2)})),
    ),
    Spoilt(
        "the file has a tensor that becomes nothing",
        TIED,
        "merged-file-is-restored",
        "extra.weight of the file became no parameter",
        tensors(TIED, MERGED, lambda held: held.update({"extra.weight": torch.ones(2)})),
    ),
    Spoilt(
        "a key is dropped",
        UNTIED,
        "merged-file-report-is-true",
        f"{Q} was newly initialised, and called missing",
        tensors(UNTIED, MERGED, drop(Q)),
    ),
    Spoilt(
        "an expert is dropped",
        FUSED,
        "merged-file-loads",
        "RuntimeError",
        tensors(FUSED, MERGED, drop(EXPERT)),
    ),
    Spoilt(
        "the head under another name than transformers writes is dropped",
        RENAMED,
        "merged-file-report-is-true",
        "lm_head.weight was newly initialised",
        tensors(RENAMED, MERGED, drop("embed_out.weight")),
    ),
    Spoilt(
        "a key is dropped, and the loader does not say so",
        UNTIED,
        "merged-file-report-is-true",
        f"{Q} was newly initialised and nobody said so",
        tensors(UNTIED, MERGED, drop(Q)),
        planted("loading-hides-a-missing-head"),
    ),
    Spoilt(
        "the loader calls a tied head missing",
        TIED,
        "merged-file-report-is-true",
        "lm_head.weight was called missing but was restored",
        loader=planted("loading-calls-the-tied-head-missing"),
    ),
    Spoilt(
        "the flag of an untied file says tied",
        UNTIED,
        "merged-file-ties-as-configured",
        "",
        config(UNTIED, "merged/config.json", tie_word_embeddings=True),
    ),
    Spoilt(
        "the flag of a tied file says untied",
        TIED,
        "merged-file-ties-as-configured",
        "two tensors, which they were not when saved",
        config(TIED, "merged/config.json", tie_word_embeddings=False),
    ),
    Spoilt(
        "the loader forgets the tie",
        TIED,
        "merged-file-ties-as-configured",
        "tie_word_embeddings is True but the weights are two tensors",
        loader=planted("auto-class-forgets-the-tie"),
    ),
    Spoilt(
        "the config asks for another activation",
        UNTIED,
        "merged-file-keeps-logits",
        "logits of reloaded differ from the saver's merged",
        config(UNTIED, "merged/config.json", hidden_act="relu"),
    ),
    Spoilt(
        "the config asks for another width",
        UNTIED,
        "merged-file-loads",
        "",
        config(UNTIED, "merged/config.json", hidden_size=24),
    ),
    Spoilt(
        "half of the file is gone",
        UNTIED,
        "merged-file-loads",
        "Error",
        cut(UNTIED, MERGED),
    ),
    Spoilt(
        "the base is another",
        TIED,
        "base-file-keeps-logits",
        "logits of base-loaded differ from the saver's base",
        tensors(TIED, BASE, scale("q_proj")),
    ),
    Spoilt(
        "half of the base is gone",
        TIED,
        "base-file-keeps-logits",
        "base-loaded ended in",
        cut(TIED, BASE),
    ),
    Spoilt(
        "the adapter is another",
        TIED,
        "adapter-file-keeps-logits",
        "logits of adapter-reloaded differ from the saver's trained",
        tensors(TIED, ADAPTER, scale("lora_A")),
    ),
    Spoilt(
        "the adapter's config asks for another strength",
        TIED,
        "adapter-file-keeps-logits",
        "logits of adapter-reloaded differ",
        config(TIED, "adapter/adapter_config.json", lora_alpha=16),
    ),
    Spoilt(
        "the adapter's config names modules that are not there",
        TIED,
        "adapter-file-loads",
        "adapter-reloaded ended in NoMatchingPeftModuleError",
        config(TIED, "adapter/adapter_config.json", target_modules=["nowhere"]),
    ),
    Spoilt(
        "half of the adapter is gone",
        TIED,
        "adapter-file-loads",
        "adapter-reloaded ended in SafetensorError",
        cut(TIED, ADAPTER),
    ),
)


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Corpus:
    cases = dict.fromkeys(one.case for one in SPOILT)
    return saved(tmp_path_factory.mktemp("corpus"), *cases)


@pytest.mark.parametrize("spoilt", SPOILT, ids=lambda one: one.story)
def test_what_is_spoilt_is_caught(spoilt: Spoilt, corpus: Corpus, tmp_path: Path) -> None:
    assert not findings(corpus, spoilt.case)
    copy = copied(corpus, tmp_path / "copy")
    spoilt.change(copy)
    with spoilt.loader():
        broken = findings(copy, spoilt.case)
    assert spoilt.caught_by in broken, broken
    told = "\n".join(map(str, broken[spoilt.caught_by]))
    assert spoilt.says in told, told


def test_every_promise_is_broken_by_something() -> None:
    assert {one.caught_by for one in SPOILT} == set(CORPUS)


def test_other_lives_of_a_spoilt_corpus_hold(corpus: Corpus, tmp_path: Path) -> None:
    copy = copied(corpus, tmp_path / "copy")
    change_tensors(copy, TIED, MERGED, flip(Q))
    assert findings(copy, TIED).keys() == {"merged-file-is-restored"}
    assert not findings(copy, UNTIED)


def test_an_adapter_on_a_base_that_came_out_wrong_is_not_judged(
    corpus: Corpus, tmp_path: Path
) -> None:
    copy = copied(corpus, tmp_path / "copy")
    change_tensors(copy, TIED, BASE, scale("q_proj"))
    found = judged(copy, TIED)["adapter-file-keeps-logits"]
    assert found.verdict == "not applicable"
    assert "the base itself" in found.reason


def test_what_the_savers_own_version_breaks_is_not_the_loaders_fault(
    corpus: Corpus, tmp_path: Path
) -> None:
    copy = copied(corpus, tmp_path / "copy")
    change_tensors(copy, TIED, ADAPTER, scale("lora_A"))
    copy.lives[TIED].own["adapter-keeps-logits"] = "breaks"  # type: ignore[index]
    found = judged(copy, TIED)["adapter-file-keeps-logits"]
    assert found.verdict == "not applicable"
    assert found.reason == "the saver's own version breaks adapter-keeps-logits"
