"""The kernel settings that the gap is measured under."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

SETTINGS: Mapping[str, Mapping[str, str]] = MappingProxyType(
    {
        "as installed": {},
        "ATEN default": {"ATEN_CPU_CAPABILITY": "default"},
        "ATEN avx2": {"ATEN_CPU_CAPABILITY": "avx2"},
        "ATEN avx512": {"ATEN_CPU_CAPABILITY": "avx512"},
        "MKL COMPATIBLE": {"MKL_CBWR": "COMPATIBLE"},
        "MKL AVX2": {"MKL_CBWR": "AVX2"},
        "MKL AVX512": {"MKL_CBWR": "AVX512"},
        "two threads": {"OMP_NUM_THREADS": "2"},
    }
)
"""By name, the environment variables of each: torch's vector code, MKL's, and threads."""
VARIABLES = tuple(dict.fromkeys(name for one in SETTINGS.values() for name in one))
"""Every variable that one of them sets; the others leave it out."""
