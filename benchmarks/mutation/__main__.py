"""``python -m benchmarks.mutation`` asks whether the suite notices a change of PEFT's own code.

Each mutant is a copy of the installed package with one change, put first on PYTHONPATH; the
environment stays as it is. The suite runs on it with the declared failures, until the first
failure or the time limit.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import resource
import shutil
import signal
import subprocess
import sys
from collections import Counter
from importlib.util import find_spec
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from benchmarks.mutation.sites import Site, mutated, sites
from conformance.versions import installed

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

ROOT = Path(__file__).parents[2]
SCOPE = tomllib.loads(Path(__file__).with_name("scope.toml").read_text(encoding="utf-8"))
PARTS = ("smoke", "regressions", "invariants", "known_failures")
KILLED = {1: "killed", 4: "killed at import"}  # pytest's exit statuses


def package() -> Path:
    """The folder of the installed PEFT; raises SystemExit where it is another release."""
    found = find_spec("peft")
    if found is None or not found.origin or installed("peft") != SCOPE["peft"]:
        raise SystemExit(f"the scope is of PEFT {SCOPE['peft']}, not {installed('peft')}")
    return Path(found.origin).parent


def sample(source: Path) -> list[Site]:
    """The mutants of the scope, in an order that its seed decides."""
    every = [
        site
        for file, names in SCOPE["files"].items()
        for site in sites(file, (source / file).read_text("utf-8"), names, SCOPE["operators"])
    ]
    random.Random(SCOPE["seed"]).shuffle(every)  # noqa: S311  a sample, no secret
    return every[: SCOPE["sample"]]


def judge(source: Path, site: Site | None) -> dict[str, Any]:
    """Run the suite on one mutant, or on the package as it is but for its layout (None)."""
    with TemporaryDirectory(prefix="mutant-") as folder:
        copy = Path(folder) / "peft"
        shutil.copytree(source, copy, ignore=shutil.ignore_patterns("__pycache__"))
        if site is not None:
            file = copy / site.file
            file.write_text(mutated(file.read_text("utf-8"), site), encoding="utf-8")
        # what is quick first; loading plain models asks nothing of PEFT
        parts = [f"conformance/test_{part}.py" for part in PARTS]
        command = [sys.executable, "-W", "ignore", "-m", "pytest", *parts, "-x", "-q"]
        command += ["-p", "benchmarks.mutation.no_shrink", "-p", "no:cacheprovider"]
        command += ["--hypothesis-profile", "dev", "--device", "cpu", "--no-header"]
        env = {**os.environ, "PYTHONPATH": f"{folder}{os.pathsep}{ROOT}"}
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        done = subprocess.run(
            command,
            cwd=ROOT,
            env=env,
            preexec_fn=_limit,
            capture_output=True,
            text=True,
            check=False,
        )
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
    failed = [line for line in done.stdout.splitlines() if line.startswith("FAILED")]
    by = failed[0].split("::")[-1] if failed else ""
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    if done.returncode == -signal.SIGXCPU:
        by = f"no failure in {SCOPE['seconds']} s"
    result = KILLED.get(done.returncode, "survived")
    return {"result": result, "by": by, "cpu": round(cpu, 1)}


def _limit() -> None:
    """Seconds of CPU, so that a busy machine changes no result."""
    resource.setrlimit(resource.RLIMIT_CPU, (SCOPE["seconds"], SCOPE["seconds"] + 5))


def main() -> int:
    """Run the mutants that the file does not have yet, as many as are asked for."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.mutation", description=__doc__)
    parser.add_argument("--results", type=Path, required=True, metavar="FILE", help="JSON lines")
    parser.add_argument("--first", type=int, default=SCOPE["sample"], metavar="N")
    parser.add_argument("--list", action="store_true", help="name the mutants and run none")
    given = parser.parse_args()
    source = package()
    chosen = sample(source)[: given.first]
    if given.list:
        print("\n".join(map(str, chosen)))
        return 0
    done = set()
    if given.results.exists():
        lines = given.results.read_text(encoding="utf-8").splitlines()
        done = {json.loads(line)["mutant"] for line in lines}
    for site in (None, *chosen):
        name = "no mutant" if site is None else str(site)
        if name not in done:
            row = {"mutant": name, **judge(source, site)}
            with given.results.open("a", encoding="utf-8") as file:
                file.write(f"{json.dumps(row)}\n")
            print(*row.values(), sep="  ", flush=True)
    rows = [json.loads(line) for line in given.results.read_text("utf-8").splitlines()]
    print(dict(Counter(row["result"] for row in rows if row["mutant"] != "no mutant")))
    return 0


if __name__ == "__main__":
    sys.exit(main())
