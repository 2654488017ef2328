"""The adapter of a case, as arguments for LoraConfig: plain values, no PEFT here."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from conformance.core.case import BODY, Case
from conformance.core.placements import PLACEMENTS
from tiny_models.families import FAMILIES


def lora_arguments(case: Case, roles: Mapping[str, tuple[str, ...]]) -> dict[str, Any]:
    """Keyword arguments for ``LoraConfig``, fresh lists each time.

    ``roles`` maps ``embedding``, ``head``, ``attention`` and ``mlp`` to full module names.
    """
    placement = PLACEMENTS[case.placement]
    # a state-space model has no attention: its mixer's projections carry the adapter
    wanted = [r if r in roles else "mlp" for r in (*placement.target, *case.also)]
    if case.excluded:
        wanted.append("mlp")
    arguments: dict[str, Any] = {
        **task(FAMILIES[case.family].shape),
        "r": case.rank,
        "lora_alpha": case.alpha,
        "lora_dropout": 0.0,
        "bias": case.bias,
        "target_modules": _written(case, roles, tuple(dict.fromkeys(wanted))),
    }
    if placement.save:
        arguments["modules_to_save"] = [_one(case, roles, role) for role in placement.save]
    if placement.tokens:
        arguments["trainable_token_indices"] = _tokens(case, roles, placement.tokens)
    if case.rslora:
        arguments["use_rslora"] = True
    if case.dora:
        arguments["use_dora"] = True
    if case.ensure:
        arguments["ensure_weight_tying"] = True
    if case.excluded:
        arguments["exclude_modules"] = _short("mlp", roles["mlp"])
    return arguments


TASKS = {
    "decoder-only": "CAUSAL_LM",
    "encoder-decoder": "SEQ_2_SEQ_LM",
    "encoder": "FEATURE_EXTRACTION",
    "image-text": "CAUSAL_LM",
}
"""PEFT's task types; for speech and masked language models it has none that fits."""


def task(shape: str) -> dict[str, str]:
    """The argument that tells PEFT what a model of this shape does, or none."""
    return {"task_type": TASKS[shape]} if shape in TASKS else {}


def body_targets(
    case: Case, roles: Mapping[str, tuple[str, ...]], linear: tuple[str, ...]
) -> frozenset[str]:
    """The body modules that the case asks to adapt, by our own reading of its config.

    ``linear`` names all linear modules of the base but its head: what ``all-linear`` stands for.
    A short name stands for every module whose path ends in it.
    """
    if case.writing == "all-linear":
        asked = set(linear)
    else:
        placement = PLACEMENTS[case.placement]
        wanted = [r if r in roles else "mlp" for r in (*placement.target, *case.also)]
        named = {name for role in wanted if role in BODY for name in roles[role]}
        last = {name.rpartition(".")[2] for name in named}
        asked = {name for name in linear if name.rpartition(".")[2] in last}
        asked = named if case.writing == "paths" else asked
    if case.excluded:
        left_out = set(_short("mlp", roles["mlp"]))
        asked = {name for name in asked if name.rpartition(".")[2] not in left_out}
    return frozenset(asked)


def _short(role: str, names: tuple[str, ...]) -> list[str]:
    """What people call these modules: the last of their names, and whose it is on two sides."""
    parts = 2 if role in ("encoder-embedding", "decoder-embedding") else 1
    return list(dict.fromkeys(".".join(name.split(".")[-parts:]) for name in names))


def _written(
    case: Case, roles: Mapping[str, tuple[str, ...]], wanted: tuple[str, ...]
) -> list[str] | str:
    """The targets as the case writes them: short names, full paths, a regex, or all-linear."""
    if case.writing == "all-linear":
        return "all-linear"
    if case.writing == "paths":
        return [name for role in wanted for name in roles[role]]
    short = dict.fromkeys(name for role in wanted for name in _short(role, roles[role]))
    if case.writing == "regex":
        return "|".join(rf"(.*\.)?{re.escape(name)}" for name in short)
    return list(short)


def _one(case: Case, roles: Mapping[str, tuple[str, ...]], role: str) -> str:
    return roles[role][0] if case.writing == "paths" else _short(role, roles[role])[0]


def _tokens(case: Case, roles: Mapping[str, tuple[str, ...]], kind: str) -> Any:
    rows = list(case.token_rows)
    others = list(case.other_rows)
    if kind == "list":
        return rows
    embedding = _one(case, roles, "embedding")
    if kind == "embedding":
        return {embedding: rows}
    head = _one(case, roles, "head")
    if kind == "head":
        return {head: rows}
    return {embedding: rows, head: list(rows) if kind == "same" else others}
