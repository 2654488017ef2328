# Loading adapters onto a tied base that is offloaded to the disk.
import os, sys, torch
from transformers import LlamaConfig, LlamaForCausalLM
from peft import LoraConfig, PeftModel, get_peft_model
from safetensors import SafetensorError
torch.manual_seed(0)
size = dict(vocab_size=100, hidden_size=64, intermediate_size=64, num_hidden_layers=1)
LlamaForCausalLM(LlamaConfig(tie_word_embeddings=True, **size)).save_pretrained("base")
x, off, place = torch.arange(10)[None], {}, dict(max_memory={"cpu": 1}, offload_folder="offload")
for save in (None, ["embed_tokens"])[: 1 + hasattr(LoraConfig, "ensure_weight_tying")]:
    lora = dict(lora_alpha=8, lora_dropout=0.0, init_lora_weights=False, modules_to_save=save)
    lora |= dict(ensure_weight_tying=True) if save else {}
    base = LlamaForCausalLM.from_pretrained("base")
    trained = get_peft_model(base, LoraConfig(target_modules=["q_proj"], **lora)).eval()
    trained.save_pretrained("adapter")
    try:
        base = LlamaForCausalLM.from_pretrained(os.path.abspath("base"), device_map="auto", **place)
        loaded = PeftModel.from_pretrained(base, "adapter", **place)
        off[bool(save)] = 0.0 if save else (loaded(x).logits - trained(x).logits).abs().max().item()
    except (OSError, RuntimeError, SafetensorError):
        sys.exit(125)  # the base itself cannot be used so
    except (KeyError, IndexError) as error:
        off[bool(save)] = f"{type(error).__name__}: {error}"
print(f"on a tied, offloaded base: {off}")
sys.exit(any(not isinstance(by, float) or by > 1e-3 for by in off.values()))
