"""Living an ordinary witness: adapters keep PEFT's initial values until AdamW moves them."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch

from benchmarks.ordinary.sizes import OrdinaryTunerCase
from conformance.core.case import Case
from conformance.core.kind import AnyCase, AnyObservation
from conformance.core.observation import Observation
from conformance.engine.training import steps
from conformance.kinds.lifecycle.observe import observe_subject
from conformance.kinds.lifecycle.proof import require_informative
from conformance.kinds.lifecycle.subject import Subject
from conformance.kinds.loading.case import LoadingCase
from conformance.kinds.loading.kind import require_informative as check_loading
from conformance.kinds.loading.observe import observe_loading
from conformance.kinds.programs.kind import up_to_the_first_wrong_step
from conformance.kinds.programs.model import Live, parts_of
from conformance.kinds.programs.observe import observe_program
from conformance.kinds.programs.program import Program
from conformance.kinds.programs.proof import require_informative as check_program
from conformance.kinds.programs.state import Placed, State
from conformance.kinds.tuners.checks import idle
from conformance.kinds.tuners.subject import TunerSubject, lacks_tuner
from conformance.upstream import calls, capabilities

TRAINED = 20
"""Optimizer steps: enough for every adapter that can be seen to be seen."""
MORE = torch.tensor([[*range(4, 21)], [*range(7, 24)]])
"""Tokens after those of the tiny models, so that every one that a program trains is met."""
TEXT = ("input_ids", "attention_mask", "decoder_input_ids")


class Trained:
    """A subject whose adapter is trained from its first values, on a longer text."""

    case: Any

    def inputs(self) -> dict[str, torch.Tensor]:
        """What the model is called with."""
        return longer(super().inputs())  # type: ignore[misc]

    def fill(self, model: Any, *_: object) -> None:
        """Train the adapter."""
        steps(model, self.inputs(), self.case, TRAINED)


class OrdinarySubject(Trained, Subject):
    """The subject of a case."""


class OrdinaryTunerSubject(Trained, TunerSubject):
    """The subject of a tuner's case."""


class OrdinaryLive(Live):
    """A program's model, whose adapters are trained when they come."""

    def __init__(self, program: Program, folder: Path) -> None:
        super().__init__(program, folder)
        self.inputs = longer(self.inputs)

    def _fill(self, state: State, one: Placed) -> None:
        """Train the adapter alone on the plain base, from its own first values.

        In float32, as people do: in float16 the epsilon of AdamW is nothing.
        """
        config, base = self.config(state, one), copy.deepcopy(self.pristine)
        alone = calls.wrap(base, config, autocast=True, name=one.name)
        there = {key: part for key, part in self.parts().items() if key[0] == one.name}
        _copied(there, parts_of(alone))
        steps(alone, self.inputs, replace(self.case, training="adamw"), TRAINED)
        _copied(parts_of(alone), there)


def _copied(source: Mapping[Any, torch.Tensor], target: Mapping[Any, torch.Tensor]) -> None:
    with torch.no_grad():
        for key in source.keys() & target.keys():
            target[key].copy_(source[key])


def longer(inputs: Mapping[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """The inputs with more text, if text is all that they are, or that their decoder reads."""
    if "pixel_values" in inputs:
        return dict(inputs)
    found = dict(inputs)
    for name in set(TEXT) & inputs.keys():
        more = torch.ones_like(MORE) if name == "attention_mask" else MORE
        found[name] = torch.cat([inputs[name], more], dim=1)
    return found


def lived(case: AnyCase) -> AnyObservation:
    """What is seen of an ordinary case; raises SuiteError where it would prove nothing."""
    if isinstance(case, Program):
        program = observe_program(case, OrdinaryLive)
        check_program(program)
        return up_to_the_first_wrong_step(program)
    if isinstance(case, LoadingCase):
        loading = observe_loading(case)
        check_loading(loading)
        return loading
    assert isinstance(case, Case)
    seen = _life(case)
    if not idle(seen):
        require_informative(seen)
    return seen


def _life(case: Case) -> Observation:
    tuner = isinstance(case, OrdinaryTunerCase)
    lacks = lacks_tuner(case) if isinstance(case, OrdinaryTunerCase) else capabilities.lacks(case)
    if lacks:
        return Observation(case=case, names={}, lacks=lacks)
    return observe_subject(OrdinaryTunerSubject(case) if tuner else OrdinarySubject(case))
