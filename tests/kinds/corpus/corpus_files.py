"""Small corpora for tests, and what can be done to one."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from safetensors.torch import load_file, save_file

from conformance.core.case import Case
from conformance.core.finding import Finding
from conformance.core.invariant import Judgement
from conformance.kinds.corpus.checks import CORPUS
from conformance.kinds.corpus.load import arrive
from conformance.kinds.corpus.manifest import MANIFEST, Corpus, read
from conformance.kinds.corpus.save import save_corpus

TIED = Case(placement="body")
UNTIED = Case(placement="target:both", tied=False)
FUSED = Case(placement="body", tied=False, family="mixtral", seed=1)
RENAMED = Case(placement="save:head", tied=False, family="gpt-neox", seed=2)
HALF = Case(placement="body", family="gpt2", dtype="bfloat16", base="loaded", seed=3)
LIVES = (TIED, UNTIED, FUSED, RENAMED, HALF)


def saved(folder: Path, *cases: Case) -> Corpus:
    """A corpus of these lives, saved here."""
    folder.mkdir(exist_ok=True)
    list(save_corpus(folder, cases))
    return read(folder)


def copied(corpus: Corpus, folder: Path) -> Corpus:
    """A copy to be spoilt."""
    shutil.copytree(corpus.path, folder)
    return read(folder)


def judged(corpus: Corpus, case: Case) -> Mapping[str, Judgement]:
    """What each promise says of one life, loaded now."""
    seen = arrive(corpus, case)
    return {name: promise.judge(seen) for name, promise in CORPUS.items()}


def findings(corpus: Corpus, case: Case) -> dict[str, tuple[Finding, ...]]:
    """What breaks of one life, loaded now."""
    every = judged(corpus, case).items()
    return {name: found.findings for name, found in every if found.verdict == "breaks"}


def change_tensors(corpus: Corpus, case: Case, file: str, change: Callable[[Any], None]) -> None:
    """Write a safetensors file of a life again, changed."""
    path = corpus.path / corpus.lives[case].folder / file
    tensors = {key: tensor.clone() for key, tensor in load_file(path).items()}
    change(tensors)
    save_file(tensors, path, metadata={"format": "pt"})


def change_json(path: Path, change: Callable[[Any], None]) -> None:
    """Write a JSON file again, changed."""
    held = json.loads(path.read_text())
    change(held)
    path.write_text(json.dumps(held))


def change_config(corpus: Corpus, case: Case, file: str, **values: Any) -> None:
    """Change fields of a config of a life."""
    path = corpus.path / corpus.lives[case].folder / file
    change_json(path, lambda config: config.update(values))


def change_manifest(path: Path, **values: Any) -> None:
    """Change fields of the manifest's first life."""
    change_json(path / MANIFEST, lambda held: held["lives"][0].update(values))
