"""The registry of what is promised of tuners alone.

Its modules fill it; whoever else reads it imports it from ``conformance.kinds.tuners.checks``,
which imports them all.
"""

from __future__ import annotations

from conformance.core.invariant import Registry

ONLY_TUNERS = Registry()
"""What is promised of tuners alone."""
