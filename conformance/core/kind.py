"""The protocol of a kind of test: what its cases are, how one is observed, what it promises.

A kind is one folder with one object in ``conformance.kinds.KINDS``. Everything that a run does with
cases (collecting, drawing, caching, judging, printing, declaring, reporting) asks this protocol,
and knows no kind by name. Nothing here, and nothing that a ``kind`` module imports at once, needs
torch, PEFT, Hypothesis or pytest: reports are made where none of them is installed.
"""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar, Generic, Protocol, TypeVar

from conformance.core.covering import Pick, Planned
from conformance.core.invariant import Observed
from conformance.core.literals import CaseError
from conformance.core.versions import one_line

if TYPE_CHECKING:
    from conformance.core.finding import Finding
    from conformance.core.invariant import Invariant, Judgement
    from conformance.core.observation import Heard
    from conformance.core.options import Options


class AnyCase(Protocol):
    """What every case has: a frozen, hashable record that its ``repr`` writes whole."""

    @property
    def device(self) -> str:
        """Where its model lies."""

    @property
    def family(self) -> str:
        """The family of its model."""


class NamedCase(AnyCase, Protocol):
    """A case of a table, whose row has a name."""

    @property
    def id(self) -> str:
        """What its items begin with."""


class AnyObservation(Observed, Protocol):
    """What every observation has: plain facts, no live model and no judgement."""

    @property
    def case(self) -> Any:
        """What was observed."""

    @property
    def heard(self) -> tuple[Heard, ...]:
        """What upstream warned of, logged or printed."""

    def heard_at(self, *stages: str) -> tuple[Heard, ...]:
        """What was heard at the given stages."""


C = TypeVar("C", bound=AnyCase)
N = TypeVar("N", bound=NamedCase)
O = TypeVar("O", bound=AnyObservation)  # noqa: E741  beside C
Argues = Callable[[str, "Finding", Any], bool]
"""Whether a finding of an invariant, by id, is declared arguable: not agreed to be wrong."""


@dataclass(frozen=True)
class Drawn(Generic[C]):
    """Cases that Hypothesis draws; one stream gives the same ones to every item that shares it.

    ``make`` makes a case of what it chooses with. ``own_minimiser`` says that the kind looks
    for the simplest failing case itself, so that Hypothesis only generates. ``before`` are cases
    that are met before those that are drawn; the first that are drawn are those of ``plan``, and
    so many of them that ``examples`` says.
    """

    make: Callable[[Pick], C] = field(compare=False)
    stream: int
    examples: int
    scope: Hashable
    own_minimiser: bool = False
    before: tuple[C, ...] = ()
    plan: Callable[[], Sequence[Planned[C]]] = field(compare=False, default=tuple)


@dataclass(frozen=True)
class Unjudged:
    """Why an item is not judged; ``fails`` where that is a failure and no skip."""

    result: str
    reason: str
    fails: bool = False


def nothing_against() -> Unjudged | None:
    """What says that an item is judged."""
    return None


@dataclass(frozen=True)
class Item(Generic[C]):
    """What pytest collects: some checks on some cases.

    ``id`` is its part of the node id; ``group``, ``stratum`` and ``invariant`` stand in its record.
    It is skipped where ``device`` is not here, and where ``unjudged`` says why when it is to run.
    The first case of each value of ``repeats`` is observed twice. ``every`` reports each kind of
    finding and not the first alone.
    """

    id: str
    group: str
    checks: tuple[Invariant, ...]
    cases: Sequence[C] | Drawn[C]
    stratum: str = ""
    invariant: str = ""
    device: str = "cpu"
    repeats: Callable[[C], Hashable] | None = None
    every: bool = False
    unjudged: Callable[[], Unjudged | None] = nothing_against


