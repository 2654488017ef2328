"""Pipelines: their items, what is told where diffusers is not there, and how each is judged."""

from __future__ import annotations

import json
import re
import shlex
import subprocess
import sys
from dataclasses import replace
from importlib.machinery import ModuleSpec as ImportSpec
from types import ModuleType
from typing import Any

import pytest
import torch
from stubbed_suite import ROOT, Suite

from conformance.causes.known import Known
from conformance.core.errors import SuiteError
from conformance.core.finding import Finding
from conformance.core.literals import CaseError
from conformance.core.load_log import called_missing
from conformance.core.observation import Heard, Saved, Snapshot
from conformance.kinds.loading.case import KINDS
from conformance.kinds.loading.checks import LOADING, concerns
from conformance.kinds.pipeline import available
from conformance.kinds.pipeline.case import (
    VARIANTS,
    PipelineCase,
    parse_pipeline_case,
    pipeline_cases,
)
from conformance.kinds.pipeline.checks import PIPELINE, allowance
from conformance.kinds.pipeline.kind import PIPELINE as KIND
from conformance.kinds.pipeline.kind import require_informative_pipeline
from conformance.kinds.pipeline.observation import PipelineObservation
from conformance.running.failure_text import failure_text
from tiny_models.families import FAMILIES

pytest_plugins = ["pytester"]

ITEMS = str(ROOT / "conformance" / "test_pipeline.py")
OWN = tuple(name for name in PIPELINE if name not in LOADING)
EVERY = pipeline_cases(("cpu",), tuple(FAMILIES), tuple(KINDS))
HIDDEN = """
import sys
sys.modules["diffusers"] = None  # find_spec: there is no such package
"""


def test_a_case_pastes_back_and_is_a_checkpoint_of_its_family() -> None:
    assert [case.variant for case in EVERY] == list(VARIANTS)
    for case in EVERY:
        assert parse_pipeline_case(repr(case)) == case
        assert case.family == "umt5-encoder"
        assert case.tied
        assert KINDS[case.checkpoint].of(FAMILIES[case.family])
    untied = [case.variant for case in EVERY if case.checkpoint == "untied-config"]
    assert untied == [name for name, what in VARIANTS.items() if what.untied]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("PipelineCase(variant='odd')", "accepts plain, untied-config"),
        ("PipelineCase(device='cuda')", "accepts cpu, not 'cuda'"),
        ("PipelineCase(family='t5')", "has no field 'family'; it has device, variant"),
        ("LoadingCase(family='t5')", "a case is written PipelineCase("),
    ],
)
def test_a_wrong_case_is_one_sentence(text: str, said: str) -> None:
    with pytest.raises(CaseError) as caught:
        parse_pipeline_case(text)
    assert said in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("devices", "families", "kinds", "variants"),
    [
        (("cuda",), ("umt5-encoder",), ("full",), ()),
        (("cpu",), ("t5",), ("full",), ()),
        (("cpu",), ("umt5-encoder",), ("bin",), ()),
        (
            ("cpu",),
            ("umt5-encoder",),
            ("untied-config",),
            ("untied-config", "merged-lora-untied-config"),
        ),
    ],
)
def test_options_choose_cases(
    devices: tuple[str, ...], families: tuple[str, ...], kinds: tuple[str, ...], variants: Any
) -> None:
    assert tuple(case.variant for case in pipeline_cases(devices, families, kinds)) == variants


COLLECT = """
import sys, pytest
code = pytest.main(["--collect-only", "-q", "-p", "no:cacheprovider", *sys.argv[1:]])
print("imported", sorted({"diffusers"} & set(sys.modules)))
sys.exit(code)
"""


