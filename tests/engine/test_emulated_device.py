"""The emulated device computes as the CPU does and refuses what CUDA refuses."""

from __future__ import annotations

import copy
import io
import itertools
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
import transformers
from peft import LoraConfig, PeftModel, get_peft_model
from peft.tuners.lora import Linear as LoraLinear

from conformance.core import device_names
from conformance.engine import devices

_SIZES = {
    "vocab_size": 24,
    "hidden_size": 16,
    "num_hidden_layers": 1,
    "num_attention_heads": 2,
    "intermediate_size": 32,
    "max_position_embeddings": 32,
    "tie_word_embeddings": True,
}
_FAMILIES = {
    "llama": lambda: transformers.LlamaConfig(**_SIZES, num_key_value_heads=1),
    "gpt2": lambda: transformers.GPT2Config(
        vocab_size=24, n_embd=16, n_layer=1, n_head=2, n_positions=32
    ),
    "gemma3-text": lambda: transformers.Gemma3TextConfig(
        **_SIZES, num_key_value_heads=1, head_dim=8
    ),
    "mixtral": lambda: transformers.MixtralConfig(
        **_SIZES, num_key_value_heads=1, num_local_experts=2, num_experts_per_tok=1
    ),
    "mamba": lambda: transformers.MambaConfig(
        vocab_size=24, hidden_size=16, num_hidden_layers=1, state_size=4
    ),
    "phi": lambda: transformers.PhiConfig(**_SIZES),
}
_DTYPES = (torch.float32, torch.bfloat16, torch.float16, torch.float64)
_PLACEMENTS = {
    "target": {"target_modules": ["embed_tokens", "lm_head", "q_proj"]},
    "save": {"target_modules": ["q_proj"], "modules_to_save": ["lm_head"]},
    "tokens": {"target_modules": ["q_proj"], "trainable_token_indices": [1, 23]},
    "dora": {"target_modules": ["embed_tokens", "q_proj"], "use_dora": True},
    "ensure": {
        "target_modules": ["q_proj"],
        "modules_to_save": ["embed_tokens"],
        "ensure_weight_tying": True,
    },
}


def _input_ids() -> torch.Tensor:
    return torch.arange(3, 12).view(1, 9)


def _build(family: str, dtype: torch.dtype = torch.float32) -> transformers.PreTrainedModel:
    torch.manual_seed(0)
    model = transformers.AutoModelForCausalLM.from_config(_FAMILIES[family]())
    return model.to(dtype).eval()


def _wrap(base: transformers.PreTrainedModel, placement: str) -> PeftModel:
    config = LoraConfig(r=2, task_type="CAUSAL_LM", **copy.deepcopy(_PLACEMENTS[placement]))
    model = get_peft_model(base, config).eval()
    generator = torch.Generator().manual_seed(1)
    with torch.no_grad():
        for parameter in model.parameters():
            if parameter.requires_grad:
                values = 0.3 * torch.randn(parameter.shape, generator=generator)
                parameter.copy_(values)
    return model


def _logits(model: torch.nn.Module) -> torch.Tensor:
    at = next(model.parameters()).device
    with torch.no_grad():
        logits = model(_input_ids().to(at)).logits
    assert logits.device == at
    assert logits.isfinite().all()
    return logits.cpu()


def _is_tied(model: transformers.PreTrainedModel) -> bool:
    return model.get_input_embeddings().weight is model.get_output_embeddings().weight


# The package ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "mix",
    [
        lambda ours, cpu: ours + cpu,
        lambda ours, cpu: cpu + ours,
        lambda ours, cpu: ours.clone().add_(cpu),
        lambda ours, cpu: cpu.clone().add_(ours),
        lambda ours, cpu: ours @ cpu,
        lambda ours, cpu: cpu @ ours,
        lambda ours, cpu: torch.cat([ours, cpu]),
        lambda ours, cpu: torch.nn.functional.linear(ours, ours, cpu[0]),
        lambda ours, cpu: torch.nn.functional.layer_norm(ours, (4,), cpu[0]),
        lambda ours, cpu: torch.nn.functional.embedding(torch.tensor([0]), ours),
        lambda ours, cpu: torch.nn.functional.conv1d(ours[None], cpu[:, :, None]),
        lambda ours, cpu: torch.nn.functional.scaled_dot_product_attention(
            ours[None, None], cpu[None, None], ours[None, None]
        ),
        lambda ours, cpu: ours.index_put_((torch.tensor([0]),), cpu[0]),
        lambda ours, cpu: cpu[torch.tensor([0], device=ours.device)],
        lambda ours, cpu: torch.tensor(0.0).add_(ours.sum()),
        torch.equal,
    ],
    ids=itertools.count(),
)
def test_mixed_devices_are_refused_in_cuda_s_words(
    mix: Callable[..., torch.Tensor], device: torch.device
) -> None:
    cpu = torch.randn(4, 4)
    with pytest.raises(RuntimeError, match=r"(on|have) the same device"):
        mix(cpu.to(device), cpu)


