"""``pytest conformance --model-config --adapter-config``: as it is run, and on bad input."""

from __future__ import annotations

import errno
import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from own_pairs import CONFIGS

from conformance.core.user_files import InputError
from conformance.kinds.user_config import regex_timeout
from conformance.kinds.user_config.configuration import configuration
from conformance.running.answer import answered

ROOT = Path(__file__).parents[3]
LLAMA = json.loads(CONFIGS["llama-3.2-1b"].read_text())
LORA = {
    "peft_type": "LORA",
    "task_type": "CAUSAL_LM",
    "r": 16,
    "lora_alpha": 32,
    "target_modules": ["q_proj", "lm_head"],
}


def folders(path: Path, model: object, adapter: object) -> tuple[Path, Path]:
    """A model's folder and an adapter's, with these configs in them."""
    found = []
    for name, file, values in (
        ("model", "config.json", model),
        ("adapter", "adapter_config.json", adapter),
    ):
        folder = path / name
        folder.mkdir(exist_ok=True)
        text = values if isinstance(values, str) else json.dumps(values)
        (folder / file).write_text(text)
        found.append(folder)
    return found[0], found[1]


def run(model: Path, adapter: Path, *options: str) -> subprocess.CompletedProcess[str]:
    told = [f"--model-config={model}", f"--adapter-config={adapter}", "-p", "no:cacheprovider"]
    return subprocess.run(
        [sys.executable, "-m", "pytest", "conformance", *told, *options],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.fixture(scope="module")
def lost(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, subprocess.CompletedProcess[str]]:
    """A run on LoRA on the head of a tied model, in a worker of its own."""
    path = tmp_path_factory.mktemp("lost")
    done = run(*folders(path, LLAMA, LORA), "-n1", f"--issue={path / 'issue.md'}")
    return path, done


def test_only_its_own_items_run_and_the_loss_fails(
    lost: tuple[Path, subprocess.CompletedProcess[str]],
) -> None:
    _, done = lost
    assert done.returncode == 1, done.stdout + done.stderr
    assert re.findall(r"^FAILED (\S+)", done.stdout, re.MULTILINE) == [
        "conformance/test_own.py::test_own[merge-keeps-logits]"
    ]
    assert "Traceback" not in done.stdout + done.stderr


def test_the_verdict_comes_first_and_says_stage_warning_issue_and_advice(
    lost: tuple[Path, subprocess.CompletedProcess[str]],
) -> None:
    _, done = lost
    told = done.stdout[done.stdout.index(" verdict ===") :]
    assert told.index("VERDICT   corrupts at merge") < told.index(" conformance ===")
    assert "TOLD      before training" in told
    assert "https://github.com/huggingface/peft/issues/2018" in told
    assert "INSTEAD   - " in told
    assert "TRAINED   - do not merge" in told
    assert "READ      ranks are clipped to the tiny model: 16 is 4" in told


def test_the_issue_holds_a_script_that_exits_1_and_names_the_same_difference(
    lost: tuple[Path, subprocess.CompletedProcess[str]],
) -> None:
    path, _ = lost
    text, script = ((path / f"issue.{ending}").read_text() for ending in ("md", "py"))
    assert script in text
    for part in ("System info", "Reproduction", "Observed", "Expected", "Related"):
        assert f"## {part}" in text
    assert "`merge-keeps-logits`: wrong-value" in text
    assert not re.search(r"conformance|tiny_models", script)
    done = subprocess.run(
        [sys.executable, "-I", str(path / "issue.py")],
        cwd=path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1, done.stdout + done.stderr
    (broken,) = [line for line in done.stdout.splitlines() if line.startswith("BROKEN")]
    assert "logits after merge_and_unload" in broken


def test_a_safe_configuration_exits_0_and_has_no_advice(tmp_path: Path) -> None:
    model, adapter = folders(tmp_path, LLAMA, LORA | {"target_modules": ["q_proj", "v_proj"]})
    done = run(model / "config.json", adapter / "adapter_config.json")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "VERDICT   safe\n" in done.stdout
    assert "INSTEAD" not in done.stdout


def test_bad_input_is_a_usage_error_of_one_sentence(tmp_path: Path) -> None:
    model, adapter = folders(tmp_path, LLAMA, LORA | {"target_modules": ["qqq_proj"]})
    done = run(model, adapter)
    assert done.returncode == 4
    (line,) = [line for line in done.stderr.splitlines() if line]
    assert line.startswith("ERROR: ")
    assert "on no module of this LlamaForCausalLM" in line


def test_one_option_without_the_other_is_a_usage_error() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "conformance", "--model-config=x"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 4
    assert "--model-config needs --adapter-config too" in done.stderr


@pytest.mark.parametrize(
    ("changed", "says"),
    [
        ("[1, 2]", "not a mapping"),
        ("{", "is not JSON"),
        ('{"a": NaN}', "is no number"),
        ("[" * 100_000, "nested too deeply"),
        ({"model_type": None}, "has no model_type"),
        ({"model_type": "lama"}, "did you mean 'llama'"),
        ({"auto_map": {"AutoModel": "x.Y"}}, "asks for code of its own (auto_map)"),
        ({"hidden_size": "wide"}, "is no config that transformers reads"),
        ({"vocab_size": 10**12}, "no model's size"),
        ({"num_hidden_layers": 10**9}, "no model's size"),
        ({"num_attention_heads": 0}, "is no config that transformers reads"),
        ({"vocab_size": -5}, "no model's size"),
        ('{"model_type": "clip"}', "no model with an output head"),
    ],
)
def test_a_model_that_cannot_be_judged_is_refused(
    changed: dict[str, Any] | str, says: str, tmp_path: Path
) -> None:
    model = changed if isinstance(changed, str) else LLAMA | changed
    check_refused(folders(tmp_path, model, LORA), says)


@pytest.mark.parametrize(
    ("changed", "says"),
    [
        ("null", "not a mapping"),
        ({"peft_type": None}, "has no peft_type"),
        ({"peft_type": "NEWEST"}, "knows no peft_type 'NEWEST'"),
        ({"peft_type": "PROMPT_TUNING"}, "cannot be merged"),
        ({"peft_type": "POLY"}, "is not judged: its forward needs task_ids"),
        ({"peft_type": "IA3", "target_modules": None}, "has no target_modules"),
        ({"peft_type": "IA3", "feedforward_modules": 3}, "feedforward_modules accepts names"),
        ({"task_type": "SEQ_CLS"}, "puts another head on the model"),
        ({"r": 0}, "r accepts a whole number from 1"),
        ({"r": "16"}, "r accepts a whole number from 1"),
        ({"lora_alpha": -1}, "lora_alpha accepts a positive number"),
        ({"target_modules": [1]}, "target_modules accepts names"),
        ({"target_modules": "(q_proj"}, "is no regular expression"),
        ({"target_modules": "nothing_.*"}, "on no module"),
        ({"target_modules": "a" * 2**17 + ".*"}, "is longer than 65536 characters"),
        ({"exclude_modules": ["q_proj", "lm_head"]}, "on no module"),
        ({"trainable_token_indices": [128256]}, "outside the model's vocabulary of 128256"),
        ({"trainable_token_indices": [-1]}, "outside the model's vocabulary"),
        ({"rank_pattern": {"q_proj": 10**9}}, "rank_pattern accepts ranks by names"),
        ({"megatron_config": {"a": 1}}, "code to import"),
        ({"bias": "some"}, "bias accepts none, all or lora_only"),
    ],
)
def test_an_adapter_that_cannot_be_judged_is_refused(
    changed: dict[str, Any] | str, says: str, tmp_path: Path
) -> None:
    adapter = changed if isinstance(changed, str) else LORA | changed
    check_refused(folders(tmp_path, LLAMA, adapter), says)


@pytest.mark.parametrize(
    "changed",
    [
        {"target_modules": r"(\w+\.?)+!"},
        {"exclude_modules": r"(?:[a-z_.0-9]|[a-z]+)*Z"},
        {"rank_pattern": {r"(?:\w+|\.|\w)+Z": 4}},
        {"layers_pattern": r"(\w+\.?)+!", "layers_to_transform": [0]},
        {"modules_to_save": [r"(\w+\.?)+!"]},
    ],
    ids=lambda changed: next(iter(changed)),
)
def test_an_expression_that_would_never_end_is_refused(
    changed: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(regex_timeout, "SECONDS", 1)
    check_refused(folders(tmp_path, LLAMA, LORA | changed), "does not come to an end")


def check_refused(paths: tuple[Path, Path], says: str) -> None:
    with pytest.raises(InputError) as refused:
        configuration(*map(str, paths))
    assert says in str(refused.value)
    assert "\n" not in str(refused.value)


def test_only_what_is_named_is_read(tmp_path: Path) -> None:
    model, adapter = folders(tmp_path, LLAMA, LORA)
    with pytest.raises(InputError, match="No such file"):
        configuration(str(tmp_path / "none"), str(adapter))
    outside = tmp_path / "elsewhere.json"
    (model / "config.json").rename(outside)
    (model / "config.json").symlink_to(outside)
    with pytest.raises(InputError, match=r"^'[^']*/config\.json' leads out of its folder"):
        configuration(str(model), str(adapter))
    (model / "config.json").unlink()
    os.mkfifo(model / "config.json")
    with pytest.raises(InputError, match="no regular file"):
        configuration(str(model), str(adapter))
    (model / "config.json").unlink()
    (model / "config.json").write_bytes(b"\xff\xfe")
    with pytest.raises(InputError, match="not UTF-8"):
        configuration(str(model), str(adapter))
    with (model / "config.json").open("wb") as file:
        file.truncate(2**35)
    with pytest.raises(InputError, match="larger than"):
        configuration(str(model), str(adapter))
    assert configuration(str(outside), str(adapter)).model.model_class == "LlamaForCausalLM"


def test_a_file_that_may_not_be_read_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def denied(*_: object, **__: object) -> None:
        raise PermissionError(errno.EACCES, "Permission denied")

    paths = folders(tmp_path, LLAMA, LORA)
    monkeypatch.setattr(Path, "open", denied)
    check_refused(paths, "adapter_config.json' cannot be read: Permission denied")


@pytest.mark.parametrize(
    ("file", "says"),
    [
        ("none/issue.md", "the folder does not exist"),
        (".", "is a folder, and a file is wanted"),
        ("issue.py", "the text's name ends otherwise"),
    ],
)
def test_an_issue_that_cannot_be_written_is_a_usage_error(
    file: str, says: str, tmp_path: Path
) -> None:
    done = run(*folders(tmp_path, LLAMA, LORA), f"--issue={tmp_path / file}")
    assert done.returncode == 4
    (line,) = [line for line in done.stderr.splitlines() if line]
    assert says in line


def test_an_issue_that_fails_to_be_written_is_told_and_not_raised(tmp_path: Path) -> None:
    told = {"lines": ["VERDICT"], "issue": "text", "script": ""}
    assert answered(told, tmp_path)[1].startswith("ISSUE     could not be written: ")
    assert answered(told, tmp_path / "issue.md")[1].startswith("ISSUE     written to ")


def test_what_is_clipped_or_left_out_is_told(tmp_path: Path) -> None:
    found = configuration(
        *map(
            str,
            folders(
                tmp_path,
                LLAMA | {"quantization_config": {"bits": 4}},
                LORA
                | {
                    "target_modules": ["q_proj", "model.layers.15.self_attn.v_proj", "wte"],
                    "init_lora_weights": "pissa",
                    "rank_pattern": {"v_proj": 64},
                    "trainable_token_indices": [5, 128009],
                },
            ),
        )
    )
    arguments = found.arguments
    assert arguments["target_modules"] == ["q_proj", "model.layers.3.self_attn.v_proj", "wte"]
    assert arguments["r"] < arguments["rank_pattern"]["v_proj"] <= 4
    assert arguments["trainable_token_indices"] == [5, 63]
    told = "\n".join(found.notes)
    for part in (
        "quantization_config",
        "init_lora_weights is not covered",
        "16 is 3, 64 is 4",
        "target_modules follow",
        "names 'wte', which is no module",
        "128009 is 63",
    ):
        assert part in told
