"""Whether the allowances of lives in half precision cry wolf, or sleep.

    python -m benchmarks.precision --lives N --to FILE [--device NAME] [--seed N] [--write]

Lives in float16 and bfloat16 over the whole grid, drawn as the suite draws them, each once; every
invariant judges each. A finding that nobody declared is a false alarm, until somebody shows that
it is not. Every comparison of logits that holds is then made again with a fault: the logits of
the later stage moved, in the direction in which rounding moves them, by four times what is
allowed. FILE keeps a line for each life: a second call goes on where the first ended.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field, replace
from itertools import count
from pathlib import Path

from benchmarks.table import show
from conformance.causes.known import Known
from conformance.core.bits import distance
from conformance.core.case import Case
from conformance.core.device_names import DEVICES
from conformance.core.grid import strata
from conformance.core.observation import NUDGED, Observation
from conformance.core.options import RUN_SEED
from conformance.core.tolerances import coarsest, drowned, logits_allowance, strays
from conformance.core.versions import versions
from conformance.kinds.lifecycle.checks import INVARIANTS
from conformance.kinds.lifecycle.observe import observe
from conformance.kinds.lifecycle.proof import require_informative
from conformance.running.drawn import drawn

HALF = ("bfloat16", "float16")
FAULT = 4
"""Times the allowance."""
EXAMPLES = 24
"""Of a stratum in each round, of which three in eight are in half precision."""
COMPARED = {
    "merge-keeps-logits": ("trained", "merged"),
    "reload-keeps-logits": ("merged", "reloaded"),
    "adapter-keeps-logits": ("trained", "adapter-reloaded"),
    "wrapping-keeps-logits": ("base", "adapted"),
    "forward-follows-definition": ("defined", "trained"),
    "disabled-is-base": ("base", "disabled"),
    "config-driven-loader-agrees": ("merged", "read"),
    "unmerge-restores": ("trained", "unmerged"),
    "unload-restores-base": ("base", "unloaded"),
}
"""The stages whose logits an invariant compares; the later one is moved."""


@dataclass
class Life:
    """What one life showed.

    ``held`` are the comparisons within their allowance, ``worst`` the largest difference / allowed
    of them; ``missed`` the faults that were not seen there. ``beyond`` are those of a declared
    failure, ``least`` the smallest difference / allowed of them: near 1, rounding may hide there.
    ``made`` are the versions it was lived with, by package.
    """

    case: str
    dtype: str
    alarms: list[str] = field(default_factory=list)
    drowned: bool = False
    held: int = 0
    worst: float = 0.0
    missed: list[str] = field(default_factory=list)
    beyond: int = 0
    least: float | None = None
    made: dict[str, str] = field(default_factory=dict)


def half(run_seed: int, device: str = "cpu") -> Iterator[Case]:
    """Cases in half precision over the grid of a device, round after round, each once."""
    met: set[Case] = set()
    for number in count():
        for stratum in strata((device,)):
            for case in drawn(stratum, EXAMPLES, run_seed + number):
                if case.dtype in HALF and case not in met:
                    met.add(case)
                    yield case


def lived(case: Case, known: Known) -> Life:
    """Live one case; judge it, and judge it again with each fault."""
    seen = observe(case)
    require_informative(seen)
    life = Life(repr(case), case.dtype, drowned=bool(drowned(seen)), made=versions())
    for invariant in INVARIANTS.values():
        judgement = invariant.judge(seen)
        found, _ = known.undeclared(invariant.id, judgement.findings, seen)
        life.alarms += [f"{invariant.id}: {finding}" for finding in found]
        pair = COMPARED.get(invariant.id)
        allowed = _allowed(seen, *pair) if pair else 0.0
        if not pair or not allowed or judgement.verdict not in {"holds", "breaks"}:
            continue
        if invariant.id == "unmerge-restores" and strays(seen):
            continue  # its logits are not compared
        one, other = (seen.stages[stage].logits for stage in pair)
        assert one is not None
        assert other is not None
        ratio = distance(one, other) / allowed
        if not ratio <= 1:
            life.beyond += 1
            life.least = ratio if life.least is None else min(life.least, ratio)
            continue
        life.held += 1
        life.worst = max(life.worst, ratio)
        again = invariant.judge(faulty(seen, pair[1], FAULT * allowed))
        if not any(finding.subject == "logits" for finding in again.findings):
            life.missed.append(invariant.id)
    return life


def _allowed(seen: Observation, one: str, other: str) -> float:
    """How far apart two stages must be to be broken; 0 where one of them is absent."""
    if not {one, other} <= seen.stages.keys():
        return 0.0
    dtype = ""
    if other == "reloaded" and seen.case.reload_dtype != "same":
        dtype = coarsest(seen.case.dtype, seen.case.reload_dtype)
    first, second = seen.stages[one].logits, seen.stages[other].logits
    return logits_allowance(seen, first, second, dtype=dtype).breaks


def faulty(seen: Observation, stage: str, amount: float) -> Observation:
    """The same life, the logits of one stage moved as rounding moves those of its plain model."""
    plain = seen.stages["defined" if "defined" in seen.stages else "base"].logits
    nudged = seen.stages[NUDGED[0]].logits
    now = seen.stages[stage].logits
    assert plain is not None
    assert nudged is not None
    assert now is not None
    direction = nudged.double() - plain.double()
    moved = now.double() + amount * direction / float(direction.abs().max())
    return replace(seen, stages={**seen.stages, stage: replace(seen.stages[stage], logits=moved)})


def kept(file: Path) -> dict[str, Life]:
    """The lives that a file keeps, by case."""
    lines = file.read_text().splitlines() if file.exists() else []
    return {life.case: life for life in (Life(**json.loads(line)) for line in lines)}


def rows(lives: list[Life]) -> dict[str, str]:
    """The figures of each dtype."""
    found: dict[str, str] = {}
    for dtype in HALF:
        mine = [life for life in lives if life.dtype == dtype]
        held = sum(life.held for life in mine)
        least = min((life.least for life in mine if life.least is not None), default=0.0)
        beyond = sum(life.beyond for life in mine)
        found |= {
            f"false alarms in {len(mine)} lives in {dtype}": str(sum(bool(x.alarms) for x in mine)),
            f"of these lives, rounding moves as much as the adapter in ({dtype})": str(
                sum(life.drowned for life in mine)
            ),
            f"worst difference / allowed, of {held} comparisons of logits in {dtype}": (
                f"{max((life.worst for life in mine), default=0.0):.2f}"
            ),
            f"faults of {FAULT} allowances not seen, of {held} in {dtype}": str(
                sum(len(life.missed) for life in mine)
            ),
            f"least difference / allowed, of {beyond} in {dtype} that a declared failure is in": (
                f"{least:.2f}"
            ),
        }
    return found


def main() -> int:
    """Measure, print, and say by the exit status whether any allowance is wrong."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--lives", type=int, default=200)
    parser.add_argument("--to", type=Path, required=True, help="a line for each life is kept here")
    parser.add_argument("--device", choices=DEVICES, default="cpu")
    parser.add_argument("--seed", type=int, default=RUN_SEED)
    parser.add_argument("--write", action="store_true", help="write the table into the README")
    arguments = parser.parse_args()
    known, lives = Known.load(), kept(arguments.to)
    with arguments.to.open("a") as file:
        for case in half(arguments.seed, arguments.device):
            if len(lives) >= arguments.lives:
                break
            if repr(case) not in lives:
                life = lives[repr(case)] = lived(case, known)
                file.write(json.dumps(asdict(life)) + "\n")
                file.flush()
    show(
        f"precision-{arguments.device}",
        rows(list(lives.values())),
        write=arguments.write,
        made=next((life.made for life in lives.values() if life.made), {}),
    )
    wrong = [life for life in lives.values() if life.alarms or life.missed]
    for life in wrong:
        print(f"{life.case}: {'; '.join(life.alarms)}; not seen: {', '.join(life.missed)}")
    return int(bool(wrong))


if __name__ == "__main__":
    raise SystemExit(main())
