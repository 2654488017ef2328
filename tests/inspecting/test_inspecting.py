"""``inspect``: what the two tensors and the config say of each other, on files of every kind."""

from __future__ import annotations

import json
import os
import random
import struct
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from conformance.__main__ import main
from conformance.core.user_files import InputError
from conformance.inspecting.safetensors_header import read_header, same

ROOT = Path(__file__).parents[2]
EMBEDDING, HEAD = "model.embed_tokens.weight", "lm_head.weight"
LLAMA = {"model_type": "llama", "hidden_size": 8, "vocab_size": 16, "num_attention_heads": 2}


def header_of(tensors: dict[str, tuple[str, list[int], int]]) -> bytes:
    """A header for tensors of a dtype, a shape and a number of bytes, one after another."""
    entries, place = {}, 0
    for key, (dtype, shape, size) in tensors.items():
        entries[key] = {"dtype": dtype, "shape": shape, "data_offsets": [place, place + size]}
        place += size
    raw = json.dumps(entries).encode()
    return struct.pack("<Q", len(raw)) + raw


def checkpoint(folder: Path, values: dict[str, bytes], **config: Any) -> Path:
    """A checkpoint of byte tensors."""
    folder.mkdir(exist_ok=True)
    (folder / "config.json").write_text(json.dumps({**LLAMA, **config}))
    head = header_of({key: ("U8", [len(raw)], len(raw)) for key, raw in values.items()})
    (folder / "model.safetensors").write_bytes(head + b"".join(values.values()))
    return folder


def told(folder: Path, capsys: pytest.CaptureFixture[str]) -> tuple[int, str]:
    status = main(["inspect", str(folder)])
    return status, capsys.readouterr().out


ONE, OTHER = b"12345678", b"12345679"