@pytest.mark.parametrize(
    "mix",
    [
        lambda ours: ours * torch.tensor(2.0),
        lambda ours: torch.tensor(2.0) * ours,
        lambda ours: torch.where(ours > 0, torch.tensor(0.0), ours),
        lambda ours: ours[torch.tensor([1, 0])],
        lambda ours: ours[torch.tensor([True, False, True, False])],
        lambda ours: ours.index_put((torch.tensor([0]),), ours[1]),
        lambda ours: ours.clone().copy_(torch.ones(4, 4)),
    ],
    ids=itertools.count(),
)
def test_what_cuda_allows_to_lie_on_the_cpu_is_allowed(
    mix: Callable[..., torch.Tensor], device: torch.device
) -> None:
    cpu = torch.randn(4, 4)
    result = mix(cpu.to(device))
    assert result.device == device
    assert torch.equal(result.cpu(), mix(cpu))


def test_views_share_storage(device: torch.device) -> None:
    tensor = torch.zeros(4, 6, device=device)
    views = [tensor[1], tensor.T, tensor.view(6, 4), tensor.unfold(1, 2, 2), tensor.detach()]
    assert {view.untyped_storage().data_ptr() for view in views} == {tensor.data_ptr()}
    tensor.T[0] = 1.0
    assert tensor.sum().item() == 4.0


@pytest.mark.parametrize("view", [torch.conj, torch._neg_view])
def test_values_of_views_that_carry_a_bit(
    view: Callable[[torch.Tensor], torch.Tensor], device: torch.device
) -> None:
    there = torch.tensor([1 + 2j, 3 - 4j])
    here = view(there.to(device))
    assert torch.equal((here * here).cpu(), view(there) ** 2)
    assert torch.equal(here.clone().cpu(), view(there))
    assert torch.equal(torch.zeros_like(here).copy_(here).cpu(), view(there))


@pytest.mark.parametrize("needs_grad", [False, True])
def test_attention_is_the_cpu_s_kernel(needs_grad: bool, device: torch.device) -> None:
    """A bias that learns makes the CPU choose another kernel; T5 has one."""
    query, key, value = torch.randn(3, 1, 2, 9, 8).unbind()
    bias = torch.randn(1, 2, 9, 9)

    def attend(to: str | torch.device) -> list[torch.Tensor]:
        leaves = [tensor.to(to).detach() for tensor in (query, key, value, bias)]
        for leaf in leaves[: 4 if needs_grad else 3]:
            leaf.requires_grad_()
        output = torch.nn.functional.scaled_dot_product_attention(*leaves)
        output.sum().backward()
        return [output.cpu(), *(leaf.grad.cpu() for leaf in leaves if leaf.requires_grad)]

    results = zip(attend("cpu"), attend(device), strict=True)
    assert all(torch.equal(expected, found) for expected, found in results)


def test_torch_save_round_trip_keeps_sharing(device: torch.device) -> None:
    weight = torch.randn(4, 4, device=device)
    file = io.BytesIO()
    torch.save({"weight": weight, "row": weight[1]}, file)
    file.seek(0)
    loaded = torch.load(file)
    assert loaded["weight"].device == device
    assert torch.equal(loaded["weight"].cpu(), weight.cpu())
    loaded["row"].zero_()
    assert loaded["weight"][1].sum().item() == 0.0
    file.seek(0)
    assert torch.load(file, map_location="cpu")["weight"].device.type == "cpu"


# Models --------------------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", _DTYPES, ids=str)
@pytest.mark.parametrize("attention", ["eager", "sdpa"])
@pytest.mark.parametrize("family", _FAMILIES)
def test_logits_are_the_cpu_s_bit_for_bit(
    family: str, attention: str, dtype: torch.dtype, device: torch.device
) -> None:
    if (family, dtype) == ("mixtral", torch.float64):
        pytest.skip("mixtral's grouped matrix product has no float64 on any device")
    model = _build(family, dtype)
    if family != "mamba":
        model.set_attn_implementation(attention)
    expected = _logits(model)
    assert _is_tied(model)
    model.to(device)
    assert _is_tied(model)
    assert torch.equal(_logits(model), expected)
    twin = copy.deepcopy(model)
    assert _is_tied(twin)
    assert torch.equal(_logits(twin), expected)
    twin.to("cpu")
    assert _is_tied(twin)
    assert torch.equal(_logits(twin), expected)


@pytest.mark.parametrize("optimizer", [torch.optim.SGD, torch.optim.AdamW])
@pytest.mark.parametrize("family", _FAMILIES)
def test_training_step_is_the_cpu_s(family: str, optimizer: type, device: torch.device) -> None:
    def step(to: str | torch.device) -> dict[str, torch.Tensor]:
        model = _build(family).to(to)
        ids = _input_ids().to(to)
        optimizer_ = optimizer(model.parameters(), lr=0.1)
        model(ids, labels=ids).loss.backward()
        optimizer_.step()
        return {name: value.cpu() for name, value in model.state_dict().items()}

    expected, found = step("cpu"), step(device)
    for name, value in expected.items():
        torch.testing.assert_close(found[name], value, msg=name)
    before = _build(family).state_dict()
    assert any(not torch.equal(value, before[name]) for name, value in expected.items())


