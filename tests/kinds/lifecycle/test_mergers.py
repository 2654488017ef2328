"""Other mergers: PEFT's own is the default, bad ones are caught, and nothing excuses them."""

from __future__ import annotations

import re
from pathlib import Path

import mergers
import pytest
from stubbed_suite import ROOT, Suite, sentence

from conformance.core.bits import same_bits
from conformance.core.case import Case
from conformance.core.comparison import Allowance, Comparison
from conformance.core.finding import Finding
from conformance.core.observation import Observation
from conformance.kinds.lifecycle.checks import INVARIANTS
from conformance.kinds.lifecycle.merge_code.checks import OTHERWISE, is_the_mergers, of_a_merger
from conformance.kinds.lifecycle.merge_code.load import Merger
from conformance.kinds.lifecycle.observe import observe
from conformance.kinds.lifecycle.proof import require_informative

pytest_plugins = ["pytester"]
HERE = Path(__file__).parent

PLAIN = Case(tied=False, placement="body")
SURVIVE = (
    PLAIN,
    Case(tied=True, placement="body", family="gpt2", training="sgd"),
    Case(tied=True, placement="body", dtype="bfloat16", sharded=True),
    Case(tied=False, placement="target:both", dora=True, layers=2),
    Case(tied=False, placement="save:both", base="loaded-untied"),
    Case(tied=False, placement="tokens:embedding", base="resized"),
    Case(tied=True, placement="body", grown=True, loader="concrete"),
)
"""Cases that the installed PEFT merges well."""


def lived(name: str, case: Case) -> Observation:
    seen = observe(case, Merger.named(name))
    require_informative(seen)
    return seen


def broken(seen: Observation) -> set[str]:
    judging = of_a_merger(INVARIANTS)
    return {name for name, one in judging.items() if one.judge(seen).verdict == "breaks"}


@pytest.mark.parametrize("merger", ["conformance.mergers:peft", "conformance.mergers:in_place"])
@pytest.mark.parametrize("case", SURVIVE, ids=repr)
def test_ours_make_what_the_default_makes(case: Case, merger: str) -> None:
    """The same tensors and flags in the file and in the model, and no promise broken."""
    seen, usual = lived(merger, case), observe(case)
    assert broken(seen) == set()
    for one, other in (
        (seen.saved["merged"].tensors, usual.saved["merged"].tensors),
        (seen.stages["merged"].weights, usual.stages["merged"].weights),
    ):
        assert one.keys() == other.keys()
        assert all(same_bits(one[name], other[name]) for name in one)
    assert seen.saved["merged"].flags == usual.saved["merged"].flags
    assert seen.stages["merged"].shares == usual.stages["merged"].shares
    assert "merged-otherwise" not in seen.stages


@pytest.mark.parametrize(
    ("merger", "promises"),
    [
        ("adds_twice", {"merge-keeps-logits"}),
        ("drops_the_head", {"merge-keeps-logits", "checkpoint-is-plain", "load-report-is-clean"}),
        ("calls_it_tied", {"config-tells-the-truth", "config-driven-loader-agrees"}),
        ("halves", {"merge-keeps-logits", "dtype-is-kept"}),
        ("never_the_same", {"saving-is-repeatable"}),
        ("raises", {"life-completes"}),
        ("leaves", {"life-completes"}),
        ("writes_nothing", {"life-completes"}),
    ],
)
def test_a_bad_merger_is_caught(merger: str, promises: set[str]) -> None:
    found = broken(lived(f"mergers:{merger}", PLAIN))
    assert promises <= found
    assert (found == {"life-completes"}) == (promises == {"life-completes"})


@pytest.mark.parametrize("merger", ["raises", "leaves"])
def test_what_a_merger_raises_is_its_own_and_names_no_folder(merger: str) -> None:
    (trouble,) = lived(f"mergers:{merger}", PLAIN).troubles
    assert (trouble.stage, trouble.origin) == ("merged", "merger")
    assert trouble.message.startswith(mergers.SAID)
    assert str(observe(PLAIN, Merger.named(f"mergers:{merger}")).troubles[0]) == str(trouble)


def test_what_was_wrong_before_the_merge_is_not_the_mergers() -> None:
    """Adapters that come untied when they are put on: PEFT's, with whatever merger."""
    case = Case(tied=True, ensure=True, placement="target:head", dtype="bfloat16")
    seen = lived("conformance.mergers:peft", case)
    without = INVARIANTS["tied-stay-tied"].judge(seen)
    if without.verdict != "breaks":
        pytest.skip("the installed PEFT keeps these adapters tied")
    assert of_a_merger(INVARIANTS)["tied-stay-tied"].judge(seen).verdict == "holds"
    assert "merge-keeps-logits" in broken(seen)


