"""Programs that every run judges before those that are drawn: what chance would leave to chance.

Drawn programs take steps that are known to go wrong now and then only. What is known of a place is
no reason not to look for another bug there, and a refusal that is owed is to be tried: these
programs come to it deliberately. Their base is another in a run with another seed.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from itertools import islice

from conformance.core.case import SEEDS
from conformance.kinds.programs.operations import Step
from conformance.kinds.programs.plan import first_impossible
from conformance.kinds.programs.program import Program, ProgramStratum


def _first(placement: str) -> Step:
    return ("wrap", "default", placement, 2, 2)


ENSURED: tuple[tuple[Step, ...], ...] = (
    (_first("target:both"), ("merge", ())),
    (_first("save:both"), ("train", "sgd", 1), ("load", "default", "other")),
    (_first("target:head"), ("add", "other", "target:both", 1, 4)),
    (_first("target:head"), ("merge", ("default",))),
    (_first("save:both"), ("train", "sgd", 1), ("add", "other", "save:head", 2, 2)),
    (_first("target:both"), ("merge_and_unload", ())),
    (_first("target:head"), ("load", "default", "other")),
)
"""What becomes of an adapter that embedding and head share: merged, trained, and beside another."""
ELSEWHERE: tuple[tuple[Step, ...], ...] = (
    # two adapters that train the same rows: merging them is refused
    (
        _first("tokens:list"),
        ("add", "default_0", "tokens:list", 2, 2),
        ("merge", ("default", "default_0")),
    ),
    # two of DoRA over one another, in an order; one that is not active is saved
    (
        _first("body+dora"),
        ("add", "other", "body+dora", 2, 4),
        ("load", "other", "fault"),
        ("activate", ("fault", "default")),
        ("merge", ()),
    ),
    # one is merged after the other, and what is merged cannot be deleted
    (
        _first("body"),
        ("add", "other", "body", 2, 4),
        ("merge", ("default",)),
        ("merge", ("other",)),
        ("delete", "default"),
    ),
    # a batch of several adapters is refused while one is merged, and where one is DoRA
    (
        _first("body"),
        ("add", "other", "body", 2, 4),
        ("merge", ("default",)),
        ("mixed", ("default", "__base__", "other"), "forward"),
    ),
    (_first("body+dora"), ("mixed", ("default", "__base__"), "forward")),
    # the active adapter is deleted: beside a saved module, where layers have others, beside several
    (_first("body"), ("add", "other", "save:head", 2, 2), ("delete", "default")),
    (
        _first("body"),
        ("add", "another", "mlp", 2, 2),
        ("add", "other", "body", 2, 2),
        ("delete", "default"),
    ),
    (
        _first("body"),
        ("add", "other", "mlp", 2, 2),
        ("add", "fault", "save:head", 2, 2),
        ("activate", ("default", "other")),
        ("delete", "fault"),
    ),
    # two that save the same module are refused together, whatever else they save
    (
        _first("save:head"),
        ("add", "other", "save:both", 2, 2),
        ("activate", ("default", "other")),
    ),
    # an adapter with the name of a parameter is saved and loaded
    (("wrap", "weight", "save:head", 2, 2), ("train", "sgd", 1), ("reopen", "auto")),
    # a sum by singular values of more rank than the smallest matrix has
    (
        ("wrap", "default", "body", 4, 4),
        ("add", "other", "body", 4, 4),
        ("add", "fault", "body", 4, 4),
        ("weighted", "another", ("default", "other", "fault"), "svd"),
    ),
    # trained tokens of an adapter that is not active are merged
    (
        _first("body"),
        ("add", "other", "tokens:list", 2, 2),
        ("train", "sgd", 1),
        ("merge", ("other",)),
    ),
    # what is merged for good is saved, and loaded
    (_first("body"), ("train", "sgd", 1), ("merge_and_unload", ()), ("reload", "same")),
)
"""Refusals that are owed, and what takes several steps to see."""


def meant(stratum: ProgramStratum, families: tuple[str, ...], seed: int) -> Iterator[Program]:
    """The programs of a stratum, each over the next family on which its steps are possible."""
    every = ENSURED if stratum.tied and stratum.ensure else ELSEWHERE
    plain = Program(stratum.device, stratum.tied, stratum.ensure, seed=seed % len(SEEDS))
    for number, steps in enumerate(every, seed):
        order = (families[(number + more) % len(families)] for more in range(len(families)))
        made = (replace(plain, family=family, steps=steps) for family in order)
        possible = (program for program in made if not first_impossible(program))
        yield from islice(possible, 1)
