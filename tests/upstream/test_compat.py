"""Other versions: what they lack is told with its reason, and never asked of them."""

from __future__ import annotations

import configparser
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import peft
import pytest
import torch
from observations import healthy
from peft import PeftModel, get_peft_model
from peft.tuners.lora import LoraModel

from conformance.core.case import Case
from conformance.core.observation import Observation
from conformance.kinds.lifecycle import observe
from conformance.kinds.lifecycle.checks import INVARIANTS
from conformance.kinds.lifecycle.proof import require_informative
from conformance.kinds.lifecycle.verdict import verdict_of
from conformance.upstream import calls as upstream_calls
from conformance.upstream import capabilities, tuner_types

ROOT = Path(__file__).parents[2]
BODY = {"tied": False, "placement": "body"}


@contextmanager
def without(monkeypatch: pytest.MonkeyPatch, *names: str) -> Iterator[None]:
    """A PEFT that does not know some of its arguments."""
    kept = capabilities.options() - set(names)
    capabilities.absent.cache_clear()
    with monkeypatch.context() as patch:
        patch.setattr(capabilities, "options", lambda: kept)
        patch.setattr(upstream_calls, "options", lambda: kept)
        yield
    capabilities.absent.cache_clear()


def test_the_installed_peft_has_all_of_it() -> None:
    assert capabilities.lacks(Case()) == ""
    assert not capabilities.absent()
    for name in ("unload", "all-linear", "safe_merge", "safe_merge in place"):
        assert name in capabilities.options()


@pytest.mark.parametrize(
    ("option", "case"),
    [
        ("ensure_weight_tying", Case(ensure=True)),
        ("trainable_token_indices", Case(placement="tokens:list")),
        ("use_rslora", Case(rslora=True)),
        ("use_dora", Case(dora=True)),
        ("exclude_modules", Case(excluded=True)),
        ("all-linear", Case(**BODY, writing="all-linear")),
    ],
)
def test_another_adapter_is_not_applicable(
    option: str, case: Case, monkeypatch: pytest.MonkeyPatch
) -> None:
    with without(monkeypatch, option):
        seen = observe.observe(case)
        require_informative(seen)
    assert seen.lacks == f"PEFT {peft.__version__} has no {option}"
    assert verdict_of(seen) == "not applicable"
    for invariant in INVARIANTS.values():
        judgement = invariant.judge(seen)
        assert (judgement.verdict, judgement.reason) == ("not applicable", seen.lacks)


def test_a_family_that_transformers_lacks_is_not_applicable(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(capabilities, "has_family", lambda entry: entry.name != "qwen3")
    assert "has no Qwen3ForCausalLM" in capabilities.lacks(Case(family="qwen3"))
    assert capabilities.lacks(Case(family="qwen2")) == ""


def test_options_of_calls_are_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    """A life goes on to its end with a PEFT that knows none of the newer arguments of its calls."""
    calls = {
        "autocast_adapter_dtype": (peft, "get_peft_model", get_peft_model),
        "low_cpu_mem_usage": (PeftModel, "from_pretrained", PeftModel.from_pretrained),
        "save_embedding_layers": (PeftModel, "save_pretrained", PeftModel.save_pretrained),
        "safe_merge": (LoraModel, "merge_and_unload", LoraModel.merge_and_unload),
    }
    for option, (owner, name, original) in calls.items():

        def old(
            *args: object, _option: str = option, _call: object = original, **kw: object
        ) -> object:
            assert _option not in kw
            assert _option != "autocast_adapter_dtype" or len(args) == 2, "0.3 takes no name"
            assert callable(_call)
            return _call(*args, **kw)

        monkeypatch.setattr(owner, name, old)
    case = Case(
        **BODY,
        dtype="bfloat16",
        autocast=False,
        safe_merge=True,
        low_cpu_mem_usage=True,
        save_embedding_layers="no",
    )
    with without(monkeypatch, *calls, "unload", "safe_merge in place"):
        seen = observe.observe(case)
    assert not seen.troubles
    for name, why in (
        ("unload-restores-base", "unload"),
        ("safe-merge-agrees", "safe_merge"),
        ("adapter-file-is-as-asked", "save_embedding_layers"),
    ):
        judgement = INVARIANTS[name].judge(seen)
        assert judgement.verdict == "not applicable"
        assert judgement.reason == f"PEFT {peft.__version__} has no {why}"
    # with autocast left out, adapters are in float32: nothing was promised otherwise
    assert {t.dtype for n, t in seen.stages["adapted"].weights.items() if " lora_" in n} == {
        torch.float32
    }
    assert INVARIANTS["dtype-is-kept"].judge(seen).verdict == "holds"


def test_tables_bind_from_the_version_that_published_them(monkeypatch: pytest.MonkeyPatch) -> None:
    contract = INVARIANTS["documented-contract"]
    assert contract.judge(healthy(placement="target:head")).verdict == "holds"
    monkeypatch.setattr(capabilities, "installed", lambda _: "0.18.1")
    monkeypatch.setattr(tuner_types, "installed", lambda _: "0.18.1")
    capabilities.absent.cache_clear()
    absent = capabilities.absent()
    capabilities.absent.cache_clear()
    told = Observation(case=Case(placement="target:head"), names={}, absent=absent)
    assert contract.judge(told).reason == "PEFT 0.18.1 documents no weight-tying tables"


def test_a_stage_that_was_not_reached_is_not_run_and_not_excused() -> None:
    seen = Observation(case=Case(**BODY), names={}, absent={"elsewhere": "PEFT has none"})
    assert INVARIANTS["unload-restores-base"].judge(seen).verdict == "not run"


def test_every_cell_of_the_matrix_names_its_versions() -> None:
    text = (ROOT / "tox.ini").read_text()
    heads = [line for line in text.splitlines() if line.startswith("[testenv:peft{")]
    (head,) = heads
    parser = configparser.ConfigParser(interpolation=None)
    parser.read_string(text)
    deps = parser[head.strip("[]")]["deps"]
    pins = dict(re.findall(r"^(\S+): (?:peft|transformers)==(\S+)$", deps, re.MULTILINE))
    minors, columns, _ = (re.split(r",\s*", group) for group in re.findall(r"\{(.+?)\}", head))
    assert len(minors) == 19
    assert pins.keys() == {f"peft{m}" for m in minors} | {f"tf{c}" for c in columns}
    assert all(pin.startswith(f"{name.lstrip('peft')}.") for name, pin in pins.items())
