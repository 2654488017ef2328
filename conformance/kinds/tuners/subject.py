"""The life of a tuner: that of LoRA with another config and other values."""

from __future__ import annotations

import copy
import re
from collections.abc import Callable, Container, Mapping
from dataclasses import replace
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

from conformance.core.case import Case
from conformance.core.magnitudes import SIZES
from conformance.core.observation import Observation, Snapshot
from conformance.core.versions import installed
from conformance.engine.lora_arguments import lora_arguments
from conformance.engine.oracle import effective_weights
from conformance.engine.training import distinct, trained_values
from conformance.kinds.lifecycle.observe import observe_subject
from conformance.kinds.lifecycle.once import SINGLE
from conformance.kinds.lifecycle.save_load_variants import WAYS
from conformance.kinds.lifecycle.subject import Subject
from conformance.kinds.lifecycle.uses import USES
from conformance.kinds.tuners.case import TunerCase
from conformance.kinds.tuners.formulas import defined, redefined, rescaled, without_formula
from conformance.kinds.tuners.further import taken
from conformance.kinds.tuners.options import OPTIONS, option
from conformance.kinds.tuners.tuner import TARGETED
from conformance.upstream import capabilities, tuner_types
from conformance.upstream import names as upstream_names
from tiny_models.compat import fuses_experts
from tiny_models.values import named_values

if TYPE_CHECKING:
    import torch

    from conformance.kinds.lifecycle.run import Life

KEPT = ("task_type", "target_modules", "modules_to_save", "ensure_weight_tying")
"""What a tuner's config has in common with LoRA's."""

# Said once in a process, by torch or of the machine, and so by the first of two equal lives.
ONCE = re.compile(r"Failed to load the CUDA extension|Sparse invariant checks are implicitly")

# What torch says of a GPU that is not there, or that it was not built for.
NO_CUDA = re.compile(r"not compiled with CUDA|NVIDIA driver|No CUDA GPUs")

SAFE = ("body", "target:head", "target:embedding")
EVERYWHERE = (
    "lora",
    "lora-dora",
    "lora-tokens",
    "lora-patterns-at-ends",
    "trainable-tokens",
    "trainable-tokens-init-false",
)
"""Tuners that are saved and loaded in other ways on every placement, and not on attention alone.

At embedding and head the other variants of LoRA differ from it in values, which are seen without.
"""
OFFLOADED = ("lora", "lora-bias-all")
"""Tuners that are loaded onto a base that lies on the disk: those with news to tell."""
CONVERTED = ("lora-dora", "lora-rslora", "lora-patterns", "lora-with-bias")
"""Variants of LoRA that are turned into plain LoRA, as other tuners are."""
BY_NAME = {"named": "loha"}
"""Uses that one case is enough for, and that are of another tuner than LoRA."""
OF_EACH = (
    "inject",
    "second",
    "added",
    "again",
    "handed",
    "incomplete",
    "as-lora",
    "named",
    "frozen",
    "told",
)
"""Ways that depend on the tuner."""


def observe_tuner(case: Case) -> Observation:
    """The facts of one life: a pure function of the case and the installed versions."""
    assert isinstance(case, TunerCase)
    lacks = lacks_tuner(case)
    if lacks:
        return Observation(case=case, names={}, lacks=lacks)
    seen = observe_subject(TunerSubject(case))
    if case.what.on_cuda and any(NO_CUDA.search(met.message) for met in seen.troubles):
        lacks = f"{case.tuner} computes on CUDA wherever the model lies, and it is not here"
        return Observation(case=case, names={}, lacks=lacks)
    return replace(seen, heard=tuple(one for one in seen.heard if not ONCE.search(one.text)))


def lacks_tuner(case: TunerCase) -> str:
    """What a case asks for that the installed versions do not have, or ``""``."""
    base = capabilities.lacks_base(case)
    if base:
        return base
    here, known = f"PEFT {installed('peft')}", tuner_types.tuner_fields(case.what.kind)
    if not known:
        return f"{here} has no {case.what.kind}"
    if case.what.sparse and case.device == "emulated":
        return f"the emulated device has no sparse tensors, which {case.what.kind} computes with"
    if case.what.fused and not fuses_experts():
        return f"transformers {installed('transformers')} has no experts in one parameter"
    if case.what.needs and find_spec(case.what.needs) is None:
        return f"{case.what.kind} needs {case.what.needs}, which is not installed"
    missing = sorted({*case.what.arguments} - known)
    if case.what.fitting(known) is None:
        return f"{here} has no {case.what.kind} with {', '.join(missing)}"
    if case.ensure and "ensure_weight_tying" not in known:
        return f"{here} has no ensure_weight_tying for {case.what.kind}"
    if "alora_invocation_tokens" in case.what.arguments and tuner_types.lacks_activation():
        return tuner_types.lacks_activation()
    start = case.what.arguments.get("init_lora_weights")
    return tuner_types.lacks_start(start) if isinstance(start, str) else ""


