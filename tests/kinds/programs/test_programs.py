"""Programs: records that paste back, a plan that draws only what can be, options that tell."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest
from broken_programs import BROKEN
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from conformance.causes.read import ours
from conformance.core.literals import CaseError
from conformance.core.observation import Heard
from conformance.kinds.programs.checks import PROGRAMS
from conformance.kinds.programs.hazards import SITUATIONS, situations
from conformance.kinds.programs.kind import PROGRAMS as KIND
from conformance.kinds.programs.making import MOST, WISHED, make
from conformance.kinds.programs.observe import observe_program
from conformance.kinds.programs.operations import OPERATIONS, Operation, Step, read
from conformance.kinds.programs.parsing import parse_program
from conformance.kinds.programs.plan import beginning, first_impossible, outcome
from conformance.kinds.programs.program import Program, program_strata
from conformance.kinds.programs.proof import first_difference
from conformance.kinds.programs.sides import order_of
from conformance.running.cache import Cache
from conformance.running.scheduling import scope_of_item
from conformance.running.strategies import made
from conformance.upstream.names import part_of_adapter
from tiny_models.build import build
from tiny_models.families import DECODERS, FAMILIES
from tiny_models.roles import module_names
from tiny_models.spec import ModelSpec

ROOT = Path(__file__).parents[3]
STRATA = program_strata(("cpu",))
PUT = ("wrap", "default", "body", 2, 2)


@st.composite
def programs(draw: st.DrawFn) -> Program:
    """Programs of any stratum."""
    stratum = draw(st.sampled_from(STRATA))
    return draw(made(partial(make, stratum, DECODERS, MOST)))


quick = settings(max_examples=50, deadline=None, database=None, suppress_health_check=HealthCheck)


def normal(program: Program) -> Program:
    """The program without the steps that are not possible where they stand."""
    state, steps = beginning(program), []
    for step in program.steps:
        found = outcome(state, step)
        if found is not None:
            state = found.state
            steps.append(step)
    return replace(program, steps=tuple(steps))


@quick
@given(programs())
def test_a_drawn_program_is_possible_and_pastes_back(program: Program) -> None:
    assert first_impossible(program) == ""
    assert normal(program) == program
    assert parse_program(repr(program)) == program


@quick
@given(programs(), st.integers(0, 11))
def test_what_is_left_of_a_program_without_a_step_is_one(program: Program, gone: int) -> None:
    left = replace(program, steps=program.steps[:gone] + program.steps[gone + 1 :])
    assert first_impossible(normal(left)) == ""


def defined(kind: type[Operation]) -> set[type[Operation]]:
    """The kinds of operation below this one that a step can start with."""
    below = {one for other in kind.__subclasses__() for one in defined(other)}
    return below | ({kind} if hasattr(kind, "id") else set())


def test_every_operation_that_is_defined_can_be_taken() -> None:
    assert defined(Operation) == set(OPERATIONS.values())


@pytest.mark.parametrize("name", OPERATIONS)
def test_an_operation_is_wished_for_as_often_as_it_says(name: str) -> None:
    assert WISHED.count(name) == OPERATIONS[name].wished


@quick
@given(programs())
def test_a_step_by_name_is_the_step(program: Program) -> None:
    assert tuple(read(step).step for step in program.steps) == program.steps


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("Program(steps=(('wrap', 'default', 'body', 2, 2)", "is not Python"),
        ("Program(steps=((),))", "a step is a tuple that starts with one of wrap"),
        ("Program(steps=(('fly',),))", "a step is a tuple that starts with one of wrap"),
        ("Program(steps=(('wrap', 'default'),))", "the step 'wrap' takes 4 arguments"),
        ("Program(steps=(('wrap', 'x', 'body', 2, 2),))", "the name of the step 'wrap' accepts"),
        ("Program(steps=(('unmerge',),))", "step 1, ('unmerge',), is not possible there"),
        ("Program(steps=5)", "the steps of a program are at most 40 tuples"),
        ("Program(layers=1)", "a program has no field 'layers'"),
        ("Program(family='bert')", "programs are of decoder-only families, and bert is none"),
        ("Program(steps=(__import__('os'),))", "is not a literal"),
        ("Program(steps=(('train', ['sgd'], 1),))", "the optimizer of the step 'train' accepts"),
    ],
)
def test_a_bad_program_is_told_in_one_sentence(text: str, told: str) -> None:
    with pytest.raises(CaseError) as caught:
        parse_program(text)
    assert told in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("name", "found"),
    [
        ("q.lora_A.default.weight", ("default", "q", "lora_A")),
        ("q.lora_A.lora_A.weight", ("lora_A", "q", "lora_A")),
        ("q.lora_A.weight.weight", ("weight", "q", "lora_A")),
        ("e.lora_embedding_B.weight", ("weight", "e", "lora_embedding_B")),
        ("h.modules_to_save.lora_A.weight", ("lora_A", "h", "saved weight")),
        ("h.modules_to_save.weight.bias", ("weight", "h", "saved bias")),
        ("e.token_adapter.trainable_tokens_delta.lora_", ("lora_", "e", "trainable_tokens_delta")),
        ("q.base_layer.weight", None),
        ("q.weight", None),
    ],
)
def test_adapters_may_be_called_like_parts(name: str, found: tuple[str, str, str] | None) -> None:
    assert part_of_adapter(f"base_model.model.{name}") == found


def test_every_stratum_is_a_scheduling_unit() -> None:
    units = {
        scope_of_item(f"conformance/test_sequences.py::test_program[{stratum.id}-{promise}]")
        for stratum in STRATA
        for promise in PROGRAMS
    }
    assert len(units) == len(STRATA) == 4


@pytest.mark.parametrize("left", ["target:head", "save:both", "tokens:list"])
def test_what_a_deleted_adapter_leaves_on_a_module_stays_there(left: str) -> None:
    put = ("add", "other", left, 2, 2)
    program = Program(tied=False, steps=(PUT, put, ("delete", "other")))
    assert first_impossible(program) == ""
    for kind in ("target:head", "save:both", "tokens:list"):
        again = replace(program, steps=(*program.steps, ("add", "fault", kind, 2, 2)))
        assert (first_impossible(again) == "") is (kind == left)
    for more, possible in (((), False), ((("reopen", "peft"),), True), ((("unload",),), True)):
        resized = replace(program, steps=(*program.steps, *more, ("resize", 1)))
        assert (first_impossible(resized) == "") is possible


def test_tokens_of_a_deleted_adapter_are_missed_by_the_others() -> None:
    steps = (PUT, ("add", "other", "tokens:list", 2, 2), ("delete", "other"), ("reopen", "peft"))
    assert situations(Program(tied=False, steps=steps)) == ("saves-without-tokens",)


def test_every_situation_is_one_that_a_cause_names() -> None:
    text = " ".join(
        f"{cause.when} {one.when}"
        for cause in ours()
        for each in cause.explains.values()
        for one in each
    )
    assert {name for name in SITUATIONS if f"{name!r} in situations" in text} == set(SITUATIONS)


def test_a_program_is_observed_the_same_twice() -> None:
    steps: tuple[Step, ...] = (PUT, ("train", "adamw", 1), ("merge", ()), ("without",))
    program = Program(tied=False, steps=steps)
    seen = Cache(KIND)(program, repeats=program.stratum)
    assert first_difference(seen, observe_program(program)) is None
    assert not situations(program)
    assert not [finding for one in PROGRAMS.values() for finding in one.judge(seen).findings]
    other = observe_program(replace(program, seed=1))
    assert first_difference(seen, other) == "logits after step 1"


def run(*options: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "pytest", "conformance", "-q", "-p", "no:cacheprovider"]
    return subprocess.run(
        [*command, *options], cwd=ROOT, capture_output=True, text=True, check=False
    )


def test_one_program_is_judged_and_its_failure_printed() -> None:
    program = BROKEN["merging-a-part-drops-the-rest"]
    done = run("--no-known-failures", "--program", repr(program))
    assert done.returncode == 1
    for line in ("INVARIANT program-follows-reference", f"CASE      {program!r}", "RERUN", "CAUSE"):
        assert line in done.stdout
    assert f"1 failed, {len(PROGRAMS) - 1} passed" in done.stdout


def test_a_bad_program_is_a_usage_error() -> None:
    done = run("--program", "Program(steps=(('unmerge',),))")
    assert done.returncode == 4
    assert done.stderr.strip().splitlines()[-1].startswith("ERROR: --program: this program cannot")


@pytest.mark.parametrize("placement", ["body", "save:both", "tokens:list"])
def test_nothing_to_do_is_true_where_everything_was_merged_before(placement: str) -> None:
    steps = (("wrap", "default", placement, 2, 2), ("merge", ()))
    program = Program(tied=False, steps=steps)
    seen = observe_program(program)
    said = Heard("2 merge", "All adapters are already merged, nothing to do.", "peft", False)
    wrong = replace(seen, heard=(*seen.heard, said))
    check = PROGRAMS["program-tells-what-it-merges"]
    assert [finding.kind for finding in check.judge(wrong).findings] == ["false-report"]
    first, second = wrong.steps
    assert second.merged > first.merged == set()
    right = replace(wrong, steps=(replace(first, merged=second.merged), second))
    assert check.judge(right).verdict == "holds"


@pytest.mark.parametrize("family", DECODERS)
def test_models_hold_their_modules_in_the_order_that_is_said(family: str, tmp_path: Path) -> None:
    model = build(ModelSpec(family=family), tmp_path).model
    places = {name: place for place, (name, _) in enumerate(model.named_modules())}
    roles = module_names(model, FAMILIES[family])
    first = {role: min(map(places.__getitem__, names)) for role, names in roles.items() if names}
    said = [role for role in order_of(family) if role in first]
    assert said == sorted(said, key=first.__getitem__)
