"""What a user is told: each way of losing a model has its words, and advice is never made up."""

from __future__ import annotations

import copy
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
import transformers
from own_pairs import CONFIGS
from peft import LoraConfig, PeftModel, get_peft_model

from conformance.causes.known import Known
from conformance.core.observation import FEW, Heard, Observation
from conformance.kinds.user_config import rescue
from conformance.kinds.user_config.advice import NEEDED, Advice, UnverifiedError, advised
from conformance.kinds.user_config.answer import answer
from conformance.kinds.user_config.answer_text import _advice, answer_lines
from conformance.kinds.user_config.case import OwnCase
from conformance.kinds.user_config.configuration import Configuration
from conformance.kinds.user_config.run import OwnLife
from conformance.kinds.user_config.subject import observe_own
from tiny_models.values import fill

KNOWN = Known.load()
BODY = {"target_modules": ["q_proj", "v_proj"]}
HEAD = {"target_modules": ["q_proj", "lm_head"]}
ENSURED = {**HEAD, "ensure_weight_tying": True}
TOKENS = {**BODY, "trainable_token_indices": {"lm_head": [5, 6]}}
LOST = {"announced": HEAD, "late": ENSURED, "silent": TOKENS}


def adapter_file(folder: Path, **fields: Any) -> str:
    raw = {"peft_type": "LORA", "task_type": "CAUSAL_LM", "r": 2, "lora_alpha": 4, **fields}
    (folder / "adapter_config.json").write_text(json.dumps(raw))
    return str(folder)


@pytest.fixture(scope="module")
def lives(tmp_path_factory: pytest.TempPathFactory) -> dict[str, OwnLife]:
    """Lives of Llama 3.2 1B, by the verdict they come to on the newest releases."""
    found = {}
    for name, fields in {"holds": BODY, **LOST}.items():
        folder = tmp_path_factory.mktemp(name)
        model = str(CONFIGS["llama-3.2-1b"])
        found[name] = OwnLife(model, adapter_file(folder, **fields), KNOWN)
    return found


def moved(seen: Observation, *stages: str) -> Observation:
    """The life with the logits of some stages changed."""
    changed = {
        stage: replace(seen.stages[stage], logits=seen.stages[stage].logits + 1) for stage in stages
    }
    return replace(seen, stages={**seen.stages, **changed})


@pytest.mark.parametrize(
    ("stages", "words"),
    [
        ((), "safe"),
        (("merged", "reloaded", "read"), "corrupts at merge"),
        (("reloaded",), "corrupts at reload"),
        (("read",), "corrupts for converters"),
        (("adapter-reloaded",), "corrupts when the adapter is saved and loaded"),
        (("merged", "read"), "corrupts at merge and at reload"),
        (("defined", *FEW), "computes something else than is defined"),
    ],
)
def test_each_loss_has_its_words(
    stages: tuple[str, ...], words: str, lives: dict[str, OwnLife]
) -> None:
    found = answer(moved(lives["holds"].seen, *stages), KNOWN, lives["holds"].found.case)
    assert found.words == words
    assert found.safe == (words == "safe")


def test_a_warning_on_a_life_that_holds_is_told(lives: dict[str, OwnLife]) -> None:
    told = Heard("adapted", "the weights are tied", "UserWarning x", about_tying=True)
    seen = replace(lives["holds"].seen, heard=(told,))
    found = answer(seen, KNOWN, OwnCase(seen.case))
    assert (found.words, found.safe) == ("safe but announced", True)


@pytest.mark.parametrize("verdict", ["holds", *LOST])
def test_the_answer_names_what_the_newest_releases_do(
    verdict: str, lives: dict[str, OwnLife]
) -> None:
    life = lives[verdict]
    text = "\n".join(answer_lines(life))
    assert life.answer.verdict == verdict
    assert life.answer.safe == (verdict == "holds")
    if verdict == "holds":
        assert "INSTEAD" not in text
        return
    assert "corrupts at merge" in text
    assert life.answer.known, "this loss is declared: its upstream issue is to be told"
    assert all(entry.id in text for entry in life.answer.known)
    assert life.instead
    assert life.rescue
    assert all(one.text[:30] in text for one in (*life.instead, *life.rescue))


def test_advice_needs_a_life_in_which_what_it_promises_was_judged_and_holds(
    lives: dict[str, OwnLife],
) -> None:
    holds = lives["holds"].seen
    assert Advice("fine", holds).seen is holds
    for stage in ("merged", "reloaded", "read", "adapter-reloaded"):
        with pytest.raises(UnverifiedError):
            Advice("made up", moved(holds, stage))
        without = {name: one for name, one in holds.stages.items() if name != stage}
        if stage != "read":  # a reader that fails says so itself
            with pytest.raises(UnverifiedError, match="not run"):
                Advice("not lived to the end", replace(holds, stages=without))
    with pytest.raises(UnverifiedError):
        Advice("of nothing", holds, needs=())
    with pytest.raises(UnverifiedError):
        Advice("of a life never lived", Observation(case=holds.case, names={}))
    assert set(NEEDED) >= {"merge-keeps-logits", "reload-keeps-logits"}


def test_nothing_but_advice_is_printed_as_advice(lives: dict[str, OwnLife]) -> None:
    lost = lives["announced"].answer
    with pytest.raises(TypeError, match="only advice"):
        list(_advice(["untie it"], lost, "now"))  # type: ignore[list-item]


