"""The lifecycle as a kind of test: the grid of decoders, that of other architectures, one case."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, partial
from typing import Any, Generic, TypeVar

from conformance.core.case import CHOICES, STRATUM_FIELDS, Case, parse_case
from conformance.core.finding import Finding
from conformance.core.grid import Stratum, fitting
from conformance.core.invariant import Invariant
from conformance.core.kind import Argues, Drawn, Item, Kind, Unjudged, nothing_against
from conformance.core.observation import Observation
from conformance.core.options import OptionError, Options, stratum_seed
from conformance.kinds.lifecycle.checks import INVARIANTS
from conformance.kinds.lifecycle.checks.warnings import EARLY
from conformance.kinds.lifecycle.covering import planned
from conformance.kinds.lifecycle.making import make
from conformance.kinds.lifecycle.merge_code.checks import of_a_merger
from conformance.kinds.lifecycle.merge_code.load import Merger, MergerError
from conformance.kinds.lifecycle.proof import first_difference, require_informative
from conformance.kinds.lifecycle.verdict import verdict_of

BEYOND_EXAMPLES = {"default": 2, "ci": 1, "dev": 1, "explore": 100}
"""Cases a stratum of the other architectures, which take more than twice the time."""
FEW = 3
"""Cases a stratum of which none is observed again, but one of each placement."""
GROUPS: Mapping[str, str] = {"test_invariant": "invariant", "test_architecture": "architecture"}
"""The groups of families, by the test that collects their items: decoders, and the others."""


L = TypeVar("L", bound=Case)


class Runs(Kind[L, Observation], Generic[L]):
    """What every kind has in common whose cases are lifecycle runs."""

    def require_informative(self, seen: Observation) -> None:
        """Raise SuiteError where an observation proves nothing."""
        require_informative(seen)

    def difference(self, one: Observation, other: Observation) -> str | None:
        """What two observations do not have in common."""
        return first_difference(one, other)

    def simplicity(self, case: L) -> tuple[int, str]:
        """Smaller for a case that differs from the plain one in fewer fields."""
        changed = sum(getattr(case, name) != choices[0] for name, choices in CHOICES.items())
        return changed, repr(case)

    def told(self, seen: Observation) -> Iterable[str]:
        """What was said of the tie when the adapter was put on."""
        return (heard.text for heard in seen.heard_at(*EARLY) if heard.about_tying)

    def evidence(self, seen: Observation) -> Iterable[str]:
        """Who shares storage, and what was heard of the tie."""
        return storage_and_warnings(seen)

    def when(self, case: L) -> str:
        """The stratum and the family."""
        flags = ("tied" if case.tied else "not tied", "ensure" if case.ensure else "not ensure")
        words = (f"placement == {case.placement!r}", f"family == {case.family!r}")
        return " and ".join((*flags, *words))


@dataclass(frozen=True)
class Lifecycle(Runs[Case]):
    """LoRA's lifecycle runs; ``merger`` is another's merge code where that is judged."""

    merger: Merger | None = None

    name = "lifecycle"
    case_type = Case
    form = "Case"
    tests = (*GROUPS, "test_case")
    single = "test_case"
    merges = True

    @cached_property
    def checks(self) -> Mapping[str, Invariant]:
        """The invariants of a run, or what they say of another merger."""
        return of_a_merger(INVARIANTS) if self.merger else INVARIANTS

    def parse(self, text: str) -> Case:
        """Read ``Case(...)``."""
        return parse_case(text)

    def configured(self, options: Options) -> Lifecycle:
        """With the merger that ``--merger`` names."""
        if options.merger is None:
            return self
        try:
            return Lifecycle(Merger.named(options.merger))
        except MergerError as error:
            raise OptionError(f"--merger {error}") from None

    def listed(
        self, test: str, checks: tuple[Invariant, ...], options: Options
    ) -> Iterator[Item[Case]]:
        """Each chosen invariant on each stratum that some of a group's families fit."""
        if test not in GROUPS:
            return
        group = GROUPS[test]
        for stratum in covered(group, options):
            drawn = _drawn(group, stratum, options)
            for check in checks:
                yield item_of(group, stratum, check, drawn)

    def given(self, case: Case, checks: tuple[Invariant, ...]) -> Iterator[Item[Case]]:
        """Each chosen invariant on the case."""
        for check in checks:
            yield Item(
                id=check.id,
                group="case",
                checks=(check,),
                cases=(case,),
                invariant=check.id,
                device=case.device,
                repeats=_stratum,
            )

    def observe(self, case: Case) -> Observation:
        """Run the whole lifecycle."""
        from conformance.kinds.lifecycle.observe import (
            observe,  # imports torch: not before an item runs
        )

        return observe(case, self.merger)

    def together(self, case: Case) -> tuple[object, ...]:
        """The stratum."""
        return _stratum(case)

    def verdict(self, seen: Observation, argues: Argues) -> str:
        """What happens to a user on this placement."""
        return verdict_of(seen, argues)

    def rerun(self, seen: Observation, invariant: str) -> str:
        """The case by itself."""
        whose = f" --merger {seen.merger}" if seen.merger else ""
        options = f"--no-known-failures{whose} --invariant {invariant}"
        return f'pytest conformance {options} --case "{seen.case!r}"'

    def headings(
        self, check: Invariant, findings: Sequence[Finding], seen: Observation, known: Any
    ) -> Iterator[tuple[str, str]]:
        """Those of every kind, and a regression file to keep."""
        yield from super().headings(check, findings, seen, known)
        yield (
            "KEEP",
            (
                "a regression file, conformance/regressions/<id>.toml:\n"
                f'id = "my-regression"\ncase = """{seen.case!r}"""\ninvariants = ["{check.id}"]\n'
                'link = "unreported"\nstory = "One sentence: what goes wrong for whom."'
            ),
        )


