# Loading modules_to_save onto a base that is offloaded to the disk.
import os, sys, torch
from transformers import LlamaConfig, LlamaForCausalLM
from peft import LoraConfig, PeftModel, get_peft_model
from safetensors import SafetensorError
torch.manual_seed(0)
size = dict(vocab_size=100, hidden_size=64, intermediate_size=64, num_hidden_layers=2)
LlamaForCausalLM(LlamaConfig(num_attention_heads=4, **size)).save_pretrained("base")
x, off, place = torch.arange(10)[None], {}, dict(max_memory={"cpu": 200_000}, offload_folder="off")
for save in (None, ["lm_head"]):
    lora = dict(lora_alpha=8, lora_dropout=0.0, init_lora_weights=False, modules_to_save=save)
    base = LlamaForCausalLM.from_pretrained("base")
    trained = get_peft_model(base, LoraConfig(target_modules=["q_proj"], **lora))
    trained(x, labels=x).loss.backward()
    torch.optim.SGD([p for p in trained.parameters() if p.grad is not None], lr=1.0).step()
    trained.eval().save_pretrained("adapter")
    base = LlamaForCausalLM.from_pretrained(os.path.abspath("base"), device_map="auto", **place)
    try:
        loaded = PeftModel.from_pretrained(base, "adapter", **place)
        off[str(save)] = (loaded(x).logits - trained(x).logits).abs().max().item()
    except (KeyError, NotImplementedError, OSError, SafetensorError) as error:
        off[str(save)] = repr(error)
print("with these modules_to_save, logits on an offloaded base are off by", off)
broken = [save for save, by in off.items() if not isinstance(by, float) or by > 1e-3]
sys.exit(125 if "None" in broken else bool(broken))
