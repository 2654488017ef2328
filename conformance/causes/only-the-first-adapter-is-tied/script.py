# ensure_weight_tying: of a second adapter that is loaded, the head gets nothing.
import sys

import torch
from peft import LoraConfig, get_peft_model
from transformers import LlamaConfig, LlamaForCausalLM

torch.manual_seed(0)
sizes = {"hidden_size": 64, "intermediate_size": 128, "num_hidden_layers": 1, "vocab_size": 200}
base = LlamaForCausalLM(LlamaConfig(num_attention_heads=4, tie_word_embeddings=True, **sizes))
try:
    lora = LoraConfig(r=8, target_modules=["q_proj", "lm_head"], ensure_weight_tying=True)
    model = get_peft_model(base, lora).eval()
    embedding, head = base.get_input_embeddings().lora_embedding_A, base.lm_head.lora_B
except (TypeError, AttributeError):  # before 0.19 it does not tie what target_modules names
    sys.exit(125)
torch.nn.init.normal_(embedding["default"], std=0.02)
before = model(torch.arange(40)[None]).logits
model.save_pretrained("adapter")
model.load_adapter("adapter", "same")
model.set_adapter("same")
gap = (model(torch.arange(40)[None]).logits - before).abs().max().item()
tied = "same" in head and head["same"].weight.data_ptr() == embedding["same"].data_ptr()
print(f"the same adapter as a second one moves the logits by {gap:.2g}, and is tied: {tied}")
sys.exit(gap > 1e-3 or not tied)
