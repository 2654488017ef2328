"""Planted faults: importing this package registers all of them."""

from faults import (  # noqa: F401
    adapter_config,
    adapter_files,
    forward,
    loading,
    merging,
    model_config,
    modules_to_save,
    saving,
    targets,
    trainable_tokens,
    training,
    tying,
    unloading,
    unmerging,
    warnings,
)
from faults.fault import FAULTS, Fault

__all__ = ["FAULTS", "Fault"]
