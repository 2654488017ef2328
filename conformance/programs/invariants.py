"""Promises about programs: each is judged after every step."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

from conformance.compare import (
    coarsest,
    distance,
    gradient_allowance,
    movement,
    program_allowance,
    size,
    weight_allowance,
)
from conformance.comparison import Allowance, Comparison, Evidence, broken
from conformance.invariants.invariant import Check, Registry
from conformance.programs.observation import Compared, ProgramObservation, StepSeen
from conformance.violation import Finding

PROGRAMS = Registry()
StepCheck = Callable[[ProgramObservation, StepSeen], Iterator[Evidence]]


def at_each_step(check: StepCheck) -> Check:
    """The check of a program that is made of the check of one step.

    A program breaks it once, at its first wrong step: what follows is wrong because of that.
    """

    def first(seen: ProgramObservation) -> Iterator[Evidence]:
        for found in (found for step in seen.steps for found in check(seen, step)):
            yield found
            if broken([found]):
                return

    return first


def allowance(seen: ProgramObservation, step: StepSeen, logits: Compared) -> Allowance:
    """How far the model may be from its reference after this step."""
    return program_allowance(
        step.state.dtype,
        seen.case.base,
        movement(logits.expected, logits.nudged),
        size(logits.found, logits.expected, logits.base),
        precision=step.precision,
        writes=step.roundings,
    )


def at(step: StepSeen) -> str:
    """Where a finding was made."""
    return f"after step {step.number}, {step.step!r}"


@PROGRAMS.check(
    "program-follows-reference",
    "After every step the model computes what a plain model with the reference's weights does.",
    source="the definitions of LoRA, modules_to_save and trainable tokens; PEFT's API reference",
    scriptable=True,
)
@at_each_step
def program_follows_reference(seen: ProgramObservation, step: StepSeen) -> Iterator[Comparison]:
    for what, logits in (("of the model", step.logits), *step.asides.items()):
        told = f"logits {what} differ from the reference's {at(step)}"
        amount = distance(logits.found, logits.expected)
        yield Comparison(told, amount, allowance(seen, step, logits))


@PROGRAMS.check(
    "program-keeps-values",
    "Every adapter holds what it was given, trained to, loaded with or combined from; no other.",
    source="PEFT add_adapter, load_adapter, delete_adapter, add_weighted_adapter",
    scriptable=True,
)
@at_each_step
def program_keeps_values(_: ProgramObservation, step: StepSeen) -> Iterator[Evidence]:
    found = dict(step.parts)
    if step.step[0] == "weighted":
        name = step.step[1]
        found = {k: v for k, v in found.items() if k[0] != name or k[2] == "delta"}
    for key in sorted(step.expected.keys() - found.keys()):
        yield Finding("missing-key", f"there is no {' '.join(key)} {at(step)}")
    for key in sorted(found.keys() - step.expected.keys()):
        yield Finding("extra-key", f"there is {' '.join(key)} {at(step)}")
    for key, wanted in step.expected.items():
        told = f"{' '.join(key)} is not what it is to be {at(step)}"
        amount = distance(found[key], wanted)
        if key[2] == "delta":
            rank = 2 * wanted.shape[0] if step.step[3] == "svd" else 8
            # the roots of the weights of a linear sum are PEFT's in float32
            kinds = ("float32",) if step.step[3] == "linear" else ()
            precision = coarsest(step.precision, *kinds)
            yield Comparison(told, amount, weight_allowance(precision, rank, found[key], wanted))
        elif amount:
            yield Finding("wrong-value", told, amount, 0.0)


@PROGRAMS.check(
    "program-trains-only-its-adapters",
    "Exactly the active adapters train; a step moves them and leaves all else as it was, bit for "
    "bit.",
    source="PEFT set_adapter, add_adapter, load_adapter",
    scriptable=True,
)
@at_each_step
def program_trains_only_its_adapters(_: ProgramObservation, step: StepSeen) -> Iterator[Finding]:
    state = step.state
    if state.wrapped and (state.enabled or step.step[0] == "disable"):
        names = state.active if state.enabled else ()
        wanted = {key for key in step.parts if key[0] in names and key[2] != "delta"}
        for key in sorted(wanted ^ step.trainable):
            verb = "trains" if key in step.trainable else "does not train"
            yield Finding("wrong-trainable", f"{' '.join(key)} {verb} {at(step)}")
        for name in sorted(step.base_trains):
            yield Finding("wrong-trainable", f"{name} of the base trains {at(step)}")
    for name in sorted(step.training.changed) if step.training else ():
        yield Finding("wrong-value", f"frozen {name} was changed {at(step)}")


@PROGRAMS.check(
    "program-sums-gradients",
    "The gradient of each trained tensor is that of the definition: of a shared one, both uses'.",
    source="PEFT #2803, #2864: the adapters of tied layers are one",
)
@at_each_step
def program_sums_gradients(seen: ProgramObservation, step: StepSeen) -> Iterator[Comparison]:
    gradients = step.training.gradients if step.training else {}
    for key, (found, wanted, nudged) in gradients.items():
        amount = distance(found, wanted)
        allowed = gradient_allowance(
            step.state.dtype, seen.case.base, movement(wanted, nudged), size(found, wanted)
        )
        yield Comparison(
            f"the gradient of {' '.join(key)} is not as defined {at(step)}", amount, allowed
        )


@PROGRAMS.check(
    "program-optimizer-holds-once",
    "An optimizer over the trainable parameters holds every tensor once.",
    source="torch.optim: a tensor held twice is stepped twice",
)
@at_each_step
def program_optimizer_holds_once(_: ProgramObservation, step: StepSeen) -> Iterator[Finding]:
    if step.training is not None and step.training.twice:
        names = ", ".join(sorted(step.training.twice))
        yield Finding("lost-tie", f"the optimizer holds more than once {names} {at(step)}")


@PROGRAMS.check(
    "program-keeps-ties",
    "After every step what is promised tied shares storage, and nothing else does.",
    source="PEFT documentation, Weight tying; PEFT #2803, #2944",
)
@at_each_step
def program_keeps_ties(seen: ProgramObservation, step: StepSeen) -> Iterator[Finding]:
    base = {f"{name}.weight" for name in seen.names.values()}
    together = any(base <= group for group in step.shares)
    if together is not step.state.tied:
        kind = "gained-tie" if together else "lost-tie"
        yield Finding(kind, f"embedding and head of the base {at(step)}")
    for one in step.state.adapters:
        mine = [group for group in _groups(step) if any(name == one.name for name, *_ in group)]
        mixed = [group for group in mine if len({name for name, *_ in group}) > 1]
        shared = {module for group in mine for _, module, _ in group}
        ends = set(seen.names.values()) if one.one else set()
        if mixed or shared != ends:
            kind = "lost-tie" if ends - shared else "gained-tie"
            names = ", ".join(sorted(ends ^ shared)) or "two adapters"
            yield Finding(kind, f"{names} of adapter {one.name} {at(step)}")


def _groups(step: StepSeen) -> list[list[tuple[str, str, str]]]:
    keys = {" ".join(key): key for key in step.parts}
    return [[keys[name] for name in group if name in keys] for group in step.shares]


@PROGRAMS.check(
    "program-config-tells-the-truth",
    "Every tie_word_embeddings of a plain model, in memory and saved, agrees with its weights.",
    source="PEFT #2972, transformers #45127",
)
@at_each_step
def program_config_tells_the_truth(seen: ProgramObservation, step: StepSeen) -> Iterator[Finding]:
    if step.state.wrapped:
        return
    base = {f"{name}.weight" for name in seen.names.values()}
    tied = any(base <= group for group in step.shares)
    for where, flags in (("in memory", step.flags), ("saved", step.file_flags)):
        for path, flag in flags.items():
            if flag is not None and flag is not tied:
                yield Finding("wrong-flag", f"{path} {where} is {flag} {at(step)}")


@PROGRAMS.check(
    "program-tells-what-is-active",
    "active_adapters names the adapters that were made active.",
    source="PEFT set_adapter, delete_adapter, active_adapters",
)
@at_each_step
def program_tells_what_is_active(_: ProgramObservation, step: StepSeen) -> Iterator[Finding]:
    if step.state.wrapped and set(step.active) != set(step.state.active):
        told = ", ".join(step.active) or "none"
        yield Finding("false-report", f"active_adapters names {told} {at(step)}")


@PROGRAMS.check(
    "program-tells-what-it-merges",
    "Merging what is not merged yet is never called nothing to do.",
    source="PEFT merge_adapter",
)
@at_each_step
def program_tells_what_it_merges(seen: ProgramObservation, step: StepSeen) -> Iterator[Finding]:
    said = seen.heard_at(f"{step.number} {step.step[0]}") if step.step[0] == "merge" else ()
    if any("nothing to do" in heard.text for heard in said):
        yield Finding("false-report", f"it is said that there is nothing to do {at(step)}")


@PROGRAMS.check(
    "program-completes",
    "No step ends in an error nobody documented, and what is to be refused is refused.",
    source="PEFT and transformers documentation",
    scriptable=True,
)
def program_completes(seen: ProgramObservation) -> Iterator[Finding]:
    for step in seen.steps:
        error = step.refused
        if step.refusal and error is None:
            yield Finding("missing-error", f"nothing was refused {at(step)}")
            return
        if error is not None and not re.search(step.refusal, error.message):
            yield Finding("unexpected-error", f"{error.type}: {error.message} {at(step)}")
            return
    for error in seen.troubles:
        yield Finding("unexpected-error", f"{error.type} at step {error.stage}: {error.message}")
