"""Every promise about loading can be broken: a fault planted in transformers is caught."""

from __future__ import annotations

import logging
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import pytest
import torch
from faults.fault import Wrapper, replaced
from transformers import PreTrainedModel

from conformance.kinds.loading.case import KINDS, LoadingCase, loading_cases
from conformance.kinds.loading.checks import LOADING, concerns
from conformance.kinds.loading.kind import require_informative
from conformance.kinds.loading.observe import observe_loading

pytestmark = pytest.mark.usefixtures("placed")

Change = Callable[[Any, Any], None]


@contextmanager
def loading_then(change: Change, *, quiet: bool = False) -> Iterator[None]:
    """Change what ``from_pretrained`` gives, its report included; perhaps it logs nothing."""

    def make(original: Wrapper) -> Wrapper:
        def from_pretrained(cls: Any, *args: Any, **kwargs: Any) -> Any:
            logger = logging.getLogger("transformers")
            before = logger.disabled
            children = [
                one
                for name, one in logging.root.manager.loggerDict.items()
                if name.startswith("transformers") and isinstance(one, logging.Logger)
            ]
            for one in children if quiet else ():
                one.disabled = True
            try:
                loaded = original(cls, *args, **kwargs)
            finally:
                for one in children if quiet else ():
                    one.disabled = before
            if kwargs.get("output_loading_info"):
                change(*loaded)
            return loaded

        return from_pretrained

    with replaced(PreTrainedModel, "from_pretrained", make):
        yield


def nothing(_model: Any, _report: Any) -> None:
    """The report and the model stay as they are."""


def own(module: Any, *, values: str = "same") -> None:
    """Give a module a weight of its own, with the same values or with others."""
    weight = module.weight.detach().clone()
    module.weight = torch.nn.Parameter(weight if values == "same" else weight.flip(0))


def reinitialises(model: Any, _report: Any) -> None:
    own(model.encoder.embed_tokens, values="others")


def ties_to_the_head(model: Any, _report: Any) -> None:
    model.encoder.embed_tokens.weight = model.lm_head.weight


def unties_the_decoder(model: Any, _report: Any) -> None:
    own(model.decoder.embed_tokens)


def ties_the_own_head(model: Any, _report: Any) -> None:
    model.lm_head.weight = model.shared.weight


def unties_the_bias(model: Any, _report: Any) -> None:
    bias = model.cls.predictions.decoder.bias.detach().clone()
    model.cls.predictions.decoder.bias = torch.nn.Parameter(bias)


def hides_the_missing(_model: Any, report: Any) -> None:
    report["missing_keys"] = type(report["missing_keys"])()


def names(key: str) -> Change:
    def change(_model: Any, report: Any) -> None:
        report["missing_keys"] = {*report["missing_keys"], key}

    return change


def logs_alone(_model: Any, _report: Any) -> None:
    told = "encoder.embed_tokens.weight | MISSING | newly initialized"
    logging.getLogger("transformers.modeling_utils").warning(told)


def prints_alone(_model: Any, _report: Any) -> None:
    print("encoder.embed_tokens.weight is newly initialized")  # noqa: T201  that is the fault


def swaps(model: Any, _report: Any) -> None:
    attention = model.encoder.block[0].layer[0].SelfAttention
    attention.q, attention.k = attention.k, attention.q


def drops_the_logits_bias(model: Any, _report: Any) -> None:
    model.final_logits_bias.zero_()


def leaves_the_tie_unfilled(model: Any, _report: Any) -> None:
    """As transformers 4.57 leaves it where a file has the head's name alone."""
    empty = torch.nn.Parameter(model.shared.weight.to("meta"))
    for module in (model.shared, model.encoder.embed_tokens):
        module.weight = empty


def leaves_memory_unwritten(model: Any, _report: Any) -> None:
    """As transformers 5.0 leaves a tied member whose config says untied."""
    # what was freed a moment ago is often what is allocated next
    model.encoder.embed_tokens.weight = torch.nn.Parameter(
        torch.empty_like(model.shared.weight, device="cpu")
    )


def ends_in_an_error(_model: Any, _report: Any) -> None:
    raise RuntimeError("planted")


@dataclass(frozen=True)
class Planted:
    """One small bug of a loader, the checkpoint that shows it, and the promises it breaks."""

    story: str
    case: LoadingCase
    change: Change
    caught_by: tuple[str, ...]
    says: str
    quiet: bool = False


