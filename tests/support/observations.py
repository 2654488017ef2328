"""Hand-made observations: a healthy life of two small matrices, and changes to it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import torch

from conformance.core.adapter_file import owed_ends
from conformance.core.case import Case
from conformance.core.expected_ties import adapters_tied, base_tie_survives
from conformance.core.observation import Heard, LoadReport, Observation, Saved, Snapshot
from conformance.core.placements import PLACEMENTS

EMBEDDING, HEAD, BODY = "model.embed_tokens", "lm_head", "model.q_proj"
IN_FILE = {"embedding-in-file": f"{EMBEDDING}.weight", "head-in-file": f"{HEAD}.weight"}
NAMES = {"embedding": EMBEDDING, "head": HEAD} | IN_FILE
MODULES = {"attention": BODY, "embedding": EMBEDDING, "head": HEAD}
CLASSES = {
    "": "transformers.TinyForCausalLM",
    EMBEDDING: "torch.Embedding",
    HEAD: "torch.Linear",
    BODY: "torch.Linear",
}
WRAPPED = {EMBEDDING: "peft.Embedding", HEAD: "peft.Linear", BODY: "peft.Linear"}
TIE = frozenset({f"{EMBEDDING}.weight", f"{HEAD}.weight"})
PLAIN = frozenset({f"{EMBEDDING}.weight", f"{BODY}.weight"})

Weights = dict[str, torch.Tensor]


def values(*shape: int, start: float = 1.0) -> torch.Tensor:
    """Distinct numbers of ordinary size."""
    count = int(torch.Size(shape).numel())
    return (start + torch.arange(count, dtype=torch.float32)).reshape(shape) / 8


def base_weights(case: Case) -> Weights:
    embedding = values(4, 2)
    head = embedding if case.tied else values(4, 2, start=20)
    weights = {EMBEDDING: embedding, HEAD: head, BODY: values(2, 2, start=40)}
    return {f"{name}.weight": tensor for name, tensor in weights.items()}


def adapter_weights(case: Case) -> Weights:
    """LoRA of rank one on what the placement targets, one adapter where it is promised tied."""
    found: Weights = {}
    for role in PLACEMENTS[case.placement].target:
        if role == "embedding":
            found[f"{EMBEDDING} lora_embedding_A"] = values(1, 4)
            found[f"{EMBEDDING} lora_embedding_B"] = values(2, 1, start=5)
        else:
            rows = 4 if role == "head" else 2
            found[f"{MODULES[role]} lora_A"] = values(1, 2, start=7)
            found[f"{MODULES[role]} lora_B"] = values(rows, 1, start=9)
    if adapters_tied(case):
        found[f"{HEAD} lora_B"] = found[f"{EMBEDDING} lora_embedding_A"].T
        found[f"{HEAD} lora_A"] = found[f"{EMBEDDING} lora_embedding_B"].T
    return found


def merged_weights(case: Case) -> Weights:
    weights, adapter = base_weights(case), adapter_weights(case)
    for name, part in adapter.items():
        module, _, kind = name.partition(" ")
        if kind == "lora_A":
            delta = adapter[f"{module} lora_B"] @ part
        elif kind == "lora_embedding_A":
            delta = (adapter[f"{module} lora_embedding_B"] @ part).T
        else:
            continue
        weights[f"{module}.weight"] = weights[f"{module}.weight"] + delta
    return weights


def healthy(**fields: Any) -> Observation:
    """A life in which every promise is kept, for LoRA placements."""
    case = Case(**{"placement": "body", "rank": 1, **fields})
    base, adapter, merged = base_weights(case), adapter_weights(case), merged_weights(case)
    tie = frozenset({TIE}) if case.tied else frozenset()
    ties = tie
    if adapters_tied(case):
        ties |= {
            frozenset({f"{EMBEDDING} lora_embedding_A", f"{HEAD} lora_B"}),
            frozenset({f"{EMBEDDING} lora_embedding_B", f"{HEAD} lora_A"}),
        }
    stays = base_tie_survives(case)
    before, after = values(2, 4, start=60), values(2, 4, start=70)
    wrapped = {MODULES[role] for role in PLACEMENTS[case.placement].target}
    plain = Snapshot(
        weights=base,
        logits=before,
        shares=tie,
        flags={"tie_word_embeddings": case.tied},
        modules=CLASSES,
        trainable=frozenset(base),
        devices=dict.fromkeys(base, "cpu"),
        settings={"config.pad_token_id": "0", "generation_config.eos_token_id": "1"},
    )
    adapted = replace(
        plain,
        weights=base | adapter,
        shares=ties,
        modules={name: (WRAPPED if name in wrapped else CLASSES)[name] for name in CLASSES},
        trainable=frozenset(adapter),
    )
    trained = replace(adapted, logits=after)
    loaded = replace(trained, trainable=trained.trainable if case.is_trainable else frozenset())
    in_place = replace(trained, weights=merged | adapter)
    end = replace(
        plain,
        weights=merged,
        logits=after,
        shares=tie if stays else frozenset(),
        flags={"tie_word_embeddings": stays},
    )
    tensors = {name: merged[name] for name in (PLAIN if stays else PLAIN | {f"{HEAD}.weight"})}
    on_disk = Saved(tensors, {}, {"model.safetensors": "d"}, {"tie_word_embeddings": stays})
    settings: dict[str, object] = {"lists passed": {"target_modules": ["q_proj"]}, "r": 1}
    written: dict[str, object] = {"r": 1, "inference_mode": True, "auto_mapping": None}
    adapter_file = Saved(
        file_keys(adapter)
        | {
            f"base_model.model.{MODULES[e]}.weight": base[f"{MODULES[e]}.weight"]
            for e in owed_ends(case)
        },
        {**written, "task_type": "CAUSAL_LM"},
        {"adapter_model.safetensors": "d"},
        {},
    )
    told = Heard("merged", "a tied layer is part of the adapter", "UserWarning", about_tying=True)
    return Observation(
        case=case,
        names=NAMES,
        heard=(told,) if case.tied and wrapped & {EMBEDDING, HEAD} else (),
        reached=frozenset(adapter),
        stages={
            "base": plain,
            "adapted": adapted,
            "trained": trained,
            "defined": Snapshot(weights=merged, logits=after),
            "disabled": Snapshot(logits=before),
            "enabled-again": trained,
            "merged": end,
            "reloaded": end,
            "read": Snapshot(logits=after),
            "adapter-reloaded": loaded,
            "rewrapped": adapted,
            "merged-in-place": in_place,
            "merged-twice": in_place,
            "unmerged": trained,
            "unmerged-often": trained,
            "unloaded": plain,
            "merged-otherwise": end,
        }
        | ({"before-refusal": trained, "after-refusal": trained} if case.safe_merge else {})
        | ({} if case.training == "values" else stepped(trained)),
        saved={
            "merged": on_disk,
            "merged-again": on_disk,
            "adapter": adapter_file,
            "adapter-again": adapter_file,
        },
        loading={"base": LoadReport(), "reloaded": LoadReport()},
        targets=frozenset(wrapped & {BODY}),
        called=frozenset(name.partition(" ")[0] for name in adapter),
        plain_keys={True: PLAIN, False: PLAIN | {f"{HEAD}.weight"}},
        config_before=settings,
        config_after={**settings, "lists passed": {"target_modules": ["q_proj"]}},
        config_held=settings,
    )


def file_keys(adapter: Weights) -> Weights:
    """The adapter's tensors under the keys they have in PEFT's file."""
    return {f"base_model.model.{n.replace(' ', '.')}.weight": t for n, t in adapter.items()}


def stepped(trained: Snapshot) -> dict[str, Snapshot]:
    """The stage before the optimizer's steps: adapters elsewhere than after them."""
    earlier = {n: t - 1 if " " in n else t for n, t in trained.weights.items()}
    return {"filled": replace(trained, weights=earlier)}


def at(seen: Observation, stage: str, **changes: Any) -> Observation:
    """The observation with one stage changed."""
    return replace(seen, stages={**seen.stages, stage: replace(seen.stages[stage], **changes)})


def put(seen: Observation, stage: str, **weights: torch.Tensor | None) -> Observation:
    """With weights of one stage replaced, or taken away where None."""
    every: Mapping[str, torch.Tensor | None] = {**seen.stages[stage].weights, **weights}
    return at(seen, stage, weights={n: t for n, t in every.items() if t is not None})


def without(seen: Observation, *stages: str) -> Observation:
    """As if these stages had not been reached."""
    kept = {name: found for name, found in seen.stages.items() if name not in stages}
    return replace(seen, stages=kept)


def disk(seen: Observation, folder: str, **changes: Any) -> Observation:
    """With one folder changed."""
    return replace(seen, saved={**seen.saved, folder: replace(seen.saved[folder], **changes)})


def reported(seen: Observation, loading: str, **changes: Any) -> Observation:
    """With one load report changed."""
    report = replace(seen.loading[loading], **changes)
    return replace(seen, loading={**seen.loading, loading: report})
