"""The scripts of issues about users' configurations: run, and held against what the suite found.

A script has words of its own. What it must name is what the suite names: whose logits, weights or
flag, at which stage, and by how much, to the digits that are printed; of weights that a loader made
up at random there is no amount to agree on.
"""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

from scripts import Ended

from conformance.core.finding import Finding
from conformance.kinds.user_config.run import OwnLife
from conformance.reproducer.issue import issue
from conformance.reproducer.user_config import SCRIPTS

# What a script calls what a finding is about, and the words around the amount.
SAID = {
    r"logits of merged differ from trained": "logits after merge_and_unload: they differ by {}",
    r"logits of adapter-reloaded differ from trained": (
        "logits of the reloaded adapter: they differ by {}"
    ),
    r"logits of reloaded differ from merged": "logits after the reload: they differ by {}",
    r"logits of read differ from merged": "logits of the plain reader: they differ by {}",
    r"logits of trained differ from defined": "logits by definition: they differ by {}",
    r"logits of (\S+) differ from defined": "logits by definition: they differ by {}",
    r"parameter (\S+) changed by reload": r"weights after the reload: none has changed: .*\1.* ",
    r"config\.json points to the tensor (\S+), which is not in the file": (
        r"what config\.json points to is in the file: .*\1"
    ),
    r"at (\S+), (\S+) is (\S+) but the weights are (.*)": r"\1: \2=\3: the weights are \4",
    r"saved (\S+) is (\S+) but the file holds two different tensors": (
        r"saved \1 is \2: one head in the file"
    ),
    r"saved (\S+) is (\S+) but the file holds no head": r"saved \1 is \2: a head in the file",
}
FROM_A_FILE = ("reload-keeps-logits", "config-driven-loader-agrees")
STAGES = {"adapted": "wrapped"}
"""What scripts call stages otherwise."""


def expected(finding: Finding, *, made_up: bool = False) -> str:
    """What a script must print of a finding, as a regular expression."""
    for about, said in SAID.items():
        match = re.fullmatch(about, finding.what)
        if match:
            text = said
            for number, group in enumerate(match.groups(), 1):
                text = text.replace(f"\\{number}", re.escape(STAGES.get(group, group)))
            amount = "" if finding.amount is None else re.escape(f"{finding.amount:.3g}")
            return text.replace("{}", "[0-9]" if made_up else f"{amount}(?![0-9.e])")
    raise ValueError(f"no script is known to say: {finding.what}")


def issue_of(life: OwnLife) -> tuple[str, str]:
    """The promise that the issue is about, and its script."""
    found = issue(life)
    assert found is not None
    losses = [name for name, _ in life.answer.losses]
    return next((name for name in losses if name in SCRIPTS), losses[0]), found.script


def run(script: str, folder: Path) -> Ended:
    """How a script ends that is run alone, as one who gets the issue runs it."""
    path = folder / "issue.py"
    path.write_text(script, encoding="utf-8")
    done = subprocess.run(
        [sys.executable, "-I", path.name], cwd=folder, capture_output=True, text=True, check=False
    )
    return Ended(done.returncode, done.stdout + done.stderr)


def differences(life: OwnLife, ended: Ended) -> list[str]:
    """Where a script of a life's issue does not say what the suite found."""
    invariant, _ = issue_of(life)
    report = life.seen.loading.get("reloaded")
    made_up = invariant in FROM_A_FILE and report is not None and bool(report.missing)
    wrong = [] if ended.status == 1 else [f"exit status {ended.status}: {ended.output[-500:]}"]
    for name, finding in life.answer.losses:
        wanted = expected(finding, made_up=made_up) if name == invariant else ""
        if not any(re.search(wanted, line) for line in ended.broken):
            wrong.append(f"not said: {finding}")
    return wrong
