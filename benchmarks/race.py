"""Whether training the adapter of a tied pair gives the same values twice.

    python -m benchmarks.race [--device NAME]

PEFT makes two Parameters over one storage of the factors that embedding and head share under
``ensure_weight_tying``, and an optimizer holds both. On CUDA torch's optimizers step all parameters
in one kernel unless told otherwise (``foreach=False``): two of its threads then write one entry.
Each line trains the same model four times from the same values, on kernels that give equal bits.
"""

from __future__ import annotations

import argparse

import torch
from peft import LoraConfig, get_peft_model
from transformers import LlamaConfig, LlamaForCausalLM

from benchmarks.table import made_with
from conformance.core.device_names import DEVICES
from conformance.core.versions import versions
from conformance.engine.devices import torch_device, unavailable
from conformance.engine.devices.deterministic import repeatable

SIZES = {
    "vocab_size": 2048,
    "hidden_size": 512,
    "intermediate_size": 32,
    "num_hidden_layers": 1,
    "num_attention_heads": 2,
    "tie_word_embeddings": True,
}
RUNS = 4
STEPS = 3


def trained(device: str, optimizer: str, *, ensure: bool, foreach: bool | None) -> torch.Tensor:
    """The values of the adapter after a few steps, in one row."""
    where = torch_device(device)
    with repeatable(device, 0):
        base = LlamaForCausalLM(LlamaConfig(**SIZES)).to(where)  # type: ignore[arg-type]
        targets = ["embed_tokens", "lm_head"] if ensure else ["embed_tokens"]
        config = LoraConfig(r=32, target_modules=targets, ensure_weight_tying=ensure)
        model = get_peft_model(base, config)
        own = [one for one in model.parameters() if one.requires_grad]
        with torch.no_grad():
            for one in own:
                one.normal_(std=0.02)
        made = getattr(torch.optim, optimizer)(own, lr=0.05, foreach=foreach)
        ids = torch.arange(256, device=where)[None]
        for _ in range(STEPS):
            made.zero_grad()
            model(input_ids=ids, labels=ids).loss.backward()
            made.step()
        return torch.cat([one.detach().flatten().cpu() for one in own])


def main() -> int:
    """Print a table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--device", choices=DEVICES, default="cuda")
    device = parser.parse_args().device
    absent = unavailable(device)
    if absent:
        parser.error(f"--device {device}: {absent}")
    print(f"On {device}. {made_with(versions())}\n")
    print("| optimizer | ensure_weight_tying | foreach | runs differ by | values up to |")
    print("| --- | --- | --- | --- | --- |")
    for optimizer in ("SGD", "AdamW"):
        for ensure in (True, False):
            for foreach in (None, False):
                first, *others = (
                    trained(device, optimizer, ensure=ensure, foreach=foreach) for _ in range(RUNS)
                )
                apart = max(float((one - first).abs().max()) for one in others)
                values = (f"{apart:.2g}", f"{float(first.abs().max()):.2g}")
                print("| " + " | ".join(map(str, (optimizer, ensure, foreach, *values))) + " |")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
