"""The two suites that are asked: this one, and the tests of weight tying and merging of PEFT's own.

PEFT's tests come from its source distribution. Some need models of the hub, or packages that may
not be there: what fails on the package as it is, is left out.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]
# Loading plain models asks nothing of PEFT, and a pipeline needs packages that may not be there.
PARTS = (
    ("smoke", "regressions", "causes", "invariants", "architectures", "sequences"),
    ("tuners",),
)
# What PEFT does about devices shows on one that is not the CPU: in these lives as in any.
ELSEWHERE = " or ".join(
    ("not emulated", *(f"emulated-{name}" for name in ("lora-tied", "lora-untied", "trainable")))
)
PLAIN = ("-q", "-p", "no:cacheprovider", "--no-header", "--tb", "no")
THEIRS = ("custom_models", "trainable_tokens", "lora_variants", "initialization", "other")
"""The files of PEFT's tests with tests of merging or of weight tying that build their own models,
or might."""


@dataclass(frozen=True)
class Suite:
    """A suite: where it runs, with what arguments, and which items share observations.

    Args:
        parts: the files of each of the runs that record what items meet.
        passes: whether all of it must pass on the package as it is.
        imports_late: whether it is collected without importing PEFT.
    """

    name: str
    folder: Path
    parts: tuple[tuple[str, ...], ...]
    options: tuple[str, ...]
    passes: bool
    imports_late: bool
    plugins: tuple[Any, ...] = ()
    scope: Callable[[str], str] = str
    forget: Callable[[pytest.Config], None] | None = None
    files: tuple[Path, ...] = ()

    @property
    def arguments(self) -> tuple[str, ...]:
        """Those of a run of the whole suite."""
        return (*(name for part in self.parts for name in part), *self.options)


def _scope(nodeid: str) -> str:
    from conformance.running.scheduling import scope_of_item

    return scope_of_item(nodeid)


def _forget(config: pytest.Config) -> None:
    """Give the run new caches: nothing that was seen is kept."""
    from conformance.hooks import CONTEXT

    config.stash[CONTEXT].forget()


OURS = Suite(
    "conformance",
    ROOT,
    tuple(tuple(f"conformance/test_{name}.py" for name in part) for part in PARTS),
    (
        *PLAIN,
        *("-p", "benchmarks.mutation.no_shrink"),
        *("--hypothesis-profile", "ci", "--device", "cpu", "--device", "emulated"),
        *("-k", ELSEWHERE),
    ),
    passes=True,
    imports_late=True,
    scope=_scope,
    forget=_forget,
    files=tuple(
        path
        for folder in ("conformance", "tiny_models")
        for path in sorted((ROOT / folder).rglob("*"))
        if path.suffix in {".py", ".toml"}
    ),
)


class OnlyTyingAndMerging:
    """Of PEFT's tests: ``TestWeightTying``, and those with "merge" in their names."""

    @pytest.hookimpl(tryfirst=True)
    def pytest_collection_modifyitems(
        self, config: pytest.Config, items: list[pytest.Item]
    ) -> None:
        """Leave out the others."""
        kept: list[pytest.Item] = []
        others: list[pytest.Item] = []
        for item in items:
            name = getattr(item, "originalname", item.name)
            wanted = "TestWeightTying" in item.nodeid or "merge" in name
            (kept if wanted else others).append(item)
        items[:] = kept
        config.hook.pytest_deselected(items=others)


@contextmanager
def of_peft(tests: Path) -> Iterator[Suite]:
    """PEFT's own tests, of the folder ``tests`` of its source distribution, as the package."""
    files = sorted(tests.glob("test*.py"))
    if not {f"test_{name}.py" for name in THEIRS} <= {file.name for file in files}:
        raise SystemExit(f"{tests} is not the folder tests of PEFT's source distribution")
    with TemporaryDirectory(prefix="peft-tests-") as folder:
        inside = Path(folder)
        (inside / "tests").mkdir()
        (inside / "tests" / "__init__.py").touch()
        (inside / "pytest.ini").write_text("[pytest]\n", encoding="utf-8")
        for file in files:
            shutil.copy(file, inside / "tests")
        named = tuple(f"tests/test_{name}.py" for name in THEIRS)
        plugins = (OnlyTyingAndMerging(),)
        yield Suite(
            "PEFT's own",
            inside,
            (named,),
            PLAIN,
            passes=False,
            imports_late=False,
            plugins=plugins,
            files=tuple(files),
        )
