# Loading LoRA onto an embedding that is offloaded.
import os, sys, torch
from transformers import LlamaConfig, LlamaForCausalLM
from peft import LoraConfig, PeftModel, get_peft_model
from safetensors import SafetensorError
torch.manual_seed(0)
size = dict(vocab_size=100, hidden_size=64, intermediate_size=64, num_hidden_layers=1)
LlamaForCausalLM(LlamaConfig(num_attention_heads=4, **size)).save_pretrained("base")
x, off, place = torch.arange(10)[None], {}, dict(max_memory={"cpu": 1}, offload_folder="offload")
for name in ("q_proj", "embed_tokens"):
    lora = dict(lora_alpha=8, lora_dropout=0.0, init_lora_weights=False)
    base = LlamaForCausalLM.from_pretrained("base")
    trained = get_peft_model(base, LoraConfig(target_modules=[name], **lora))
    trained.save_pretrained("adapter", save_embedding_layers=False)
    try:
        base = LlamaForCausalLM.from_pretrained(os.path.abspath("base"), device_map="auto", **place)
        loaded = PeftModel.from_pretrained(base, "adapter", **place)
    except (KeyError, NotImplementedError, OSError, SafetensorError):
        sys.exit(125)  # no adapter can be loaded so
    try:
        off[name] = (loaded(x).logits - trained.eval()(x).logits).abs().max().item()
    except RuntimeError as error:
        off[name] = f"RuntimeError {error}"
print("with LoRA on these modules, logits on an offloaded base are off by", off)
sys.exit(any(not isinstance(by, float) or by > 1e-3 for by in off.values()))
