"""The suite on stub lives, as a pytest of its own in a folder of its own."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]
ITEMS = str(ROOT / "conformance" / "test_invariants.py")

# Lives without stages: every promise that reads one is not run, and `life-completes` breaks where
# a test wants it to. Patched when pytest starts, in workers too.
STUB = """
import os
import signal
from pathlib import Path
import pytest


@pytest.hookimpl(tryfirst=True)
def pytest_cmdline_main(config):
    from conformance.causes import read
    from conformance import hooks
    from conformance.kinds.lifecycle.kind import Lifecycle
    from conformance.core.observation import Observation, Trouble

    lives = []

    def observe(self, case):
        lives.append(case)
        if len(lives) == {interrupt}:
            os.kill(os.getpid(), signal.{signal})
        with Path(__file__).with_name("cases.log").open("a") as log:
            log.write(repr(case) + "\\n")
        said = Trouble("merged", "main", "ValueError", "stub", "peft", deliberate=True)
        return Observation(case, names={{}}, troubles=(said,) if {broken} else ())

    Lifecycle.observe = observe
    hooks.import_problem = lambda: None
    read.OURS = Path(__file__).with_name("causes")
"""

TABLE = """
[[cause]]
id = "stub-{family}"
title = "A stub"
effect = "A stub."
severity = "obscure-crash"
stands = "confirmed"
package = "peft"
function = "peft.stub"
link = "unreported"
searched = "nothing"
when = "family == '{family}'"
explains = {{ life-completes = "unexpected-error" }}
"""


class Suite:
    """The suite on stub lives, in a folder of its own."""

    def __init__(self, pytester: pytest.Pytester) -> None:
        self.pytester = pytester
        self.path = pytester.path
        (self.path / "causes").mkdir()
        self.stub()

    def stub(self, broken: str = "False", interrupt: int = 0, signal: str = "SIGINT") -> None:
        """Lives end in an error where ``broken`` is true of ``case``; one gets a signal."""
        made = STUB.format(broken=broken, interrupt=interrupt, signal=signal)
        self.pytester.makepyfile(stub_life=made)

    def run(self, *options: str, items: str = ITEMS, stub: bool = True) -> pytest.RunResult:
        plugin = ("-p", "stub_life") if stub else ()
        cache = f"cache_dir={self.path / 'cache'}"
        command = [sys.executable, "-m", "pytest", *plugin, "-o", cache, items, *options]
        return self.pytester.run(*command)

    def judge(self, *options: str) -> tuple[pytest.RunResult, list[dict[str, Any]]]:
        """Run on the CPU; the result and the lines of the results file."""
        file = self.path / "results.jsonl"
        done = self.run("--device", "cpu", "--results", str(file), *options)
        return done, [json.loads(line) for line in file.read_text().splitlines()]

    def cases(self) -> list[str]:
        """All cases lived since the last call."""
        log = self.path / "cases.log"
        lines = log.read_text().splitlines()
        log.unlink()
        return lines


def sentence(done: pytest.RunResult) -> str:
    """The one line a usage error prints; fails if there is more, or another exit status."""
    assert done.ret == pytest.ExitCode.USAGE_ERROR
    said = [line for line in [*done.outlines, *done.errlines] if line.strip()]
    assert len(said) == 1, said
    assert said[0].startswith("ERROR: ")
    return said[0].removeprefix("ERROR: ")