@pytest.mark.parametrize("placement", _PLACEMENTS)
def test_adapter_s_life_on_the_device(placement: str, device: torch.device, tmp_path: Path) -> None:
    expected = _logits(_wrap(_build("llama"), placement))
    base = _build("llama").to(device)
    model = _wrap(copy.deepcopy(base), placement)
    assert {parameter.device for parameter in model.parameters()} == {device}
    assert torch.equal(_logits(model), expected)

    model.save_pretrained(tmp_path / "adapter")
    for low_cpu_mem_usage in (False, True):
        # The adapter is read on the CPU, and with low_cpu_mem_usage its weights stay there.
        loaded = PeftModel.from_pretrained(
            copy.deepcopy(base),
            tmp_path / "adapter",
            torch_device=device_names.peft_load_device("emulated"),
            low_cpu_mem_usage=low_cpu_mem_usage,
        ).to(device)
        assert torch.equal(_logits(loaded.eval()), expected)

    model.merge_adapter()
    model.unmerge_adapter()
    torch.testing.assert_close(_logits(model), expected)

    cpu_merged = _wrap(_build("llama"), placement).merge_and_unload()
    for safe_merge in (False, True):
        twin = _wrap(copy.deepcopy(base), placement)
        merged = twin.merge_and_unload(safe_merge=safe_merge)
        assert torch.equal(_logits(merged), _logits(cpu_merged))
    merged.save_pretrained(tmp_path / "merged")
    cpu_merged.save_pretrained(tmp_path / "cpu-merged")
    files = [tmp_path / name / "model.safetensors" for name in ("merged", "cpu-merged")]
    assert files[0].read_bytes() == files[1].read_bytes()
    reload = transformers.AutoModelForCausalLM.from_pretrained
    expected_reloaded = _logits(reload(tmp_path / "cpu-merged").eval())
    assert torch.equal(_logits(reload(tmp_path / "merged").to(device).eval()), expected_reloaded)


def test_safetensors_still_refuses_the_name(device: torch.device, tmp_path: Path) -> None:
    """Why `peft_load_device` exists; if this fails, it may go."""
    base = _build("llama").to(device)
    _wrap(copy.deepcopy(base), "target").save_pretrained(tmp_path)
    with pytest.raises(Exception, match="device emulated is invalid"):
        PeftModel.from_pretrained(base, tmp_path, torch_device="emulated")


# What it is for, and what it must not do -------------------------------------------------------


def test_delta_left_on_the_cpu_is_caught_only_here(
    device: torch.device, monkeypatch: pytest.MonkeyPatch
) -> None:
    def delta_on_cpu(self: LoraLinear, adapter: str) -> torch.Tensor:
        a = self.lora_A[adapter].weight.cpu()
        b = self.lora_B[adapter].weight.cpu()
        return (b @ a) * self.scaling[adapter]

    monkeypatch.setattr(LoraLinear, "get_delta_weight", delta_on_cpu)
    on_cpu = _wrap(_build("llama"), "target")
    _logits(on_cpu.merge_and_unload())
    on_device = _wrap(_build("llama").to(device), "target")
    with pytest.raises(RuntimeError, match="Expected all tensors to be on the same device"):
        on_device.merge_and_unload()


def test_cpu_code_is_not_changed_by_the_device(tmp_path: Path) -> None:
    """The same life on the CPU, with the device loaded and without, in two processes."""
    reason = devices.unavailable("emulated")
    if reason is not None:
        pytest.skip(reason)
    script = """
import hashlib, sys, torch, transformers
from peft import LoraConfig, get_peft_model
from peft.utils import infer_device
if sys.argv[1] == "loaded":
    from conformance.engine.devices import emulated
    emulated.load()
torch.manual_seed(0)
config = transformers.LlamaConfig(vocab_size=24, hidden_size=16, num_hidden_layers=1,
    num_attention_heads=2, intermediate_size=32, tie_word_embeddings=True)
model = transformers.AutoModelForCausalLM.from_config(config)
model = get_peft_model(model, LoraConfig(r=2, init_lora_weights=False, lora_dropout=0.1,
    target_modules=["embed_tokens", "lm_head", "q_proj"]))
ids = torch.arange(9).view(1, 9)
optimizer = torch.optim.AdamW(p for p in model.parameters() if p.requires_grad)
model(input_ids=ids, labels=ids).loss.backward()
optimizer.step()
merged = model.merge_and_unload().eval()
values = b"".join(value.detach().numpy().tobytes() for value in merged.state_dict().values())
values += merged(ids).logits.detach().numpy().tobytes()
print(infer_device(), torch.cuda.is_available(), torch.get_default_device(),
    hashlib.sha256(values).hexdigest())
"""
    outputs = [
        subprocess.run(
            [sys.executable, "-c", script, how],
            cwd=Path(__file__).parents[2],
            check=True,
            capture_output=True,
            text=True,
        ).stdout
        for how in ("plain", "loaded")
    ]
    assert outputs[0] == outputs[1]