T5 = LoadingCase(family="t5", checkpoint="full")
ENCODER = LoadingCase(family="umt5-encoder", checkpoint="source-only")
WHOLE = LoadingCase(family="t5", checkpoint="full-from-encoder")
SILENT = "nothing-is-silently-reinitialised"
TIED_KEY = "encoder.embed_tokens.weight"
PLANTED = (
    Planted(
        "a tied member is initialised anew",
        ENCODER,
        reinitialises,
        (SILENT, "tied-members-are-one", "loading-keeps-outputs"),
        f"{TIED_KEY}|outputs",
    ),
    Planted(
        "a member is tied to the wrong one",
        LoadingCase(family="t5", checkpoint="own-head"),
        ties_to_the_head,
        (SILENT, "tied-members-are-one", "loading-keeps-outputs"),
        f"{TIED_KEY}|outputs",
    ),
    Planted(
        "the decoder's tie is dropped",
        LoadingCase(family="t5", checkpoint="source-only"),
        unties_the_decoder,
        ("tied-members-are-one",),
        "decoder.embed_tokens.weight are two",
    ),
    Planted(
        "a head of its own is tied",
        LoadingCase(family="t5", checkpoint="untied-config"),
        ties_the_own_head,
        ("tied-members-are-one", "file-is-restored"),
        "lm_head.weight",
    ),
    Planted(
        "the second name of a bias comes out as another bias",
        LoadingCase(family="bert"),
        unties_the_bias,
        ("tied-members-are-one",),
        "cls.predictions.decoder.bias are two",
    ),
    Planted(
        "the report hides keys that were really lost",
        WHOLE,
        hides_the_missing,
        (SILENT, "log-agrees-with-report"),
        "decoder.",
    ),
    Planted(
        "the report names a tied key",
        ENCODER,
        names(TIED_KEY),
        ("tied-keys-are-not-missing", "missing-means-missing", "log-agrees-with-report"),
        TIED_KEY,
    ),
    Planted(
        "the report names a key that was restored",
        T5,
        names("encoder.final_layer_norm.weight"),
        ("missing-means-missing",),
        "encoder.final_layer_norm.weight was called missing but was restored",
    ),
    Planted(
        "the log says nothing of what is missing",
        WHOLE,
        nothing,
        ("log-agrees-with-report",),
        "missing in the report and not in the log",
        quiet=True,
    ),
    Planted(
        "the log alone calls a tied key missing",
        ENCODER,
        logs_alone,
        ("log-agrees-with-report",),
        f"{TIED_KEY} is newly initialised in the log alone",
    ),
    Planted(
        "what is printed alone calls a tied key missing",
        ENCODER,
        prints_alone,
        ("log-agrees-with-report",),
        f"{TIED_KEY} is newly initialised in the log alone",
    ),
    Planted(
        "two tensors of one shape are exchanged",
        T5,
        swaps,
        ("file-is-restored", SILENT, "loading-keeps-outputs"),
        "SelfAttention|outputs",
    ),
    Planted(
        "the bias added to the logits is forgotten",
        LoadingCase(family="bart", checkpoint="full"),
        drops_the_logits_bias,
        ("file-is-restored", "loading-keeps-outputs"),
        "final_logits_bias|outputs",
    ),
    Planted(
        "a tied matrix is left without values",
        ENCODER,
        leaves_the_tie_unfilled,
        (SILENT, "file-is-restored", "loading-keeps-outputs"),
        "shared.weight|outputs",
    ),
    Planted(
        "a tied member is left whatever its memory held",
        ENCODER,
        leaves_memory_unwritten,
        (SILENT, "loading-keeps-outputs"),
        f"{TIED_KEY}|by inf",
    ),
    Planted(
        "a head that no file holds is made up without a word",
        LoadingCase(family="llama", checkpoint="no-head"),
        hides_the_missing,
        (SILENT, "log-agrees-with-report"),
        "lm_head.weight",
    ),
    Planted(
        "a head of its own is tied where it comes from an older file",
        LoadingCase(family="t5", checkpoint="bin-untied-config"),
        ties_the_own_head,
        ("tied-members-are-one", "file-is-restored"),
        "lm_head.weight",
    ),
    Planted(
        "of two matrices of an older file one is dropped without a word",
        LoadingCase(family="t5", checkpoint="bin-all-different"),
        ties_the_own_head,
        ("competing-tensors-are-told",),
        "lm_head.weight of the file was dropped",
        quiet=True,
    ),
    Planted("loading fails", T5, ends_in_an_error, ("checkpoint-loads",), "planted"),
    Planted(
        "of two matrices one is dropped without a word",
        LoadingCase(family="t5", checkpoint="all-different"),
        ties_the_own_head,
        ("competing-tensors-are-told",),
        "lm_head.weight of the file was dropped",
        quiet=True,
    ),
)


def findings(name: str, case: LoadingCase) -> list[str]:
    seen = observe_loading(case)
    require_informative(seen)
    return [str(finding) for finding in LOADING[name].judge(seen).findings]


@pytest.mark.parametrize("planted", PLANTED, ids=lambda one: one.story.replace(" ", "-"))
def test_fault_is_caught(planted: Planted) -> None:
    for name in planted.caught_by:
        assert concerns(planted.case, LOADING[name])
        assert not findings(name, planted.case), "it breaks without the fault too"
        with loading_then(planted.change, quiet=planted.quiet):
            found = findings(name, planted.case)
        assert found, f"{name} does not see that {planted.story}"
        assert any(re.search(planted.says, one) for one in found), f"{name} says {found}"


def test_what_is_left_without_values_stays_as_tied_as_it_is() -> None:
    with loading_then(leaves_the_tie_unfilled):
        assert not findings("tied-members-are-one", ENCODER)


def test_every_promise_is_broken_by_a_fault() -> None:
    assert {name for planted in PLANTED for name in planted.caught_by} == set(LOADING)


def test_every_checkpoint_is_judged_by_a_promise_about_values() -> None:
    values = ("loading-keeps-outputs", "competing-tensors-are-told", "file-is-restored")
    for case in loading_cases(("cpu",), ("llama", "t5", "t5-encoder", "whisper"), tuple(KINDS)):
        assert any(concerns(case, LOADING[name]) for name in values), case