class Kind(ABC, Generic[C, O]):
    """One kind of test."""

    name: ClassVar[str]
    """Its folder under ``conformance/kinds``."""
    case_type: type[C]
    """The class of its cases."""
    form: ClassVar[str] = ""
    """The word that a written case begins with; ``""`` where it cannot be read back."""
    tests: ClassVar[tuple[str, ...]] = ()
    """The test functions that collect its items; without any, ``test_kinds.py`` does."""
    single: ClassVar[str] = ""
    """The one of them that judges a case given with ``--case``."""
    crosses: ClassVar[bool] = False
    """Whether it judges what another version saved, and nothing else."""
    merges: ClassVar[bool] = False
    """Whether ``--merger`` judges it."""
    lists_absent: ClassVar[bool] = False
    """Whether every item of an absent CUDA is listed and skipped, and not the first for all."""
    counts_regions: ClassVar[bool] = True
    """Whether a record counts the causes whose ``when`` has a case that does not break."""
    ends_at_first: ClassVar[bool] = False
    """Whether nothing is judged after the first break: what a cause breaks is one promise of all
    that it explains something of."""
    shows_declared: ClassVar[bool] = False
    """Whether a failure prints what is declared beside what is not."""
    saver: Mapping[str, str] | None = None
    """The versions that saved what is judged, where that was not this run."""

    @property
    @abstractmethod
    def checks(self) -> Mapping[str, Invariant]:
        """What is promised of its cases, by id."""

    @property
    def own_checks(self) -> Mapping[str, Invariant]:
        """Those that no other kind has."""
        return self.checks

    # cases

    @abstractmethod
    def parse(self, text: str) -> C:
        """Read a written case as literals; raises CaseError, in one sentence."""

    def configured(self, options: Options) -> Kind[C, O]:
        """The kind as this run judges it; raises OptionError. Imports nothing."""
        del options
        return self

    def prepare(self, known: Any) -> None:
        """Read what can only be read with the packages; raises OptionError."""

    def items(self, test: str, options: Options) -> Iterator[Item[C]]:
        """What a test function collects in this run."""
        chosen = tuple(one for name, one in self.checks.items() if name in options.invariants)
        if options.case is not None:
            if test == self.single and type(options.case) is self.case_type and chosen:
                yield from self.given(options.case, chosen)
        elif not options.user_config:
            yield from self.listed(test, chosen, options)

    def listed(
        self, test: str, checks: tuple[Invariant, ...], options: Options
    ) -> Iterator[Item[C]]:
        """The items of a run that names no case."""
        del test, checks, options
        return iter(())

    def given(self, case: C, checks: tuple[Invariant, ...]) -> Iterator[Item[C]]:
        """The items of one case."""
        del case, checks
        return iter(())

    # observing

    @abstractmethod
    def observe(self, case: C) -> O:
        """The facts of a case: a pure function of it and of the installed versions."""

    @abstractmethod
    def together(self, case: C) -> Hashable:
        """What cases have in common whose observations are kept at one time."""

    @abstractmethod
    def require_informative(self, seen: O) -> None:
        """Raise SuiteError where an observation proves nothing."""

    @abstractmethod
    def difference(self, one: O, other: O) -> str | None:
        """What two observations of a case do not have in common, or None.

        Weights and files are the same to the bit; what is computed from them may differ by
        rounding where they lie elsewhere in memory.
        """

    def part(self, seen: O) -> O:
        """The part of an observation that can be judged."""
        return seen

    def without(self, case: C) -> str:
        """Why this run cannot observe a witness, or ``""``."""
        del case
        return ""

    def of_an_extra(self, case: C) -> bool:
        """Whether a case is of a package that an environment may do without."""
        del case
        return False

    # judging

    def judge(self, check: Invariant, seen: O) -> Judgement:
        """What a check says of an observation."""
        return check.judge(seen)

    def excuses(self, check: Invariant, finding: Finding, known: Any, seen: O) -> bool:
        """Whether a declared finding is an expected one."""
        del check, finding, known, seen
        return True

    def verdict(self, seen: O, argues: Argues) -> str:
        """The verdict for people; ``""`` where there is none."""
        del seen, argues
        return ""

    def simplicity(self, case: C) -> tuple[int, str]:
        """Smaller for a case that is easier to understand."""
        return 0, repr(case)

    def minimise(self, case: C, fails: Callable[[C], bool]) -> C:
        """The simplest case that fails alike, where Hypothesis does not look for it."""
        del fails
        return case

    # telling

    def written(self, case: C) -> str:
        """The case as a record keeps it."""
        return repr(case)

    def told(self, seen: O) -> Iterable[str]:
        """What the user of a failing case was told, for its record."""
        del seen
        return ()

    def afterwards(self, seen: O) -> list[str]:
        """The same for an item of one case that ended as expected."""
        del seen
        return []

    @abstractmethod
    def evidence(self, seen: O) -> Iterable[str]:
        """The facts that a failure prints beside its findings."""

    def rerun(self, seen: O, invariant: str) -> str:
        """A command that judges this case alone; declared failures fail too."""
        options = f"--no-known-failures --invariant {invariant}"
        return f'pytest conformance {options} --case "{seen.case!r}"'

    @abstractmethod
    def when(self, case: C) -> str:
        """The narrowest ``when`` of a cause that has the case."""

    def headings(
        self, check: Invariant, findings: Sequence[Finding], seen: O, known: Any
    ) -> Iterator[tuple[str, str]]:
        """What a failure says under its headings, in any order."""
        case, first = seen.case, findings[0]
        yield "CASE", repr(case)
        yield "WITH", one_line()
        yield "RERUN", self.rerun(seen, check.id)
        near = [str(one) for one in known.nearest(check.id, first, seen)]
        yield "NEAREST", "\n".join(near) or "no cause is about such a finding"
        written = cause_text(check.id, first, self.when(case))
        yield "CAUSE", f"for a file of --known-failures:\n{written}"


def promise_on(kind: Kind[N, Any], case: N, check: Invariant) -> Item[N]:
    """One promise on one case that has a name: an item of its own."""
    return Item(
        id=f"{case.id}-{check.id}",
        group=kind.name,
        checks=(check,),
        cases=(case,),
        stratum=case.id,
        invariant=check.id,
        device=case.device,
        repeats=kind.together,
    )


def forms(kinds: Sequence[Kind[Any, Any]]) -> str:
    """How the cases of these kinds are written, in words."""
    names = dict.fromkeys(kind.form for kind in kinds if kind.form)
    return " or ".join(f'"{name}(...)"' for name in names)


def parse(text: str, kinds: Sequence[Kind[Any, Any]]) -> Any:
    """The case that a text writes, of one of these kinds; raises CaseError, in one sentence."""
    begins = re.match(r"\s*([A-Za-z_]\w*)\s*\(", text)
    if begins is None:
        return kinds[0].parse(text)  # which says what is wrong with it
    for kind in kinds:
        if kind.form == begins[1]:
            return kind.parse(text)
    raise CaseError(f"a case is written {forms(kinds)}, not {begins[1]}(...)")


def cause_text(invariant: str, finding: Finding, when: str) -> str:
    """The text of a cause that explains a finding of the cases that ``when`` has."""
    return (
        '[[cause]]\nid = "my-cause"\ntitle = "What is wrong, as the title of a report"\n'
        'effect = "One sentence: what a user gets."\nseverity = "silent"\nstands = "confirmed"\n'
        'package = "peft"\nfunction = "peft.where.it.is.to.be.mended"\nlink = "unreported"\n'
        f'searched = "What was searched for."\nwhen = """{when}"""\n'
        f'explains = {{ {invariant} = "{finding.kind}" }}'
    )
