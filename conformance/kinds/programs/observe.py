"""Observing: take a program step by step with the installed PEFT, and write down the facts."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

from conformance.core.observation import FEW, Heard, Trouble
from conformance.core.tolerances import EPS, SUMMED_IN_THEMSELVES, coarsest
from conformance.engine.capture import hearing
from conformance.engine.devices.deterministic import repeatable
from conformance.engine.snapshot import logits, shares
from conformance.engine.upstream_error import trouble
from conformance.kinds.programs.arguments import BASE_ROW
from conformance.kinds.programs.gradients import defined, seen, train
from conformance.kinds.programs.model import Live, merged_of
from conformance.kinds.programs.observation import Compared, ProgramObservation, StepSeen, Trained
from conformance.kinds.programs.operations import Operation, read
from conformance.kinds.programs.operations.base import Reload
from conformance.kinds.programs.operations.combining import Weighted
from conformance.kinds.programs.operations.under_way import Change
from conformance.kinds.programs.operations.whole import Cast, Copy
from conformance.kinds.programs.original import Original, tensors
from conformance.kinds.programs.plan import beginning, outcomes
from conformance.kinds.programs.program import Program
from conformance.kinds.programs.reference import Reference
from conformance.kinds.programs.state import Key, Outcome, State
from conformance.upstream import calls, capabilities
from tiny_models.values import named_values

if TYPE_CHECKING:
    from torch import Tensor


def observe_program(program: Program, lives: type[Live] = Live) -> ProgramObservation:
    """The facts of one program: a pure function of it and the installed versions.

    ``lives`` is what its model lives as.
    """
    lacks = capabilities.lacks_program(program.base)
    if lacks:
        return ProgramObservation(program, {}, lacks=lacks)
    with (
        TemporaryDirectory(prefix="conformance-") as folder,
        repeatable(program.device, program.seed),
        calls.without_model_card(),
    ):
        run = Run(program, lives(program, Path(folder)))
        run.go()
        return ProgramObservation(
            program,
            run.names,
            steps=tuple(run.seen),
            heard=tuple(run.heard),
            troubles=tuple(run.troubles),
            stages={"begun": None},
        )


class Run:
    """A program under way: the live model, and the reference beside it."""

    def __init__(self, program: Program, live: Live) -> None:
        self.program, self.live = program, live
        self.names = {role: self.live.roles[role][0] for role in ("embedding", "head")}
        base = {name: copied(one) for name, one in self.live.base().items()}
        kinds = {name: type(one).__name__ for name, one in self.live.model.named_modules()}
        self.reference = Reference(
            base, frozenset(name for name, kind in kinds.items() if kind == "Conv1D")
        )
        self.precision = program.dtype
        self.seen: list[StepSeen] = []
        self.heard: list[Heard] = []
        self.troubles: list[Trouble] = []
        self.untied = self._untied()
        self.state = beginning(program)
        self.asides: dict[str, Compared] = {}
        self.training: Trained | None = None
        self.originals: list[Original] = []

    def go(self) -> None:
        """Every step until one goes wrong."""
        for number, (step, outcome) in enumerate(outcomes(self.program), 1):
            assert outcome is not None, "a program is valid by construction"
            taken = read(step)
            stage = f"{number} {taken.id}"
            self.asides, self.training, self.live.strangers = {}, None, frozenset()
            try:
                with hearing(stage, self.heard, hide=str(self.live.folder)):
                    refused = self._do(taken, outcome, stage)
                    self.seen.append(self._look(number, taken, outcome, refused))
            except Exception as error:  # noqa: BLE001  upstream may raise anything: it is data
                self.troubles.append(trouble(error, stage, "main"))
                return
            self.state = self.seen[-1].state

    def _do(self, taken: Operation, outcome: Outcome, stage: str) -> Trouble | None:
        """Take the step; what a step that is to be refused raises."""
        if not outcome.refusal:
            taken.do(self)
            return None
        try:
            taken.do(self)
        except ValueError as error:
            return trouble(error, stage, "refused")
        return None

    def look(self, what: str, model: Any, names: tuple[str, ...]) -> None:
        """Compare a model with the reference with these adapters, beside the step's own look."""
        self.asides[what] = self._compared(model, names)

    def look_at_rows(self, names: tuple[str, ...], *, generates: bool) -> None:
        """Compare a batch whose rows name their adapters with the reference of each row.

        What is generated is compared by its logits, which transformers hands over in float32; the
        reference is given the same tokens. It is given the whole batch for each name: parts that
        compute in float32 whatever they are in round otherwise in a batch of another size.
        """
        found, given = self.live.of_rows(names, generates=generates)
        of_name = {}
        for name in dict.fromkeys(names):
            counted = (name,) if self.state.enabled and name != BASE_ROW else ()
            of_name[name] = self._expected(counted, given)
        rows = [[one[n : n + 1] for one in of_name[name]] for n, name in enumerate(names)]
        last = slice(-found.shape[1], None)
        expected, base, *nudged = (together(one, last) for one in zip(*rows, strict=True))
        self.asides[f"of rows of {', '.join(names)}"] = Compared(
            found, expected, tuple(nudged), base, "float32" if generates else ""
        )

    def go_on_with_a_copy(self) -> None:
        """Make a copy the model under way, and leave the original as it is."""
        seen = self._compared(self.live.model, self.state.counted)
        self.originals.append(Original(len(self.originals) + 1, self.live.model, seen))
        self.live.model = copy.deepcopy(self.live.model)

    def train(self, optimizer: str, count: int) -> None:
        """Train the model, beside the gradients that the reference gives."""
        state = self.state
        judged = state.dtype in SUMMED_IN_THEMSELVES
        expected = (
            []
            if not judged
            else [
                defined(self.untied, weights, self.live, state, self.reference)
                for weights in (
                    self._rounded(self.reference.effective(state.counted)),
                    *self._nudged(state.counted),
                )
            ]
        )
        facts = train(self.live, state, optimizer, count)
        plain, *nudged = expected or [{}]
        self.training = seen(facts, plain, tuple(nudged))

    def _look(
        self, number: int, taken: Operation, outcome: Outcome, refused: Trouble | None
    ) -> StepSeen:
        """Bring the reference up to date, and write down what the model is beside it."""
        live, state = self.live, outcome.state
        active = tuple(getattr(live.model, "active_adapters", ())) if live.wrapped else ()
        if state.told:
            state = _told(state, active)
        parts = live.parts() if live.wrapped else {}
        found = {key: copied(one) for key, one in parts.items()}
        if not outcome.refusal:
            self._update(taken, state, found)
        expected = {
            (name, *where): one
            for name, values in self.reference.adapters.items()
            for where, one in values.items()
        }
        if isinstance(taken, Weighted):
            expected = self._as_sums(taken.name, found, expected)
        base = live.base()
        kinds = {str(one.dtype).removeprefix("torch.") for one in parts.values()}
        self.precision = coarsest(self.precision, state.dtype, *kinds & {*EPS})
        tensors = {**base, **{" ".join(key): one for key, one in parts.items()}}
        return StepSeen(
            number=number,
            step=taken.step,
            state=state,
            logits=self._compared(live.model, state.counted),
            asides={**self.asides, **self._of_originals()},
            parts=found,
            expected=expected,
            shares=shares(tensors),
            trainable=frozenset(key for key, one in parts.items() if one.requires_grad),
            base_trains=frozenset(name for name, one in base.items() if one.requires_grad),
            active=active,
            precision=self.precision,
            roundings=self.reference.roundings,
            flags=live.flags(),
            file_flags=live.file_flags if isinstance(taken, Reload) else {},
            training=self.training,
            refusal=outcome.refusal,
            refused=refused,
            merged=merged_of(live.model),
            strangers=live.strangers,
            copied=self._shared_by_a_copy(taken),
            otherwise=self._left_in_another_precision(taken, state),
            left=frozenset(name for one in self.originals for name in one.changed()),
        )

    def _shared_by_a_copy(self, taken: Operation) -> frozenset[str]:
        copies = isinstance(taken, Copy)
        return self.originals[-1].shared(self.live.model) if copies else frozenset()

    def _left_in_another_precision(self, taken: Operation, state: State) -> frozenset[str]:
        casts = isinstance(taken, Cast)
        return otherwise(self.live.model, state.dtype) if casts else frozenset()

    def _of_originals(self) -> dict[str, Compared]:
        """What the originals of copies compute now, beside what they did when they were left."""
        return {
            f"of original {one.number}": replace(
                one.seen, found=logits(one.model, self.live.inputs)
            )
            for one in self.originals
        }

    def _update(self, taken: Operation, state: State, found: Mapping[Key, Tensor]) -> None:
        """Our own lines for the step."""
        now = {name: copied(one) for name, one in self.live.base().items()}
        ends = {name: now[name] for name in self.live.ends(now)}
        taken.update(self.reference, Change(self.state, state, found, ends))
        if self.state.merged != state.merged or taken.writes:
            self.reference.wrote(state)
        if taken.new_base:
            self.untied = self._untied()

    def _as_sums(
        self, name: str, found: dict[Key, Tensor], expected: dict[Key, Tensor]
    ) -> dict[Key, Tensor]:
        """A weighted adapter counts by what it adds; from then on it has the model's factors.

        Factors that cannot be multiplied add nothing: there is no such delta, and ours are kept.
        """
        others = {key: one for key, one in expected.items() if key[0] != name}
        sums = self.reference.deltas(name)
        unfit = self.reference.take_up(
            name, {key[1:]: one for key, one in found.items() if key[0] == name}
        )
        for module, delta in self.reference.deltas(name).items():
            if module not in unfit:
                found[name, module, "delta"] = delta
        return others | {(name, module, "delta"): one for module, one in sums.items()}

    def _untied(self) -> Any:
        """A plain copy, on the same device, whose head is its own.

        Parts that compute in float32 whatever they are given round otherwise on another device.
        """
        import torch

        plain = copy.deepcopy(self.live.plain)
        head = plain.get_submodule(self.names["head"])
        head.weight = torch.nn.Parameter(head.weight.detach().clone())
        return plain

    def _rounded(self, weights: Mapping[str, Tensor]) -> dict[str, Tensor]:
        kinds = {n: p.dtype for n, p in self.untied.named_parameters(remove_duplicate=False)}
        return {name: weights[name].to(kind) for name, kind in kinds.items()}

    def _nudged(self, names: tuple[str, ...]) -> list[dict[str, Tensor]]:
        """Every weight moved by one eps of the largest it has been, up or down by its name."""
        eps, found = EPS[self.precision], []
        for stage in FEW:
            moved = {}
            for name, one in self.reference.effective(names).items():
                up = named_values(0, f"{stage} {name}", tuple(one.shape)).sign().double()
                largest = self.reference.largest.get(name)
                same = largest is not None and largest.shape == one.shape
                reach = one.abs().maximum(largest) if same else one.abs()  # type: ignore[arg-type]
                moved[name] = one + eps * up * reach
            found.append(self._rounded(moved))
        return found

    def _of_plain(self, weights: Mapping[str, Tensor], given: Mapping[str, Tensor]) -> Tensor:
        import torch

        with torch.no_grad():
            for name, one in self.untied.named_parameters(remove_duplicate=False):
                one.copy_(weights[name])
        return logits(self.untied, given)

    def _expected(self, names: tuple[str, ...], given: Mapping[str, Tensor]) -> list[Tensor]:
        """What the reference gives with these adapters, what the base gives, and what nudged ones.

        Each of the latter has every weight moved by one eps.
        """
        weights = (
            self._rounded(self.reference.effective(names)),
            self._rounded(self.reference.effective(())),
            *self._nudged(names),
        )
        return [self._of_plain(one, given) for one in weights]

    def _compared(self, model: Any, names: tuple[str, ...]) -> Compared:
        """The model's logits beside those of the base with these adapters."""
        expected, base, *nudged = self._expected(names, self.live.inputs)
        found = logits(model, self.live.inputs)
        return Compared(found, expected, tuple(nudged), base)


def together(rows: tuple[Tensor, ...], last: slice) -> Tensor:
    """The rows of a batch as one tensor, of each the last positions."""
    import torch

    return torch.cat([one[:, last] for one in rows])


def otherwise(model: Any, dtype: str) -> frozenset[str]:
    """The floating point tensors of a model that are not in this precision."""
    found = {name: one.dtype for name, one in tensors(model).items() if one.is_floating_point()}
    return frozenset(name for name, kind in found.items() if f"{kind}" != f"torch.{dtype}")


def copied(tensor: Tensor) -> Tensor:
    """A copy in float64 on the CPU, which nothing that happens to the model reaches."""
    import torch

    return tensor.detach().to("cpu", torch.float64, copy=True)


def _told(state: State, active: tuple[str, ...]) -> State:
    """The state with the active adapters that the model tells of, so far as they exist."""
    return replace(state, active=tuple(name for name in active if name in state.names))
