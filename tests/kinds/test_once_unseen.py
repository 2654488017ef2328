"""What once went unseen is red where no cause excuses it, as long as upstream has it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from conformance.causes.outcomes import Outcomes
from conformance.causes.read import ours
from conformance.core.case import Case
from conformance.core.kind import AnyCase
from conformance.kinds import kind_of
from conformance.kinds.programs.program import Program
from conformance.kinds.tuners.case import tuner_case

HALFWAY = Program(
    tied=False,
    steps=(
        ("wrap", "default", "body", 2, 2),
        ("merge", ("default",)),
        ("mixed", ("default", "__base__"), "forward"),
    ),
)
# what was not seen, the promise that it breaks now, and the cause that explains it
UNSEEN: dict[str, tuple[AnyCase, str, str]] = {
    "the file lacks an embedding that is targeted by its path": (
        Case(placement="target:embedding", writing="paths"),
        "adapter-file-is-as-asked",
        "auto-misses-paths-and-nested-vocabularies",
    ),
    "a warning says that nothing is tied, and counted as one of the tie": (
        Case(ensure=True, placement="tokens:list"),
        "tie-warnings-are-true",
        "tie-warnings-go-by-two-lists",
    ),
    "a warning that the tables do not have": (
        Case(placement="save:embedding"),
        "documented-contract",
        "tie-warnings-go-by-two-lists",
    ),
    "tokens of the head alone, merged in place": (
        Case(placement="tokens:head"),
        "merge-in-place-keeps-logits",
        "separate-tokens-merge-into-the-tied-tensor",
    ),
    "tied LoRA, merged in place": (
        Case(ensure=True, placement="target:both"),
        "merge-in-place-keeps-logits",
        "tied-lora-merged-twice",
    ),
    "a second adapter under ensure_weight_tying": (
        tuner_case(ensure=True, placement="target:head"),
        "added-adapter-is-like-the-first",
        "only-the-first-adapter-is-tied",
    ),
    "a second adapter with a config of its own": (
        tuner_case(tied=False, placement="body", family="gpt2", tuner="deft"),
        "life-completes",
        "later-adapter-forgets-conv1d",
    ),
    "DoRA that is saved as LoRA": (
        tuner_case(tied=False, placement="body", tuner="lora-dora"),
        "every-way-keeps-logits",
        "converting-lora-drops-what-its-variants-add",
    ),
    "tied LoRA, whose parameters are told of twice": (
        tuner_case(ensure=True, placement="target:both"),
        "model-tells-what-it-is",
        "tied-lora-is-two-parameters",
    ),
    "what a refused batch of several adapters leaves behind": (
        HALFWAY,
        "program-completes",
        "refused-mixed-batch-leaves-its-hooks",
    ),
    "a module whose name ends as a saved one's": (
        Case(tied=False, placement="save:head", family="names"),
        "config-wraps-what-it-names",
        "saved-and-token-modules-match-any-suffix",
    ),
}


@pytest.fixture(scope="module")
def outcomes() -> Iterator[Outcomes]:
    found = Outcomes()
    yield found
    found.close()


@pytest.mark.parametrize("story", UNSEEN)
def test_it_is_red_without_its_cause(story: str, outcomes: Outcomes) -> None:
    case, invariant, cause = UNSEEN[story]
    known = {one.id: one for one in ours()}
    kind = kind_of(case)
    judgement = kind.judge(kind.checks[invariant], kind.observe(case))
    broken = outcomes.of(known[cause]).result == "broken"
    assert bool(judgement.findings) is broken, judgement.reason
