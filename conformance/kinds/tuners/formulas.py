"""What some tuners stand for, in our own few lines: the weights of a plain model.

LoRA and its variants are defined in ``conformance.engine.oracle``. IA3 rescales what a layer gives,
arXiv:2205.05638; LoHa and LoKr add a Hadamard or a Kronecker product of factors, arXiv:2309.14859;
HiRA multiplies the matrix by one more than a product of factors, PEFT's documentation; AdaLoRA
adds B diag(e) A, arXiv:2303.10512; trainable tokens are rows of their own.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

from conformance.kinds.tuners.variants import VARIANTS

if TYPE_CHECKING:
    from torch import Tensor

    from conformance.core.observation import Snapshot
    from conformance.kinds.tuners.case import TunerCase

ALPHA = 2  # lora_alpha of every tuner of the table that has one
PATTERNS = ("rank_pattern", "alpha_pattern")
UNDEFINED = (
    "lora-tokens",
    "lora-with-bias",
    "lora-target-parameters",
    "lora-experts",
    "lora-kasa",
    "lora-activated",
    "lora-replicated",
)
LORAS = (
    "lora",
    "trainable-tokens",
    "trainable-tokens-without-task",
    *(name for name in VARIANTS if name not in UNDEFINED),
)

Parts = Mapping[str, "Tensor"]
Formula = Callable[["Tensor", Parts], "Tensor"]
"""From a matrix as (out, in) and the parts of its adapter to the matrix that they stand for."""


def _ia3(matrix: Tensor, parts: Parts) -> Tensor:
    return matrix * parts["ia3_l"].reshape(-1, 1)


def _loha(matrix: Tensor, parts: Parts) -> Tensor:
    first = parts["hada_w1_a"] @ parts["hada_w1_b"]
    return matrix + first * (parts["hada_w2_a"] @ parts["hada_w2_b"])


def _lokr(matrix: Tensor, parts: Parts) -> Tensor:
    import torch

    one, two = (
        parts[name] if name in parts else parts[f"{name}_a"] @ parts[f"{name}_b"]
        for name in ("lokr_w1", "lokr_w2")
    )
    return matrix + torch.kron(one, two)


def _hira(matrix: Tensor, parts: Parts) -> Tensor:
    if "hira_A" in parts:
        return matrix * (1 + parts["hira_B"] @ parts["hira_A"])
    return matrix * (1 + (parts["hira_embedding_B"] @ parts["hira_embedding_A"]).T)


def _adalora(matrix: Tensor, parts: Parts) -> Tensor:
    scaling = ALPHA / (parts["ranknum"] + 1e-5)  # PEFT's own guard against a rank of none
    return matrix + scaling * parts["lora_B"] @ (parts["lora_A"] * parts["lora_E"])


FORMULAS: Mapping[str, Formula] = {
    "ia3": _ia3,
    "loha": _loha,
    "lokr": _lokr,
    "hira": _hira,
    "adalora": _adalora,
}


def defined(tuner: str) -> bool:
    """Whether we have a definition of this tuner."""
    return tuner in FORMULAS or tuner in LORAS


def rescaled(case: TunerCase, trained: Snapshot) -> Snapshot:
    """``trained`` with the B of each module times what its own scaling is more than the case's."""
    ranks, alphas = (case.what.arguments.get(name, {}) for name in PATTERNS)
    weights = dict(trained.weights)
    for name, tensor in trained.weights.items():
        module, _, part = name.partition(" ")
        last = module.rpartition(".")[2]
        if part in ("lora_B", "lora_embedding_B") and (last in ranks or last in alphas):
            own = alphas.get(last, case.alpha) / ranks.get(last, case.rank)
            weights[name] = tensor * (own / case.scaling)
    return replace(trained, weights=weights)


def without_formula(tuner: str, trained: Snapshot) -> Snapshot:
    """``trained`` without the parts that a formula of ours is about."""
    if tuner not in FORMULAS:
        return trained
    kept = {n: t for n, t in trained.weights.items() if " " not in n or " saved " in n}
    return replace(trained, weights=kept)


def redefined(
    tuner: str, weights: Mapping[str, Tensor], base: Snapshot, trained: Snapshot
) -> dict[str, Tensor]:
    """``weights`` with those that the tuner stands on replaced by what it stands for.

    Computed in float64, returned in the dtype of the base's parameter.
    """
    found = dict(weights)
    formula = FORMULAS.get(tuner)
    parts: dict[str, dict[str, Tensor]] = {}
    for name, tensor in trained.weights.items():
        module, _, piece = name.partition(" ")
        if piece and not piece.startswith("saved "):
            parts.setdefault(module, {})[piece] = tensor.double()
    for module, part in parts.items() if formula else ():
        name, turned = f"{module}.weight", base.modules[module].endswith(".Conv1D")
        assert formula
        matrix = formula((found[name].T if turned else found[name]).double(), part)
        found[name] = (matrix.T if turned else matrix).to(base.weights[name].dtype).contiguous()
        bias = f"{module}.bias"
        if "ia3_l" in part and bias in found:
            scaled = found[bias].double() * part["ia3_l"].flatten()
            found[bias] = scaled.to(base.weights[bias].dtype)
    return found
