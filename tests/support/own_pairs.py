"""Published architectures and adapters of trainers: configs of true shapes, six adapters.

Configs are as their model cards publish them. Adapters are written with roles (``<attention>``)
that each architecture gives its own names for, as a trainer does.

By hand, all pairs: ``python tests/support/own_pairs.py`` (minutes); it exits 1 where a pair takes
ten seconds or differs from the grid. With ``--scripts`` the script of the issue of each pair that
loses something is run too, and must name what the suite found; with ``--advice`` each pair that
loses something must be told what to do, before training or with what is trained.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from conformance.kinds.user_config.run import OwnLife

DATA = Path(__file__).parent / "data"
CONFIGS = {path.stem: path for path in sorted((DATA / "configs").glob("*.json"))}
ADAPTERS = {path.stem: path for path in sorted((DATA / "adapters").glob("*.json"))}

QKVO = ["q_proj", "k_proj", "v_proj", "o_proj"]
GATED = ["gate_proj", "up_proj", "down_proj"]
# attention, mlp, embedding, head, task, by model type; Llama's where nothing else is said
NAMES: dict[str, tuple[list[str], list[str], str, str, str | None]] = {
    "llama": (QKVO, GATED, "embed_tokens", "lm_head", "CAUSAL_LM"),
    "mixtral": (QKVO, QKVO, "embed_tokens", "lm_head", "CAUSAL_LM"),
    "qwen3_moe": (QKVO, QKVO, "embed_tokens", "lm_head", "CAUSAL_LM"),
    "phi": ([*QKVO[:3], "dense"], ["fc1", "fc2"], "embed_tokens", "lm_head", "CAUSAL_LM"),
    "phi3": (
        ["qkv_proj", "o_proj"],
        ["gate_up_proj", "down_proj"],
        "embed_tokens",
        "lm_head",
        "CAUSAL_LM",
    ),
    "gpt2": (["c_attn"], ["c_fc", "c_proj"], "wte", "lm_head", "CAUSAL_LM"),
    "gpt_neox": (
        ["query_key_value"],
        ["dense_h_to_4h", "dense_4h_to_h"],
        "embed_in",
        "embed_out",
        "CAUSAL_LM",
    ),
    "opt": ([*QKVO[:3], "out_proj"], ["fc1", "fc2"], "embed_tokens", "lm_head", "CAUSAL_LM"),
    "bloom": (
        ["query_key_value"],
        ["dense_h_to_4h", "dense_4h_to_h"],
        "word_embeddings",
        "lm_head",
        "CAUSAL_LM",
    ),
    "mamba": (["in_proj"], ["x_proj"], "embeddings", "lm_head", "CAUSAL_LM"),
    "t5": (["q", "k", "v", "o"], ["wi", "wo"], "shared", "lm_head", "SEQ_2_SEQ_LM"),
    "umt5": (["q", "k", "v", "o"], ["wi_0", "wi_1", "wo"], "shared", "lm_head", "SEQ_2_SEQ_LM"),
    "bart": ([*QKVO[:3], "out_proj"], ["fc1", "fc2"], "shared", "lm_head", "SEQ_2_SEQ_LM"),
    "whisper": ([*QKVO[:3], "out_proj"], ["fc1", "fc2"], "embed_tokens", "proj_out", None),
    "bert": (["query", "key", "value"], ["dense"], "word_embeddings", "decoder", None),
}
NAMES["falcon"] = NAMES["bloom"]


def names_for(config: str) -> tuple[list[str], list[str], str, str, str | None]:
    """What this architecture calls its parts."""
    return NAMES.get(json.loads(CONFIGS[config].read_text())["model_type"], NAMES["llama"])


def adapter_for(config: str, adapter: str) -> dict[str, Any]:
    """The adapter with the names of this architecture."""
    attention, mlp, embedding, head, task = names_for(config)
    if "neox" in CONFIGS[config].read_text() and _newer():
        head = "lm_head"
    roles = {"attention": attention, "mlp": mlp, "embedding": [embedding], "head": [head]}
    raw = json.loads(ADAPTERS[adapter].read_text())
    raw["task_type"] = task
    for field in ("target_modules", "modules_to_save"):
        if isinstance(raw[field], list):
            raw[field] = [name for role in raw[field] for name in roles[role.strip("<>")]]
    for field in ("rank_pattern", "alpha_pattern"):
        raw[field] = {key.replace("<first>", attention[0]): v for key, v in raw[field].items()}
    return raw


@cache
def _newer() -> bool:
    """GPT-NeoX's head got its common name in transformers 5."""
    from conformance.core.versions import installed

    return not installed("transformers").startswith("4.")


