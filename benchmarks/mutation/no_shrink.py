"""A pytest plugin: stop at the failing example, since nobody looks for the simplest one."""

from __future__ import annotations

import pytest
from hypothesis import Phase, settings


@pytest.hookimpl(trylast=True)
def pytest_configure() -> None:
    """The profile in force, under its own name, without shrinking."""
    name = settings.get_current_profile_name()
    settings.register_profile(name, settings(), phases=(Phase.generate,))
    settings.load_profile(name)
