"""Build, cache, load and register the emulated device.

`emulated.cpp` and `emulated_kernels.cpp` implement it; the first says how. This module compiles
them with the machine's C++ compiler against the headers of the torch that is installed, once for
each combination of sources, torch, compiler and flags, and gives the result to torch under the
name `emulated`.

Loading cannot be undone: from then on the process has one more device type, which torch calls its
accelerator (`torch.accelerator`). CPU tensors and `peft.utils.infer_device` are not affected; the
tests of this package say what is. Whoever does not ask for the device does not load it.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import shlex
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import torch
from torch.utils.backend_registration import (
    generate_methods_for_privateuse1_backend,
    rename_privateuse1_backend,
)

from conformance.engine.devices import emulated_module

if TYPE_CHECKING:
    from collections.abc import Iterator

NAME = "emulated"
SOURCES = tuple(Path(__file__).with_name(f"{name}.cpp") for name in (NAME, f"{NAME}_kernels"))
HEADER = Path(__file__).with_name("emulated.h")

_COMPILERS = ("c++", "g++", "clang++")
_FLAGS = ("-std=c++20", "-O1", "-shared", "-fPIC", "-Wl,-s" if sys.platform == "linux" else "-O1")
_UNNAMED = "privateuseone"  # what torch calls the free device type until a backend renames it


class EmulatedDeviceError(RuntimeError):
    """The emulated device cannot be used here; the message says why in one sentence."""


class UnsupportedPlatformError(EmulatedDeviceError):
    """The library is built only where a Unix compiler and linker are."""


class NoCompilerError(EmulatedDeviceError):
    """There is no C++ compiler, or not the one that CXX names."""


class NoTorchHeadersError(EmulatedDeviceError):
    """The installed torch was packaged without what an extension is built against."""


class CompileError(EmulatedDeviceError):
    """The compiler refused the source."""


class CacheFolderError(EmulatedDeviceError):
    """The built library cannot be kept."""


class LibraryLoadError(EmulatedDeviceError):
    """The built library cannot be loaded."""


class DeviceTypeTakenError(EmulatedDeviceError):
    """Another backend occupies the one device type that torch keeps free."""


def load() -> None:
    """Make `emulated` a device of this process; build its library if no cached one fits."""
    current_name = torch._C._get_privateuse1_backend_name()
    if current_name == NAME:
        return
    if current_name != _UNNAMED:
        message = f"torch's free device type is already taken by the backend {current_name!r}"
        raise DeviceTypeTakenError(message)

    library = build()
    try:
        torch.ops.load_library(library)  # type: ignore[no-untyped-call]
    except OSError as error:
        message = f"torch could not load {library} ({error}): remove it to have it built anew"
        raise LibraryLoadError(message) from error

    rename_privateuse1_backend(NAME)
    torch._register_device_module(NAME, emulated_module)  # type: ignore[no-untyped-call]
    generate_methods_for_privateuse1_backend()


def build() -> Path:
    """Return the library for this torch and compiler, compiling it if the cache lacks it."""
    if sys.platform == "win32":
        message = "the emulated device is not built on Windows"
        raise UnsupportedPlatformError(message)
    compiler = find_compiler()
    headers, libraries = _torch_folders()
    flags = (*_FLAGS, f"-D_GLIBCXX_USE_CXX11_ABI={int(torch.compiled_with_cxx11_abi())}")

    library = cache_folder() / f"emulated-{_key(compiler, flags)}.so"
    if library.exists():
        return library
    command = [
        *compiler,
        *flags,
        f"-I{headers}",
        f"-I{headers / 'torch' / 'csrc' / 'api' / 'include'}",
        *map(str, SOURCES),
        f"-L{libraries}",
        "-ltorch_cpu",
        "-lc10",
    ]
    try:
        library.parent.mkdir(parents=True, exist_ok=True)
        with (
            _one_at_a_time(library.parent),
            tempfile.TemporaryDirectory(prefix="building-", dir=library.parent) as building,
        ):
            if not library.exists():  # another process may have built it while we waited
                _compile(command, Path(building) / library.name)
                (Path(building) / library.name).replace(library)
    except OSError as error:
        message = (
            f"the folder for the built library, {library.parent}, cannot be written"
            f" ({error.strerror}): set XDG_CACHE_HOME to one that can"
        )
        raise CacheFolderError(message) from error
    return library


def find_compiler() -> list[str]:
    """Return the compiler's command: what CXX says, else the first one found on PATH."""
    chosen = shlex.split(os.environ.get("CXX", ""))
    if chosen:
        if shutil.which(chosen[0]) is None:
            message = f"no C++ compiler (CXX is set to {chosen[0]!r}, which cannot be run)"
            raise NoCompilerError(message)
        return chosen
    for name in _COMPILERS:
        if shutil.which(name):
            return [name]
    message = "no C++ compiler (set CXX or install g++)"
    raise NoCompilerError(message)


def cache_folder() -> Path:
    """Return the folder where built libraries are kept for this user."""
    base = os.environ.get("XDG_CACHE_HOME")
    return (Path(base) if base else Path.home() / ".cache") / "peft-conformance"


def _torch_folders() -> tuple[Path, Path]:
    """Return torch's folders of headers and of libraries.

    `torch.utils.cpp_extension` knows them too, but importing it needs setuptools.
    """
    package = Path(torch.__file__).parent
    headers, libraries = package / "include", package / "lib"
    if not (headers / "ATen" / "native" / "CPUFallback.h").is_file():
        message = f"the installed torch has no C++ headers in {headers}"
        raise NoTorchHeadersError(message)
    return headers, libraries


def _key(compiler: list[str], flags: tuple[str, ...]) -> str:
    """Hash everything that decides what the compiler writes."""
    about_compiler = subprocess.run(
        [*compiler, "--version"], capture_output=True, text=True, check=False
    )
    digest = hashlib.sha256()
    for file in (*SOURCES, HEADER):
        digest.update(file.read_bytes())
    for part in (
        torch.__version__,
        str(torch.version.git_version),
        shlex.join(compiler),
        about_compiler.stdout,
        *flags,
    ):
        digest.update(part.encode() + b"\0")
    return digest.hexdigest()[:16]


def _compile(command: list[str], output: Path) -> None:
    # The compiler's intermediate files go where they are removed with the rest.
    environment = {**os.environ, "TMPDIR": str(output.parent), "LC_ALL": "C"}
    result = subprocess.run(
        [*command, "-o", str(output)],
        capture_output=True,
        text=True,
        check=False,
        env=environment,
    )
    if result.returncode != 0:
        lines = [line.strip() for line in result.stderr.splitlines() if line.strip()]
        errors = [line for line in lines if "error" in line] or lines
        names = " and ".join(source.name for source in SOURCES)
        message = f"{command[0]} could not compile {names}: {' | '.join(errors[-3:])}"
        raise CompileError(message)


@contextlib.contextmanager
def _one_at_a_time(folder: Path) -> Iterator[None]:
    """Let one process at a time build; the lock is on the folder itself, so no file is left."""
    import fcntl  # not on Windows, where nothing is built

    descriptor = os.open(folder, os.O_RDONLY)
    try:
        # Some network file systems cannot lock. Two builds at once are only slower: each renames
        # a whole library into place.
        with contextlib.suppress(OSError):
            fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)
