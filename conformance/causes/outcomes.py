"""Whether a cause is in the installed packages: its script is run, once a run, when first asked."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
import weakref
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from conformance.causes.cause import Cause
from conformance.causes.runner import CRASHED, LONGEST, OUTSIDE

BROKEN, KEPT, UNKNOWN, FAILED = "broken", "kept", "cannot tell", "failed"
RESULTS: Mapping[int, str] = {1: BROKEN, 0: KEPT, 125: UNKNOWN}
"""What the exit status of a script says."""


@dataclass(frozen=True)
class Outcome:
    """What a script said: ``broken``, ``kept``, ``cannot tell``, or ``failed`` with the reason.

    ``output`` is the line that it printed.
    """

    result: str
    output: str = ""
    reason: str = ""


AT_ITS_WORD = Outcome(BROKEN, "no script")
"""Of a cause without a script, which a user's file may have."""


def judged(cause: Cause, answer: Mapping[str, Any]) -> Outcome:
    """What the answer of the runner says of a cause."""
    status, output = answer["status"], answer["output"]
    if status in RESULTS:
        return Outcome(RESULTS[status], output)
    if status is None:
        why = f"runs over {LONGEST} s"
    elif status == OUTSIDE:
        why = f"writes outside its temporary folder: {output}"
    elif status == CRASHED:
        why = f"ends in an error: {output}"
    else:
        why = f"exits with {status}, where 1 (broken), 0 (kept) and 125 (cannot tell) are accepted"
    return Outcome(FAILED, output, f"the script of {cause.id} ({cause.script}) {why}")


def _importable() -> list[str]:
    """Where the runner finds this package, wherever it is started."""
    given = os.environ.get("PYTHONPATH", "")
    return [*filter(None, given.split(os.pathsep)), str(Path(__file__).parents[2])]


class Runner:
    """A process that runs scripts; ``without`` has it import PEFT for none but each by itself."""

    def __init__(self, *arguments: str) -> None:
        self._folder = TemporaryDirectory(prefix="causes-")
        self._process = subprocess.Popen(
            [sys.executable, "-W", "ignore", "-m", "conformance.causes.runner", *arguments],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env={**os.environ, "PYTHONPATH": os.pathsep.join(_importable())},
            text=True,
            encoding="utf-8",
        )
        # whoever forgets to close it: the process ends with what made it
        self.close = weakref.finalize(self, _end, self._process, self._folder)
        """End the process, and remove what scripts wrote."""

    def run(self, cause: Cause, first: str = "") -> Outcome:
        """What the script of a cause says; with a folder ``first`` on its path, of that."""
        assert cause.script is not None
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        folder = Path(self._folder.name) / cause.id
        asked = {"script": str(cause.script.resolve()), "folder": str(folder), "first": first}
        self._process.stdin.write(json.dumps(asked) + "\n")
        self._process.stdin.flush()
        line = self._process.stdout.readline()
        if not line:
            return Outcome(FAILED, reason=f"the script of {cause.id} cannot be run here")
        return judged(cause, json.loads(line))


def _end(process: subprocess.Popen[str], folder: TemporaryDirectory[str]) -> None:
    for pipe in (process.stdin, process.stdout):
        assert pipe is not None
        pipe.close()
    process.wait()
    folder.cleanup()


@dataclass
class Outcomes:
    """The outcomes of one run; ``shared`` is a folder that all its processes have in common."""

    shared: Path | None = None
    _known: dict[str, Outcome] = field(default_factory=dict)
    _runner: Runner | None = None

    def of(self, cause: Cause) -> Outcome:
        """What the script of a cause says here."""
        if cause.script is None:
            return AT_ITS_WORD
        if cause.id not in self._known:
            self._known[cause.id] = self._of_all(cause)
        return self._known[cause.id]

    def close(self) -> None:
        """End the process that runs scripts."""
        if self._runner is not None:
            self._runner.close()
            self._runner = None

    def _of_all(self, cause: Cause) -> Outcome:
        """What another process found, or what this one finds for all."""
        if self.shared is None:
            return self._run(cause)
        found, claim = (self.shared / f"{cause.id}.{ending}" for ending in ("json", "claim"))
        try:
            os.close(os.open(claim, os.O_CREAT | os.O_EXCL))
        except FileExistsError:
            until = time.monotonic() + LONGEST + 10
            while time.monotonic() < until:
                if found.exists():
                    return Outcome(**json.loads(found.read_text(encoding="utf-8")))
                time.sleep(0.02)
        outcome = self._run(cause)
        beside = found.with_suffix(f".{os.getpid()}")
        beside.write_text(json.dumps(vars(outcome)), encoding="utf-8")
        beside.replace(found)
        return outcome

    def _run(self, cause: Cause) -> Outcome:
        if self._runner is None:
            self._runner = Runner()
        return self._runner.run(cause)
