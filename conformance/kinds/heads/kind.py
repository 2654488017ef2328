"""Heads of other tasks as a kind of test: every promise on every task."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

from conformance.core.bits import distance, same_bits
from conformance.core.errors import SuiteError
from conformance.core.invariant import Invariant
from conformance.core.kind import Item, Kind, promise_on
from conformance.core.options import Options
from conformance.core.tolerances import outputs_allowance, visible_from
from conformance.kinds.heads.case import HeadCase, head_cases, parse_head_case
from conformance.kinds.heads.checks import HEADS as CHECKS

if TYPE_CHECKING:
    from conformance.kinds.heads.observation import HeadObservation


class Heads(Kind[HeadCase, "HeadObservation"]):
    """One adapter of one task."""

    name = "heads"
    case_type = HeadCase
    form = "HeadCase"
    single = "test_item"

    @property
    def checks(self) -> Mapping[str, Invariant]:
        """What is promised of the head of a task."""
        return CHECKS

    def parse(self, text: str) -> HeadCase:
        """Read ``HeadCase(...)``."""
        return parse_head_case(text)

    def listed(
        self, test: str, checks: tuple[Invariant, ...], options: Options
    ) -> Iterator[Item[HeadCase]]:
        """Every task on every model that has it."""
        del test
        for case in head_cases(options.devices, options.families) if checks else ():
            yield from self.given(case, checks)

    def given(self, case: HeadCase, checks: tuple[Invariant, ...]) -> Iterator[Item[HeadCase]]:
        """Each promise on one case."""
        for check in checks:
            yield promise_on(self, case, check)

    def observe(self, case: HeadCase) -> HeadObservation:
        """Train, save, load and merge it."""
        from conformance.kinds.heads.observe import observe_head  # torch: not before an item

        return observe_head(case)

    def together(self, case: HeadCase) -> str:
        """The task."""
        return case.task

    def require_informative(self, seen: HeadObservation) -> None:
        """Raise SuiteError unless outputs are finite and the adapter is seen in them."""
        base, trained = (seen.stages.get(stage) for stage in ("base", "trained"))
        if base is None or trained is None or base.logits is None or trained.logits is None:
            return
        if not bool(base.logits.isfinite().all()):
            raise SuiteError(f"the base of {seen.case!r} computes what is no number")
        allowed = outputs_allowance(seen.case.spec, base.logits, trained.logits)
        if distance(base.logits, trained.logits) <= visible_from(allowed):
            raise SuiteError(f"the adapter of {seen.case!r} changes nothing that can be seen")

    def difference(self, one: HeadObservation, other: HeadObservation) -> str | None:
        """What two observations do not have in common, or None."""
        for name in ("lacks", "heard", "troubles", "targets"):
            if getattr(one, name) != getattr(other, name):
                return name
        if one.stages.keys() != other.stages.keys() or one.saved.keys() != other.saved.keys():
            return "the stages reached"
        for stage, first in one.stages.items():
            second = other.stages[stage]
            if first.trainable != second.trainable or first.weights.keys() != second.weights.keys():
                return f"the parameters at {stage}"
            for name, tensor in first.weights.items():
                if not same_bits(tensor, second.weights[name]):
                    return f"{name} at {stage}"
            mine, theirs = first.logits, second.logits
            if mine is not None and theirs is not None:
                allowed = outputs_allowance(one.case.spec, mine, theirs)
                if not distance(mine, theirs) <= allowed.breaks:
                    return f"logits at {stage}"
        return None

    def evidence(self, seen: HeadObservation) -> Iterator[str]:
        """What trains, and what PEFT saves whole."""
        adapted = seen.stages.get("adapted")
        yield f"trains: {', '.join(sorted(adapted.trainable)) if adapted else 'nothing'}"
        file = seen.saved.get("adapter")
        yield f"modules_to_save: {file.config.get('modules_to_save') if file else 'no file'}"

    def when(self, case: HeadCase) -> str:
        """The family: no fact tells the task."""
        return f"family == {case.family!r}"


HEADS = Heads()
