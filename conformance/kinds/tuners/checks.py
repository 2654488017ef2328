"""What is promised of every tuner: what is promised of LoRA, where it applies, and a little more.

Left out are the published tables, which are LoRA's, and what LoRA stands on, which is promised
here of every tuner and of embedding and head too.
"""

from __future__ import annotations

from collections.abc import Iterator

from conformance.core.bits import distance, same_bits
from conformance.core.comparison import Comparison, Evidence
from conformance.core.expected_ties import adapters_tied
from conformance.core.finding import Finding
from conformance.core.invariant import Applies, Registry, joined
from conformance.core.observation import Observation, adapted_modules
from conformance.core.placements import ENDS, PLACEMENTS
from conformance.kinds.lifecycle.checks import INVARIANTS
from conformance.kinds.lifecycle.checks.logits import differ
from conformance.kinds.tuners import (  # noqa: F401  they fill the registry
    once_checks,
    option_checks,
    save_load_checks,
    use_checks,
)
from conformance.kinds.tuners.case import TunerCase
from conformance.kinds.tuners.documented_errors import refused
from conformance.kinds.tuners.registry import ONLY_TUNERS

__all__ = ["ONLY_TUNERS", "TUNER_PROMISES", "WRAPS"]

WRAPS = "tuner-wraps-what-it-names"


def idle(seen: Observation) -> bool:
    """Whether the tuner stands on nothing, so that no promise about logits says anything."""
    adapted = seen.stages.get("adapted")
    return adapted is not None and not adapted.trainable


def _applies(name: str, before: Applies) -> Applies:
    """The conditions of a promise of LoRA, and those of a tuner."""

    def applies(seen: Observation) -> str | None:
        assert isinstance(seen.case, TunerCase)
        exempt = seen.case.what.exempt.get(name)
        return exempt or ("the adapter has no parameter" if idle(seen) else before(seen))

    return applies


def _asked(seen: Observation) -> frozenset[str]:
    """The modules that the case asks the tuner to stand on."""
    assert isinstance(seen.case, TunerCase)
    roles = {*ENDS} & {*PLACEMENTS[seen.case.placement].target}
    layers = seen.case.what.arguments.get("layers_to_transform")
    layers = (layers,) if isinstance(layers, int) else layers
    body = {
        name
        for name in seen.targets
        if layers is None or any(f".{layer}." in name for layer in layers)
    }
    owners = {
        module
        for path in seen.case.what.arguments.get("target_parameters", ())
        for module, _, part in (name.rpartition(".") for name in seen.stages["base"].weights)
        if f"{module}.{part}".endswith(path)
    }
    return frozenset(body | owners | {seen.names[role] for role in roles})


def _own_targets(seen: Observation) -> str | None:
    assert isinstance(seen.case, TunerCase)
    own = "target_modules does not name what it stands on" if seen.case.what.own_targets else None
    return seen.case.what.exempt.get(WRAPS, own)


def _met(seen: Observation, stage: str) -> frozenset[str]:
    """The modules that carry a part of the tuner, by plain name."""
    names = (name.partition(" ") for name in seen.stages[stage].weights)
    return frozenset(
        module for module, _, part in names if part and not part.startswith("saved ")
    ) - {"base_model"}


@ONLY_TUNERS.check(
    WRAPS,
    "The tuner stands on every module that its config names, or says that it cannot.",
    source="PEFT documentation, target_modules",
    needs=("adapted",),
    applies=_own_targets,
    by_placement=True,
)
def tuner_wraps_what_it_names(seen: Observation) -> Iterator[Finding]:
    asked, met = _asked(seen), _met(seen, "adapted")
    told = [heard.text for heard in seen.heard_at("adapted")]
    for name in sorted(asked - met):
        if not any(name.rpartition(".")[2] in text for text in told):
            what = f"{name} is asked for and carries no part of the tuner"
            yield Finding("wrong-type", what, stage="adapted", subject=seen.role(name))
    # where adapters are promised to be tied, PEFT adds what is tied
    for name in sorted(met - asked) if not adapters_tied(seen.case) else ():
        what = f"{name} carries a part of the tuner and is not asked for"
        yield Finding("wrong-type", what, stage="adapted", subject=seen.role(name))


@ONLY_TUNERS.check(
    "merging-touches-targets-alone",
    "Merging changes the weights of the modules that the config names, and no other bit.",
    source="PEFT merge_and_unload",
    needs=("trained", "merged"),
    applies=lambda seen: (
        None if seen.case.bias == "none" else "trained biases are part of the base modules"
    ),
)
def merging_touches_targets_alone(seen: Observation) -> Iterator[Finding]:
    # from training on: what wrapping or a step does to the base is no merge
    trained, merged = seen.stages["trained"].weights, seen.stages["merged"].weights
    own = adapted_modules(trained)
    for name in sorted(trained.keys() & merged.keys()):
        if name.rpartition(".")[0] not in own and not same_bits(trained[name], merged[name]):
            amount = distance(trained[name], merged[name])
            what, subject = f"{name} changed by merging", seen.subject(name)
            yield Finding("wrong-value", what, amount, 0.0, stage="merged", subject=subject)


@ONLY_TUNERS.check(
    "conversion-keeps-logits",
    "What training changed, saved as LoRA, gives the same logits on the base as it was.",
    source="PEFT save_pretrained, path_initial_model_for_weight_conversion",
    needs=("trained", "converted"),
)
def conversion_keeps_logits(seen: Observation) -> Iterator[Comparison]:
    for stage in ("converted", "converted-pickled"):
        if stage in seen.stages:
            yield from differ(seen, "trained", stage)


def _completes(seen: Observation) -> Iterator[Finding]:
    """No stage ends in an error, but those by which a tuner says what it cannot do."""
    for trouble in () if idle(seen) else seen.troubles:
        if trouble.branch != "reader" and not refused(trouble):
            what = f"{trouble.stage} ended in {trouble.type} from {trouble.origin}"
            what = f"{what}: {trouble.message}"
            yield Finding("unexpected-error", what, stage=trouble.stage, subject=trouble.type)


def _wrapping(seen: Observation) -> Iterator[Evidence]:
    """Logits are kept, and weights too but for a tuner that moves a part of them."""
    assert isinstance(seen.case, TunerCase)
    if seen.case.what.rebases:
        yield from differ(seen, "base", "adapted")
    else:
        yield from INVARIANTS["wrapping-keeps-logits"].check(seen)


TUNER_PROMISES = Registry()
CHECKED_OTHERWISE = {"life-completes": _completes, "wrapping-keeps-logits": _wrapping}
for own_id, one in joined(INVARIANTS, ONLY_TUNERS).items():
    if own_id == WRAPS:  # of an adapter without parameters this says something
        TUNER_PROMISES.share(one)
    elif not one.of_lora_alone:
        TUNER_PROMISES.vary(
            one,
            applies=_applies(own_id, one.applies),
            check=CHECKED_OTHERWISE.get(own_id, one.check),
        )
