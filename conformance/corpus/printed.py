"""What a failure of an arrival prints."""

from __future__ import annotations

from collections.abc import Sequence

from conformance.corpus.manifest import Corpus
from conformance.invariants import Invariant
from conformance.observation import Observation
from conformance.printed import found_lines, indented, known
from conformance.versions import one_line
from conformance.violation import Finding


def failure_text(
    invariant: Invariant, findings: Sequence[Finding], seen: Observation, corpus: Corpus
) -> str:
    """INVARIANT, CASE, FOUND, SOURCE, SAVER, WITH, SAVE, RERUN and KNOWN, in that order."""
    peft, transformers = corpus.saver["peft"], corpus.saver["transformers"]
    ranges = f'saver_peft = "=={peft}"\nsaver_transformers = "=={transformers}"\nwhere'
    entry = known(seen.case, invariant.id, findings[0]).replace("where", ranges, 1)
    rerun = f"pytest conformance --load-corpus {corpus.path} --no-known-failures"
    return "\n".join(
        [
            f"INVARIANT {invariant.id}: {invariant.promise}",
            f"CASE      {seen.case!r}",
            *found_lines(findings, seen),
            f"SOURCE    {invariant.source}",
            f"SAVER     {corpus.saved_by}",
            f"WITH      {one_line()}",
            f'SAVE      python -m conformance save-corpus DIR --case "{seen.case!r}"',
            f'RERUN     {rerun} --invariant {invariant.id} --case "{seen.case!r}"',
            "KNOWN     an entry for known_failures.toml:",
            *indented(entry.splitlines()),
        ]
    )
