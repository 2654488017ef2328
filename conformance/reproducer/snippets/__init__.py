"""What scripts do, one writer an invariant.

Importing this package registers all of them; adding a module means naming it here.
"""

from conformance.reproducer.snippets import (  # noqa: F401
    checkpoint,
    config,
    contract,
    life,
    loading,
    logits,
    merging,
    training,
    tying,
    unloading,
    warning,
)
from conformance.reproducer.snippets.chain import CHAIN
from conformance.reproducer.snippets.snippet import SNIPPETS, WITHOUT_SNIPPET

__all__ = ["CHAIN", "SNIPPETS", "WITHOUT_SNIPPET"]
