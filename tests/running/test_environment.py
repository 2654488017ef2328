"""What else is installed changes nothing: not what is heard, nor what a witness says."""

from __future__ import annotations

import logging
import os
import subprocess
import sys
import warnings
from pathlib import Path

import pytest
from stubbed_suite import ROOT

from conformance.core.observation import Heard, Observation, Trouble
from conformance.engine.capture import hearing
from conformance.kinds.tuners import subject
from conformance.kinds.tuners.case import tuner_case
from conformance.kinds.tuners.kind import TUNERS
from conformance.running.quiet import quietly

pytest_plugins = ["pytester"]

LOFTQ = tuner_case(tuner="lora-init-loftq")


def heard_from(*places: Path) -> list[str]:
    """What is heard of a warning that each of these files gives."""
    told: list[Heard] = []
    with hearing("merged", told, hide="/nowhere"):
        for place in places:
            warnings.warn_explicit(f"of {place.parent.name}", UserWarning, str(place), 1)
    return [one.text for one in told]


def test_only_upstream_is_heard_of_what_is_installed(tmp_path: Path) -> None:
    installed = tmp_path / "site-packages"
    upstream = [installed / name / "a.py" for name in ("peft", "transformers", "torch")]
    others = [installed / name / "a.py" for name in ("torchao", "bitsandbytes", "sklearn")]
    assert heard_from(*others) == []
    assert heard_from(*upstream, *others) == ["of peft", "of transformers", "of torch"]


def test_a_warning_that_names_its_caller_is_heard(tmp_path: Path) -> None:
    assert heard_from(ROOT / "conformance" / "life.py") == ["of conformance"]


def ended(monkeypatch: pytest.MonkeyPatch, message: str) -> Observation:
    """A life of LoftQ that ended when it was put on."""
    met = Trouble("adapted", "main", "AssertionError", message, "peft", deliberate=True)
    seen = Observation(LOFTQ, names={}, troubles=(met,))
    monkeypatch.setattr(subject, "lacks_tuner", lambda _: "")
    monkeypatch.setattr(subject, "observe_subject", lambda _: seen)
    return subject.observe_tuner(LOFTQ)


@pytest.mark.parametrize(
    "message",
    [
        "Torch not compiled with CUDA enabled",
        "Found no NVIDIA driver on your system. Please check that you have an NVIDIA GPU",
        "No CUDA GPUs are available",
    ],
)
def test_what_computes_on_cuda_alone_is_not_judged_without(
    monkeypatch: pytest.MonkeyPatch, message: str
) -> None:
    assert ended(monkeypatch, message).lacks.startswith("lora-init-loftq computes on CUDA")


def test_another_end_of_such_a_tuner_is_judged(monkeypatch: pytest.MonkeyPatch) -> None:
    seen = ended(monkeypatch, "loftq_init() missing 1 required positional argument: 'config'")
    assert seen.lacks == ""
    assert [one.stage for one in seen.troubles] == ["adapted"]


def test_loftq_needs_a_package_and_others_do_not() -> None:
    assert TUNERS.of_an_extra(LOFTQ)
    assert not TUNERS.of_an_extra(tuner_case(tuner="oft"))


CHATTY = """
import logging
import warnings

warnings.warn("a kernel is missing", UserWarning)
logging.getLogger("other").warning("a kernel is missing")
"""
ASKED = "from conformance.running.context import import_problem; print(import_problem())"


def test_what_is_said_at_import_does_not_reach_the_user(tmp_path: Path) -> None:
    for name in ("torch", "transformers", "peft"):
        (tmp_path / f"{name}.py").write_text(CHATTY)
    done = subprocess.run(
        [sys.executable, "-W", "always", "-c", ASKED],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": f"{tmp_path}{os.pathsep}{ROOT}"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.stdout, done.stderr) == ("None\n", "")


def test_quiet_ends_where_it_ended_before() -> None:
    other, before = logging.getLogger("other"), logging.root.manager.disable
    with quietly():
        heard = [other.isEnabledFor(level) for level in (logging.WARNING, logging.ERROR)]
    assert heard == [False, True]
    assert logging.root.manager.disable == before