LIFECYCLE = Lifecycle()


def families_of(group: str, options: Options) -> tuple[str, ...]:
    """The chosen families of a group."""
    return options.decoders if group == "invariant" else options.beyond


def covered(group: str, options: Options) -> list[Stratum]:
    """The chosen strata that at least one of the chosen families of a group fits."""
    families = families_of(group, options)
    fit = [stratum for stratum in options.strata if fitting(stratum, families)]
    return fit[:: options.beyond_step] if group == "architecture" else fit


def storage_and_warnings(seen: Observation) -> Iterator[str]:
    """Who shares storage at the main stages, and what was heard of the tie."""
    for stage in ("base", "trained", "merged", "reloaded"):
        if stage in seen.stages:
            groups = [", ".join(sorted(group)) for group in seen.stages[stage].shares]
            yield f"sharing storage at {stage}: {'; '.join(sorted(groups)) or 'nothing'}"
    told = [heard for heard in seen.heard if heard.about_tying]
    for heard in {(h.stage, h.text): h for h in told}.values():
        yield f"heard at {heard.stage}: {heard.brief}"
    if not told:
        yield "heard of the tie: nothing"


def _stratum(case: Case) -> tuple[object, ...]:
    return tuple(getattr(case, field) for field in STRATUM_FIELDS)


def _placement(case: Case) -> str:
    return case.placement


def _not_surveyed() -> Unjudged | None:
    from conformance.upstream import capabilities  # imports torch: not before an item runs

    reason = capabilities.not_surveyed()
    return Unjudged("not applicable", reason) if reason else None


def item_of(group: str, stratum: Stratum, check: Invariant, drawn: Drawn[Case]) -> Item[Case]:
    """One invariant on the drawn cases of a stratum."""
    return Item(
        id=f"{stratum.id}-{check.id}",
        group=group,
        checks=(check,),
        cases=drawn,
        stratum=stratum.id,
        invariant=check.id,
        device=stratum.device,
        repeats=_placement if drawn.examples <= FEW else _stratum,
        unjudged=_not_surveyed if group == "architecture" else nothing_against,
    )


def drawn_cases(
    stratum: Stratum, families: tuple[str, ...], seed: int, examples: int, group: str = ""
) -> Drawn[Case]:
    """So many cases of a stratum over the families that fit it, in a run with this seed.

    ``group`` names that of the families: each has a plan and streams of its own.
    """
    return Drawn(
        make=partial(make, stratum, families),
        stream=stratum_seed(seed, stratum, group),
        examples=examples,
        scope=(stratum, families),
        plan=partial(planned, stratum, families, seed, group, examples),
    )


def _drawn(group: str, stratum: Stratum, options: Options) -> Drawn[Case]:
    """The cases of a stratum, for the families of a group."""
    families, examples, own = families_of(group, options), options.lives, ""
    if group == "architecture":
        examples, own = options.examples or BEYOND_EXAMPLES[options.profile], group
    return drawn_cases(stratum, families, options.seed, examples, own)
