"""``python -m benchmarks.remedies --peft-tests DIR``: what PEFT's own tests say of the remedies.

The tests of weight tying and merging, which build their own models, run on the installed PEFT and
on a copy of it that has all remedies.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from xml.etree import ElementTree as ET

from benchmarks.mutation.suites import PLAIN, THEIRS, of_peft
from conformance.causes.read import ours
from conformance.causes.remedies import PACKAGE, installed, remedied

CHOSEN = "TestWeightTying or merge"
GOOD = ("passed", "skipped")


def outcomes(inside: Path, workers: str, first: Path | None = None) -> dict[str, str]:
    """How each of the chosen tests ends, with the package in ``first`` where one is given."""
    report = inside / "outcomes.xml"
    path = os.pathsep.join(map(str, filter(None, (first, os.environ.get("PYTHONPATH")))))
    files = (f"tests/test_{name}.py" for name in THEIRS)
    how = (*PLAIN, "-n", workers, "-k", CHOSEN, "--junitxml", str(report))
    command = (sys.executable, "-m", "pytest", *files, *how)
    subprocess.run(
        command,
        cwd=inside,
        env={**os.environ, "PYTHONPATH": path},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        check=False,
    )
    return read(report)


def read(report: Path) -> dict[str, str]:
    """Passed, failed, error or skipped, by name, of a report in JUnit's form."""
    found = {}
    for case in ET.parse(report).iter("testcase"):  # noqa: S314  our own pytest wrote it
        ends = [child.tag for child in case if child.tag in ("failure", "error", "skipped")]
        name = f"{case.get('classname')}::{case.get('name')}"
        found[name] = {"failure": "failed"}.get(ends[0], ends[0]) if ends else "passed"
    return found


def worse(before: Mapping[str, str], after: Mapping[str, str]) -> list[str]:
    """The tests that were good and are not any more."""
    return [
        f"{name}: {ended}, and {after.get(name, 'missing')} with the remedies"
        for name, ended in before.items()
        if ended in GOOD and after.get(name) not in GOOD
    ]


def told(outcomes: Mapping[str, str]) -> str:
    """How many ended how."""
    return ", ".join(f"{number} {ended}" for ended, number in Counter(outcomes.values()).items())


def main(argv: Sequence[str] | None = None) -> int:
    """Run the tests twice; 1 if the remedies make any of them worse."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.remedies", description=__doc__)
    parser.add_argument(
        "--peft-tests",
        type=Path,
        required=True,
        metavar="DIR",
        help="of PEFT's source distribution",
    )
    parser.add_argument("-n", default="2", metavar="N", help="workers of a run, 2 unless said")
    given = parser.parse_args(argv)
    package = installed()
    if package is None:
        parser.error(f"{PACKAGE} is not installed")
    with of_peft(given.peft_tests) as suite, TemporaryDirectory(prefix="remedied-") as folder:
        copy = Path(folder) / PACKAGE
        done = remedied(ours(), package, copy)
        before = outcomes(suite.folder, given.n)
        after = outcomes(suite.folder, given.n, copy.parent)
    if "passed" not in before.values():
        parser.exit(2, f"none of the tests in {given.peft_tests} passes on the installed PEFT\n")
    print(f"as installed: {told(before)}")
    print(f"with {len(done.applied)} remedies: {told(after)}")
    found = worse(before, after)
    print("\n".join(found or ["no test is worse with the remedies"]))
    return int(bool(found))


if __name__ == "__main__":
    raise SystemExit(main())
