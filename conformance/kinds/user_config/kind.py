"""A user's own configuration as a kind of test: run once, asked by every item."""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

from conformance.core.finding import Finding
from conformance.core.invariant import Invariant, Judgement
from conformance.core.kind import Argues, Item, Kind, Unjudged
from conformance.core.observation import Observation
from conformance.core.options import OptionError, Options
from conformance.core.versions import one_line
from conformance.kinds.lifecycle.checks import INVARIANTS
from conformance.kinds.lifecycle.kind import storage_and_warnings
from conformance.kinds.tuners.checks import TUNER_PROMISES
from conformance.kinds.user_config.case import OwnCase

if TYPE_CHECKING:
    from conformance.kinds.user_config.run import OwnLife


class UserConfig(Kind[OwnCase, Observation]):
    """The run of a model with an adapter that a user's files describe."""

    name = "user_config"
    case_type = OwnCase
    tests = ("test_own",)
    counts_regions = False
    shows_declared = True

    def __init__(self, paths: tuple[str, str] | None = None) -> None:
        self._paths = paths
        self.run: OwnLife | None = None

    @property
    def checks(self) -> Mapping[str, Invariant]:
        """What is promised of such an adapter."""
        if self.run is not None and self.run.found.adapter.kind != "LORA":
            return TUNER_PROMISES
        return INVARIANTS

    @property
    def own_checks(self) -> Mapping[str, Invariant]:
        """None: they are those of the lifecycle and of tuners."""
        return {}

    def parse(self, text: str) -> OwnCase:
        """Nothing: a configuration is read from files."""
        raise NotImplementedError(text)

    def configured(self, options: Options) -> UserConfig:
        """With the paths that ``--model-config`` and ``--adapter-config`` name."""
        return UserConfig(options.user_config) if options.user_config else self

    def prepare(self, known: Any) -> None:
        """Read both files."""
        from conformance.core.user_files import InputError
        from conformance.kinds.user_config.run import OwnLife  # imports transformers

        if self._paths is None:
            return
        try:
            self.run = OwnLife(*self._paths, known)
        except InputError as error:
            raise OptionError(str(error)) from None

    def items(self, test: str, options: Options) -> Iterator[Item[OwnCase]]:
        """Each chosen invariant on the one run."""
        if test in self.tests and self.run is not None:
            chosen = [one for name, one in self.checks.items() if name in options.invariants]
            yield from self.given(self.run.found.case, tuple(chosen))

    def given(self, case: OwnCase, checks: tuple[Invariant, ...]) -> Iterator[Item[OwnCase]]:
        """Each invariant on the run."""
        for check in checks:
            yield Item(
                id=check.id,
                group="own",
                checks=(check,),
                cases=(case,),
                invariant=check.id,
                unjudged=partial(self._vacuous, check),
            )

    def _vacuous(self, check: Invariant) -> Unjudged | None:
        """Why the run proves nothing; one item fails for it."""
        reason = self._told().vacuous
        if not reason:
            return None
        return Unjudged("not run", reason, fails=check.id == "life-completes")

    def _told(self) -> OwnLife:
        assert self.run is not None, "a run judges a configuration only where one was given"
        return self.run

    def observe(self, case: OwnCase) -> Observation:
        """The run, which was made twice when it was first asked for."""
        del case
        return self._told().seen

    def together(self, case: OwnCase) -> Hashable:
        """Everything: there is one run."""
        del case
        return None

    def require_informative(self, seen: Observation) -> None:
        """Nothing: what proves nothing is not judged, and says so."""

    def difference(self, one: Observation, other: Observation) -> str | None:
        """None: it was compared when it was made."""
        del one, other
        return None

    def judge(self, check: Invariant, seen: Observation) -> Judgement:
        """What an invariant says of a user's adapter, which may be a mixture of placements."""
        from conformance.kinds.user_config.answer import judged

        return judged(seen, self._told().found.case)[check.id]

    def excuses(self, check: Invariant, finding: Finding, known: Any, seen: Observation) -> bool:
        """A declared failure is excused where the user loses nothing with it, or it is arguable.

        Else it is their loss, whoever knows of it.
        """
        from conformance.kinds.user_config.answer import CORRUPTS

        argued: bool = known.argues(check.id, finding, seen)
        return check.id not in CORRUPTS or argued

    def verdict(self, seen: Observation, argues: Argues) -> str:
        """That of the answer."""
        del seen, argues
        return self._told().answer.verdict

    def written(self, case: OwnCase) -> str:
        """Nothing: a configuration cannot be pasted back as a case."""
        del case
        return ""

    def evidence(self, seen: Observation) -> Iterator[str]:
        """Who shares storage, and what was heard of the tie."""
        return storage_and_warnings(seen)

    def rerun(self, seen: Observation, invariant: str) -> str:
        """The configuration by itself."""
        from conformance.kinds.user_config.answer_text import rerun

        del seen
        return f"{rerun(self._told().found)} --invariant {invariant}"

    def when(self, case: OwnCase) -> str:
        """None: what a user meets is declared on a case of the grid."""
        raise NotImplementedError(repr(case))

    def headings(
        self, check: Invariant, findings: Sequence[Finding], seen: Observation, known: Any
    ) -> Iterator[tuple[str, str]]:
        """The two files in place of a case, and what is known of what was found."""
        found = self._told().found
        yield "MODEL", str(found.model.path)
        yield "ADAPTER", str(found.adapter.path)
        yield "WITH", one_line()
        yield "RERUN", self.rerun(seen, check.id)
        entries = {
            entry.id: entry.link
            for finding in findings
            for entry in known.covering(check.id, finding, seen)
        }
        for name, link in entries.items():
            told = "no upstream report was found" if link == "unreported" else link
            yield "KNOWN", f"{name}: {told}"


USER_CONFIG = UserConfig()
