"""One cause: what is wrong upstream, which cases have it, and which findings it explains."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from pathlib import Path

from conformance.causes.facts import of_case
from conformance.causes.when import Expression
from conformance.core.finding import Finding
from conformance.core.kind import AnyCase

SEVERITIES = ("silent", "obscure-crash", "clear-crash", "warned", "cosmetic")
"""What a user gets, worst first: a wrong model and no word; an error that does not say why; one
that does; a warning in time; nothing that matters to who uses the model."""
STANDS = ("confirmed", "documented", "arguable")
"""How sure it is: tried by hand and wrong; upstream's own documentation says so; not agreed."""
PACKAGES = ("peft", "transformers")
NARROW = 0.9
"""The share of the judged cases of a ``when`` that has to break, or ``wide`` says why not."""


@dataclass(frozen=True)
class Explained:
    """Findings of one kind that a cause explains, narrowed by stage, subject and case.

    ``stage`` and ``subject`` are names or patterns as file names have them, ``*`` and ``?``.
    ``behind`` is the id of a cause that hides it: it shows where that one is mended.
    """

    kind: str
    stage: str = "*"
    subject: str = "*"
    when: Expression | None = None
    behind: str = ""

    def has(self, finding: Finding, case: AnyCase) -> bool:
        """Whether a finding of a case that the cause has is among them."""
        return (
            finding.kind == self.kind
            and fnmatchcase(finding.stage, self.stage)
            and fnmatchcase(finding.subject, self.subject)
            and self.meant(case)
        )

    def meant(self, case: AnyCase) -> bool:
        """Whether its own ``when`` has a case, if it has one."""
        return self.when is None or self.when.holds(of_case(case))


@dataclass(frozen=True)
class Cause:
    """One thing that is wrong upstream.

    ``title`` could be that of a report, ``effect`` says in a sentence what a user gets.
    ``function`` is the dotted path of what is to be mended and ``at`` where it stands in the
    newest release. ``link`` is the report upstream, or ``unreported``, with ``searched`` saying
    what was searched for. ``quote`` is the documentation's own sentence with its place, where the
    cause stands as documented; ``other_side`` says why upstream may call it right, where it is
    arguable. ``wide`` says why a case that has it need not break, where fewer than nine in ten do.
    ``explains`` maps ids of invariants to what it explains of them. ``script`` and
    ``remedy`` are files, where there are any.
    """

    id: str
    title: str
    effect: str
    severity: str
    stands: str
    package: str
    function: str
    at: str
    link: str
    when: Expression
    explains: Mapping[str, tuple[Explained, ...]] = field(hash=False)
    searched: str = ""
    quote: str = ""
    other_side: str = ""
    wide: str = ""
    script: Path | None = None
    remedy: Path | None = None

    @property
    def arguable(self) -> bool:
        """Whether it is not agreed to be wrong."""
        return self.stands == "arguable"

    @property
    def story(self) -> str:
        """What a user gets, in a sentence."""
        return self.effect

    def too_wide(self, broken: int, judged: int) -> bool:
        """Whether fewer of the judged cases that ``when`` has break than it says."""
        return not self.wide and broken < NARROW * judged

    @property
    def needs_warning(self) -> bool:
        """Whether it explains a case only where upstream warned of the tie when wrapping."""
        return self.severity == "warned"

    def has(self, case: AnyCase) -> bool:
        """Whether ``when`` has a case."""
        return self.when.holds(of_case(case))

    def unmet(self, case: AnyCase) -> tuple[str, ...]:
        """The parts of ``when`` that keep a case out."""
        return self.when.unmet(of_case(case))

    def explains_of(self, invariant: str, finding: Finding, case: AnyCase) -> tuple[Explained, ...]:
        """By what it explains a finding, if ``when`` has the case."""
        return tuple(one for one in self.explains.get(invariant, ()) if one.has(finding, case))

    def speaks_of(self, invariant: str, finding: Finding) -> Iterator[Explained]:
        """What it explains of this invariant and this kind of finding, wherever it is seen."""
        for one in self.explains.get(invariant, ()):
            if one.kind == finding.kind:
                yield one
