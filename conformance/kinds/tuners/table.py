"""The tuners: each with its smallest config. A tuner that PEFT adds needs a line here."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from conformance.kinds.tuners.tuner import SAVED, Tuner
from conformance.kinds.tuners.variants import VARIANTS

RANDOM = {"wrapping-keeps-logits": "its own first values are random, and no identity"}

_TUNERS: dict[str, Tuner] = {
    "lora": Tuner(
        "LORA", {"r": 2, "lora_alpha": 2, "lora_dropout": 0.0}, ensures=True, option="routed"
    ),
    "adalora": Tuner(
        "ADALORA",
        {"init_r": 2, "target_r": 2, "lora_alpha": 2, "lora_dropout": 0.0, "total_step": 10},
        older=({"init_r": 2, "target_r": 2, "lora_alpha": 2, "lora_dropout": 0.0},),
        ensures=True,
        frozen=("ranknum",),
    ),
    "adamss": Tuner("ADAMSS", {"r": 4, "num_subspaces": 2, "subspace_rank": 1}, needs="sklearn"),
    "beft": Tuner("BEFT"),
    "boft": Tuner("BOFT", {"boft_block_size": 2}),
    "bone": Tuner("BONE", {"r": 2}),
    "c3a": Tuner("C3A", {"block_size": 8}, exempt=RANDOM, computes_in="float32"),
    "deft": Tuner("DEFT", {"r": 2}, computes_in="float32"),
    "delora": Tuner("DELORA", {"r": 2, "delora_lambda": 2}),
    "fourierft": Tuner("FOURIERFT", {"n_frequency": 20, "scaling": 20.0}, exempt=RANDOM),
    "frod": Tuner(
        "FROD",
        {"progressbar": False},
        computes_in="float32",
        # its layer keeps a plain reference to it and brings it over at each forward pass
        exempt={"device-is-kept": "PEFT keeps the projection that all layers share on the CPU"},
        sparse=True,
    ),
    "glora": Tuner("GLORA", {"r": 2}),
    "gralora": Tuner("GRALORA", {"r": 4, "alpha": 4, "gralora_k": 2}),
    "hira": Tuner("HIRA", {"r": 2}, computes_in="float32"),
    "hra": Tuner("HRA", {"r": 2}),
    # unmerging divides by 1e-8 more than merging multiplied with, which is less than float32 shows
    "ia3": Tuner("IA3", {"feedforward_modules": []}, computes_in="float32"),
    "lily": Tuner("LILY", {"r": 2}),
    # it stands on norms, which PEFT chooses for each architecture
    "ln-tuning": Tuner("LN_TUNING", own_targets=True, placements=("body", *SAVED)),
    "loha": Tuner("LOHA", {"r": 2, "alpha": 2}),
    "lokr": Tuner("LOKR", {"r": 2, "alpha": 2}),
    "miss": Tuner("MISS", {"r": 2}),
    "oft": Tuner("OFT", {"r": 0, "oft_block_size": 4}, older=({"r": 4},), computes_in="float32"),
    "osf": Tuner("OSF", {"effective_rank": 4}, computes_in="float32"),
    "peanut": Tuner("PEANUT", {"r": 2}),
    "poly": Tuner(
        "POLY", {"r": 2, "n_skills": 2}, skipped="its forward needs task_ids, which no plain has"
    ),
    "psoft": Tuner("PSOFT", {"r": 2, "psoft_alpha": 2}),
    "pvera": Tuner("PVERA", {"r": 4}),
    "randlora": Tuner("RANDLORA", {"r": 2, "randlora_alpha": 4}),
    "road": Tuner("ROAD", {"group_size": 8}, computes_in="float32"),
    "shadow": Tuner("SHADOW", {"r": 2}, skipped="it stands on whole decoder blocks"),
    "shira": Tuner("SHIRA", {"r": 2, "random_seed": 0}, sparse=True),
    "supertuning": Tuner("SUPERTUNING", {"sparsity": 0.5}),
    "tinylora": Tuner("TINYLORA", {"r": 2, "u": 4}),
    "trainable-tokens": Tuner(
        "TRAINABLE_TOKENS",
        {"token_indices": [0]},
        placements=("target:embedding", "target:head", "target:both"),
        option="started",
    ),
    "trainable-tokens-without-task": Tuner(
        "TRAINABLE_TOKENS",
        {"token_indices": [0], "task_type": None},
        placements=("target:embedding",),
        option="mapped",
    ),
    "unilora": Tuner("UNILORA", {"r": 2, "theta_d_length": 32}, exempt=RANDOM),
    "vblora": Tuner("VBLORA", {"r": 2, "num_vectors": 8, "vector_length": 8}, exempt=RANDOM),
    "vera": Tuner("VERA", {"r": 4}),
    "waveft": Tuner("WAVEFT", {"n_frequency": 20}),
}

TUNERS: Mapping[str, Tuner] = MappingProxyType({**_TUNERS, **VARIANTS})


def uncovered(registered: Mapping[str, str]) -> tuple[str, ...]:
    """The kinds that PEFT has, that stand on layers, and that have no line in the table."""
    kinds = {tuner.kind for tuner in TUNERS.values()}
    return tuple(kind for kind, reason in registered.items() if not reason and kind not in kinds)
