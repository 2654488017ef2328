"""Reading and checking the options of a run."""

from __future__ import annotations

import os
from collections.abc import Sequence
from fnmatch import fnmatchcase
from pathlib import Path
from typing import TYPE_CHECKING, Any

from conformance.core.device_names import DEVICES
from conformance.core.grid import Stratum, strata
from conformance.core.kind import AnyCase, Kind, parse
from conformance.core.literals import CaseError
from conformance.core.options import RUN_SEED, OptionError, Options
from conformance.core.placements import PLACEMENTS
from conformance.kinds import kind_of
from conformance.kinds.loading.case import KINDS
from conformance.kinds.programs.kind import PROGRAMS
from conformance.running.arguments import profile_of
from tiny_models.families import FAMILIES

if TYPE_CHECKING:
    import pytest

SUITE = Path(__file__).parents[1]
LONGEST = 9  # digits of a number of examples
BEYOND_STEP = {"dev": 2}
"""Of the strata of the other architectures, one in so many; where nothing is said, all."""

LEFT_OUT = {"dev": ("test_tuners.py", "test_sequences.py", "test_causes.py")}
"""Files of the suite that a profile runs only where they are named."""


def read(config: pytest.Config, kinds: Sequence[Kind[Any, Any]]) -> Options:
    """Read and check the options of a run that has these kinds of test.

    Raises OptionError with one sentence.
    """
    corpus = config.getoption("--load-corpus")
    accepted = _invariants(kinds, crossing=bool(corpus))
    chosen = _matching(config.getoption("--invariant"), accepted)
    checkpoints = config.getoption("--checkpoint")
    asked = config.getoption("--device") or ["cpu", "cuda"]
    devices = tuple(dict.fromkeys(_chosen("--device", asked, DEVICES)))
    if {"cuda", "emulated"} <= {*devices}:
        # autograd/engine.cpp synchronises with the accelerator, of which there can be one
        raise OptionError("--device emulated cannot go with cuda: torch has one in a process")
    families = chosen_families(config.getoption("--family"))
    covered = chosen_strata(devices, config.getoption("--stratum"))
    examples = number_of_examples(config.getoption("--examples"))
    case = _case(config, kinds)
    results, issue = (_writable(config, name) for name in ("--results", "--issue"))
    if issue is not None and issue.suffix == ".py":
        raise OptionError(f"--issue {issue}: the text's name ends otherwise, its script's so")
    merger, profile = config.getoption("--merger"), profile_of(config)
    if corpus and merger:
        raise OptionError("--merger cannot go with --load-corpus, whose models are merged")
    if case is not None and (corpus or merger) and not kind_of(case, kinds).merges:
        name = type(case).__name__
        raise OptionError(f"--merger and --load-corpus judge no {name}: it is PEFT's alone")
    return Options(
        devices=devices,
        families=families,
        invariants=chosen,
        checkpoints=_chosen("--checkpoint", _split(checkpoints), tuple(KINDS))
        if checkpoints
        else tuple(KINDS),
        strata=covered,
        profile=profile,
        examples=examples,
        case=case,
        user_config=_user_config(config, case),
        issue=issue,
        tables=tuple(Path(path) for path in config.getoption("--known-failures") or ()),
        use_known=not config.getoption("--no-known-failures"),
        strict_known=config.getoption("--strict-known-failures"),
        results=results,
        corpus=Path(corpus) if corpus else None,
        merger=merger,
        seed=_seed(config),
        left_out=_left_out(profile, config, named=case is not None),
        # who chose some of the strata wants them all
        beyond_step=1 if config.getoption("--stratum") else BEYOND_STEP.get(profile, 1),
    )


def leaves_out(options: Options, path: Path) -> bool:
    """Whether a file of the suite is left out of this run."""
    return path.name in options.left_out and path.parent == SUITE


def _invariants(kinds: Sequence[Kind[Any, Any]], *, crossing: bool) -> tuple[str, ...]:
    """The ids of all that a run may judge: of what crosses versions, or of everything else."""
    of = [kind for kind in kinds if kind.crosses is crossing]
    return tuple(dict.fromkeys(name for kind in of for name in kind.checks))


def _case(config: pytest.Config, kinds: Sequence[Kind[Any, Any]]) -> AnyCase | None:
    """The one case given: of any kind with ``--case``, a program with ``--program``."""
    written = {name: config.getoption(name) for name in ("--case", "--program")}
    given = {name: text for name, text in written.items() if text}
    if len(given) > 1:
        raise OptionError("--case and --program each name the one case to judge, so not both")
    for name, text in given.items():
        try:
            case: AnyCase = parse(text, kinds if name == "--case" else (PROGRAMS,))
        except CaseError as error:
            raise OptionError(f"{name}: {error}") from None
        return case
    return None


def _left_out(profile: str, config: pytest.Config, *, named: bool) -> tuple[str, ...]:
    """What the profile leaves out of this run; nothing where a case is ``named``."""
    asked = {Path(arg.split("::")[0]).name for arg in config.args}
    return () if named else tuple(n for n in LEFT_OUT.get(profile, ()) if n not in asked)


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


def _user_config(config: pytest.Config, case: AnyCase | None) -> tuple[str, str] | None:
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
