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
from conformance.invariants.invariant import Check, Invariant, always, registering
from conformance.programs.observation import Compared, ProgramObservation, StepSeen
from conformance.violation import Finding

PROGRAMS: dict[str, Invariant] = {}


def promise(id: str, text: str, *, source: str) -> Callable[[Check], Check]:  # noqa: A002
    """Register the decorated generator of findings as a promise about programs."""

    def made(check: Check) -> Invariant:
        return Invariant(id, text, source, check, always, ())

    return registering(made, PROGRAMS)


def allowance(seen: ProgramObservation, step: StepSeen, logits: Compared) -> float:
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


@promise(
    "program-follows-reference",
    "After every step the model computes what a plain model with the reference's weights does.",
    source="the definitions of LoRA, modules_to_save and trainable tokens; PEFT's API reference",
)
def program_follows_reference(seen: ProgramObservation) -> Iterator[Finding]:
    for step in seen.steps:
        for what, logits in (("of the model", step.logits), *step.asides.items()):
            amount = distance(logits.found, logits.expected)
            allowed = allowance(seen, step, logits)
            if not amount <= allowed:
                told = f"logits {what} differ from the reference's {at(step)}"
                yield Finding("wrong-value", told, amount, allowed)
                return  # what follows a wrong step is wrong because of it


@promise(
    "program-keeps-values",
    "Every adapter holds what it was given, trained to, loaded with or combined from; no other.",
    source="PEFT add_adapter, load_adapter, delete_adapter, add_weighted_adapter",
)
def program_keeps_values(seen: ProgramObservation) -> Iterator[Finding]:
    for step in seen.steps:
        found = dict(step.parts)
        if step.step[0] == "weighted":
            name = step.step[1]
            found = {k: v for k, v in found.items() if k[0] != name or k[2] == "delta"}
        for key in sorted(step.expected.keys() - found.keys()):
            yield Finding("missing-key", f"there is no {' '.join(key)} {at(step)}")
            return
        for key in sorted(found.keys() - step.expected.keys()):
            yield Finding("extra-key", f"there is {' '.join(key)} {at(step)}")
            return
        for key, wanted in step.expected.items():
            amount, allowed = distance(found[key], wanted), 0.0
            if key[2] == "delta":
                rank = 2 * wanted.shape[0] if step.step[3] == "svd" else 8
                # the roots of the weights of a linear sum are PEFT's in float32
                kinds = ("float32",) if step.step[3] == "linear" else ()
                precision = coarsest(step.precision, *kinds)
                allowed = weight_allowance(precision, rank, found[key], wanted)
            if not amount <= allowed:
                told = f"{' '.join(key)} is not what it is to be {at(step)}"
                yield Finding("wrong-value", told, amount, allowed)
                return


@promise(
    "program-trains-only-its-adapters",
    "Exactly the active adapters train; a step moves them and leaves all else as it was, bit for "
    "bit.",
    source="PEFT set_adapter, add_adapter, load_adapter",
)
def program_trains_only_its_adapters(seen: ProgramObservation) -> Iterator[Finding]:
    for step in seen.steps:
        state = step.state
        if state.wrapped and (state.enabled or step.step[0] == "disable"):
            names = state.active if state.enabled else ()
            wanted = {key for key in step.parts if key[0] in names and key[2] != "delta"}
            for key in sorted(wanted ^ step.trainable):
                verb = "trains" if key in step.trainable else "does not train"
                yield Finding("wrong-trainable", f"{' '.join(key)} {verb} {at(step)}")
                return
            for name in sorted(step.base_trains):
                yield Finding("wrong-trainable", f"{name} of the base trains {at(step)}")
                return
        if step.training is not None:
            for name in sorted(step.training.changed):
                yield Finding("wrong-value", f"frozen {name} was changed {at(step)}")
                return


@promise(
    "program-sums-gradients",
    "The gradient of each trained tensor is that of the definition: of a shared one, both uses'.",
    source="PEFT #2803, #2864: the adapters of tied layers are one",
)
def program_sums_gradients(seen: ProgramObservation) -> Iterator[Finding]:
    for step in seen.steps:
        if step.training is None:
            continue
        for key, (found, wanted, nudged) in step.training.gradients.items():
            amount = distance(found, wanted)
            allowed = gradient_allowance(
                step.state.dtype, seen.case.base, movement(wanted, nudged), size(found, wanted)
            )
            if not amount <= allowed:
                told = f"the gradient of {' '.join(key)} is not as defined {at(step)}"
                yield Finding("wrong-value", told, amount, allowed)
                return


