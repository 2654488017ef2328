"""Every command-line option of the suite, in one place."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from conformance.case import Case, CaseError
from conformance.devices import DEVICES
from conformance.grid import Stratum, strata
from conformance.loading.case import KINDS
from conformance.placements import PLACEMENTS
from conformance.programs.parsing import parse_program
from conformance.programs.program import Program, ProgramStratum
from conformance.tuners.case import TunerCase, parse_life
from tiny_models.families import BEYOND, DECODERS, FAMILIES

if TYPE_CHECKING:
    import pytest

RUN_SEED = 20261122
"""The seed of every deterministic run; ``--hypothesis-seed`` sets another."""
LONGEST = 9  # digits of a number of examples
PROFILES = {
    "default": {"max_examples": 9},
    "ci": {"max_examples": 3},
    "dev": {"max_examples": 2},
    "explore": {"max_examples": 100},
}
"""What each Hypothesis profile changes; here, since a header tells of it without Hypothesis."""
BEYOND_EXAMPLES = {"default": 4, "ci": 1, "dev": 1, "explore": 100}
"""Lives a stratum of the other architectures, which take more than twice the time."""
BEYOND_STEP = {"dev": 2}
"""Of the strata of the other architectures, one in so many; where nothing is said, all."""

LEFT_OUT = {"dev": ("test_tuners.py", "test_sequences.py", "test_known_failures.py")}
"""Files of the suite that a profile runs only where they are named."""


class OptionError(ValueError):
    """An option value that means nothing; one sentence names it and what is accepted."""


def add_options(parser: pytest.Parser) -> None:
    """Add our options, under one group of ``pytest --help``."""
    group = parser.getgroup("conformance", "PEFT conformance suite")
    add = group.addoption
    add("--device", action="append", metavar="NAME", help=f"device: {', '.join(DEVICES)}")
    add("--family", metavar="NAMES", help="families to draw from, separated by commas")
    add("--invariant", metavar="IDS", help="invariants to judge: ids or patterns, by commas")
    add("--stratum", metavar="PATTERN", help="strata to cover, such as 'cpu-tied-*-target:*'")
    add("--checkpoint", metavar="KINDS", help="kinds of checkpoint to load: names, by commas")
    add("--examples", metavar="N", help="lives a stratum, instead of the profile's")
    add("--case", metavar="CASE", help='judge one case: "Case(...)" or "TunerCase(...)"')
    add("--program", metavar="PROGRAM", help='judge one program: "Program(...)", read as literals')
    add("--known-failures", action="append", metavar="FILE", help="declared failures of my own")
    add(
        "--no-known-failures",
        action="store_true",
        help="declared bugs and limitations fail too; what is arguable never does",
    )
    add(
        "--strict-known-failures",
        action="store_true",
        help="a declared bug that a development version has fixed fails the run",
    )
    add("--model-config", metavar="PATH", help="a model's config.json or folder: judge it alone")
    add("--adapter-config", metavar="PATH", help="an adapter_config.json or folder, to put on it")
    add("--issue", metavar="FILE", help="write an issue about it to FILE, its script beside it")
    add("--results", metavar="FILE", help="write machine-readable results to FILE")
    add("--merger", metavar="MODULE:CALLABLE", help="judge this merge code; takes three folders")
    add("--load-corpus", metavar="DIR", help="judge only what another version saved in DIR")


@dataclass(frozen=True)
class Options:
    """The options of a run, checked."""

    devices: tuple[str, ...]
    families: tuple[str, ...]
    invariants: tuple[str, ...]
    promises: tuple[str, ...]
    checkpoints: tuple[str, ...]
    strata: tuple[Stratum, ...]
    examples: int | None
    case: Case | None
    own: tuple[str, str] | None
    issue: Path | None
    program: Program | None
    tables: tuple[Path, ...]
    use_known: bool
    strict_known: bool
    results: Path | None
    corpus: Path | None
    merger: str | None
    seed: int
    left_out: tuple[str, ...]
    beyond_step: int

    @property
    def decoders(self) -> tuple[str, ...]:
        """The chosen families of the grid."""
        return tuple(name for name in self.families if name in DECODERS)

    @property
    def beyond(self) -> tuple[str, ...]:
        """The chosen families of other architectures."""
        return tuple(name for name in self.families if name in BEYOND)

    @classmethod
    def of(
        cls, config: pytest.Config, invariants: tuple[str, ...], promises: tuple[str, ...]
    ) -> Options:
        """Read and check them; raises OptionError with one sentence.

        ``invariants`` are those of lives, ``promises`` those of loading.
        """
        chosen = _matching(config.getoption("--invariant"), (*invariants, *promises))
        kinds = config.getoption("--checkpoint")
        asked = config.getoption("--device") or ["cpu", "cuda"]
        devices = tuple(dict.fromkeys(_chosen("--device", asked, DEVICES)))
        if {"cuda", "emulated"} <= {*devices}:
            # autograd/engine.cpp synchronises with the accelerator, of which there can be one
            raise OptionError("--device emulated cannot go with cuda: torch has one in a process")
        families = chosen_families(config.getoption("--family"))
        covered = chosen_strata(devices, config.getoption("--stratum"))
        examples = number_of_examples(config.getoption("--examples"))
        corpus = config.getoption("--load-corpus")
        text = config.getoption("--case")
        case = _written("--case", text, parse_life)
        program = _written("--program", config.getoption("--program"), parse_program)
        results, issue = (_writable(config, name) for name in ("--results", "--issue"))
        if issue is not None and issue.suffix == ".py":
            raise OptionError(f"--issue {issue}: the text's name ends otherwise, its script's so")
        if corpus and config.getoption("--merger"):
            raise OptionError("--merger cannot go with --load-corpus, whose models are merged")
        if isinstance(case, TunerCase) and (corpus or config.getoption("--merger")):
            raise OptionError("--merger and --load-corpus judge no TunerCase: it is PEFT's alone")
        return cls(
            devices=devices,
            families=families,
            invariants=tuple(name for name in invariants if name in chosen),
            promises=tuple(name for name in promises if name in chosen),
            checkpoints=_chosen("--checkpoint", _split(kinds), tuple(KINDS))
            if kinds
            else tuple(KINDS),
            strata=covered,
            examples=examples,
            case=case,
            own=_own(config, case),
            issue=issue,
            program=program,
            tables=tuple(Path(path) for path in config.getoption("--known-failures") or ()),
            use_known=not config.getoption("--no-known-failures"),
            strict_known=config.getoption("--strict-known-failures"),
            results=results,
            corpus=Path(corpus) if corpus else None,
            merger=config.getoption("--merger"),
            seed=_seed(config),
            left_out=_left_out(profile_of(config), config, named=program is not None),
            # who chose some of the strata wants them all
            beyond_step=1
            if config.getoption("--stratum")
            else BEYOND_STEP.get(profile_of(config), 1),
        )

    def leaves_out(self, path: Path) -> bool:
        """Whether a file of the suite is left out of this run."""
        return path.name in self.left_out and path.parent == Path(__file__).parent


def profile_of(config: pytest.Config) -> str:
    """The name of the profile that was asked for, or of the one that is used unasked."""
    return config.getoption("--hypothesis-profile", None) or "default"


def _left_out(profile: str, config: pytest.Config, *, named: bool) -> tuple[str, ...]:
    """What the profile leaves out of this run; nothing where its subject is ``named``."""
    asked = {Path(arg.split("::")[0]).name for arg in config.args}
    return () if named else tuple(n for n in LEFT_OUT.get(profile, ()) if n not in asked)


Written = TypeVar("Written")


def _written(option: str, text: str | None, parse: Callable[[str], Written]) -> Written | None:
    """The case or the program given, or None; raises OptionError."""
    try:
        return parse(text) if text else None
    except CaseError as error:
        raise OptionError(f"{option}: {error}") from None


def stratum_seed(run_seed: int, stratum: Stratum | ProgramStratum, group: str = "") -> int:
    """A stable seed: one stream for all invariants of a stratum, another for each stratum.

    The device is left out: every device lives the cases of the cpu, so verdicts compare. Each
    ``group`` of families has streams of its own.
    """
    everywhere = replace(stratum, device="cpu")
    digest = hashlib.sha256(f"{run_seed}:{everywhere.id}{group}".encode()).digest()
    return int.from_bytes(digest[:8], "big")


def _writable(config: pytest.Config, name: str) -> Path | None:
    """The file that an option names, in a folder that is there."""
    given = config.getoption(name)
    if not given:
        return None
    path = Path(given).resolve()
    if not path.parent.is_dir():
        raise OptionError(f"{name} {given}: the folder does not exist")
    if path.is_dir():
        raise OptionError(f"{name} {given} is a folder, and a file is wanted")
    if not os.access(path if path.exists() else path.parent, os.W_OK):
        raise OptionError(f"{name} {given} cannot be written")
    return Path(given)


def _own(config: pytest.Config, case: Case | None) -> tuple[str, str] | None:
    """The paths of a user's model and adapter, both or neither."""
    names = ("--model-config", "--adapter-config")
    given = [config.getoption(name) for name in names]
    if given == [None, None]:
        if config.getoption("--issue"):
            raise OptionError("--issue is about the configuration that --model-config names")
        return None
    if None in given:
        missing, present = sorted(names, key=lambda name: config.getoption(name) is not None)
        raise OptionError(f"{present} needs {missing} too: a verdict is about the two together")
    if case is not None or config.getoption("--load-corpus"):
        raise OptionError("--model-config judges your own configuration, not a case or a corpus")
    return given[0], given[1]


