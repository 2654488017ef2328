"""The results file of a cell that cannot be installed, made where neither pytest nor PEFT is."""

from __future__ import annotations

import argparse
import re
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, cast

from conformance.core.record import unjudgeable
from conformance.core.versions import PACKAGES, commit
from conformance.kinds import KINDS
from conformance.reporting.results_file import Results
from conformance.running.arguments import add_options
from conformance.running.options import read
from conformance.running.run_header import header

LONGEST = 400  # letters of an installer's last words
USAGE_ERROR = 4  # what pytest exits with where packages cannot be imported
MARKS = re.compile(r"\s*(?:ERROR:|error:|cause:|Caused by:|╰─▶|×)\s*(.*)")
"""Where the reasons of pip and uv begin; the last one says most."""
ADVICE = re.compile(r"\s*(?:hint:|ERROR: .*for help visit)")
PLACES = re.compile(r"(?:\w+:/)?/(?:[^\s/]+/)+")
"""Folders and addresses, which say nothing on another machine."""


class CommandLine:
    """The words of a pytest command; stands in for pytest's config where there is no pytest."""

    def __init__(self, words: Sequence[str]) -> None:
        self._parser = argparse.ArgumentParser(add_help=False, allow_abbrev=False)
        add_options(cast("Any", self))
        self.addoption("--hypothesis-profile")
        self.addoption("--hypothesis-seed")
        self._given, self.args = self._parser.parse_known_args(words)

    def getgroup(self, _name: str, _description: str) -> CommandLine:
        """Where options are added."""
        return self

    def addoption(self, name: str, **attributes: Any) -> None:
        """Know an option."""
        self._parser.add_argument(name, **attributes)

    def getoption(self, name: str, default: Any = None) -> Any:
        """The value given, or the default."""
        value = getattr(self._given, name.removeprefix("--").replace("-", "_"))
        return default if value is None else value


def write(words: Sequence[str], requirements: Iterable[str], python: str, log: str) -> Path | None:
    """Write what a run with these words would have, had its packages been there to import.

    None where the words name no results file; raises OptionError as the run itself does.
    """
    config = CommandLine(words)
    path = config.getoption("--results")
    if not path or not path.endswith(".jsonl"):
        return None
    Path(path).parent.mkdir(parents=True, exist_ok=True)
    options = read(cast("Any", config), KINDS)
    pins = dict(re.findall(r"^([\w.-]+)==([\w.+!-]+)", "\n".join(requirements), re.MULTILINE))
    versions = {name: pins.get(name, "not installed") for name in PACKAGES}
    head = header(options, {"python": python, **versions})
    asked = [f"{name}=={pins[name]}" for name in ("peft", "transformers") if name in pins]
    told = " and ".join(asked) or "what was asked for"
    row = unjudgeable(f"{told} cannot be installed here ({last_words(log)})")
    results = Results(Path(path), {**head, "commit": commit()})
    results.write_item(row)
    results.close([row], USAGE_ERROR)
    return Path(path)


def last_words(log: str) -> str:
    """Why an installer gave up, as it says itself, in one line without the machine's places."""
    lines = [line for line in log.splitlines() if line.strip() and not ADVICE.match(line)]
    marked = [number for number, line in enumerate(lines) if MARKS.match(line)]
    if not marked:
        said = lines[-1:]
    else:
        first, *rest = lines[marked[-1] :]
        said = [MARKS.sub(r"\1", first)]
        for line in rest:
            if not line.startswith(" "):
                break
            said.append(line)
    text = PLACES.sub("", " ".join(" ".join(said).split()))
    return text[:LONGEST] or "the installer gave no reason"