def test_what_was_lived_is_what_the_advice_says(lives: dict[str, OwnLife]) -> None:
    """A sentence and a change stand side by side: each is held against what was put on."""
    met = set()
    for life in (lives[verdict] for verdict in LOST):
        for advice in life.instead:
            case: Any = advice.own
            given = json.loads(case.adapter_json)
            tokens = given.get("trainable_token_indices")
            named = {*given["target_modules"], *given.get("modules_to_save", ())}
            ensured = given.get("ensure_weight_tying", False)
            both = set(given.get("modules_to_save", ())) == {"embed_tokens", "lm_head"}
            said = {
                "set `ensure_weight_tying=True`": ensured,
                "leave out `ensure_weight_tying`": not ensured,
                "train the same token": isinstance(tokens, dict)
                and tokens.get("embed_tokens") == tokens.get("lm_head"),
                "give `trainable_token_indices` as a list": isinstance(tokens, list),
                "train what carries the adapter": "lm_head" in given.get("modules_to_save", ())
                and "lm_head" not in given["target_modules"],
                "train both as a whole and tied": both and ensured,
                "train both as a whole:": both and not ensured,
                "untie before training": case.untied and not case.lived.tied,
                "leave embedding and head alone": not named & {"embed_tokens", "lm_head"}
                and not tokens,
            }
            start = next(text for text in said if advice.text.startswith(text))
            met.add(start)
            assert said[start], (advice.text, given)
    assert len(met) >= 4


def test_where_no_change_holds_none_is_advised(lives: dict[str, OwnLife]) -> None:
    tried: list[Configuration] = []

    def broken(found: Configuration) -> Observation:
        tried.append(found)
        return moved(observe_own(found), "merged")

    assert list(advised(lives["announced"].found, broken)) == []
    assert len(tried) >= 4


@pytest.mark.parametrize("verdict", LOST)
def test_each_advice_holds_by_hand(verdict: str, lives: dict[str, OwnLife]) -> None:
    """With nothing of ours but the values: PEFT on a tiny Llama, its logits before and after."""
    for advice in lives[verdict].instead:
        case: Any = advice.own
        config = transformers.LlamaConfig(**json.loads(case.model_json))
        model = transformers.LlamaForCausalLM(config).eval()
        if not case.lived.tied:
            model.lm_head.weight = torch.nn.Parameter(model.lm_head.weight.detach().clone())
            model.config.tie_word_embeddings = False
        fill(model, 0)
        adapted = get_peft_model(model, LoraConfig(**json.loads(case.adapter_json)))
        generator = torch.Generator().manual_seed(0)
        done = set()
        for parameter in adapted.parameters():
            if parameter.requires_grad and parameter.data_ptr() not in done:
                done.add(parameter.data_ptr())
                noise = torch.randn(parameter.shape, generator=generator)
                parameter.data.add_(0.2 * noise)
        ids = torch.tensor([[1, 5, 6, 2, 60, 63, 62]])
        with torch.no_grad():
            before = adapted(ids).logits
            after = adapted.merge_and_unload()(ids).logits
        moved_by = float((before - after).abs().max())
        assert moved_by < 1e-4 * float(before.abs().max()), advice.text


def test_the_rescue_holds_by_hand(lives: dict[str, OwnLife], tmp_path: Path) -> None:
    """The adapter of a tied base, merged into an untied copy, computes what it did unmerged."""
    found = lives["announced"].found
    assert rescue.UNTIED in [one.text for one in lives["announced"].rescue]
    case = found.case
    config = transformers.LlamaConfig(**json.loads(case.model_json))
    base = transformers.LlamaForCausalLM(config).eval()
    fill(base, 0)
    adapted = get_peft_model(copy.deepcopy(base), LoraConfig(**json.loads(case.adapter_json)))
    for name, parameter in adapted.named_parameters():
        if "lora_B" in name:
            parameter.data.add_(0.3)
    ids = torch.tensor([[1, 5, 6, 2, 60, 63, 62]])
    adapted.save_pretrained(tmp_path)
    base.lm_head.weight = torch.nn.Parameter(base.lm_head.weight.detach().clone())
    base.config.tie_word_embeddings = False
    merged = PeftModel.from_pretrained(base, tmp_path).merge_and_unload()
    with torch.no_grad():
        before, after = adapted(ids).logits, merged(ids).logits
    assert float((before - after).abs().max()) < 1e-4 * float(before.abs().max())


def test_a_rescue_that_does_not_compute_the_same_is_not_told(
    lives: dict[str, OwnLife], monkeypatch: pytest.MonkeyPatch
) -> None:
    life = lives["announced"]
    tied = lambda model: None  # noqa: E731  the planted fault: nothing is untied
    monkeypatch.setattr(rescue, "own_head", tied)
    told = [one.text for one in rescue.rescued(life.found, life.seen)]
    assert told == [rescue.BESIDE]
    lost = moved(life.seen, "adapter-reloaded")
    assert rescue.BESIDE not in [one.text for one in rescue.rescued(life.found, lost)]


def test_an_adapter_that_moves_nothing_is_not_called_safe(lives: dict[str, OwnLife]) -> None:
    life = OwnLife.__new__(OwnLife)
    life.found, life.known = lives["holds"].found, KNOWN
    seen = lives["holds"].seen
    trained = replace(seen.stages["trained"], logits=seen.stages["base"].logits)
    life.seen = replace(seen, stages={**seen.stages, "trained": trained})
    assert life.answer.words.startswith("not judged")
    assert not life.answer.safe


def test_an_adapter_on_what_is_shown_nothing_is_not_judged(tmp_path: Path) -> None:
    vision = r".*vision_tower.*\.(q|v)_proj"
    model = str(CONFIGS["gemma-3-4b"])
    life = OwnLife(model, adapter_file(tmp_path, target_modules=vision), KNOWN)
    assert "no picture is shown" in life.answer.words
    assert not life.answer.safe
