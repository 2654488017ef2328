"""Faults of loading a model."""

from __future__ import annotations

from contextlib import AbstractContextManager
from typing import Any

import torch
from transformers import AutoModelForCausalLM, PreTrainedModel

from faults.fault import Wrapper, fault, replaced, untie

BODY = ("cpu-untied-default-body",)
TIED_BODY = ("cpu-tied-default-body",)


def _loaded(change: Any, owner: Any = PreTrainedModel) -> AbstractContextManager[None]:
    """Change what ``from_pretrained`` gives: ``change(model, report)``."""

    def make(original: Wrapper) -> Wrapper:
        def from_pretrained(cls: Any, *args: Any, **kwargs: Any) -> Any:
            model, report = original(cls, *args, **kwargs)
            change(model, report)
            return model, report

        return from_pretrained

    return replaced(owner, "from_pretrained", make)


@fault(
    "loading-reinitialises-silently",
    "from_pretrained initialises the head anew and does not say so (the UMT5 encoders)",
    caught_by=("reload-keeps-logits", "base-load-tells-the-truth"),
    strata=BODY,
)
def loading_reinitialises_silently() -> AbstractContextManager[None]:
    def change(model: Any, _report: Any) -> None:
        weight = model.get_output_embeddings().weight
        weight.data = weight.data.flip(0).clone()

    return _loaded(change)


@fault(
    "loading-changes-one-bit",
    "from_pretrained gives a weight whose last bit is another one",
    caught_by=("reload-keeps-logits",),
    strata=BODY,
    says="changed by reload",
)
def loading_changes_one_bit() -> AbstractContextManager[None]:
    def change(model: Any, _report: Any) -> None:
        weight = model.get_output_embeddings().weight.data
        kind = {2: torch.int16, 4: torch.int32, 8: torch.int64}[weight.element_size()]
        weight.view(kind).view(-1)[0] ^= 1

    return _loaded(change)


@fault(
    "loading-calls-the-tied-head-missing",
    "from_pretrained reports a tied head as missing, though it has it from the embedding",
    caught_by=("load-report-is-clean", "base-load-tells-the-truth"),
    strata=TIED_BODY,
)
def loading_calls_the_tied_head_missing() -> AbstractContextManager[None]:
    def change(model: Any, report: Any) -> None:
        names = {name for name, _ in model.named_parameters(remove_duplicate=False)}
        report["missing_keys"] = names - {name for name, _ in model.named_parameters()}

    return _loaded(change)


@fault(
    "loading-hides-a-missing-head",
    "from_pretrained initialises the head of an untied model and leaves it out of its report",
    caught_by=("base-load-tells-the-truth",),
    strata=BODY,
    says="newly initialised and nobody said so",
)
def loading_hides_a_missing_head() -> AbstractContextManager[None]:
    return _loaded(lambda _model, report: report.update(missing_keys=set()))


@fault(
    "auto-class-ignores-dtype",
    "AutoModel loads in float32 whatever dtype was asked for",
    caught_by=("dtype-is-kept",),
    strata=TIED_BODY,
    says="at reloaded",
)
def auto_class_ignores_dtype() -> AbstractContextManager[None]:
    return _loaded(lambda model, _report: model.float(), AutoModelForCausalLM)


@fault(
    "auto-class-forgets-the-tie",
    "AutoModel does not tie the weights of what it loads",
    caught_by=("tied-stay-tied", "config-tells-the-truth"),
    strata=TIED_BODY,
    says="at reloaded",
)
def auto_class_forgets_the_tie() -> AbstractContextManager[None]:
    return _loaded(lambda model, _report: untie(model), AutoModelForCausalLM)
