"""The variants of LoRA, as tuners of their own."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from conformance.kinds.tuners.tuner import TARGETED, Tuner

PLAIN = {"r": 2, "lora_alpha": 2, "lora_dropout": 0.0}
_MOVED = "wrapping moves a part of the base's weights into the adapter, as documented"
_BASE = ("disabled-is-base", "unload-restores-base", "only-the-adapter-trains")
REBASED = dict.fromkeys(_BASE, _MOVED)
TRUNCATED = dict.fromkeys(
    ("wrapping-keeps-logits", *_BASE),
    "KaSA drops small singular values of the base's weights, as documented",
)
RANDOM = {"wrapping-keeps-logits": "init_lora_weights=False is documented as no identity"}
SAMPLED = "its first values are computed from sample data before wrapping; a row of lora tries it"
BIASED = ("phi",)
_LONGER = "the wrapped model has more layers than the base, as documented"
_LENGTHENED = (
    "wrapping-keeps-logits",
    "disabled-is-base",
    "unload-restores-base",
    "unload-leaves-no-trace",
    "tuner-wraps-what-it-names",
)
REPLICATED = dict.fromkeys(_LENGTHENED, _LONGER)


def _variant(
    arguments: Mapping[str, Any], fields: Mapping[str, Any] | None = None, **more: Any
) -> Tuner:
    given = {"placements": TARGETED[:-1], **more}
    return Tuner("LORA", {**PLAIN, **arguments}, fields=fields or {}, **given)


def _start(name: str, **more: Any) -> Tuner:
    return _variant({"init_lora_weights": name}, **more)


def _option(
    option: str, arguments: Mapping[str, Any], fields: Mapping[str, Any] | None = None, **more: Any
) -> Tuner:
    """A variant whose option is tried by a branch of its own, on attention alone."""
    return _variant(
        arguments,
        fields,
        option=option,
        placements=("body",),
        families=("llama",),
        narrow=True,
        **more,
    )


VARIANTS: dict[str, Tuner] = {
    "lora-dora": _variant({"use_dora": True}, {"dora": True}, ensures=True, placements=TARGETED),
    "lora-rslora": _variant({"use_rslora": True}, {"rslora": True}),
    "lora-bias-all": _variant({"bias": "all"}, {"bias": "all"}, families=BIASED),
    "lora-bias-lora-only": _variant({"bias": "lora_only"}, {"bias": "lora_only"}, families=BIASED),
    "lora-with-bias": _variant({"lora_bias": True}, families=BIASED),
    "lora-patterns": _variant(
        {"rank_pattern": {"q_proj": 4}, "alpha_pattern": {"q_proj": 8, "lm_head": 4}},
        converts=True,
    ),
    "lora-patterns-at-ends": _variant(
        {
            "rank_pattern": {"embed_tokens": 4, "lm_head": 1},
            "alpha_pattern": {"embed_tokens": 2, "lm_head": 3},
        },
        ensures=True,
        placements=TARGETED[1:],
    ),
    "lora-layers": _variant(
        {"layers_to_transform": [0], "layers_pattern": ["layers", "h"]},
        {"layers": 2},
        placements=("body",),
    ),
    "lora-layer": _variant({"layers_to_transform": 0}, {"layers": 2}, placements=("body",)),
    "lora-target-parameters": _variant(
        {"target_modules": [], "target_parameters": ["mlp.up_proj.weight"]},
        placements=("body",),
        own_targets=True,
        families=("llama",),
    ),
    "lora-parameters-beside": _variant(
        {"target_parameters": ["mlp.up_proj.weight"]},
        placements=("body",),
        families=("llama",),
    ),
    "lora-tokens": _variant(
        {"trainable_token_indices": [0, 2]},
        placements=("body",),
        exempt={"tuner-wraps-what-it-names": "trained tokens stand on the embedding beside it"},
    ),
    "lora-seq2seq": _variant({}, placements=("body",), families=("bart",)),
    "lora-image-text": _variant({}, placements=("body",), families=("llava",)),
    "lora-experts": _variant(
        {"target_modules": [], "target_parameters": ["experts.gate_up_proj"]},
        placements=("body",),
        own_targets=True,
        fused=True,
        families=("mixtral",),
    ),
    "trainable-tokens-init-false": Tuner(
        "TRAINABLE_TOKENS",
        {"token_indices": [0], "init_weights": False},
        exempt={"wrapping-keeps-logits": "init_weights=False is documented as no identity"},
        placements=("target:embedding", "target:head"),
    ),
    "lora-without-task": _variant({"task_type": None}, placements=("body", "save:head")),
    "lora-init-false": _variant({"init_lora_weights": False}, exempt=RANDOM),
    "lora-init-gaussian": _start("gaussian"),
    "lora-init-pissa": _start(
        "pissa",
        rebases=True,
        converts=True,
        exempt=REBASED,
        placements=(*TARGETED[:-1], "save:head"),
    ),
    "lora-init-pissa-niter": _start("pissa_niter_4", rebases=True, converts=True, exempt=REBASED),
    "lora-init-olora": _start("olora", rebases=True, converts=True, exempt=REBASED),
    # its factors are made orthogonal in float32, and so cancel as far as that goes
    "lora-init-orthogonal": _start("orthogonal", computes_in="float32"),
    "lora-init-mica": _start("mica", frozen=("lora_B", "lora_embedding_B")),
    "lora-init-eva": _start("eva"),
    "lora-init-corda": _start("corda", skipped=f"{SAMPLED} (preprocess_corda)"),
    "lora-init-lora-ga": _start("lora_ga", skipped=f"{SAMPLED} (preprocess_loraga)"),
    "lora-init-loftq": _variant(
        {"init_lora_weights": "loftq", "loftq_config": {"loftq_bits": 4, "loftq_iter": 1}},
        rebases=True,
        exempt=REBASED,
        needs="bitsandbytes",
        on_cuda=True,
    ),
    "lora-dropout": _option("dropped", {"lora_dropout": 0.5}),
    "lora-runtime": _option("", {"runtime_config": {"ephemeral_gpu_offload": True}}),
    "lora-velora": _option("compressed", {"velora_config": {"num_groups": 4, "scale": 2.0}}),
    "lora-monteclora": _option(
        "drawn",
        {"monteclora_config": {"num_samples": 2, "buffer_size": 2, "sample_scaler": 0.3}},
        samples=True,
    ),
    "lora-activated": _option(
        "activated",
        {"alora_invocation_tokens": [5, 2]},
        unmergeable=True,
        without=("inject",),  # it is a PeftModel that finds the tokens
    ),
    "lora-replicated": _option(
        "replicated",
        {"layer_replication": [[0, 2], [1, 2]]},
        {"layers": 2},
        exempt=REPLICATED,
        # LoraModel._check_merge_allowed means to refuse it, and looks for the field among the names
        # of adapters: one weight gets what two layers were trained for
        not_merged="PEFT documents that replicated layers cannot be merged, and merges them",
        # LoraModel._prepare_model replicates what is replicated, adapters and all, for each adapter
        without=("unmerge", "safe", "second", "added", "again"),
    ),
    "lora-kasa": _variant({"kasa_config": {}}, rebases=True, exempt=TRUNCATED),
}
