"""Promises about what trains."""

from __future__ import annotations

from collections.abc import Iterator

from conformance.core.bits import same_bits
from conformance.core.finding import Finding
from conformance.core.observation import Observation, adapted_modules
from conformance.kinds.lifecycle.checks.registry import INVARIANTS

FULL = 4  # bytes of a float32


def _promised(seen: Observation) -> set[str]:
    names = set(seen.stages["adapted"].weights)
    frozen = seen.case.frozen_parts
    adapters = {name for name in names if " " in name and name.partition(" ")[2] not in frozen}
    if seen.case.bias == "none":
        return adapters
    owners = adapted_modules(adapters, "lora_")
    replaced = {f"{module}.bias" for module in adapted_modules(adapters, "saved ")}
    # a tensor that trains does so under all its names, and none where a copy of its module
    # trains instead: the bias of BERT's head has two
    shares = seen.stages["adapted"].shares
    instead = replaced.union(*(group for group in shares if group & replaced))
    biases = {
        name
        for name in names - adapters - instead
        if name.rpartition(".")[2] == "bias"
        and (seen.case.bias == "all" or name.rpartition(".")[0] in owners)
    }
    return adapters | biases.union(*(group for group in shares if group & biases))


def _elsewhere(seen: Observation, found: frozenset[str]) -> Iterator[Finding]:
    """After the adapter was disabled for a moment, and when it was loaded."""
    again = seen.stages.get("enabled-again")
    if again is not None and again.trainable != found:
        names = sorted(again.trainable ^ found)
        yield Finding(
            "wrong-trainable",
            f"after disable_adapter, {', '.join(names)} is not as before",
            stage="enabled-again",
            subject=seen.subject(*names),
        )
    loaded = seen.stages.get("adapter-reloaded")
    if loaded is not None:
        expected = found & loaded.weights.keys() if seen.case.is_trainable else frozenset()
        for name in sorted(loaded.trainable ^ expected):
            state = "trains" if name in loaded.trainable else "is frozen"
            asked = f"loaded with is_trainable={seen.case.is_trainable}"
            yield Finding(
                "wrong-trainable",
                f"{name} {state}, {asked}",
                stage="adapter-reloaded",
                subject=seen.subject(name),
            )


def _cut_off(seen: Observation, promised: set[str]) -> Iterator[Finding]:
    """What is promised to train and gets no gradient, though the model calls its module."""
    left_behind = seen.left_behind
    for name in sorted(promised & seen.stages["adapted"].trainable - seen.reached):
        module, _, part = name.partition(" ")
        # a bias is the base's, and what drops it breaks its logits; adapter-takes-part tells of
        # what is not called
        if part and module not in left_behind:
            what = f"{name} gets no gradient"
            yield Finding("wrong-trainable", what, stage="trained", subject=seen.subject(name))


def _moved(seen: Observation, promised: set[str]) -> Iterator[Finding]:
    """Real steps move what is promised to train."""
    trained = seen.stages["trained"].weights
    filled = seen.stages.get("filled")
    if filled is None:
        return
    for name in sorted(promised & trained.keys()):
        # a row that the batch never meets, or the padding row, has no gradient; a small
        # step is lost to rounding in half precision; softmax ignores a bias of the keys
        if "tokens" in name or name.endswith(".bias") or trained[name].element_size() < FULL:
            continue
        if name in seen.reached and same_bits(filled.weights[name], trained[name]):
            what = f"{name} did not move while training"
            yield Finding("wrong-value", what, stage="trained", subject=seen.subject(name))


@INVARIANTS.check(
    "only-the-adapter-trains",
    "requires_grad is exactly as promised; after steps the base is bit-equal, the adapter moved.",
    source="PEFT documentation, quicktour; LoraConfig bias",
    needs=("base", "adapted", "trained"),
)
def only_the_adapter_trains(seen: Observation) -> Iterator[Finding]:
    promised, found = _promised(seen), seen.stages["adapted"].trainable
    for name in sorted(promised - found):
        what = f"{name} is frozen but promised to train"
        yield Finding("wrong-trainable", what, stage="adapted", subject=seen.subject(name))
    for name in sorted(found - promised):
        what = f"{name} trains but is the base's"
        yield Finding("wrong-trainable", what, stage="adapted", subject=seen.subject(name))
    yield from _cut_off(seen, promised)
    yield from _elsewhere(seen, found)
    base, trained = seen.stages["base"].weights, seen.stages["trained"].weights
    for name in sorted(base.keys() - promised):
        if name in trained and not same_bits(base[name], trained[name]):
            what = f"frozen {name} moved while training"
            yield Finding("wrong-value", what, stage="trained", subject=seen.subject(name))
    yield from _moved(seen, promised)
