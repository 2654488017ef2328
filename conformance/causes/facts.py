"""Facts of a case: the names that ``when`` may use, each with its type and what it means.

A fact is true of a case of any kind: what a kind does not have is at its simplest there, so that a
program has no ``writing`` but ``"names"``, and a loading no targets. What decides more than the
fields of a case do is said here once: the names that PEFT goes by, and how an architecture is made.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from types import MappingProxyType
from typing import Any

from conformance.causes import architecture as made
from conformance.causes import asked
from conformance.causes.when import Expression, Lookup, Value, parse
from conformance.core.case import Case
from conformance.core.kind import AnyCase
from conformance.kinds.programs.hazards import situations
from conformance.kinds.programs.program import Program
from conformance.kinds.tuners.case import TunerCase
from conformance.kinds.user_config.case import OwnCase
from tiny_models.families import FAMILIES, Family

HALF = ("bfloat16", "float16")
SHOWN_BY_A_CASE = (
    "dtype",
    "base",
    "dora",
    "rslora",
    "bias",
    "autocast",
    "writing",
    "training",
    "grown",
    "safe_merge",
    "loader",
    "sharded",
    "reload_dtype",
    "crossing",
    "low_cpu_mem_usage",
    "is_trainable",
    "save_embedding_layers",
    "excluded",
)
"""Fields of a lifecycle case that are facts as they stand."""


@dataclass(frozen=True)
class Fact:
    """One name of the language: its type, how it is found, and what it means."""

    type: type
    of: Callable[[AnyCase], Value]
    means: str


def lived(case: AnyCase) -> AnyCase:
    """The case itself; of a user's configuration the case that it is run as."""
    return case.lived if isinstance(case, OwnCase) else case


def value(name: str, case: AnyCase) -> Value:
    """The value of a fact for a case."""
    return FACTS[name].of(lived(case))


def of_case(case: AnyCase) -> Lookup:
    """The facts of a case."""
    return lambda name: value(name, case)


def expression(text: str) -> Expression:
    """Read a ``when``; raises WhenError, in one sentence."""
    return parse(text, TYPES)


@lru_cache(maxsize=256)
def _met(program: Program) -> frozenset[str]:
    """The situations of a program: each invariant of its item asks for them."""
    return frozenset(situations(program))


def _field(name: str, default: Value) -> Callable[[AnyCase], Value]:
    """A field; what another kind calls so is no field of that type."""

    def of(case: AnyCase) -> Value:
        found = getattr(case, name, default)
        return found if type(found) is type(default) else default

    return of


def _family(choose: Callable[[Family], Value]) -> Callable[[AnyCase], Value]:
    return lambda case: choose(FAMILIES[case.family])


def _one_of(families: frozenset[str]) -> Callable[[AnyCase], Value]:
    return lambda case: case.family in families


def _tuner(choose: Callable[[Any], Value], *, default: Value) -> Callable[[AnyCase], Value]:
    return lambda case: choose(case.what) if isinstance(case, TunerCase) else default


def _ways(case: AnyCase) -> Value:
    if not isinstance(case, TunerCase):
        return frozenset()
    from conformance.kinds.lifecycle.save_load_variants import WAYS  # imports torch
    from conformance.kinds.tuners.subject import TunerSubject

    return frozenset(WAYS).intersection(TunerSubject(case).side_branches)


def _fields_of_a_case() -> dict[str, Fact]:
    defaults = Case()
    return {
        name: Fact(
            type(getattr(defaults, name)),
            _field(name, getattr(defaults, name)),
            f"the field {name} of a lifecycle case",
        )
        for name in SHOWN_BY_A_CASE
    }


