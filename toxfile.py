"""tox's own hooks: a cell whose packages cannot be installed leaves its row all the same."""

from __future__ import annotations

import logging
import re
from pathlib import Path
from typing import TYPE_CHECKING

from tox.plugin import impl

from conformance.core.options import OptionError
from conformance.reporting.results import uninstalled

if TYPE_CHECKING:
    from tox.tox_env.api import ToxEnv

LOG = logging.getLogger(__name__)
HEAD = re.compile(r"name: .*?^run_id: (\S+)$.*?^exit_code: (-?\d+)$", re.MULTILINE | re.DOTALL)
"""How tox begins a log: what was run, and how it ended."""


@impl
def tox_env_teardown(tox_env: ToxEnv) -> None:
    """Write the row if the last thing that was done is an installation that failed."""
    log = last_log(tox_env.conf["env_log_dir"])
    head = HEAD.match(log)
    if not head or not head[1].startswith("install_") or int(head[2]) <= 0:
        return
    version = ".".join(map(str, tox_env.base_python.version_info[:3]))
    _, requirements = tox_env.conf["deps"].unroll()
    for command in tox_env.conf["commands"]:
        try:
            path = uninstalled.write(command.args, requirements, version, log)
        except (OptionError, OSError) as error:
            LOG.warning("the cell has no row: %s", error)
        else:
            if path:
                LOG.warning("%s says that the cell cannot be installed", path)


def last_log(folder: Path) -> str:
    """What the last program said that tox ran for an environment, after tox's own words of it."""
    logs = sorted(folder.glob("*.log"), key=lambda path: int(path.name.partition("-")[0]))
    return logs[-1].read_text(encoding="utf-8", errors="replace") if logs else ""