@promise(
    "program-optimizer-holds-once",
    "An optimizer over the trainable parameters holds every tensor once.",
    source="torch.optim: a tensor held twice is stepped twice",
)
def program_optimizer_holds_once(seen: ProgramObservation) -> Iterator[Finding]:
    for step in seen.steps:
        if step.training is not None and step.training.twice:
            names = ", ".join(sorted(step.training.twice))
            yield Finding("lost-tie", f"the optimizer holds more than once {names} {at(step)}")
            return


@promise(
    "program-keeps-ties",
    "After every step what is promised tied shares storage, and nothing else does.",
    source="PEFT documentation, Weight tying; PEFT #2803, #2944",
)
def program_keeps_ties(seen: ProgramObservation) -> Iterator[Finding]:
    base = {f"{name}.weight" for name in seen.names.values()}
    for step in seen.steps:
        together = any(base <= group for group in step.shares)
        if together is not step.state.tied:
            kind = "gained-tie" if together else "lost-tie"
            yield Finding(kind, f"embedding and head of the base {at(step)}")
            return
        for one in step.state.adapters:
            mine = [group for group in _groups(step) if any(name == one.name for name, *_ in group)]
            mixed = [group for group in mine if len({name for name, *_ in group}) > 1]
            shared = {module for group in mine for _, module, _ in group}
            ends = set(seen.names.values()) if one.one else set()
            if mixed or shared != ends:
                kind = "lost-tie" if ends - shared else "gained-tie"
                names = ", ".join(sorted(ends ^ shared)) or "two adapters"
                yield Finding(kind, f"{names} of adapter {one.name} {at(step)}")
                return


def _groups(step: StepSeen) -> list[list[tuple[str, str, str]]]:
    keys = {" ".join(key): key for key in step.parts}
    return [[keys[name] for name in group if name in keys] for group in step.shares]


@promise(
    "program-config-tells-the-truth",
    "Every tie_word_embeddings of a plain model, in memory and saved, agrees with its weights.",
    source="PEFT #2972, transformers #45127",
)
def program_config_tells_the_truth(seen: ProgramObservation) -> Iterator[Finding]:
    base = {f"{name}.weight" for name in seen.names.values()}
    for step in seen.steps:
        if step.state.wrapped:
            continue
        tied = any(base <= group for group in step.shares)
        for where, flags in (("in memory", step.flags), ("saved", step.file_flags)):
            for path, flag in flags.items():
                if flag is not None and flag is not tied:
                    yield Finding("wrong-flag", f"{path} {where} is {flag} {at(step)}")
                    return


@promise(
    "program-tells-what-is-active",
    "active_adapters names the adapters that were made active.",
    source="PEFT set_adapter, delete_adapter, active_adapters",
)
def program_tells_what_is_active(seen: ProgramObservation) -> Iterator[Finding]:
    for step in seen.steps:
        if step.state.wrapped and set(step.active) != set(step.state.active):
            told = ", ".join(step.active) or "none"
            yield Finding("false-report", f"active_adapters names {told} {at(step)}")
            return


@promise(
    "program-tells-what-it-merges",
    "Merging what is not merged yet is never called nothing to do.",
    source="PEFT merge_adapter",
)
def program_tells_what_it_merges(seen: ProgramObservation) -> Iterator[Finding]:
    for step in seen.steps:
        said = seen.heard_at(f"{step.number} {step.step[0]}") if step.step[0] == "merge" else ()
        if any("nothing to do" in heard.text for heard in said):
            yield Finding("false-report", f"it is said that there is nothing to do {at(step)}")
            return


@promise(
    "program-completes",
    "No step ends in an error nobody documented, and what is to be refused is refused.",
    source="PEFT and transformers documentation",
)
def program_completes(seen: ProgramObservation) -> Iterator[Finding]:
    for step in seen.steps:
        if step.refusal and step.refused is None:
            yield Finding("missing-error", f"nothing was refused {at(step)}")
            return
        if step.refused is not None and not re.search(step.refusal, step.refused.message):
            error = step.refused
            yield Finding("unexpected-error", f"{error.type}: {error.message} {at(step)}")
            return
    for error in seen.troubles:
        yield Finding("unexpected-error", f"{error.type} at step {error.stage}: {error.message}")
