"""Reproducers: a case of this suite as a standalone script for an upstream issue.

Nothing here imports torch, transformers or PEFT: scripts are written, not run.
"""

from conformance.reproducer.script import write_script
from conformance.reproducer.writing import NotReproducible

__all__ = ["NotReproducible", "write_script"]
