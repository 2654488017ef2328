"""Settings of the environment that choose the kernels torch computes with.

They are read once, when torch is loaded, and what means nothing is ignored: by MKL without a word,
by torch with a warning that a life would hear. So they are checked before.
"""

from __future__ import annotations

from collections.abc import Mapping

SETTINGS: dict[str, tuple[str, ...]] = {
    "ATEN_CPU_CAPABILITY": ("default", "avx2", "avx512"),
    "MKL_CBWR": (
        "AUTO",
        "COMPATIBLE",
        "SSE2",
        "SSE3",
        "SSSE3",
        "SSE4_2",
        "AVX",
        "AVX2",
        "AVX512",
        "AVX512_E1",
        "AVX512_MIC",
        "AVX512_MIC_E1",
    ),
    "OMP_NUM_THREADS": (),
}
"""Each with the values it accepts; none are listed where it accepts any whole number from 1 on.

torch: aten/src/ATen/native/DispatchStub.cpp. MKL: Developer Guide 2024.2, Specifying Code Branches;
on a processor that is not Intel's it has AUTO and COMPATIBLE alone, and takes AUTO for every other.
OpenMP: the number of threads.
"""
STRICT = ",STRICT"
"""What may stand behind a branch of MKL."""
BRANCH = "BRANCH="
"""What may stand before it."""
LONGEST = 4  # digits of a number of threads


class KernelError(ValueError):
    """A setting that means nothing; one sentence names it and what is accepted."""


def chosen(environ: Mapping[str, str]) -> dict[str, str]:
    """The settings that an environment has; an empty one chooses nothing."""
    return {name: environ[name] for name in SETTINGS if environ.get(name)}


def check(environ: Mapping[str, str]) -> None:
    """Raise KernelError for the first setting with a value that nobody would follow."""
    for name, value in chosen(environ).items():
        accepted = SETTINGS[name]
        if name == "MKL_CBWR":
            plain = value.removeprefix(BRANCH).removesuffix(STRICT)
            told = f"{', '.join(accepted)}, with {BRANCH} before or {STRICT} behind"
        else:
            plain, told = value, ", ".join(accepted) or "a whole number from 1 on"
        if plain not in accepted if accepted else not _counts(plain):
            raise KernelError(f"{name} accepts {told}, not {value!r}")


def _counts(text: str) -> bool:
    """Whether a text is a number of threads."""
    plain = text.isascii() and text.isdecimal() and len(text) <= LONGEST
    return plain and int(text) > 0
