"""The script of an issue exits 1 and names what the suite found; all pairs: ``own_pairs.py``."""

from __future__ import annotations

import json
import sys

import pytest
from own_pairs import CONFIGS, life_of
from own_scripts import differences, issue_of
from scripts import ALLOWED, Ended, imports, run_all, unbound

from conformance.causes.known import Known
from conformance.kinds.user_config.run import OwnLife

SAMPLE = (
    ("llama-3.2-1b", "head-too"),  # merged
    ("gpt2", "embedding-too-dora"),
    ("whisper-tiny", "head-too"),  # beside sounds
    ("bart-base", "new-tokens-saved"),  # reloaded, with a weight that is made up at random
    ("gemma-3-4b", "head-too"),  # beside pictures
)
TUNERS = ("IA3", "LOHA", "VERA")  # on the head of a tied model
EVERY = (*map(" ".join, SAMPLE), *TUNERS)


@pytest.fixture(scope="module")
def lives(tmp_path_factory: pytest.TempPathFactory) -> dict[str, OwnLife]:
    """The lives of the sample."""
    folder = tmp_path_factory.mktemp("adapters")
    found = {" ".join(pair): life_of(*pair, folder) for pair in SAMPLE}
    for kind in TUNERS:
        raw = {"peft_type": kind, "target_modules": ["q_proj", "lm_head"]}
        (folder / "adapter_config.json").write_text(json.dumps(raw))
        model = str(CONFIGS["llama-3.2-1b"])
        found[kind] = OwnLife(model, str(folder), Known.load())
    return found


@pytest.fixture(scope="module")
def ended(lives: dict[str, OwnLife], tmp_path_factory: pytest.TempPathFactory) -> dict[str, Ended]:
    """How their scripts end, run one after another where ours cannot be imported."""
    scripts = {f"{n}.py": issue_of(life)[1] for n, life in enumerate(lives.values())}
    found = run_all(scripts, tmp_path_factory.mktemp("scripts"))
    return {name: found[f"{n}.py"] for n, name in enumerate(lives)}


@pytest.mark.parametrize("name", EVERY)
def test_the_script_says_what_the_suite_found(
    name: str, lives: dict[str, OwnLife], ended: dict[str, Ended]
) -> None:
    life, how = lives[name], ended[name]
    if not life.answer.losses:
        pytest.skip("the installed versions lose nothing here")
    script = issue_of(life)[1]
    assert imports(script) <= ALLOWED | set(sys.stdlib_module_names)
    assert unbound(script) == set()
    assert differences(life, how) == []


def test_a_script_that_says_something_else_is_seen(
    lives: dict[str, OwnLife], ended: dict[str, Ended]
) -> None:
    """Planted: another amount, another stage, another end."""
    name = " ".join(SAMPLE[0])
    life, how = lives[name], ended[name]
    (_, finding), *_ = life.answer.losses
    amount = f"{finding.amount:.3g}"
    assert differences(life, Ended(0, how.output))
    assert differences(life, Ended(1, how.output.replace(amount, amount[:-1])))
    assert differences(life, Ended(1, how.output.replace(amount, f"{amount}1")))
    assert differences(life, Ended(1, how.output.replace("after merge_and_unload", "at reload")))
    assert differences(life, Ended(1, ""))
