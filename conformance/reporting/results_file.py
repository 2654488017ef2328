"""The results file, written line by line as the run goes."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, TextIO

from conformance.core.record import Record

FORMAT = 1
"""The format of a results file, told in its header; a change that readers must know raises it."""


class Results:
    """JSON lines: a header, one flushed line an item, a footer. Only the controller writes."""

    def __init__(self, path: Path, header: Mapping[str, Any]) -> None:
        self._file: TextIO = path.open("w", encoding="utf-8")
        self.write({"type": "header", "format": FORMAT, **header})

    def write(self, line: Mapping[str, Any]) -> None:
        """Write one line and flush it, so that an interrupted run loses nothing."""
        self._file.write(json.dumps(line, ensure_ascii=False, sort_keys=True) + "\n")
        self._file.flush()

    def write_item(self, record: Record) -> None:
        """Write the line of one item."""
        self.write({"type": "item", **record.as_json()})

    def close(self, records: Sequence[Record], status: int) -> None:
        """Write the footer; a file without one was interrupted."""
        counts = Counter(record.result for record in records)
        self.write({"type": "footer", "items": len(records), "results": counts, "exit": status})
        self._file.close()