@pytest.mark.parametrize(
    ("values", "flag", "says"),
    [
        ({EMBEDDING: ONE}, True, None),
        ({EMBEDDING: ONE, HEAD: ONE}, True, None),
        ({EMBEDDING: ONE, HEAD: OTHER}, False, None),
        ({EMBEDDING: ONE, HEAD: OTHER}, True, f"drops {HEAD}"),
        ({EMBEDDING: ONE}, False, f"makes {HEAD} up at random"),
        ({HEAD: ONE}, True, f"{EMBEDDING} is not in the file"),
        ({"model.norm.weight": ONE}, True, "makes both up at random"),
        ({EMBEDDING: ONE, "model.x.lora_A.weight": OTHER}, True, "PEFT's own"),
    ],
)
def test_the_flag_is_held_against_the_tensors(
    values: dict[str, bytes],
    flag: bool,
    says: str | None,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    status, text = told(checkpoint(tmp_path / "m", values, tie_word_embeddings=flag), capsys)
    assert status == (1 if says else 0)
    assert "agree" in text if says is None else says in text


def test_flags_that_disagree_among_themselves_are_told(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    nested = {"text_config": {"tie_word_embeddings": True}, "tie_word_embeddings": False}
    folder = checkpoint(tmp_path / "m", {EMBEDDING: ONE, HEAD: OTHER}, **nested)
    status, text = told(folder, capsys)
    assert status == 1
    assert "text_config.tie_word_embeddings=true" in text


def test_an_architecture_that_nobody_knows_is_judged_by_names(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    values = {"net.embed_tokens.weight": ONE, "net.lm_head.weight": OTHER}
    folder = checkpoint(tmp_path / "m", values, model_type="unheard-of", tie_word_embeddings=True)
    status, text = told(folder, capsys)
    assert status == 1
    assert "by their names alone" in text
    assert "drops net.lm_head.weight" in text


def test_shards_are_found_by_their_index(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = checkpoint(tmp_path / "m", {EMBEDDING: ONE}, tie_word_embeddings=True)
    (folder / "model.safetensors").rename(folder / "a.safetensors")
    (folder / "b.safetensors").write_bytes(header_of({HEAD: ("U8", [8], 8)}) + OTHER)
    index = {"weight_map": {EMBEDDING: "a.safetensors", HEAD: "b.safetensors"}}
    (folder / "model.safetensors.index.json").write_text(json.dumps(index))
    assert "drops lm_head.weight" in told(folder, capsys)[1]
    index["weight_map"]["lost.weight"] = "b.safetensors"
    (folder / "model.safetensors.index.json").write_text(json.dumps(index))
    assert "do not agree on lost.weight" in told(folder, capsys)[1]


def refused(folder: Path, capsys: pytest.CaptureFixture[str]) -> str:
    with pytest.raises(SystemExit) as left:
        main(["inspect", str(folder)])
    assert left.value.code == 4
    text = capsys.readouterr().err
    assert text.count("\n") == 1
    assert "Traceback" not in text
    return text


def test_what_cannot_be_judged_is_refused_in_one_sentence(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert "is no folder" in refused(tmp_path / "none", capsys)
    folder = checkpoint(tmp_path / "m", {EMBEDDING: ONE})
    whole = (folder / "model.safetensors").read_bytes()
    (folder / "model.safetensors").write_bytes(whole[:-1])
    assert "lies outside the file" in refused(folder, capsys)
    (folder / "model.safetensors").write_bytes(whole[:5])
    assert "cut off" in refused(folder, capsys)
    (folder / "model.safetensors").write_bytes(struct.pack("<Q", 2**62) + b"{}")
    assert "cut off" in refused(folder, capsys)
    (folder / "model.safetensors").unlink()
    (folder / "pytorch_model.bin").write_bytes(b"\x80\x04")
    assert "unpickling" in refused(folder, capsys)
    (folder / "config.json").write_text("[]")
    assert "not a mapping" in refused(folder, capsys)
    (folder / "config.json").unlink()
    os.mkfifo(folder / "config.json")
    assert "no regular file" in refused(folder, capsys)


def test_a_link_or_an_index_that_leads_out_of_the_folder_is_not_followed(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = checkpoint(tmp_path / "m", {EMBEDDING: ONE})
    outside = tmp_path / "outside.safetensors"
    (folder / "model.safetensors").rename(outside)
    (folder / "model.safetensors").symlink_to(outside)
    assert "leads out of its folder" in refused(folder, capsys)
    (folder / "model.safetensors").unlink()
    index = {"weight_map": {EMBEDDING: "../outside.safetensors"}}
    (folder / "model.safetensors.index.json").write_text(json.dumps(index))
    assert "beside it" in refused(folder, capsys)


GIBIBYTE = 2**30
INSPECT = """
import re, resource, sys
from pathlib import Path
from conformance.__main__ import main
status = main(["inspect", sys.argv[1]])
# on Linux ru_maxrss counts what the process was before exec too: as large as these tests
kept = Path("/proc/self/status")
peak = re.search(r"VmHWM:\\s+(\\d+)", kept.read_text()) if kept.exists() else None
print(peak[1] if peak else resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
sys.exit(status)
"""


def test_a_checkpoint_of_50_gb_takes_little_memory(tmp_path: Path) -> None:
    """A sparse file: its matrices are a gibibyte each and differ in their last byte alone.

    The architecture is one that transformers does not know, so that no library is imported whose
    size would hide what is measured.
    """
    rows, width = 2**15, 2**14
    size = rows * width * 2
    assert size == GIBIBYTE
    layers = {f"net.layers.{n}.weight": ("F16", [rows, width], size) for n in range(48)}
    tensors = {
        "net.embed_tokens.weight": ("F16", [rows, width], size),
        **layers,
        "lm_head.weight": ("F16", [rows, width], size),
    }
    folder = tmp_path / "large"
    folder.mkdir()
    config = {"model_type": "unheard-of", "tie_word_embeddings": True}
    (folder / "config.json").write_text(json.dumps(config))
    head = header_of(tensors)
    with (folder / "model.safetensors").open("wb") as file:
        file.write(head)
        file.truncate(len(head) + 50 * size)
        file.seek(-1, os.SEEK_END)
        file.write(b"\x01")
    assert (folder / "model.safetensors").stat().st_size > 50e9
    assert (folder / "model.safetensors").stat().st_blocks * 512 < 10e6
    done = subprocess.run(
        [sys.executable, "-c", INSPECT, str(folder)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )
    assert done.returncode == 1, done.stderr
    assert "two different tensors" in done.stdout
    kibibytes = int(done.stdout.splitlines()[-1])
    assert 0 < kibibytes < GIBIBYTE / 1024  # torch and transformers are some 500 MiB of it


def test_equal_bytes_are_found_equal_and_any_other_byte_is_seen(tmp_path: Path) -> None:
    folder = checkpoint(tmp_path / "m", {"a": ONE, "b": ONE, "c": OTHER, "d": b"123"})
    found = read_header(folder / "model.safetensors")
    assert same(found["a"], found["b"])
    assert not same(found["a"], found["c"])
    assert not same(found["a"], found["d"])


ODD: tuple[object, ...] = (
    *(None, True, -1, 0, 2**63, 2**80, 1e308, "", "F32", "U8", "\x00", [], {}, [[]], [-1]),
    *([2**40] * 3, [1, 2], [8, 0], {"dtype": "F32"}, {"shape": [1]}),
)


def mutated(raw: bytes, draw: random.Random) -> bytes:
    """A header with bytes or values changed, in the file or in its JSON."""
    length = struct.unpack("<Q", raw[:8])[0]
    kind = draw.randrange(5)
    if kind == 0:
        return raw[: draw.randrange(len(raw))]
    if kind == 1:
        place = draw.randrange(len(raw))
        return raw[:place] + bytes([draw.randrange(256)]) + raw[place + 1 :]
    if kind == 2:
        return (
            struct.pack("<Q", draw.choice((0, 1, length - 1, length + 1, 2**31, 2**63))) + raw[8:]
        )
    entries = json.loads(raw[8 : 8 + length])
    entry = entries[draw.choice(sorted(entries))]
    if kind == 3:
        entries[draw.choice(sorted(entries))] = draw.choice(ODD)
    else:
        entry[draw.choice(("dtype", "shape", "data_offsets", "more"))] = draw.choice(ODD)
    text = json.dumps(entries).encode()
    return struct.pack("<Q", len(text)) + text + raw[8 + length :]


def test_ten_thousand_damaged_headers_give_tensors_inside_the_file_or_one_sentence(
    tmp_path: Path,
) -> None:
    whole = header_of({"a": ("F32", [2, 3], 24), "b": ("BF16", [4], 8)}) + bytes(32)
    path = tmp_path / "model.safetensors"
    refusals = []
    for number in range(10_000):
        raw = mutated(whole, random.Random(number))  # noqa: S311  the same each time
        path.write_bytes(raw)
        try:
            found = read_header(path)
        except InputError as error:
            refusals.append(str(error))
        else:
            assert all(0 <= one.start <= one.end <= len(raw) for one in found.values())
    assert 5_000 < len(refusals) < 10_000
    assert all("\n" not in text and len(text) < 600 for text in refusals)
