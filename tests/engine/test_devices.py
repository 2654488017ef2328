"""Which devices are usable, and how the emulated one is built, cached and loaded."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
import torch

from conformance.core import device_names
from conformance.engine import devices
from conformance.engine.devices import emulated


def test_importing_devices_imports_no_torch() -> None:
    check = "import sys, conformance.engine.devices; sys.exit('torch' in sys.modules)"
    root = Path(__file__).parents[2]
    assert subprocess.run([sys.executable, "-c", check], cwd=root, check=False).returncode == 0


def test_cpu_is_always_usable() -> None:
    assert devices.unavailable("cpu") is None
    assert devices.torch_device("cpu") == torch.zeros(1).device


def test_cuda_is_usable_where_torch_sees_it() -> None:
    expected = None if torch.cuda.is_available() else "torch sees no CUDA device"
    assert devices.unavailable("cuda") == expected


def test_unknown_device_is_refused() -> None:
    with pytest.raises(device_names.UnknownDeviceError, match=r"'gpu'.*cpu, cuda, emulated"):
        devices.unavailable("gpu")


# Building ------------------------------------------------------------------------------------


def test_no_compiler_is_said(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("CXX", raising=False)
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(emulated.NoCompilerError, match=r"^no C\+\+ compiler \(set CXX or"):
        emulated.build()


def test_cxx_that_cannot_be_run_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CXX", "no-such-compiler -O0")
    with pytest.raises(emulated.NoCompilerError, match="'no-such-compiler'"):
        emulated.build()


def test_refused_source_shows_the_compiler_s_words(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    try:
        emulated.find_compiler()
    except emulated.NoCompilerError as error:
        pytest.skip(str(error))
    source = tmp_path / "broken.cpp"
    source.write_text("#error this is not C++ we know\n")
    monkeypatch.setattr(emulated, "SOURCES", (source,))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    with pytest.raises(emulated.CompileError, match=r"could not compile.*not C.. we know"):
        emulated.build()
    assert list((tmp_path / "cache" / "peft-conformance").iterdir()) == []


def test_missing_headers_are_said(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(emulated, "find_compiler", lambda: ["c++"])
    monkeypatch.setattr(torch, "__file__", str(tmp_path / "__init__.py"))
    with pytest.raises(emulated.NoTorchHeadersError, match="no C\\+\\+ headers"):
        emulated.build()


def test_cache_that_cannot_be_written_is_said(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(emulated, "find_compiler", lambda: [sys.executable])
    (tmp_path / "peft-conformance").write_text("a file where the folder should be")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    with pytest.raises(emulated.CacheFolderError, match="set XDG_CACHE_HOME"):
        emulated.build()


def test_second_build_is_the_cached_one(device: torch.device) -> None:
    library = emulated.build()
    written = library.stat().st_mtime_ns
    assert emulated.build() == library
    assert library.stat().st_mtime_ns == written
    assert not list(library.parent.glob("building-*"))


def test_loading_twice_changes_nothing(device: torch.device) -> None:
    module = torch.emulated
    emulated.load()
    assert torch.emulated is module
    assert torch.zeros(1, device=device).device == device


# Tensors -------------------------------------------------------------------------------------