def test_every_promise_is_judged_or_says_why_not() -> None:
    assert not any(one.of_merge and one.not_of_merge for one in INVARIANTS.values())
    seen = lived("conformance.mergers:peft", PLAIN)
    for name, one in of_a_merger(INVARIANTS).items():
        if INVARIANTS[name].of_merge:
            assert one.judge(seen) == INVARIANTS[name].judge(seen)
        else:
            assert one.judge(seen).reason == (INVARIANTS[name].not_of_merge or OTHERWISE)


BAD = [
    ("mergers", "--merger accepts module:callable, not 'mergers'"),
    ("no_such_thing:merge", "no_such_thing cannot be imported (ModuleNotFoundError: No module"),
    ("mergers:nothing", "--merger mergers:nothing: mergers has no nothing"),
    ("mergers:number", "--merger mergers:number: number is a int, not callable"),
    ("mergers:takes_two", "must take three folders (base, adapter, out), not (base"),
    ("broken_module:merge", "broken_module cannot be imported (ZeroDivisionError: division"),
]


@pytest.mark.parametrize(("merger", "said"), BAD)
def test_a_merger_that_cannot_be_used_is_one_sentence(
    suite: Suite, monkeypatch: pytest.MonkeyPatch, merger: str, said: str
) -> None:
    (suite.path / "broken_module.py").write_text("1 / 0")
    monkeypatch.setenv("PYTHONPATH", f"{ROOT}:{HERE}:{suite.path}")
    assert said in sentence(suite.run("--merger", merger, stub=False))


def test_a_corpus_is_merged_already(suite: Suite) -> None:
    said = sentence(suite.run("--merger", "mergers:raises", "--load-corpus", "none", stub=False))
    assert said == "--merger cannot go with --load-corpus, whose models are merged"


@pytest.mark.parametrize(
    ("stage", "subject", "mine"),
    [
        ("merged", "base head.weight", True),  # at merged, head and embedding are two
        ("reloaded", "base head.weight", True),
        ("merged", "RuntimeError", True),
        ("saved", "RuntimeError", True),
        ("saved", "tie_word_embeddings", True),
        ("saved", "model.safetensors", True),
        ("adapted", "adapter lora_embedding_B of embedding", False),
        ("trained", "adapter of embedding, head", False),
        ("adapted", "ValueError", False),
        ("adapter-saved", "KeyError", False),
        ("adapter-saved", "adapter_model.safetensors", False),
        ("adapter-reloaded", "adapter lora_A of head", False),  # is in another precision
    ],
)
def test_only_what_comes_out_of_the_merge_is_the_mergers(
    stage: str, subject: str, mine: bool
) -> None:
    found = Finding("wrong-value", "it is another", stage=stage, subject=subject)
    assert is_the_mergers(found) == mine
    allowed = Allowance(0.0, 0.0, "float32")
    compared = Comparison("it is another", 1.0, allowed, stage=stage, subject=subject)
    assert is_the_mergers(compared) == mine


def test_what_peft_gets_wrong_excuses_no_other_merger(
    suite: Suite, monkeypatch: pytest.MonkeyPatch
) -> None:
    """PEFT's documented limitation fails the run, unless a cause of the user's own explains it."""
    monkeypatch.setenv("PYTHONPATH", f"{ROOT}:{HERE}")
    case = "Case(device='cpu', tied=True, ensure=False, placement='target:head')"
    options = ("--merger", "conformance.mergers:peft", "--case", case)
    chosen = ("--invariant", "merge-keeps-logits")
    items = str(ROOT / "conformance" / "test_case.py")
    done = suite.run(*options, *chosen, items=items, stub=False)
    assert done.ret == 1
    done.stdout.fnmatch_lines(["*; merged by conformance.mergers:peft", "RERUN *"])
    (line,) = [line for line in done.outlines if line.startswith("RERUN")]
    assert "--no-known-failures --merger conformance.mergers:peft --invariant" in line
    table = suite.path / "mine.toml"
    cause = re.search(r"^ {10}\[\[cause\]\]\n(?: {10}.*\n)+", done.stdout.str(), re.MULTILINE)
    assert cause
    table.write_text(cause[0].replace("          ", ""))
    again = suite.run(*options, *chosen, "--known-failures", str(table), items=items, stub=False)
    assert again.ret == 0, again.stdout.str()
