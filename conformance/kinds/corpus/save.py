"""Saving a corpus: lives lived here, their files and what those must come to elsewhere."""

from __future__ import annotations

import shutil
from collections.abc import Iterable, Iterator
from pathlib import Path

from conformance.core.case import Case
from conformance.core.versions import versions
from conformance.kinds.corpus import expected, manifest
from conformance.kinds.corpus.checks import CORPUS
from conformance.kinds.corpus.manifest import KeptLife
from conformance.kinds.lifecycle.branches import adapter
from conformance.kinds.lifecycle.checks import INVARIANTS
from conformance.kinds.lifecycle.observe import living
from conformance.kinds.lifecycle.run import Life
from conformance.kinds.lifecycle.subject import Subject
from conformance.upstream import capabilities
from tiny_models.compat import quiet_progress

KEPT_STAGES = ("base", "merged")


def save_corpus(path: Path, cases: Iterable[Case]) -> Iterator[KeptLife]:
    """Live the cases and write them into an empty folder; yields each life as it is kept."""
    lives = []
    for number, case in enumerate(cases):
        lives.append(kept(case, path, f"life-{number:04}"))
        yield lives[-1]
    manifest.write(path, versions(), lives)


def kept(case: Case, path: Path, name: str) -> KeptLife:
    """Live one case, and keep its files and facts in a folder of that name."""
    lacks = capabilities.lacks(case)
    if lacks:
        return KeptLife(case, lacks=lacks)
    with living(Subject(case)) as life:
        if "trained" in life.stages:
            with life.branch("adapter"):
                adapter(life)
        seen = life.observation()
        stages = {stage: expected.canonical(found) for stage, found in life.stages.items()}
        here = [stage for stage in KEPT_STAGES if stage in stages]
        files = _copy(life, path / name)
        if files:
            expected.write(path / name, stages)
    ordinary = sorted({one for promise in CORPUS.values() for one in promise.excused_by})
    return KeptLife(
        case,
        folder=name if files else "",
        reached=(*(stage for stage in expected.LOGITS if stage in stages), *files),
        own={one: INVARIANTS[one].judge(seen).verdict for one in ordinary},
        troubles=seen.troubles,
        ties={s: tuple(sorted(map(tuple, map(sorted, stages[s].shares)))) for s in here},
        flags={stage: stages[stage].flags for stage in here},
    )


def _copy(life: Life, folder: Path) -> tuple[str, ...]:
    """Put the files of a life where they stay; returns the stages they stand for."""
    found = {"adapter-saved": "adapter", "saved": "merged"}
    found = {stage: name for stage, name in found.items() if name in life.saved}
    if found:
        folder.mkdir()
        with quiet_progress():
            life.fresh_base().save_pretrained(folder / "base")
        for name in found.values():
            shutil.copytree(life.folder / name, folder / name)
    return tuple(found)