def _seed(config: pytest.Config) -> int:
    given = config.getoption("--hypothesis-seed", None)
    if given in (None, "random"):
        return int(getattr(config, "conformance_seed", RUN_SEED))
    try:
        return int(given)
    except ValueError:
        raise OptionError(f"--hypothesis-seed accepts a whole number, not {given!r}") from None


def chosen_families(given: str | None) -> tuple[str, ...]:
    """The families named, all where none is; raises OptionError."""
    every = tuple(FAMILIES)
    return _chosen("--family", _split(given), every) if given else every


def chosen_strata(devices: tuple[str, ...], pattern: str | None) -> tuple[Stratum, ...]:
    """The strata that a pattern matches; raises OptionError where there is none."""
    covered = strata(devices, pattern or "*", tuple(PLACEMENTS))
    if not covered:
        example = strata(devices)[0].id
        raise OptionError(f"--stratum {pattern!r} matches none; ids look like {example}")
    return tuple(covered)


def number_of_examples(given: str | None) -> int | None:
    """The number given, or None; raises OptionError."""
    if given is None:
        return None
    if not given.isdecimal() or len(given) > LONGEST or int(given) < 1:
        raise OptionError(f"--examples accepts a whole number from 1 on, not {given!r}")
    return int(given)


def _split(text: str) -> list[str]:
    return [part.strip() for part in text.split(",") if part.strip()]


def _chosen(option: str, asked: list[str], accepted: tuple[str, ...]) -> tuple[str, ...]:
    unknown = [name for name in asked if name not in accepted]
    if unknown or not asked:
        listed = ", ".join(accepted)
        raise OptionError(f"{option} accepts {listed}, not {', '.join(unknown) or 'nothing'}")
    return tuple(asked)


def _matching(text: str | None, accepted: tuple[str, ...]) -> tuple[str, ...]:
    if text is None:
        return accepted
    found: list[str] = []
    for pattern in _split(text):
        matches = [name for name in accepted if fnmatchcase(name, pattern)]
        if not matches:
            raise OptionError(f"--invariant {pattern!r} names none of {', '.join(accepted)}")
        found.extend(matches)
    return tuple(name for name in accepted if name in found)
