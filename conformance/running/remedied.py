"""``--remedied``: the run judges a copy of the installed PEFT that has all remedies that fit.

The environment is never touched: the copy lies in the folder of the run, and is found first by this
process, by its workers, and by what they start.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

from conformance.causes.read import ours
from conformance.causes.remedies import PACKAGE, Remedied, installed, remedied
from conformance.core.options import OptionError

FOLDER = "remedied"


def use(shared: Path) -> Remedied:
    """Make the copy and put it first; raises OptionError where that cannot be."""
    package = installed()
    if package is None:
        raise OptionError(f"--remedied needs {PACKAGE}, which is not installed")
    if PACKAGE in sys.modules:
        raise OptionError(f"--remedied comes too late: {PACKAGE} is imported already")
    done = remedied(ours(), package, shared / FOLDER / PACKAGE)
    put_first(shared)
    return done


def put_first(shared: Path) -> None:
    """Have this process, and what it starts, find the copy first."""
    folder = shared / FOLDER
    sys.path.insert(0, str(folder))
    given = os.environ.get("PYTHONPATH", "")
    os.environ["PYTHONPATH"] = os.pathsep.join(filter(None, (str(folder), given)))
