"""Promises about storage: what is tied stays one tensor, what is independent stays two."""

from __future__ import annotations

from collections.abc import Iterator

from conformance.core.bits import distance, same_bits
from conformance.core.comparison import Comparison, Evidence
from conformance.core.expected_ties import adapters_tied, base_tie_survives, separate
from conformance.core.finding import OF_AN_ADAPTER, Finding
from conformance.core.observation import Observation, adapted_modules
from conformance.core.placements import MATRICES
from conformance.core.tolerances import precision, weight_allowance
from conformance.core.tying_tables import row_for
from conformance.kinds.lifecycle.checks.registry import INVARIANTS

# Which part of the embedding's adapter is which part of another member's, and whether transposed.
PARTNERS = (
    ("lora_embedding_A", "lora_B", True),
    ("lora_embedding_B", "lora_A", True),
    ("lora_embedding_A", "lora_embedding_A", False),
    ("lora_embedding_B", "lora_embedding_B", False),
    ("saved weight", "saved weight", False),
    ("trainable_tokens_delta", "trainable_tokens_delta", False),
)

BANK = "base_model"
"""The owner of what all layers of a tuner draw from; its layers are one there by design."""


def _adapter_ties(seen: Observation, stage: str) -> Iterator[Finding]:
    """Findings where any member of the tie does not have the first one's adapter.

    One that no forward pass calls needs none: a list of tokens is for ``get_input_embeddings()``,
    which for Marian is the encoder's, and nobody calls ``shared``.
    """
    adapted = adapted_modules(seen.stages[stage].weights)
    members = [seen.names[role] for role in MATRICES if role in seen.names]
    first, *others = [name for name in members if name in adapted | seen.called] or members
    for module in others:
        yield from _one_adapter(seen, stage, first, module)


def _one_adapter(
    seen: Observation, stage: str, embedding: str, other_module: str
) -> Iterator[Finding]:
    found, met = seen.stages[stage], False
    for mine, theirs, turned in PARTNERS:
        one, other = f"{embedding} {mine}", f"{other_module} {theirs}"
        if one not in found.weights or other not in found.weights:
            continue
        met = True
        expected = found.weights[one].T if turned else found.weights[one]
        if not found.share(one, other):
            what = f"at {stage}, {one} and {other} are two tensors"
            yield Finding("lost-tie", what, stage=stage, subject=seen.subject(other))
        elif not same_bits(expected, found.weights[other]):
            amount = distance(expected, found.weights[other])
            what, subject = f"at {stage}, {one} and {other} differ", seen.subject(other)
            yield Finding("wrong-value", what, amount, 0.0, stage=stage, subject=subject)
    if not met:
        what = f"at {stage}, {embedding} and {other_module} have no common adapter"
        subject = _adapters(seen, {other_module})
        yield Finding("lost-tie", what, stage=stage, subject=subject)


@INVARIANTS.check(
    "tied-stay-tied",
    "What is promised tied shares storage and values after wrapping, training, merge and reload.",
    source="PEFT #2803, #2879; documentation, Weight tying",
    needs=("base", "adapted", "trained"),
    applies=lambda seen: None if seen.case.tied else "the base is untied",
    by_placement=True,
    of_merge=True,
)
def tied_stay_tied(seen: Observation) -> Iterator[Finding]:
    # what a merge may untie, unmerging ties again
    stages = ["base", "adapted", "trained", "adapter-reloaded", "rewrapped", "unmerged"]
    if base_tie_survives(seen.case):
        stages += ["merged-in-place", "merged-twice", "merged", "merged-otherwise", "reloaded"]
    for stage in stages:
        found = seen.stages.get(stage)
        if found is None:
            continue
        for member in seen.members[1:]:
            if not found.share(seen.embedding, member):
                what = f"at {stage}, {seen.embedding} and {member} are two"
                yield Finding("lost-tie", what, stage=stage, subject=seen.subject(member))
        if adapters_tied(seen.case) and stage in {"adapted", "trained"}:
            yield from _adapter_ties(seen, stage)
    again = seen.stages.get("adapter-reloaded")
    if again is not None and adapters_tied(seen.case):
        yield from _adapter_ties(seen, "adapter-reloaded")


def _one_matrix(seen: Observation, modules: set[str]) -> bool:
    """Whether the base has one tensor for all of them, as an untied T5 for its embeddings."""
    names = {f"{module}.weight" for module in modules}
    return any(names <= group for group in seen.stages["base"].shares)


@INVARIANTS.check(
    "untied-stay-untied",
    "What is independent does not share storage and is not overwritten.",
    source="PEFT #2944, #2018",
    needs=("base", "adapted", "trained", "merged"),
    applies=lambda seen: (
        None if separate(seen.case) else "embedding and head are promised to stay one"
    ),
    by_placement=True,
    of_merge=True,
)
def untied_stay_untied(seen: Observation) -> Iterator[Evidence]:
    row = row_for(seen.case)
    independent = not seen.case.tied or (row is not None and not row.tied)
    for stage, found in seen.stages.items():
        if not seen.case.tied and seen.tied_at(found):
            what = f"at {stage}, {seen.embedding} and {seen.partner} are one"
            yield Finding("gained-tie", what, stage=stage, subject=seen.subject(seen.partner))
        for group in found.shares if independent else ():
            owners = adapted_modules(group)
            one = not seen.case.tied and _one_matrix(seen, owners)
            if len(owners) > 1 and not one and BANK not in owners:
                listed = ", ".join(sorted(owners))
                what = f"at {stage}, the adapters of {listed} are one"
                yield Finding("gained-tie", what, stage=stage, subject=_adapters(seen, owners))
    defined, plain = seen.stages.get("defined"), seen.stages["base"].weights
    adapted = adapted_modules(seen.stages["adapted"].weights)
    for name in seen.members:
        if defined is None and name.removesuffix(".weight") in adapted:
            continue  # what this tuner trained there we have no definition of
        expected = plain[name] if defined is None else defined.weights[name]
        merged = seen.stages["merged"].weights.get(name)
        if merged is None:
            what = f"{name} is gone after merging"
            yield Finding("missing-key", what, stage="merged", subject=seen.subject(name))
            continue
        allowed = weight_allowance(precision(seen), seen.case.rank, expected, plain[name])
        amount = distance(expected, merged)
        what, subject = f"merged {name} is not what was trained", seen.subject(name)
        yield Comparison(what, amount, allowed, stage="merged", subject=subject)


def _adapters(seen: Observation, modules: set[str]) -> str:
    return f"{OF_AN_ADAPTER}of {', '.join(sorted(map(seen.role, modules)))}"
