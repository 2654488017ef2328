"""One known failure, and whether it covers a finding."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from packaging.specifiers import SpecifierSet
from packaging.version import InvalidVersion, Version

from conformance.core.case import Case
from conformance.core.finding import Finding
from conformance.core.kind import AnyCase, AnyObservation
from conformance.core.versions import installed
from conformance.kinds.corpus.kind import CORPUS
from conformance.kinds.loading.checks import LOADING
from conformance.kinds.tuners.case import TunerCase
from conformance.known_failures.regions import FACTS, unmet

if sys.version_info >= (3, 11):
    pass
else:  # pytest itself needs it there
    pass


ORDINARY = "decoder-only"
"""The shape of the cases of a region that names neither shapes nor families."""


@dataclass(frozen=True)
class KnownFailure:
    """One declared bug, limitation, or finding that is arguable.

    ``where`` maps case fields and ``FACTS`` to the values they may have, to ``{"not": values}``,
    or to ``{"has": values}`` where one of several must be among them; ``says`` narrows it
    further, to findings whose text matches.
    ``limitation`` means that upstream says so: by a warning when wrapping, without which a case
    of the region is not covered, or in the documentation, which ``documented`` quotes with its
    place. ``arguable`` means that it can be seen and is not agreed to be wrong: ``other_side`` says
    why upstream may call it right. It fails no run, and no verdict for people counts it.
    """

    id: str
    kind: str
    invariant: tuple[str, ...]
    finding: tuple[str, ...]
    peft: SpecifierSet
    transformers: SpecifierSet
    where: Mapping[str, Any]
    says: str
    witness: AnyCase
    link: str
    story: str
    documented: str = ""
    other_side: str = ""
    saver_peft: SpecifierSet = field(default_factory=SpecifierSet)
    saver_transformers: SpecifierSet = field(default_factory=SpecifierSet)

    @property
    def arguable(self) -> bool:
        """Whether it is not agreed to be wrong."""
        return self.kind == "arguable"

    @property
    def needs_warning(self) -> bool:
        """Whether a case is covered only where upstream warned of the tie when wrapping."""
        return self.kind == "limitation" and not self.documented

    @property
    def crosses(self) -> bool:
        """Whether it is about what another version saved."""
        return set(self.invariant) <= set(CORPUS.checks)

    @property
    def loads(self) -> bool:
        """Whether it is about loading a plain model."""
        return set(self.invariant) <= set(LOADING)

    @property
    def of_a_tuner(self) -> bool:
        """Whether it is about the lives of a tuner of the table."""
        return isinstance(self.witness, TunerCase)

    def applies_here(self, saver: Mapping[str, str] | None = None) -> bool:
        """Whether the installed versions, and the saver's, are in its ranges."""
        if (saver is not None) != self.crosses:
            return False
        pairs = [(self.peft, installed("peft")), (self.transformers, installed("transformers"))]
        if saver is not None:
            pairs += [(self.saver_peft, saver["peft"])]
            pairs += [(self.saver_transformers, saver["transformers"])]
        return all(_within(version, spec) for spec, version in pairs)

    def region_has(self, case: AnyCase) -> bool:
        """Whether the case lies in the region.

        A life in one is that of a decoder-only model, unless it names shapes or families.
        """
        return self.speaks_of(case) and not any(self.unmet(case))

    def unmet(self, case: AnyCase) -> Iterator[str]:
        """The conditions of ``where`` that a case does not meet, by name."""
        return unmet(self.where, case)

    def speaks_of(self, case: AnyCase) -> bool:
        """Whether it is about such cases at all: of LoRA, of a tuner, of a shape."""
        if isinstance(case, TunerCase):
            if not self.of_a_tuner and not case.as_lora:
                return False
        elif self.of_a_tuner:
            return False
        named = {"shape", "family"} & self.where.keys()
        return not isinstance(case, Case) or bool(named) or FACTS["shape"](case) == ORDINARY

    def covers(self, invariant: str, finding: Finding, seen: AnyObservation) -> bool:
        """Whether this finding is the declared one."""
        return (
            invariant in self.invariant
            and finding.kind in self.finding
            and self.region_has(seen.case)
            and re.search(self.says, finding.what) is not None
            and (not self.needs_warning or any(h.about_tying for h in seen.heard_at("adapted")))
        )


def _within(version: str, spec: SpecifierSet) -> bool:
    """Whether a version is in a range, pre-releases included; what is no version is in none."""
    try:
        return spec.contains(Version(version), prereleases=True)
    except InvalidVersion:
        return False
