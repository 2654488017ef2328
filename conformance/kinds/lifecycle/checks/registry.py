"""The registry of the lifecycle's invariants.

Its modules fill it; whoever else reads it imports it from the package, which imports them all.
"""

from __future__ import annotations

from conformance.core.invariant import Registry

INVARIANTS = Registry()
"""What is promised of a lifecycle run with LoRA."""
