"""What is known to be wrong, and what of a run's findings it explains."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path

from conformance.causes import read
from conformance.causes.cause import Cause, Explained
from conformance.causes.entailed import premises
from conformance.causes.outcomes import BROKEN, UNKNOWN, Outcome, Outcomes
from conformance.core.finding import Finding
from conformance.core.kind import AnyCase, AnyObservation

NEAREST = 3  # causes that a failure names as near


@dataclass(frozen=True)
class Near:
    """A cause that is about such a finding and does not explain it, and why."""

    cause: Cause
    missing: tuple[str, ...]

    def __str__(self) -> str:
        return f"{self.cause.id}, but {'; '.join(self.missing)}"


@dataclass(frozen=True)
class Known:
    """The causes of a run, ours and a user's, and what their scripts say here.

    A break is explained by a cause whose ``when`` has the case, that explains such a finding, and
    whose script breaks with the installed packages.
    """

    causes: tuple[Cause, ...] = ()
    outcomes: Outcomes = field(default_factory=Outcomes, compare=False)
    remedied: frozenset[str] = frozenset()
    """Ids of the causes whose remedies are in force: what they explain has to hold."""
    every: tuple[Cause, ...] = ()
    """All that were read, where ``causes`` are some: what is left out hides all the same."""

    @classmethod
    def load(
        cls,
        extra: Iterable[Path] = (),
        *,
        ours: bool = True,
        shared: Path | None = None,
        remedied: Iterable[str] = (),
    ) -> Known:
        """Our causes and those of a user's files; raises CauseError."""
        found = list(read.ours()) if ours else []
        files: dict[str, Path] = {}
        for path in extra:
            taken = {cause.id for cause in found}
            for cause in read.read(path):
                if cause.id in taken:
                    raise read.CauseError(f"{path}, {cause.id}: another cause has this id")
                found.append(cause)
                files[cause.id] = path
        read.check_what_hides(found, files)
        return cls(tuple(found), Outcomes(shared), frozenset(remedied))

    @cached_property
    def _by_invariant(self) -> dict[str, list[Cause]]:
        found: dict[str, list[Cause]] = {}
        for cause in self.causes:
            for name in cause.explains:
                found.setdefault(name, []).append(cause)
        return found

    @cached_property
    def _by_id(self) -> dict[str, Cause]:
        return {cause.id: cause for cause in self.every or self.causes}

    @property
    def arguable(self) -> Known:
        """Those that are not agreed to be wrong, which stay declared whatever else fails."""
        some = tuple(one for one in self.causes if one.arguable)
        return replace(self, causes=some, every=self.causes)

    @cached_property
    def arguable_ids(self) -> frozenset[str]:
        """Their ids."""
        return frozenset(one.id for one in self.causes if one.arguable)

    def outcome(self, cause: Cause) -> Outcome:
        """What the script of a cause says of the installed packages."""
        return self.outcomes.of(cause)

    def covering(self, invariant: str, finding: Finding, seen: AnyObservation) -> tuple[Cause, ...]:
        """The causes that explain a finding, or from which it follows by rule."""
        own = tuple(
            cause
            for cause in self._by_invariant.get(invariant, ())
            if not any(self._missing(cause, invariant, finding, seen))
        )
        return own or self._entailing(invariant, seen)

    def _entailing(self, invariant: str, seen: AnyObservation) -> tuple[Cause, ...]:
        """The causes of all that a finding follows from; none where some of that has none."""
        every = [self.covering(name, one, seen) for name, one in premises(invariant, seen)]
        return tuple(dict.fromkeys(c for found in every for c in found)) if all(every) else ()

    def _missing(
        self, cause: Cause, invariant: str, finding: Finding, seen: AnyObservation
    ) -> Iterator[str]:
        """Why a cause that has the invariant does not explain the finding, cheapest reason first.

        On an emulated accelerator a script that needs a real one cannot tell, and is believed.
        """
        case = seen.case
        explained = cause.explains_of(invariant, finding, case)
        if not explained:
            yield "it explains other findings of this invariant"
        elif not any(map(self._shows, explained)):
            yield f"it shows where {explained[0].behind} is mended"
        if not cause.has(case):
            yield f"its when needs {' and '.join(cause.unmet(case))}"
        if cause.needs_warning and not any(h.about_tying for h in seen.heard_at("adapted")):
            yield "nobody was warned when the model was wrapped"
        if cause.id in self.remedied:
            yield "its remedy is in force, and the case breaks all the same"
            return
        outcome = self.outcome(cause).result
        if outcome != BROKEN and not (outcome == UNKNOWN and case.device == "emulated"):
            yield f"its script says: {outcome}"

    def _shows(self, explained: Explained) -> bool:
        """Whether what hides this, if something does, is mended here."""
        hiding = self._by_id.get(explained.behind)
        return hiding is None or self.outcome(hiding).result != BROKEN

    def undeclared(
        self,
        invariant: str,
        findings: Iterable[Finding],
        seen: AnyObservation,
        excuses: Callable[[Finding], bool] = lambda _: True,
    ) -> tuple[tuple[Finding, ...], set[str]]:
        """The findings that nothing explains, and the ids of the causes of the others.

        ``excuses`` says of an explained finding whether it is expected where it was found.
        """
        left: list[Finding] = []
        hit: set[str] = set()
        for finding in findings:
            causes = self.covering(invariant, finding, seen)
            hit.update(cause.id for cause in causes)
            if not causes or not excuses(finding):
                left.append(finding)
        return tuple(left), hit

    def argues(self, invariant: str, finding: Finding, seen: AnyObservation) -> bool:
        """Whether all causes of this finding are arguable."""
        causes = self.covering(invariant, finding, seen)
        return bool(causes) and all(cause.arguable for cause in causes)

    def regions_of(self, invariant: str, case: AnyCase) -> tuple[str, ...]:
        """Ids of the causes here that explain something of this invariant for such a case."""
        return tuple(
            cause.id
            for cause in self._by_invariant.get(invariant, ())
            if cause.has(case)
            and any(one.meant(case) and self._shows(one) for one in cause.explains[invariant])
            and cause.id not in self.remedied
            and self.outcome(cause).result == BROKEN
        )

    def nearest(self, invariant: str, finding: Finding, seen: AnyObservation) -> tuple[Near, ...]:
        """The causes that come nearest to explaining a finding, and what each is missing.

        Those that are wrong here come before those that are not.
        """
        near = [
            Near(cause, tuple(self._missing(cause, invariant, finding, seen)))
            for cause in self._by_invariant.get(invariant, ())
            if any(cause.speaks_of(invariant, finding))
        ]
        fewest = min((len(one.missing) for one in near), default=0)
        nearest = [one for one in near if len(one.missing) == fewest]
        nearest.sort(key=lambda one: self.outcome(one.cause).result != BROKEN)
        return tuple(nearest[:NEAREST])
