"""The profiles of Hypothesis: how many cases a run draws."""

from __future__ import annotations

from hypothesis import Phase, settings

from conformance.core.options import PROFILES


def use_profile(name: str) -> None:
    """Run Hypothesis with one of our profiles."""
    settings.load_profile(name)


def register_profiles() -> None:
    """Register our profiles: deterministic but for ``explore``, none with a database or clock."""
    parent = settings(
        deadline=None,
        database=None,
        derandomize=False,
        print_blob=False,
        report_multiple_bugs=True,
        phases=(Phase.generate, Phase.shrink),
    )
    for name, values in PROFILES.items():
        settings.register_profile(name, parent=parent, **values)
