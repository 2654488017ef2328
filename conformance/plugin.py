"""The pytest plugin: options and profiles, and the hooks of a run that judges.

Imports neither torch, transformers nor PEFT, so that ``--help`` works anywhere, and what judges
only where something is to be judged: the suite's own tests are sessions of pytest too.
"""

from __future__ import annotations

from importlib import import_module
from pathlib import Path

import pytest

from conformance.core.options import PROFILES
from conformance.running.arguments import add_options, profile_of
from conformance.running.profiles import register_profiles, use_profile

SUITE = Path(__file__).parent
register_profiles()


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add our options."""
    add_options(parser)


@pytest.hookimpl(tryfirst=True)
def pytest_configure(config: pytest.Config) -> None:
    """Load the profile; where the suite itself is about to run, its hooks too."""
    name = profile_of(config)
    if name not in PROFILES:
        raise pytest.UsageError(f"--hypothesis-profile accepts {', '.join(PROFILES)}, not {name!r}")
    use_profile(name)
    if about_to_judge(config) and not (config.option.help or config.option.version):
        hooks = import_module("conformance.hooks")
        # all of its hooks before anything can end the session: one writes the results' last line
        config.pluginmanager.register(hooks, "conformance-hooks")
        hooks.begin(config)


def about_to_judge(config: pytest.Config) -> bool:
    """Whether this run collects the suite itself, and not only its tests."""
    paths = [Path(arg.split("::")[0]).resolve() for arg in config.args]
    return any(path == SUITE or SUITE in path.parents or path in SUITE.parents for path in paths)
