"""Ten thousand damaged configs of each kind: plain values out, or one sentence."""

from __future__ import annotations

import copy
import json
import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from own_pairs import ADAPTERS, CONFIGS

from conformance.core.user_files import InputError, parse, walk
from conformance.kinds.user_config.adapter import Clipping, RawAdapter
from conformance.kinds.user_config.downscale import Shrinking, check_sizes
from conformance.kinds.user_config.fields import checked, not_followed
from conformance.kinds.user_config.matching import check_expressions, targets
from conformance.kinds.user_config.model import read_model, without_storage

ODD: tuple[Any, ...] = (
    *(None, True, False, -1, 0, 1, 2, 3, 7, 10**12, -(10**12), 2**70, 0.5, -1.5, 1e308, 1e-9),
    *("", "x", "\x00", "../..", "(" * 50, "[", "q_proj", "all-linear", "é" * 300),
    *([], {}, [[]], [None], [0], [1, 2, 3], ["q_proj"], [10**12], {"a": 1}, {"": {}}, {"0": [1]}),
    *([{"hidden_size": 4}], {"hidden_size": "wide"}, [["a"] * 5] * 5, [True, False]),
)
MOST = 5 * 10**6


def mutated(raw: bytes, draw: random.Random) -> bytes:
    """The JSON text with some bytes or some values changed."""
    if draw.random() < 0.2:
        place = draw.randrange(len(raw))
        other = bytes([draw.randrange(256)])
        return (
            raw[:place] + draw.choice((b"", other, raw[: draw.randrange(200)])) + raw[place + 1 :]
        )
    found = json.loads(raw)
    for _ in range(draw.choice((1, 1, 2, 4))):
        places = [path for path, _ in walk(found) if path]
        if not places:
            break
        *way, last = draw.choice(places)
        body: Any = found
        for step in way:
            body = body[int(step)] if isinstance(body, list) else body[step]
        key = int(last) if isinstance(body, list) else last
        if draw.random() < 0.15:
            del body[key]
        else:
            body[key] = copy.deepcopy(draw.choice(ODD))
    return json.dumps(found).encode()


def run(sources: list[Path], once: Callable[[bytes], None], count: int = 10_000) -> list[str]:
    """What was refused, as it was said; ``once`` may raise InputError alone."""
    raws = [path.read_bytes() for path in sources]
    refusals = []
    for number in range(count):
        draw = random.Random(number)  # noqa: S311  the same each time
        try:
            once(mutated(draw.choice(raws), draw))
        except InputError as error:
            refusals.append(str(error))
    return refusals


def shrink(raw: bytes) -> None:
    """What happens to a config before transformers sees it, and after."""
    config = parse(raw, "'config.json'")
    check_sizes(config, "'config.json'")
    plain = without_storage(config)
    shrunk = Shrinking(2).config(plain)
    assert shrunk.keys() == plain.keys()
    sizes = ("hidden_size", "n_embd", "d_model", "intermediate_size", "vocab_size", "d_ff")
    for name in sizes:
        if type(shrunk.get(name)) is int:
            assert shrunk[name] <= 4096


def clip(raw: bytes) -> None:
    """What happens to an adapter config before PEFT sees it."""
    config = parse(raw, "'adapter_config.json'")
    arguments = checked(config, "'adapter_config.json'")
    check_expressions(arguments, "'adapter_config.json'")
    adapter = RawAdapter(Path("adapter_config.json"), arguments, tuple(not_followed(config)))
    left = adapter.layers
    assert 2 <= left <= 12
    found, notes = Clipping(32, left, 32000, 64, {2: 16}).arguments(adapter)
    assert found["r"] <= 64
    assert all("\n" not in note for note in notes)
    modules = [f"model.layers.{n}.self_attn.q_proj" for n in range(left)]
    assert targets(found, modules, modules) <= set(modules)


@pytest.mark.parametrize(
    ("sources", "once"), [(CONFIGS, shrink), (ADAPTERS, clip)], ids=["model", "adapter"]
)
def test_ten_thousand_damaged_configs_give_one_sentence_or_small_sizes(
    sources: dict[str, Path], once: Callable[[bytes], None]
) -> None:
    refusals = run(list(sources.values()), once)
    assert 1_000 < len(refusals) < 9_900
    assert all("\n" not in text and len(text) < 600 for text in refusals)


def test_what_transformers_says_of_damaged_configs_becomes_one_sentence(tmp_path: Path) -> None:
    """Fewer, since each is handed to transformers, and what passes is built on no memory."""
    path = tmp_path / "config.json"

    def read(raw: bytes) -> None:
        path.write_bytes(raw)
        read_model(str(path), layers=2)

    refusals = run(list(CONFIGS.values()), read, count=300)
    assert 50 < len(refusals) < 300
    assert all("\n" not in text and len(text) < 900 for text in refusals)
