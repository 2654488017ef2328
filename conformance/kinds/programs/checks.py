"""Promises about programs: each is judged after every step."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import replace

from conformance.core.bits import distance
from conformance.core.comparison import Allowance, Comparison, Evidence, broken
from conformance.core.finding import OF_AN_ADAPTER, Finding
from conformance.core.invariant import Check, Registry
from conformance.core.observation import Trouble
from conformance.core.tolerances import (
    coarsest,
    gradient_allowance,
    movement,
    program_allowance,
    size,
    weight_allowance,
)
from conformance.kinds.programs.observation import Compared, ProgramObservation, StepSeen
from conformance.kinds.programs.state import Key
from conformance.upstream.names import part_of_adapter, plain_name

PROGRAMS = Registry()
StepCheck = Callable[[ProgramObservation, StepSeen], Iterator[Evidence]]


def at_each_step(check: StepCheck) -> Check:
    """The check of a program that is made of the check of one step.

    A program breaks it once, at its first wrong step: what follows is wrong because of that. The
    stage of what is found is the operation that was the step.
    """

    def first(seen: ProgramObservation) -> Iterator[Evidence]:
        for step in seen.steps:
            for found in check(seen, step):
                yield replace(found, stage=step.step[0])
                if broken([found]):
                    return

    return first


def allowance(seen: ProgramObservation, step: StepSeen, logits: Compared) -> Allowance:
    """How far the model may be from its reference after this step."""
    handed = (logits.dtype,) if logits.dtype else ()
    return program_allowance(
        step.state.dtype,
        seen.case.base,
        movement(logits.expected, logits.nudged),
        size(logits.found, logits.expected, logits.base),
        precision=coarsest(step.precision, *handed),
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
        yield Comparison(told, amount, allowance(seen, step, logits), subject="logits")


@PROGRAMS.check(
    "program-keeps-values",
    "Every adapter holds what it was given, trained to, loaded with or combined from; no other.",
    source="PEFT add_adapter, load_adapter, delete_adapter, add_weighted_adapter",
    scriptable=True,
)
@at_each_step
def program_keeps_values(seen: ProgramObservation, step: StepSeen) -> Iterator[Evidence]:
    found = dict(step.parts)
    if step.step[0] == "weighted":
        name = step.step[1]
        found = {k: v for k, v in found.items() if k[0] != name or k[2] == "delta"}
    for key in sorted(step.expected.keys() - found.keys()):
        what = f"there is no {' '.join(key)} {at(step)}"
        yield Finding("missing-key", what, subject=seen.subject(key))
    for key in sorted(found.keys() - step.expected.keys()):
        what = f"there is {' '.join(key)} {at(step)}"
        yield Finding("extra-key", what, subject=seen.subject(key))
    for key, wanted in step.expected.items():
        told = f"{' '.join(key)} is not what it is to be {at(step)}"
        amount = distance(found[key], wanted)
        if key[2] == "delta":
            rank = 2 * wanted.shape[0] if step.step[3] == "svd" else 8
            # the roots of the weights of a linear sum are PEFT's in float32
            kinds = ("float32",) if step.step[3] == "linear" else ()
            precision = coarsest(step.precision, *kinds)
            allowed = weight_allowance(precision, rank, found[key], wanted)
            yield Comparison(told, amount, allowed, subject=seen.subject(key))
        elif amount:
            yield Finding("wrong-value", told, amount, 0.0, subject=seen.subject(key))


@PROGRAMS.check(
    "program-trains-only-its-adapters",
    "Exactly the active adapters train; a step moves them and leaves all else as it was, bit for "
    "bit.",
    source="PEFT set_adapter, add_adapter, load_adapter",
    scriptable=True,
)
@at_each_step
def program_trains_only_its_adapters(seen: ProgramObservation, step: StepSeen) -> Iterator[Finding]:
    state = step.state
    if state.wrapped and (state.enabled or step.step[0] == "disable"):
        names = state.active if state.enabled else ()
        wanted = {key for key in step.parts if key[0] in names and key[2] != "delta"}
        for key in sorted(wanted ^ step.trainable):
            verb = "trains" if key in step.trainable else "does not train"
            what = f"{' '.join(key)} {verb} {at(step)}"
            yield Finding("wrong-trainable", what, subject=seen.subject(key))
        for name in sorted(step.base_trains):
            what = f"{name} of the base trains {at(step)}"
            yield Finding("wrong-trainable", what, subject=seen.subject(name))
    for name in sorted(step.training.changed) if step.training else ():
        what = f"frozen {name} was changed {at(step)}"
        yield Finding("wrong-value", what, subject=seen.subject(name))


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
        what = f"the gradient of {' '.join(key)} is not as defined {at(step)}"
        yield Comparison(what, amount, allowed, subject=seen.subject(key))


@PROGRAMS.check(
    "program-optimizer-holds-once",
    "An optimizer over the trainable parameters holds every tensor once.",
    source="torch.optim: a tensor held twice is stepped twice",
)
@at_each_step
def program_optimizer_holds_once(seen: ProgramObservation, step: StepSeen) -> Iterator[Finding]:
    if step.training is not None and step.training.twice:
        names = sorted(step.training.twice)
        what = f"the optimizer holds more than once {', '.join(names)} {at(step)}"
        yield Finding("lost-tie", what, subject=", ".join(map(seen.subject, names)))


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
        what = f"embedding and head of the base {at(step)}"
        yield Finding(kind, what, subject=seen.subject(f"{seen.names['head']}.weight"))
    for one in step.state.adapters:
        mine = [group for group in _groups(step) if any(name == one.name for name, *_ in group)]
        mixed = [group for group in mine if len({name for name, *_ in group}) > 1]
        shared = {module for group in mine for _, module, _ in group}
        ends = set(seen.names.values()) if one.one else set()
        if mixed or shared != ends:
            kind = "lost-tie" if ends - shared else "gained-tie"
            names = ", ".join(sorted(ends ^ shared)) or "two adapters"
            what = f"{names} of adapter {one.name} {at(step)}"
            ends_of = ", ".join(sorted(map(seen.role, ends ^ shared)))
            subject = f"{OF_AN_ADAPTER}of {ends_of}" if ends_of else f"{OF_AN_ADAPTER}{one.name}"
            yield Finding(kind, what, subject=subject)


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
                what = f"{path} {where} is {flag} {at(step)}"
                yield Finding("wrong-flag", what, subject=path)


@PROGRAMS.check(
    "program-tells-what-is-active",
    "active_adapters names the adapters that were made active.",
    source="PEFT set_adapter, delete_adapter, active_adapters",
)
@at_each_step
def program_tells_what_is_active(_: ProgramObservation, step: StepSeen) -> Iterator[Finding]:
    if step.state.wrapped and set(step.active) != set(step.state.active):
        told = ", ".join(step.active) or "none"
        what = f"active_adapters names {told} {at(step)}"
        yield Finding("false-report", what, subject="active_adapters")


@PROGRAMS.check(
    "program-saves-its-own",
    "The file of an adapter holds tensors of that adapter and of the base, and of no other.",
    source="PEFT save_pretrained, selected_adapters",
)
@at_each_step
def program_saves_its_own(_: ProgramObservation, step: StepSeen) -> Iterator[Finding]:
    for name, key in sorted(step.strangers):
        what = f"{key} in the file of {name} is no tensor of its {at(step)}"
        yield Finding("extra-key", what, subject=f"file of {name}")


@PROGRAMS.check(
    "program-tells-what-it-merges",
    "Merging what is not merged yet is never called nothing to do.",
    source="PEFT merge_adapter",
)
@at_each_step
def program_tells_what_it_merges(seen: ProgramObservation, step: StepSeen) -> Iterator[Finding]:
    said = seen.heard_at(f"{step.number} {step.step[0]}") if step.step[0] == "merge" else ()
    if any("nothing to do" in heard.text for heard in said) and _unmerged(seen, step):
        yield Finding("false-report", f"it is said that there is nothing to do {at(step)}")


def _unmerged(seen: ProgramObservation, step: StepSeen) -> set[tuple[str, str]]:
    """What a step asks to merge and no layer had merged before it: adapters and modules."""
    before = seen.steps[step.number - 2].merged  # nothing is merged by a first step
    asked = {*step.step[1]} or {*step.state.active}
    # a saved module is not merged in place: it counts where its adapter is active
    merges = (key for key in step.parts if key[0] in asked and not key[2].startswith("saved "))
    return {(adapter, module) for adapter, module, _ in merges} - before


@PROGRAMS.check(
    "program-copies-apart",
    "A copy shares no tensor with its original, and no later step changes the original.",
    source="Python's documentation of copy.deepcopy",
    scriptable=True,
)
@at_each_step
def program_copies_apart(seen: ProgramObservation, step: StepSeen) -> Iterator[Finding]:
    for name in sorted(step.copied):
        what = f"{name} of the copy is the original's {at(step)}"
        yield Finding("gained-tie", what, subject=seen.subject(named(name)))
    for name in sorted(step.left):
        what = f"{name} of the model that was copied is another {at(step)}"
        yield Finding("changed-input", what, subject=seen.subject(named(name)))


def named(parameter: str) -> Key | str:
    """What a parameter of a wrapped model is: a part of an adapter, or one of the base."""
    return part_of_adapter(parameter) or plain_name(parameter)


@PROGRAMS.check(
    "program-casts-everything",
    "After a cast every floating point tensor, adapters and all, is in that precision.",
    source="torch's documentation of Module.to: all floating point parameters and buffers",
    scriptable=True,
)
@at_each_step
def program_casts_everything(seen: ProgramObservation, step: StepSeen) -> Iterator[Finding]:
    for name in sorted(step.otherwise):
        what = f"{name} is not in {step.state.dtype} {at(step)}"
        yield Finding("wrong-dtype", what, subject=seen.subject(named(name)))


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
            yield Finding("missing-error", f"nothing was refused {at(step)}", stage=step.step[0])
            return
        if error is not None and not re.search(step.refusal, error.message):
            yield _error(error, f"{error.type}: {error.message} {at(step)}")
            return
    for error in seen.troubles:
        yield _error(error, f"{error.type} at step {error.stage}: {error.message}")


def _error(error: Trouble, what: str) -> Finding:
    operation = error.stage.rpartition(" ")[2]  # the stage of an error begins with its number
    return Finding("unexpected-error", what, stage=operation, subject=error.type)
