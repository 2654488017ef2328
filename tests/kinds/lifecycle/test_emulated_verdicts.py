"""Lives on the emulated device: judged as on the cpu, until a tensor is left on the wrong one."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from peft.tuners.lora import Linear as LoraLinear

from conformance.core.case import CHOICES, Case
from conformance.core.grid import strata
from conformance.core.observation import Observation
from conformance.engine import devices
from conformance.kinds.lifecycle.checks import INVARIANTS
from conformance.kinds.lifecycle.observe import observe
from conformance.running.drawn import drawn

STRATA = ("tied-ensure-target:both", "tied-default-tokens:different", "untied-default-save:head")
EXAMPLES = 6
ROOT = Path(__file__).parents[3]
FAULTY = Case(device="emulated", tied=False, ensure=False, placement="target:head")


@pytest.fixture(autouse=True)
def emulated_device() -> None:
    reason = devices.unavailable("emulated")
    if reason is not None:
        pytest.skip(reason)


def lives(name: str, device: str) -> list[Case]:
    (stratum,) = strata((device,), f"{device}-{name}")
    return drawn(stratum, EXAMPLES)


def judged(seen: Observation) -> dict[str, tuple[str, list[str]]]:
    """Verdict and kinds of finding of every invariant."""
    judgements = {name: invariant.judge(seen) for name, invariant in INVARIANTS.items()}
    return {name: (j.verdict, [f.kind for f in j.findings]) for name, j in judgements.items()}


def test_one_run_lives_on_the_cpu_first_and_on_the_device_after() -> None:
    """Autograd counts devices at its first backward pass, here that of a life on the cpu."""
    options = ("--stratum", "*-untied-default-body", "--invariant", "life-completes")
    done = subprocess.run(
        [
            *(sys.executable, "-m", "pytest", "conformance/test_invariants.py", "-q"),
            *("--device", "cpu", "--device", "emulated", *options),
        ],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout
    assert "2 passed" in done.stdout


@pytest.mark.parametrize("name", STRATA)
def test_verdicts_are_the_cpu_s(name: str) -> None:
    here, there = lives(name, "cpu"), lives(name, "emulated")
    assert [replace(case, device="cpu", crossing="none") for case in there] == here
    for on_cpu, on_device in zip(here, there, strict=True):
        assert judged(observe(on_device)) == judged(observe(on_cpu)), on_device


@pytest.mark.parametrize("crossing", CHOICES["crossing"])
def test_a_life_lies_where_its_crossing_says(crossing: str) -> None:
    seen = observe(replace(FAULTY, crossing=crossing))
    assert seen.troubles == ()
    begun, ended = (set(seen.stages[s].devices.values()) for s in ("trained", "reloaded"))
    assert begun == {"cpu" if crossing == "start-on-cpu" else "emulated"}
    assert ended == {"cpu" if crossing == "reload-on-cpu" else "emulated"}
    assert seen.stages["adapter-reloaded"].devices == seen.stages["trained"].devices


def test_delta_left_on_the_cpu_is_found_on_the_device_alone(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def on_cpu(self: LoraLinear, adapter: str) -> torch.Tensor:
        a, b = self.lora_A[adapter].weight.cpu(), self.lora_B[adapter].weight.cpu()
        return (b @ a) * self.scaling[adapter]

    monkeypatch.setattr(LoraLinear, "get_delta_weight", on_cpu)
    there = judged(observe(FAULTY))
    assert there["life-completes"][0] == "breaks"
    here = judged(observe(replace(FAULTY, device="cpu")))
    assert {name for name, (verdict, _) in here.items() if verdict == "breaks"} == set()


def test_tensor_handed_back_on_the_cpu_is_found_on_the_device_alone(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The other way round: nothing raises, a merged weight is simply elsewhere."""
    merge = LoraLinear.merge

    def elsewhere(self: LoraLinear, *args: object, **kwargs: object) -> None:
        merge(self, *args, **kwargs)  # type: ignore[arg-type]
        layer = self.get_base_layer()
        layer.weight = torch.nn.Parameter(layer.weight.detach().cpu(), requires_grad=False)

    monkeypatch.setattr(LoraLinear, "merge", elsewhere)
    there = judged(observe(FAULTY))
    assert "breaks" in {there["device-is-kept"][0], there["life-completes"][0]}
    here = judged(observe(replace(FAULTY, device="cpu")))
    assert {name for name, (verdict, _) in here.items() if verdict == "breaks"} == set()
