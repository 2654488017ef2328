"""``python -m conformance``: subcommands, each in a module of its own."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence

from conformance.cli import (
    causes,
    inspect,
    issue,
    load_corpora,
    publish,
    remedies,
    report,
    reproduce,
    save_corpus,
    surface,
)

COMMANDS = (
    reproduce,
    inspect,
    causes,
    issue,
    remedies,
    report,
    publish,
    save_corpus,
    load_corpora,
    surface,
)


def main(argv: Sequence[str] | None = None) -> int:
    """Run the subcommand that was asked for; its exit status."""
    parser = argparse.ArgumentParser(
        prog="python -m conformance",
        description="Beside the suite, which is run by pytest: `pytest conformance`.",
    )
    subcommands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    for command in COMMANDS:
        command.add_to(subcommands)
    arguments = parser.parse_args(argv)
    status: int = arguments.run(arguments)
    return status


if __name__ == "__main__":
    sys.exit(main())
