# Loading bias='lora_only' onto an offloaded base: the biases are the base's, not the trained ones.
import os, sys, torch
from transformers import LlamaConfig, LlamaForCausalLM
from peft import LoraConfig, PeftModel, get_peft_model
from safetensors import SafetensorError
torch.manual_seed(0)
config = LlamaConfig(vocab_size=100, hidden_size=64, intermediate_size=64, num_hidden_layers=2,
                     num_attention_heads=4, attention_bias=True)
LlamaForCausalLM(config).save_pretrained("base")
x, off = torch.arange(10)[None], {}
for bias in ("none", "lora_only"):
    lora = LoraConfig(lora_alpha=8, lora_dropout=0.0, target_modules=["v_proj"], bias=bias)
    trained = get_peft_model(LlamaForCausalLM.from_pretrained("base"), lora)
    trained(x, labels=x).loss.backward()
    torch.optim.SGD([p for p in trained.parameters() if p.grad is not None], lr=1.0).step()
    trained.eval().save_pretrained("adapter")
    place = dict(max_memory={"cpu": 200_000}, offload_folder="offload")  # layers: on the disk
    base = LlamaForCausalLM.from_pretrained(os.path.abspath("base"), device_map="auto", **place)
    try:
        loaded = PeftModel.from_pretrained(base, "adapter", **place)
    except (KeyError, NotImplementedError, OSError, SafetensorError):
        sys.exit(125)  # no adapter can be loaded so
    off[bias] = (loaded(x).logits - trained(x).logits).abs().max().item()
print("logits after loading onto an offloaded base are off by", off)
sys.exit(off["lora_only"] > 1e-3)
