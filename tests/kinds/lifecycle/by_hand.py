"""One placement on a one-layer Llama, by hand: no line of the suite, only the libraries' calls.

What a person would try to see whether a placement is safe; the suite's verdicts must agree.
"""

from __future__ import annotations

import copy
import inspect
import json
import re
import traceback
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import torch
from peft import LoraConfig, PeftModel, get_peft_model
from safetensors.torch import load_file
from transformers import LlamaConfig, LlamaForCausalLM

E, H, ATTENTION = "embed_tokens", "lm_head", ["q_proj", "k_proj", "v_proj", "o_proj"]
TOKENS: dict[str, Any] = {
    "tokens:list": [0],
    "tokens:embedding": {E: [0]},
    "tokens:head": {H: [0]},
    "tokens:same": {E: [0], H: [0]},
    "tokens:different": {E: [0], H: [1]},
    "tokens:embedding+target:head": {E: [0]},
}
TARGETS = {
    "target:embedding": [E],
    "target:head": [H],
    "target:both": [E, H],
    "target:embedding+save:head": [E],
    "target:head+save:embedding": [H],
    "tokens:embedding+target:head": [H],
}
SAVED = {
    "save:embedding": [E],
    "save:head": [H],
    "save:both": [E, H],
    "target:embedding+save:head": [H],
    "target:head+save:embedding": [E],
}
ABOUT_TIES = re.compile(r"\btie|\btied|weight_tying|weight tying", re.IGNORECASE)
CLOSE = 1e-3  # rounding moves these logits by 1e-5, a wrong merge by more than 1e-2


def fill(model: Any, only_trainable: bool) -> None:
    """Any values will do, so long as no two tensors are alike and the tied stay one."""
    done = set()
    for number, (name, parameter) in enumerate(model.named_parameters()):
        if parameter.data_ptr() in done or (only_trainable and not parameter.requires_grad):
            continue
        done.add(parameter.data_ptr())
        noise = torch.randn(parameter.shape, generator=torch.Generator().manual_seed(number))
        parameter.data.copy_((1.0 if "norm" in name else 0.0) + 0.3 * noise)


def logits(model: Any) -> torch.Tensor:
    with torch.no_grad():
        return model.eval()(torch.tensor([[2, 0, 1, 23, 5, 0, 7]])).logits


def differ(one: torch.Tensor, other: torch.Tensor) -> bool:
    return not float((one - other).abs().max()) < CLOSE


class Told:
    """Whether a warning about the tie was heard, by step."""

    def __init__(self) -> None:
        self.steps: dict[str, bool] = {}

    def during(self, step: str, work: Any) -> Any:
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            try:
                return work()
            finally:
                about = r"\btie|\btied|weight_tying|weight tying"
                self.steps[step] = any(
                    re.search(about, str(w.message), re.IGNORECASE) for w in caught
                )


def arguments(ensure: bool, placement: str) -> dict[str, Any] | None:
    """What LoraConfig is given; None where the installed one does not know all of it."""
    fields: dict[str, Any] = {"target_modules": TARGETS.get(placement, ATTENTION)}
    if placement in SAVED:
        fields["modules_to_save"] = SAVED[placement]
    if placement in TOKENS:
        fields["trainable_token_indices"] = TOKENS[placement]
    if ensure:
        fields["ensure_weight_tying"] = True
    known = set(inspect.signature(LoraConfig).parameters)
    return copy.deepcopy(fields) if fields.keys() <= known else None


def base(tied: bool) -> Any:
    torch.manual_seed(0)
    config = LlamaConfig(
        vocab_size=24,
        hidden_size=16,
        intermediate_size=32,
        num_hidden_layers=1,
        num_attention_heads=2,
        tie_word_embeddings=tied,
    )
    model = LlamaForCausalLM(config).eval()
    fill(model, only_trainable=False)
    return model


def merging(model: Any, trained: torch.Tensor, folder: Path, told: Told) -> Iterator[bool]:
    """Whether merging, the config, the reload or a reader that trusts the config goes wrong."""
    merged = told.during("merge", model.merge_and_unload)
    after = logits(merged)
    yield differ(trained, after)
    one = merged.get_input_embeddings().weight.data_ptr()
    both = one == merged.get_output_embeddings().weight.data_ptr()
    yield bool(merged.config.tie_word_embeddings) != both
    told.during("save", lambda: merged.save_pretrained(folder))
    again = told.during("reload", lambda: LlamaForCausalLM.from_pretrained(folder))
    yield differ(after, logits(again))
    says = json.loads((folder / "config.json").read_text()).get("tie_word_embeddings")
    tensors = load_file(folder / "model.safetensors")
    head = "model.embed_tokens.weight" if says else "lm_head.weight"
    if head in tensors:
        again.lm_head.weight = torch.nn.Parameter(tensors[head])
    yield head not in tensors or differ(after, logits(again))


def loading(tied: bool, trained: torch.Tensor, folder: Path, told: Told) -> Iterator[bool]:
    """Whether the saved adapter computes something else on a fresh base."""
    model = told.during("load", lambda: PeftModel.from_pretrained(base(tied), str(folder)))
    yield differ(trained, logits(model))


def verdict(tied: bool, ensure: bool, placement: str, folder: Path) -> str:
    """Refused, silent, late, announced, holds, not run or not applicable."""
    fields = arguments(ensure, placement)
    if fields is None:
        return "not applicable"
    config = LoraConfig(task_type="CAUSAL_LM", r=2, lora_alpha=2, lora_dropout=0.0, **fields)
    told, broken, ended = Told(), False, False
    try:
        model = told.during("wrap", lambda: get_peft_model(base(tied), config))
    except Exception as error:  # noqa: BLE001  whatever PEFT raises is its answer
        line = traceback.extract_tb(error.__traceback__)[-1].line or ""
        return "refused" if line.startswith("raise") else "not run"
    fill(model, only_trainable=True)
    trained = logits(model)
    assert differ(trained, logits(base(tied))), "an adapter that changes nothing proves nothing"

    told.during("save adapter", lambda: model.save_pretrained(folder / "adapter"))

    for looks in (
        merging(model, trained, folder / "merged", told),
        loading(tied, trained, folder / "adapter", told),
    ):
        try:
            for found in looks:
                broken |= found
        except Exception:  # noqa: BLE001  the same
            ended = True
    if not broken:
        return "not run" if ended else "holds"
    if tied and told.steps["wrap"]:
        return "announced"
    return "late" if tied and any(told.steps.values()) else "silent"