FACTS: Mapping[str, Fact] = MappingProxyType(
    {
        # the model
        "family": Fact(str, _field("family", ""), "the family of the model"),
        "shape": Fact(str, _family(lambda one: one.shape), "what goes in and comes out of it"),
        "tied": Fact(bool, _field("tied", default=True), "head and embedding are one tensor"),
        "device": Fact(str, _field("device", "cpu"), "where the model lies"),
        "half": Fact(
            bool,
            lambda case: getattr(case, "dtype", "float32") in HALF,
            "the base is in half precision",
        ),
        "embedding_name": Fact(
            str,
            _family(lambda one: made.short(one.embedding)),
            "the last part of its embedding's name",
        ),
        "head_name": Fact(
            str,
            lambda case: made.short(made.path_of(case, "head")),
            "the last part of the head's name",
        ),
        "nested_head": Fact(
            bool,
            _family(lambda one: "." in one.head),
            "the head lies inside another module, so that its short name is not its full one",
        ),
        "sides": Fact(
            bool,
            _family(lambda one: bool(one.copies)),
            "encoder and decoder have embeddings of their own, one matrix with the model's",
        ),
        "has_head": Fact(bool, _family(lambda one: bool(one.head)), "the model has a head"),
        "two_biases": Fact(
            bool, _family(lambda one: bool(one.biases)), "the head's bias stands under two names"
        ),
        "head_bias": Fact(bool, _one_of(made.HEAD_BIAS), "the head has a bias"),
        "body_bias": Fact(
            bool, _one_of(made.BODY_BIAS), "the attention's linear modules have biases"
        ),
        "any_bias": Fact(bool, _one_of(made.BODY_BIAS | made.OTHER_BIAS), "some module has a bias"),
        "targeted_bias": Fact(
            bool, asked.targets_a_bias, "a linear module that target_modules names has a bias"
        ),
        "scaled_here": Fact(
            bool, made.scaled_by_itself, "the embedding scales what it looks up by itself"
        ),
        "scaled_by_flag": Fact(
            bool, made.scaled_by_flag, "the head is scaled by a flag of ties that is always set"
        ),
        "scaled_embedding": Fact(
            bool, _one_of(made.SCALED), "what the embedding looks up is scaled"
        ),
        "transposed": Fact(
            bool, _one_of(made.TRANSPOSED), "linear modules are Conv1D, stored transposed"
        ),
        "experts": Fact(bool, _one_of(made.EXPERTS), "the experts of a layer are one parameter"),
        "always_tied": Fact(
            bool,
            _one_of(made.ALWAYS_TIED),
            "the config says that head and embedding are tied, whatever the weights are",
        ),
        "calls_embedding": Fact(
            bool,
            lambda case: not FAMILIES[case.family].copies,
            "get_input_embeddings() is a module that a forward pass calls",
        ),
        "input_is_a_side": Fact(
            bool,
            _one_of(made.INPUT_IS_A_SIDE),
            "get_input_embeddings() is the encoder's, which is itself tied to the model's",
        ),
        "renamed_head": Fact(
            bool,
            _one_of(made.RENAMED_HEAD),
            "transformers renames the head's weight when it loads and saves a checkpoint",
        ),
        "from_a_checkpoint": Fact(
            bool, asked.from_a_checkpoint, "the base was loaded, not only made from a config"
        ),
        # the adapter
        "placement": Fact(str, _field("placement", ""), "the placement, as the grid calls it"),
        "targets": Fact(frozenset, asked.targets, "roles in target_modules"),
        "targets_too": Fact(
            frozenset, asked.targets_too, "roles in target_modules, those of also too"
        ),
        "saves": Fact(frozenset, asked.saves, "roles in modules_to_save"),
        "tokens": Fact(frozenset, asked.tokens, "roles whose rows trainable_token_indices names"),
        "tokens_as": Fact(
            frozenset,
            asked.tokens_as,
            "how trainable_token_indices is given: list, embedding, head, same, different",
        ),
        "seen_in": Fact(
            frozenset,
            asked.seen_in,
            "the lists, of targets and saves, in which PEFT finds embed_tokens or lm_head",
        ),
        "seen_at_load": Fact(
            frozenset,
            asked.seen_at_load,
            "the same of the config that is saved: ensure_weight_tying writes the embedding's name",
        ),
        "bare": Fact(
            bool, asked.bare, "a parameter of the adapter is in a ParameterDict, in no module"
        ),
        "long_list": Fact(
            bool, asked.long_list, "target_modules is a list so long that PEFT shortens it"
        ),
        "base_in_file": Fact(
            bool, asked.base_in_file, "the adapter's file has the base's embedding or head, too"
        ),
        "ensure": Fact(bool, _field("ensure", default=False), "ensure_weight_tying=True"),
        "tuner": Fact(str, _field("tuner", "lora"), "the row of the table of tuners"),
        "tuner_kind": Fact(str, asked.tuner_kind, "what PEFT calls the tuner"),
        "rebases": Fact(
            bool, _tuner(lambda one: one.rebases, default=False), "wrapping changes the base"
        ),
        "converts": Fact(
            bool,
            _tuner(lambda one: one.converts, default=False),
            "what was trained can be saved as plain LoRA",
        ),
        "ways": Fact(
            frozenset,
            _ways,
            "how else an adapter is saved and loaded: swap, offload, far and others of WAYS",
        ),
        **_fields_of_a_case(),
        # programs, loading, pipelines
        "situations": Fact(
            frozenset,
            lambda case: _met(case) if isinstance(case, Program) else frozenset(),
            "what a program meets, by the names of conformance.kinds.programs.hazards",
        ),
        "operations": Fact(
            frozenset,
            lambda case: frozenset(case.operations) if isinstance(case, Program) else frozenset(),
            "the operations of a program",
        ),
        "checkpoint": Fact(str, _field("checkpoint", ""), "the form of a checkpoint"),
        "variant": Fact(str, _field("variant", ""), "the variant of a pipeline"),
        "task_head": Fact(str, _field("head", ""), "the module that a task saves whole, if any"),
    }
)
TYPES: Mapping[str, type] = MappingProxyType({name: fact.type for name, fact in FACTS.items()})
