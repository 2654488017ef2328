"""pytest in forks of this process, which has imported everything but PEFT."""

from __future__ import annotations

import os
import resource
import sys
import time
import traceback
import warnings
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from importlib import import_module
from importlib.util import find_spec
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from tiny_models.families import FAMILIES

HEAVY = ("torch", "transformers", "safetensors", "accelerate", "hypothesis", "scipy.stats")
"""What both suites import, or PEFT does."""
BROKEN = 70  # the exit status where something of ours went wrong


@dataclass(frozen=True)
class Ended:
    """How a fork ended: its exit status (negative for a signal), CPU seconds, end of its output."""

    code: int
    cpu: float
    tail: str


def preload() -> float:
    """Import what no mutant changes; returns the CPU seconds, which each run is charged."""
    for name in HEAVY:
        if find_spec(name.partition(".")[0]):
            import_module(name)
    transformers = import_module("transformers")
    for family in FAMILIES.values():
        getattr(transformers, family.model, None)  # its modules are imported at the first look
    return time.process_time()


def forked(folder: Path, work: Callable[[], int], seconds: float = 0) -> Ended:
    """Call ``work`` in a fork with ``folder`` first on sys.path, for so many seconds of CPU.

    0 is no limit. What ``work`` returns is the exit status.
    """
    if "peft" in sys.modules:
        raise SystemExit("PEFT was imported before there was a mutant of it")
    log = folder / "output.txt"
    child = os.fork()
    if child == 0:
        _become(folder, log, work, seconds)
    _, status, used = os.wait4(child, 0)
    tail = log.read_text(encoding="utf-8", errors="replace")[-4000:]
    return Ended(os.waitstatus_to_exitcode(status), used.ru_utime + used.ru_stime, tail)


def _become(folder: Path, log: Path, work: Callable[[], int], seconds: float) -> None:
    """Never returns."""
    code = BROKEN
    try:
        if seconds:
            limit = max(1, round(seconds))
            resource.setrlimit(resource.RLIMIT_CPU, (limit, limit + 5))
        output = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
        os.dup2(output, 1)
        os.dup2(output, 2)
        sys.path.insert(0, str(folder))
        sys.dont_write_bytecode = True
        code = work()
    except BaseException:  # noqa: BLE001  the fork must end here, whatever happened
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


def pytest_main(inside: Path, arguments: Sequence[str], plugins: Iterable[Any]) -> int:
    """A whole run of pytest, quiet about warnings."""
    os.chdir(inside)
    sys.warnoptions[:] = ["ignore"]
    warnings.simplefilter("ignore")
    return int(pytest.main(list(arguments), plugins=list(plugins)))


class Collected:
    """A pytest plugin: instead of being run, the items are handed over, to be run in forks."""

    def __init__(self, work: Callable[[dict[str, pytest.Item]], None]) -> None:
        self._work = work

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtestloop(self, session: pytest.Session) -> bool:
        """Hand them over, by node id."""
        self._work({item.nodeid: item for item in session.items})
        return True


def run_items(items: Sequence[pytest.Item], failed: Path) -> int:
    """Run items to the first failure, whose id is written; returns pytest's exit status."""
    session = items[0].session
    for item, after in pairwise((*items, None)):
        assert item is not None
        item.config.hook.pytest_runtest_protocol(item=item, nextitem=after)
        if session.testsfailed:
            failed.write_text(item.nodeid, encoding="utf-8")
            return int(pytest.ExitCode.TESTS_FAILED)
    return int(pytest.ExitCode.OK)