def verdicts(config: str, adapter: str) -> tuple[str, str, str, float]:
    """The verdict of a pair, that of the grid's nearest case, its name, and the seconds taken."""
    from conformance.kinds.lifecycle.proof import require_informative
    from conformance.kinds.lifecycle.verdict import verdict_of
    from conformance.kinds.user_config.configuration import configuration
    from conformance.kinds.user_config.subject import observe_own

    start = time.monotonic()
    with TemporaryDirectory() as folder:
        path = Path(folder) / "adapter_config.json"
        path.write_text(json.dumps(adapter_for(config, adapter)))
        found = configuration(str(CONFIGS[config]), folder)
    seen = observe_own(found)
    require_informative(seen)
    verdict = verdict_of(seen)
    seconds = time.monotonic() - start
    return verdict, _nearest(found.case.nearest), repr(found.case.nearest), seconds


@cache
def _nearest(case: Any) -> str:
    from conformance.kinds.lifecycle.observe import observe
    from conformance.kinds.lifecycle.verdict import verdict_of

    return verdict_of(observe(case))


def life_of(config: str, adapter: str, folder: Path) -> OwnLife:
    """The life of a pair, as the command lives it."""
    from conformance.causes.known import Known
    from conformance.kinds.user_config.run import OwnLife

    path = folder / "adapter_config.json"
    path.write_text(json.dumps(adapter_for(config, adapter)))
    return OwnLife(str(CONFIGS[config]), str(folder), Known.load())


def every_pair() -> Iterator[tuple[bool, str]]:
    """All pairs: whether each is as it should be, and a line about it."""
    for config in CONFIGS:
        for adapter in ADAPTERS:
            verdict, nearest, near, seconds = verdicts(config, adapter)
            same = verdict == nearest
            word = "as" if same else f"not {nearest} as"
            yield (
                same and seconds < 10,
                f"{config} {adapter}: {verdict} {word} {near} {seconds:.1f}s",
            )


def every_script() -> Iterator[tuple[bool, str]]:
    """All pairs that lose something: whether the issue's script says so, and a line about it."""
    from own_scripts import differences, issue_of, run

    for config in CONFIGS:
        for adapter in ADAPTERS:
            with TemporaryDirectory() as folder:
                life = life_of(config, adapter, Path(folder))
                if not life.answer.losses:
                    continue
                invariant, script = issue_of(life)
                ended = run(script, Path(folder))
            wrong = differences(life, ended)
            told = "; ".join(wrong or ended.broken)
            yield not wrong, f"{config} {adapter}: {invariant}: {told}"


def every_advice() -> Iterator[tuple[bool, str]]:
    """All pairs that lose something: whether anything is advised, and a line about it."""
    for config in CONFIGS:
        for adapter in ADAPTERS:
            with TemporaryDirectory() as folder:
                life = life_of(config, adapter, Path(folder))
                if life.answer.safe:
                    continue
                told = [one.text[:40] for one in (*life.instead, *life.rescue)]
            yield bool(told), f"{config} {adapter}: {life.answer.words}: {told}"


WAYS = {"--scripts": every_script, "--advice": every_advice}

if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).parents[2]))
    wrong = 0
    for fine, line in WAYS[sys.argv[1]]() if sys.argv[1:] else every_pair():
        wrong += not fine
        print("ok   " if fine else "WRONG", line, flush=True)  # noqa: T201
    sys.exit(1 if wrong else 0)
