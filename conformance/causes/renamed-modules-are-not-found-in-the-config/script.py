# An adapter that names the head of GPT-NeoX as other transformers do is loaded without its head.
import copy, json, peft, sys, torch
from safetensors.torch import save_file
from transformers import GPTNeoXConfig, GPTNeoXForCausalLM
if not hasattr(peft.utils, "SAFETENSORS_WEIGHTS_NAME"):
    sys.exit(125)  # this version reads no safetensors
torch.manual_seed(0)
size = dict(vocab_size=100, hidden_size=64, intermediate_size=64, num_hidden_layers=1)
base = GPTNeoXForCausalLM(GPTNeoXConfig(num_attention_heads=4, **size)).eval()
x = torch.arange(10)[None]
# the head is lm_head from transformers 5.14 on, and was embed_out before
here = next(name for name in ("lm_head", "embed_out") if hasattr(base, name))
there = {"lm_head": "embed_out", "embed_out": "lm_head"}[here]
a, b, off = torch.randn(8, 64) / 8, torch.randn(100, 8) / 8, {}
with torch.no_grad():
    trained = base(x).logits + base.gpt_neox(x)[0] @ (b @ a).T
    for name in (here, there):
        saved = {"peft_type": "LORA", "r": 8, "lora_alpha": 8, "lora_dropout": 0.0,
                 "target_modules": ["query_key_value", name]}
        json.dump(saved, open("adapter_config.json", "w"))
        keys = [f"base_model.model.{name}.lora_{part}.weight" for part in "AB"]
        save_file(dict(zip(keys, (a, b))), "adapter_model.safetensors")
        found = peft.PeftModel.from_pretrained(copy.deepcopy(base), ".").eval()(x).logits
        off[name] = (found - trained).abs().max().item()
sys.exit(print("logits of the loaded adapter are off by", off) or off[there] > 1e-3)
