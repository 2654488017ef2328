"""Scripts for upstream issues: they stand alone, and say what the suite says."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest
from scripts import ALLOWED, STATUS, Ended, imports, run_all, scripts_for, unbound

from conformance.__main__ import main
from conformance.core.case import Case, fits, make_case, parse_case
from conformance.core.observation import Observation
from conformance.core.placements import PLACEMENTS
from conformance.kinds.lifecycle.checks import INVARIANTS
from conformance.kinds.lifecycle.observe import observe
from conformance.reproducer import write_script
from conformance.reproducer.code import call, literal
from conformance.reproducer.snippets import SNIPPETS, WITHOUT_SNIPPET
from tiny_models.families import FAMILIES

ROOT = Path(__file__).parents[2]

# Found on PEFT 0.21 and transformers 5.23; on other versions only the agreement counts.
BUGS = [
    (Case(placement="target:head"), "merge-keeps-logits"),
    (Case(placement="target:head"), "untied-stay-untied"),
    (Case(ensure=True, placement="target:both"), "merge-keeps-logits"),
    (Case(ensure=True, placement="target:both"), "trouble-is-announced-early"),
    (Case(ensure=True, placement="target:both"), "caller-config-is-untouched"),
    (Case(ensure=True, placement="target:both", dtype="bfloat16"), "tied-stay-tied"),
    (Case(ensure=True, placement="target:both", dtype="bfloat16"), "documented-contract"),
    (Case(ensure=True, placement="tokens:list"), "tie-warnings-are-true"),
    (Case(placement="save:embedding"), "documented-contract"),
    (Case(placement="tokens:head"), "merge-keeps-logits"),
    (Case(placement="save:embedding"), "unload-restores-base"),
    (Case(ensure=True, placement="target:head", family="falcon"), "adapter-keeps-logits"),
    (Case(ensure=True, placement="target:head", family="falcon"), "adapter-config-round-trips"),
]
HEALTHY = [
    Case(tied=False, placement="body"),
    Case(tied=False, placement="body", family="gpt2", training="sgd", rslora=True, bias="all"),
    Case(tied=True, placement="body", family="gemma3-text", dtype="bfloat16", training="adamw"),
    Case(tied=False, placement="save:both", family="phi", base="loaded-untied", writing="paths"),
    Case(tied=True, placement="body", family="mamba", base="resized", sharded=True),
    Case(tied=False, placement="target:both", family="mixtral", dora=True, loader="concrete"),
    Case(tied=True, placement="tokens:same", family="falcon", reload_dtype="bfloat16"),
    Case(tied=False, placement="target:embedding", family="gemma2", save_embedding_layers="no"),
    Case(tied=True, placement="body", family="opt-proj", grown=True, writing="regex"),
]


@pytest.fixture(scope="module")
def bugs(tmp_path_factory: pytest.TempPathFactory) -> dict[int, Ended]:
    scripts = {f"{n}.py": write_script(*bug) for n, bug in enumerate(BUGS)}
    ended = run_all(scripts, tmp_path_factory.mktemp("bugs"))
    return {int(name.removesuffix(".py")): how for name, how in ended.items()}


@pytest.fixture(scope="module")
def lives() -> dict[Case, Observation]:
    return {case: observe(case) for case in dict.fromkeys([*(case for case, _ in BUGS), *HEALTHY])}


@pytest.mark.parametrize("number", range(len(BUGS)), ids=lambda n: f"{n}-{BUGS[n][1]}")
def test_a_script_agrees_with_the_suite_on_a_bug(
    number: int, bugs: dict[int, Ended], lives: dict[Case, Observation]
) -> None:
    case, invariant = BUGS[number]
    judgement = INVARIANTS[invariant].judge(lives[case])
    ended = bugs[number]
    assert ended.status == STATUS[judgement.verdict], (judgement, ended.output)
    assert bool(ended.broken) == (judgement.verdict == "breaks")
    for package in ("peft", "transformers", "torch"):
        assert f"\n{package} " in f"\n{ended.output}"


@pytest.fixture(scope="module")
def healthy(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Ended]:
    scripts = {
        f"{number}-{name}.py": script
        for number, case in enumerate(HEALTHY)
        for name, script in scripts_for(case).items()
    }
    return run_all(scripts, tmp_path_factory.mktemp("healthy"))


@pytest.mark.parametrize("number", range(len(HEALTHY)), ids=lambda n: HEALTHY[n].family)
def test_every_script_of_a_healthy_case_agrees_with_the_suite(
    number: int, healthy: dict[str, Ended], lives: dict[Case, Observation]
) -> None:
    case = HEALTHY[number]
    for name in scripts_for(case):
        judgement = INVARIANTS[name].judge(lives[case])
        how = healthy[f"{number}-{name}.py"]
        assert how.status == STATUS[judgement.verdict], (name, judgement, how.output)


FAULT = """
from peft.tuners.lora.layer import Linear
right = Linear.get_delta_weight
Linear.get_delta_weight = lambda self, adapter: 2 * right(self, adapter)
"""
REFUSAL = """
import peft
peft.get_peft_model = lambda *_: 1 / 0
"""


@pytest.fixture(scope="module")
def planted(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Ended]:
    merges = write_script(HEALTHY[0], "merge-keeps-logits")
    scripts = {
        "chain-bug.py": write_script(BUGS[0][0]),
        "chain-healthy.py": write_script(HEALTHY[0]),
        "right.py": merges,
        "wrong.py": FAULT + merges,  # what a script plants stays for those after it
        "refused.py": REFUSAL + merges,
    }
    return run_all(scripts, tmp_path_factory.mktemp("planted"))


def test_the_chain_without_an_invariant_finds_the_bug_and_spares_the_healthy(
    planted: dict[str, Ended], lives: dict[Case, Observation]
) -> None:
    breaks = INVARIANTS["merge-keeps-logits"].judge(lives[BUGS[0][0]]).verdict == "breaks"
    assert planted["chain-bug.py"].status == int(breaks), planted["chain-bug.py"].output
    assert planted["chain-healthy.py"].status == 0, planted["chain-healthy.py"].output


def test_a_script_fails_where_peft_is_broken_and_prints_the_difference(
    planted: dict[str, Ended],
) -> None:
    assert planted["right.py"].status == 0
    assert planted["wrong.py"].status == 1
    (line,) = planted["wrong.py"].broken
    assert "merge_and_unload: they differ by" in line


def test_a_life_that_ends_early_is_not_judged(planted: dict[str, Ended]) -> None:
    ended = planted["refused.py"]
    assert ended.status == 125
    assert "ZeroDivisionError" in ended.output
    assert not ended.broken


def test_the_command_writes_a_script_that_runs_alone(tmp_path: Path) -> None:
    written = tmp_path / "repro.py"
    case = repr(Case(tied=False, placement="body"))
    arguments = ["reproduce", case, "-o", str(written), "--invariant", "merge-keeps-logits"]
    assert main(arguments) == 0
    before = set(tmp_path.iterdir())
    done = subprocess.run(
        [sys.executable, "-I", str(written)],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "ok     logits after merge_and_unload: they differ by" in done.stdout
    assert set(tmp_path.iterdir()) == before


def test_snippets_are_of_invariants() -> None:
    """An invariant without one is refused in a sentence: adding it takes one place, not two."""
    assert set(SNIPPETS) | set(WITHOUT_SNIPPET) <= set(INVARIANTS)
    assert not set(SNIPPETS) & set(WITHOUT_SNIPPET)
    assert all(WITHOUT_SNIPPET.values())


@pytest.mark.parametrize("number", range(len(PLACEMENTS)), ids=lambda n: list(PLACEMENTS)[n])
def test_scripts_of_every_placement_stand_alone(number: int) -> None:
    placement = list(PLACEMENTS)[number]
    for step, (tied, ensure) in enumerate(((True, False), (True, True), (False, False))):
        families = [family for family in FAMILIES if fits(family, placement, tied=tied)]
        family = families[(7 * number + 5 * step) % len(families)]
        case = Case(tied=tied, ensure=ensure, placement=placement, family=family)
        for script in scripts_for(case).values():
            assert imports(script) - set(sys.stdlib_module_names) <= ALLOWED
            assert unbound(script) == set()


def test_a_script_is_short_for_a_short_case() -> None:
    script = write_script(Case(placement="target:head"), "merge-keeps-logits")
    lines = script.splitlines()
    assert len(lines) <= 160
    assert max(map(len, lines)) <= 100
    assert "tempfile" not in script


def test_a_case_on_another_device_says_so() -> None:
    cuda = write_script(Case(device="cuda", placement="body"), "reload-keeps-logits")
    assert cuda.count('.to("cuda")') == 2
    emulated = write_script(Case(device="emulated", placement="body"), "merge-keeps-logits")
    assert "cuda" not in emulated
    assert "# Found on an emulated device" in emulated


def test_help_and_reproduce_work_without_torch_and_peft() -> None:
    code = (
        "import sys\n"
        "for name in ('torch', 'transformers', 'peft', 'hypothesis'): sys.modules[name] = None\n"
        "from conformance.__main__ import main\n"
        "assert main(['reproduce', \"Case(placement='body')\"]) == 0\n"
        "main(['--help'])\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert "reproduce" in done.stdout


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["Case(placement='nowhere')"], "'placement'"),
        (["Case(placement="], "is not Python"),
        (["Case(tied=True, placement='body')", "--invariant", "no-such"], "no-such"),
        (["Case(placement='body')", "-o", "no/such/folder/repro.py"], "cannot write"),
        (
            ["Case(tied=False, placement='body')", "--invariant", "tied-stay-tied"],
            "does not apply to this case: the base is untied",
        ),
        (
            ["Case(ensure=True, placement='tokens:different')"],
            "refused at wrapping, as documented",
        ),
        (
            ["Case(device='emulated', placement='body')", "--invariant", "device-is-kept"],
            "emulated device",
        ),
        ([], "Case(...)"),
    ],
)
def test_bad_input_is_one_sentence_and_status_2(
    arguments: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as stop:
        main(["reproduce", *arguments])
    assert stop.value.code == 2
    heard = capsys.readouterr()
    assert heard.out == ""
    assert said in heard.err.splitlines()[-1]
    assert "Traceback" not in heard.err


def test_the_script_names_the_case_so_that_it_pastes_back() -> None:
    case = make_case({"tied": False, "placement": "body", "also": ["mlp"], "seed": 5})
    line = next(line for line in write_script(case).splitlines() if line.startswith("Case("))
    assert parse_case(line) == case


@pytest.mark.parametrize(
    "value",
    [
        'a"b',
        "a\\",
        '\\d"+print("x")+"',
        "line\nbreak",
        "\U0001f600",
        "\\d+\\.x",
        "it's",
        "\x00",
        "",
        float("inf"),
        -float("inf"),
        {"a": ["b", (1, None)]},
        {'x"': 1.5},
    ],
    ids=repr,
)
def test_a_literal_is_the_value_whatever_text_is_in_it(value: object) -> None:
    """Texts come from users' files: none may end its own quotes and become code."""
    written = literal(value)
    assert "\n" not in written
    assert eval(written, {"__builtins__": {"float": float}}) == value  # noqa: S307  what is tested
    tree = ast.parse(written, mode="eval")
    called = [node for node in ast.walk(tree) if isinstance(node, ast.Call)]
    assert len(called) == isinstance(value, float)


def test_a_call_takes_arguments_of_any_name() -> None:
    names = ["plain", "class", 'x=1); print("no"', "with space"]
    written = call("dict", dict.fromkeys(names, "1"))
    assert eval(written, {"dict": dict}) == dict.fromkeys(names, 1)  # noqa: S307  what is tested
