"""Every command-line option of the suite, in one place; ``options`` reads and checks them.

Each session of pytest in this checkout has them, the suite's own tests too, so nothing is imported
here but names.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from conformance.core.device_names import DEVICES

if TYPE_CHECKING:
    import pytest


def add_options(parser: pytest.Parser) -> None:
    """Add our options, under one group of ``pytest --help``."""
    group = parser.getgroup("conformance", "PEFT conformance suite")
    add = group.addoption
    add("--device", action="append", metavar="NAME", help=f"device: {', '.join(DEVICES)}")
    add("--family", metavar="NAMES", help="families to draw from, separated by commas")
    add("--invariant", metavar="IDS", help="invariants to judge: ids or patterns, by commas")
    add("--stratum", metavar="PATTERN", help="strata to cover, such as 'cpu-tied-*-target:*'")
    add("--checkpoint", metavar="KINDS", help="kinds of checkpoint to load: names, by commas")
    add("--examples", metavar="N", help="lives a stratum, instead of the profile's")
    add("--case", metavar="CASE", help="judge one case, written as failures print it: Case(...)")
    add("--program", metavar="PROGRAM", help='judge one program: "Program(...)", read as literals')
    add("--known-failures", action="append", metavar="FILE", help="causes of my own")
    add(
        "--no-known-failures",
        action="store_true",
        help="what causes explain fails too; what is arguable never does",
    )
    add(
        "--strict-known-failures",
        action="store_true",
        help="a cause that a development version has fixed fails the run",
    )
    add(
        "--remedied",
        action="store_true",
        help="judge a copy of PEFT with all remedies of causes: what they explain has to hold",
    )
    add("--model-config", metavar="PATH", help="a model's config.json or folder: judge it alone")
    add("--adapter-config", metavar="PATH", help="an adapter_config.json or folder, to put on it")
    add("--issue", metavar="FILE", help="write an issue about it to FILE, its script beside it")
    add("--results", metavar="FILE", help="write machine-readable results to FILE")
    add("--merger", metavar="MODULE:CALLABLE", help="judge this merge code; takes three folders")
    add("--load-corpus", metavar="DIR", help="judge only what another version saved in DIR")


def profile_of(config: pytest.Config) -> str:
    """The name of the profile that was asked for, or of the one that is used unasked."""
    return config.getoption("--hypothesis-profile", None) or "default"