def test_collecting_imports_no_diffusers_and_rerun_names_an_item() -> None:
    done = subprocess.run(
        [sys.executable, "-c", COLLECT, "conformance/test_pipeline.py"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    assert "imported []" in done.stdout
    items = {line for line in done.stdout.splitlines() if "::" in line}
    pairs = [(case, one) for case in EVERY for one in PIPELINE.values() if concerns(case, one)]
    finding = Finding("wrong-value", "x", 1.0, 0.0)
    for case, promise in pairs:
        text = failure_text(KIND, promise, [finding], PipelineObservation(case), Known())
        found = re.search(r"^RERUN +(.*)$", text, re.MULTILINE)
        assert found
        program, option, item = shlex.split(found[1])
        assert (program, option) == ("pytest", "--no-known-failures")
        assert item in items
    assert len(items) == len(pairs)


def test_without_diffusers_items_are_not_applicable(suite: Suite) -> None:
    jsonschema = pytest.importorskip("jsonschema", reason="jsonschema checks the schema")
    suite.pytester.makepyfile(hidden=HIDDEN)
    file = suite.path / "results.jsonl"
    options = ("-p", "hidden", "--results", str(file), "-rs")
    done = suite.run(*options, items=ITEMS, stub=False)
    assert done.ret == 0
    told = "not applicable: diffusers is not installed: pip install 'peft-conformance[diffusers]'"
    assert told in done.stdout.str()
    schema = json.loads(
        (ROOT / "conformance/reporting/results/schema.json").read_text(encoding="utf-8")
    )
    lines = [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines()]
    for line in lines:
        jsonschema.Draft202012Validator(schema).validate(line)
    items = lines[1:-1]
    assert {(one["kind"], one["result"]) for one in items} == {("pipeline", "not applicable")}
    assert {one["stratum"] for one in items} == {case.id for case in EVERY}
    broken = {**items[0], "result": "breaks", "case": repr(EVERY[0])}
    jsonschema.Draft202012Validator(schema).validate(broken)


def fake(monkeypatch: pytest.MonkeyPatch, *names: str, **attributes: Any) -> None:
    """A diffusers that lists these names and has these attributes."""
    module = ModuleType("diffusers")
    module.__spec__ = ImportSpec("diffusers", None)
    for name, value in attributes.items():
        setattr(module, name, value)
    module.__dict__["__dir__"] = lambda: list(names)
    monkeypatch.setitem(sys.modules, "diffusers", module)


def test_an_older_diffusers_lacks_the_class(monkeypatch: pytest.MonkeyPatch) -> None:
    fake(monkeypatch, "DiffusionPipeline", DiffusionPipeline=object)
    assert available.missing.__wrapped__().endswith(" has no WanPipeline")


def fails(error: Exception) -> Any:
    def __getattr__(_name: str) -> Any:  # noqa: N807  Python calls it for what a module lacks
        raise error

    return __getattr__


def test_a_diffusers_that_cannot_be_imported_is_one_sentence(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    error = RuntimeError("Failed to import diffusers.pipelines.wan (look up to see its traceback)")
    folder = "/home/someone/venv/lib/site-packages/transformers/__init__.py"
    error.__cause__ = ImportError(f"cannot import name 'X' from 'transformers'\n({folder})")
    fake(monkeypatch, *available.CLASSES, __getattr__=fails(error))
    said = available.missing.__wrapped__()
    assert "cannot be imported beside transformers " in said
    assert said.endswith(
        "(ImportError: cannot import name 'X' from 'transformers' (transformers/__init__.py))"
    )
    assert "\n" not in said
    assert "/home" not in said


@pytest.mark.parametrize(
    "line",
    [
        "encoder.embed_tokens.weight | MISSING | ",
        "Some weights of X are newly initialized: ['encoder.embed_tokens.weight']",
        "encoder.{embed_tokens, other}.weight | MISSING | ",
    ],
)
def test_the_log_is_read_as_a_report(line: str) -> None:
    names = ("shared.weight", "encoder.embed_tokens.weight")

    def said(text: str) -> tuple[str, ...]:
        return called_missing([Heard("loaded", text, "log", about_tying=False)], names)

    assert said(f"LOAD REPORT\n{line}\n") == names[1:]
    assert said("shared.weight | UNEXPECTED | ") == ()
    assert said("shared.weight was loaded") == ()


# Hand-made: what the promises and the checks say of an observation.
OUTPUTS = torch.arange(1.0, 7.0).reshape(1, 2, 3)
CALLED = frozenset({"encoder.embed_tokens"})
PROMPTS = torch.stack([OUTPUTS[0], OUTPUTS[0] + 1, OUTPUTS[0] + 2])


def seen(**changes: Any) -> PipelineObservation:
    case = PipelineCase(variant="merged-lora")
    stages = {"base": 2 * OUTPUTS, "adapted": OUTPUTS, "source": OUTPUTS, "loaded": OUTPUTS}
    made = PipelineObservation(
        case=case,
        stages={name: Snapshot(logits=logits) for name, logits in stages.items()},
        encoded={"source": PROMPTS, "loaded": PROMPTS.clone()},
        saved={"text_encoder": Saved({}, {"tie_word_embeddings": True}, {}, {})},
    )
    return replace(made, **changes)


def with_stage(name: str, logits: torch.Tensor) -> PipelineObservation:
    return seen(stages={**seen().stages, name: Snapshot(logits=logits)})


def test_own_promises_hold_of_a_good_pipeline() -> None:
    require_informative_pipeline(seen())
    assert [PIPELINE[name].judge(seen()).verdict for name in OWN] == ["holds"] * len(OWN)


def test_outputs_may_differ_by_what_is_allowed_and_no_more() -> None:
    promise, allowed = PIPELINE["pipeline-keeps-outputs"], allowance(seen()).breaks
    assert 0 < allowed < 1e-2
    assert promise.judge(with_stage("loaded", OUTPUTS + allowed / 2)).verdict == "holds"
    broken = promise.judge(with_stage("loaded", OUTPUTS + 3 * allowed))
    assert "outputs of loaded differ from adapted" in str(broken.findings[0])
    assert promise.judge(with_stage("loaded", OUTPUTS * torch.nan)).verdict == "breaks"


@pytest.mark.parametrize(("times", "verdict"), [(0.5, "holds"), (2.0, "breaks")])
def test_prompts_may_differ_by_what_is_allowed_and_no_more(times: float, verdict: str) -> None:
    other = PROMPTS + times * allowance(seen()).breaks
    found = seen(encoded={"source": PROMPTS, "loaded": other})
    assert PIPELINE["pipeline-encodes-alike"].judge(found).verdict == verdict


def test_sensitive_encoders_are_allowed_what_they_move_by() -> None:
    moved = tuple(OUTPUTS + one for one in (0.1, -0.1, 0.1))
    assert allowance(seen(nudged=moved)).breaks == pytest.approx(32 * 0.4)


@pytest.mark.parametrize(
    ("what", "said"),
    [
        (replace(with_stage("base", OUTPUTS), called=CALLED), "changes nothing that can be seen"),
        (seen(encoded={"source": PROMPTS[:1].expand(3, -1, -1)}), "encoded alike"),
        (seen(encoded={"source": PROMPTS * torch.nan}), "what is no number"),
        (seen(case=PipelineCase(variant="untied-config")), "says tied: True"),
    ],
)
def test_what_proves_nothing_is_an_error_of_the_suite(what: PipelineObservation, said: str) -> None:
    with pytest.raises(SuiteError, match=said):
        require_informative_pipeline(what)


def test_left_out_promises_are_those_that_would_say_nothing() -> None:
    assert set(LOADING) - set(PIPELINE) == {"log-agrees-with-report", "competing-tensors-are-told"}
    merged = [case.variant for case in EVERY if concerns(case, PIPELINE["pipeline-keeps-outputs"])]
    assert merged == [name for name, what in VARIANTS.items() if what.targets]
