# An adapter that PEFT 0.19 tied on a model that is not tied loses its half on the head.
import copy, json, sys, torch
from safetensors.torch import save_file
from transformers import LlamaConfig, LlamaForCausalLM
from peft import LoraConfig, PeftModel
try:
    LoraConfig(ensure_weight_tying=True)
except TypeError:
    sys.exit(125)
torch.manual_seed(0)
size = dict(vocab_size=100, hidden_size=64, intermediate_size=64, num_hidden_layers=1)
base = LlamaForCausalLM(LlamaConfig(num_attention_heads=4, **size)).eval()  # not tied
x, a, b = torch.arange(10)[None], torch.randn(8, 100) / 8, torch.randn(64, 8) / 8
# what PEFT 0.19 saved: it trained one adapter for embedding and head all the same
json.dump({"peft_type": "LORA", "peft_version": "0.19.1", "r": 8, "lora_alpha": 8,
           "target_modules": ["model.embed_tokens"], "ensure_weight_tying": True},
          open("adapter_config.json", "w"))
rows, head = "base_model.model.model.embed_tokens.lora_embedding_", "base_model.model.lm_head.lora_"
save_file({rows + "A": a, rows + "B": b, head + "A.weight": b.T.contiguous(),
           head + "B.weight": a.T.contiguous()}, "adapter_model.safetensors")
trained = copy.deepcopy(base)
trained.model.embed_tokens.weight.data += (b @ a).T
trained.lm_head.weight.data += (b @ a).T
off = (PeftModel.from_pretrained(base, ".")(x).logits - trained(x).logits).abs().max().item()
sys.exit(print(f"logits of the loaded adapter are off by {off:.2g}") or off > 1e-3)
