# Loading adapters onto a tied base that is offloaded to the disk.
import os, sys, torch
from transformers import LlamaConfig, LlamaForCausalLM
from peft import LoraConfig, PeftModel, get_peft_model
from safetensors import SafetensorError
torch.manual_seed(0)
size = dict(vocab_size=100, hidden_size=64, intermediate_size=64, num_hidden_layers=1)
LlamaForCausalLM(LlamaConfig(tie_word_embeddings=True, **size)).save_pretrained("base")
x, off, place = torch.arange(10)[None], {}, dict(max_memory={"cpu": 1}, offload_folder="offload")
ways = [{}, dict(modules_to_save=["embed_tokens"], ensure_weight_tying=True)]
for saved in ways[: 1 + hasattr(LoraConfig, "ensure_weight_tying")]:
    lora = LoraConfig(lora_dropout=0.0, target_modules=["q_proj"], init_lora_weights=False, **saved)
    trained = get_peft_model(LlamaForCausalLM.from_pretrained("base"), lora).eval()
    trained.save_pretrained("adapter")
    try:
        base = LlamaForCausalLM.from_pretrained(os.path.abspath("base"), device_map="auto", **place)
        loaded = PeftModel.from_pretrained(base, "adapter", **place)
        # what runs with saved modules is another matter
        off[not saved] = 0.0 if saved else (loaded(x).logits - trained(x).logits).abs().max().item()
    except (RuntimeError, SafetensorError):
        sys.exit(125)  # the base itself cannot be used so
    except (KeyError, IndexError) as error:
        off[not saved] = f"{type(error).__name__}: {error}"
print(f"on a tied, offloaded base: {off}")
sys.exit(any(not isinstance(by, float) or by > 1e-3 for by in off.values()))
