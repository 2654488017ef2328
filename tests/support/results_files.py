"""Results files made by hand, for readers and reports."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from conformance.core.grid import Stratum, strata
from conformance.core.record import Record
from conformance.reporting.results_file import FORMAT

INVARIANTS = ("merge-keeps-logits", "config-tells-the-truth")
STRATA = tuple(stratum.on_any_device for stratum in strata(("cpu",), "*:head"))
TARGET = "cpu-tied-default-target:head"
SAVE = "cpu-tied-default-save:head"
CASE = "Case(device='cpu', tied=True, ensure=False, placement='target:head')"
KNOWN = "merging-into-a-shared-tensor"


def header(peft: str = "0.21.2", transformers: str = "5.23.0", **changes: Any) -> dict[str, Any]:
    versions = {"python": "3.11.7", "peft": peft, "transformers": transformers, "torch": "2.13.0"}
    return {
        "type": "header",
        "format": FORMAT,
        "versions": versions,
        "devices": ["cpu"],
        "profile": "dev",
        "examples": 3,
        "seed": 1,
        "families": ["llama"],
        "invariants": list(INVARIANTS),
        "strata": list(STRATA),
        "commit": None,
        "started": "2026-11-24T15:36:35+00:00",
        **changes,
    }


def item(stratum: str, invariant: str, result: str = "holds", **fields: Any) -> dict[str, Any]:
    name = f"conformance/test_invariants.py::test_invariant[{stratum}-{invariant}]"
    made = {"lives": 3, "judged": 3, "verdicts": {"holds": 3}, "worker": "main", **fields}
    record = Record(
        item=name, kind="invariant", invariant=invariant, stratum=stratum, result=result, **made
    )
    return {"type": "item", **record.as_json()}


def architecture(stratum: str, invariant: str, **fields: Any) -> dict[str, Any]:
    """What one promise came to on a stratum of the other architectures."""
    line = item(stratum, invariant, **fields)
    name = f"conformance/test_architectures.py::test_architecture[{stratum}-{invariant}]"
    return {**line, "item": name, "kind": "architecture"}


def footer(items: Iterable[Mapping[str, Any]], status: int = 0) -> dict[str, Any]:
    results = [line["result"] for line in items]
    counts = {name: results.count(name) for name in results}
    return {"type": "footer", "items": len(results), "results": counts, "exit": status}


def known(stratum: str, verdict: str, **fields: Any) -> dict[str, Any]:
    """A declared failure of merging, with all that a page shows of it."""
    told = {
        "reason": f"known: {KNOWN}",
        "known": {KNOWN: [2, 3]},
        "verdicts": {verdict: 2, "holds": 1},
        "worst": 5.04,
        "allowance": 1.99e-05,
        "case": CASE,
        "heard": ["The tie is broken by this <adapter>."],
        **fields,
    }
    told.setdefault("declared", "known" if told["reason"] else "")
    return item(stratum, str(told.pop("invariant", INVARIANTS[0])), "breaks", **told)


def whole(*changed: Mapping[str, Any], devices: Iterable[str] = ("cpu",)) -> list[dict[str, Any]]:
    """Items of the whole grid: those given, and all others holding."""
    made = {line["item"]: dict(line) for line in changed}
    every: list[Stratum] = [s for s in strata(tuple(devices)) if s.on_any_device in STRATA]
    for stratum in every:
        verdicts = next((m["verdicts"] for m in made.values() if m["stratum"] == stratum.id), None)
        for invariant in INVARIANTS:
            fields = {} if verdicts is None else {"verdicts": verdicts}
            line = item(stratum.id, invariant, **fields)
            made.setdefault(line["item"], line)
    return list(made.values())


def write(
    path: Path, head: Mapping[str, Any] | None = None, *changed: Mapping[str, Any], status: int = 0
) -> Path:
    """A results file of a run that came to its end."""
    head = head or header()
    items = whole(*changed, devices=head["devices"])
    return write_lines(path, [head, *items, footer(items, status)])


def write_lines(path: Path, lines: Iterable[Mapping[str, Any]], rest: str = "") -> Path:
    text = "".join(json.dumps(line, ensure_ascii=False) + "\n" for line in lines)
    path.write_text(text + rest, encoding="utf-8")
    return path


def unimportable(path: Path, peft: str = "0.16.0", name: str = "X", **changes: Any) -> Path:
    """The file of a cell whose packages cannot be imported."""
    reason = f"peft cannot be imported here (ImportError: cannot import name {name})"
    row = {
        "type": "item",
        **Record(item="import", kind="import", result="error", reason=reason).as_json(),
    }
    return write_lines(path, [header(peft, **changes), row, footer([row], 4)])