def used(case: TunerCase, use: str) -> bool:
    """Whether an adapter is used in a further way."""
    if use in SINGLE:
        plain = case.usual and not case.tied and case.device == "cpu"
        return plain and case.placement == "body" and case.tuner == BY_NAME.get(use, "lora")
    if case.ensure or case.placement not in TARGETED:
        return False
    to_lora = case.what.kind != "LORA" or case.tuner in CONVERTED
    others = use == "as-lora" and to_lora and not case.what.rebases
    return others or case.tuner == "lora"


class TunerSubject(Subject):
    """The subject of a tuner's case."""

    case: TunerCase

    @property
    def rebases(self) -> bool:
        """What the table says."""
        return self.case.what.rebases

    @property
    def samples(self) -> bool:
        """What the table says."""
        return self.case.what.samples

    @property
    def not_merged(self) -> str:
        """What the table says."""
        return self.case.what.not_merged

    @property
    def side_branches(self) -> tuple[str, ...]:
        """All but the safe merge, which takes its time, where the placement shows nothing new.

        What can be saved as a difference to its start is. How adapters are saved and loaded is
        asked of LoRA and of what it does not have in common with the others.
        """
        case = self.case
        every = super().side_branches
        kept = [one for one in every if one != "safe" or case.placement in SAFE]
        kept = [one for one in kept if one not in case.what.without]
        kept += ["convert"] if case.what.converts else []
        kept += [option(case)] if option(case) else []
        if "ways" in capabilities.absent():
            return tuple(kept)
        ways = [one for one in WAYS if case.what.kind == "LORA" or one in OF_EACH]
        if case.tuner not in EVERYWHERE and case.placement != "body":
            ways = []
        if case.tuner not in OFFLOADED or case.device != "cpu" or capabilities.not_surveyed():
            ways = [one for one in ways if one not in ("offload", "offload-again")]
        left_out = {*case.what.without, *capabilities.absent()}
        ways = [one for one in ways if one not in left_out and taken(case, one)]
        return (*kept, *(one for one in ways if one not in {*USES, *SINGLE} or used(case, one)))

    @property
    def own_branches(self) -> Mapping[str, Callable[[Life], None]]:
        """Those of options."""
        return OPTIONS

    def adapter(self, roles: Mapping[str, tuple[str, ...]]) -> dict[str, Any]:
        """What the tuner's config is made of."""
        what = self.case.what
        fitting = what.fitting(tuner_types.tuner_fields(what.kind))
        assert fitting is not None
        given = lora_arguments(self.case, roles)
        shared = {name: given[name] for name in KEPT if name in given}
        if what.own_targets:
            del shared["target_modules"]
        return {**shared, **copy.deepcopy(dict(fitting))}

    def config(self, arguments: dict[str, Any]) -> Any:
        """The tuner's config."""
        return tuner_types.tuner_config(self.case.what.kind, arguments)

    def fill(self, model: Any, names: Container[str]) -> None:
        """Move each of these parameters by a value from its name."""
        if self.case.what.kind == "LORA":
            trained_values(model, self.case, names)
            return
        move(model, self.case, names)

    def definition(
        self, names: Mapping[str, str], base: Snapshot, trained: Snapshot
    ) -> Mapping[str, torch.Tensor] | None:
        """The weights that the tuner stands for, or None where we have no definition of it."""
        if not defined(self.case.tuner):
            return None
        told = without_formula(self.case.tuner, rescaled(self.case, trained))
        weights = effective_weights(self, names, base, told)
        return redefined(self.case.tuner, weights, base, trained)


def move(model: Any, case: TunerCase, names: Container[str]) -> None:
    """Add to every parameter of these names a value from its own; tensors that are one, once.

    Added and not put in its place: many start from an identity, or from a basis.
    """
    import torch

    with torch.no_grad():
        for name, parameter in distinct(model, names):
            parameter.add_(_noise(name, parameter, case))


def _noise(name: str, parameter: torch.Tensor, case: TunerCase) -> torch.Tensor:
    part = upstream_names.adapter_part(name)
    size = case.what.size if part is None else SIZES.get(part[1].split()[0], case.what.size)
    noise = named_values(case.seed, name, tuple(parameter.shape))
    return size * noise.to(parameter.device, parameter.dtype)
