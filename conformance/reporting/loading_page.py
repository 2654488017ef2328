"""What loading makes of each kind of checkpoint, by family and transformers, as Markdown."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence

from conformance.causes.cause import Cause
from conformance.core.record import Record
from conformance.kinds.loading.case import KINDS, LoadingCase, loading_cases
from conformance.reporting.environments import Cell
from conformance.reporting.markdown import table
from tiny_models.families import FAMILIES

SIGNS = {
    "right": "✓",
    "untied": "≠ untied",
    "false alarm": "! false alarm",
    "told": "✗ told",
    "silent": "✗✗ silent",
    "fails": "✗✗ error",
    "absent": "–",
    "error": "E",
    "not run": "?",
}
MEANINGS = {
    "right": "every tensor is what was saved, what was tied is tied, and the report is true",
    "untied": "every tensor is what was saved, but what was one is several: training parts them",
    "false alarm": "every tensor is what was saved, and the report or the log names one as missing",
    "told": "a tensor or the outputs are not what was saved, and the report names a key",
    "silent": "a tensor or the outputs are not what was saved, and nothing says so",
    "fails": "loading ends in an error",
    "absent": "this transformers has no such model or writes no such file",
    "error": "the suite itself went wrong",
    "not run": "no item of it was run",
}
FALSE = ("missing-means-missing", "log-agrees-with-report")
LOST = "tied-keys-are-not-missing"  # and not a false alarm: it was lost, and that was said
WRONG = ("file-is-restored", "loading-keeps-outputs", "competing-tensors-are-told")
SILENT = ("nothing-is-silently-reinitialised", "competing-tensors-are-told")
PIPELINE = ("umt5-encoder", "t5-encoder")
WORRIED = ("full", "source-only", "untied-config", "encoder-from-full")
INTRODUCTION = """\
# Is what was loaded what was saved?

A report that calls `encoder.embed_tokens.weight` missing and newly initialised may be a false
alarm, or the truth, or nothing may be said where a tensor was lost. Here each checkpoint was
loaded with each transformers, and every tensor, every tie and the outputs were compared with those
of the model that was saved, whatever the report said."""


class LoadingError(ValueError):
    """Results that no page can be made of; one sentence says why."""


def render(cells: Sequence[Cell], _known: Mapping[str, Cause]) -> str:
    """The page; raises LoadingError where no results hold a loading item."""
    versions = _newest(cells)
    if not versions:
        raise LoadingError("none of these results files holds a loading item")
    every = loading_cases(("cpu",), tuple(FAMILIES), tuple(KINDS))
    verdicts = {
        version: {case: verdict(items.get(case.id, {})) for case in every}
        for version, items in versions.items()
    }
    return "\n\n".join(_parts(versions, verdicts, every)) + "\n"


def _newest(cells: Iterable[Cell]) -> dict[str, Mapping[str, Mapping[str, Record]]]:
    """Loading items by id and promise of each transformers, from the cell of its newest PEFT."""
    found: dict[str, Mapping[str, Mapping[str, Record]]] = {}
    for cell in cells:  # they come in order of PEFT's versions: the newest one stays
        items: dict[str, dict[str, Record]] = defaultdict(dict)
        for record in cell.run.records:
            if record.kind == "loading":
                items[record.stratum][record.invariant] = record
        if items:
            found[cell.version("transformers")] = items
    return dict(sorted(found.items(), key=lambda pair: [int(n) for n in pair[0].split(".")[:3]]))


def verdict(items: Mapping[str, Record]) -> str:
    """What became of one loading, from what its promises came to."""
    results = {name: record.result for name, record in items.items()}
    broken = {name for name, result in results.items() if result == "breaks"}
    if not results:
        return "not run"
    if "error" in results.values():
        return "error"
    if set(results.values()) == {"not applicable"}:
        return "absent"
    if "checkpoint-loads" in broken:
        return "fails"
    if broken & set(SILENT):
        return "silent"
    if broken & set(FALSE):
        return "false alarm"
    told = any(line.startswith("missing") for one in items.values() for line in one.heard)
    if broken & set(WRONG) or LOST in broken:
        return "told" if told else "silent"
    return "untied" if broken else "right"


def _parts(
    versions: Mapping[str, Mapping[str, Mapping[str, Record]]],
    verdicts: Mapping[str, Mapping[LoadingCase, str]],
    every: Sequence[LoadingCase],
) -> Iterator[str]:
    yield INTRODUCTION
    yield table(("sign", "meaning"), [(SIGNS[name], text) for name, text in MEANINGS.items()])
    yield "## The text encoder of a diffusion pipeline"
    heads = ("model", "checkpoint", *versions)
    worried = [case for case in every if case.family in PIPELINE and case.checkpoint in WORRIED]
    yield table(heads, [_row((case.family,), case.checkpoint, verdicts) for case in worried])
    yield "## All checkpoints"
    yield table(
        ("checkpoint", "what the file holds"), [(n, kind.text) for n, kind in KINDS.items()]
    )
    yield "Models that fare alike share a row."
    for name in KINDS:
        yield f"### {name}"
        yield table(("model", *versions), _grouped(name, verdicts, every))
    yield "## What was said where something is wrong"
    rows = list(_said(versions, verdicts, every))
    yield table(("transformers", "model", "checkpoint", "verdict", "the load report"), rows)


def _row(
    families: Sequence[str], kind: str, verdicts: Mapping[str, Mapping[LoadingCase, str]]
) -> list[str]:
    case = LoadingCase("cpu", families[0], kind)
    return [", ".join(families), kind, *(SIGNS[found[case]] for found in verdicts.values())]


def _grouped(
    kind: str, verdicts: Mapping[str, Mapping[LoadingCase, str]], every: Iterable[LoadingCase]
) -> list[list[str]]:
    alike: dict[tuple[str, ...], list[str]] = defaultdict(list)
    for case in every:
        if case.checkpoint == kind:
            alike[tuple(found[case] for found in verdicts.values())].append(case.family)
    rows = [_row(families, kind, verdicts) for families in alike.values()]
    return [[first, *rest] for first, _, *rest in rows]


def _said(
    versions: Mapping[str, Mapping[str, Mapping[str, Record]]],
    verdicts: Mapping[str, Mapping[LoadingCase, str]],
    every: Iterable[LoadingCase],
) -> Iterator[list[str]]:
    """One row for each version, kind, verdict and report; models that fare alike together."""
    alike: dict[tuple[str, str, str, str], list[str]] = defaultdict(list)
    for version, found in verdicts.items():
        for case in every:
            items = versions[version].get(case.id, {})
            told = next((one.heard for one in items.values() if one.heard), [])
            if found[case] not in {"right", "absent", "not run"}:
                said = "; ".join(told) or "nothing"
                alike[version, case.checkpoint, found[case], said].append(case.family)
    for (version, kind, name, said), families in alike.items():
        yield [version, ", ".join(families), kind, SIGNS[name], said]
