# Weights that PEFT casts to float32 train, although the adapter was loaded with is_trainable=False.
import sys, torch
from peft import LoraConfig, PeftModel, get_peft_model
from transformers import LlamaConfig, LlamaForCausalLM

config = LlamaConfig(vocab_size=200, hidden_size=64, intermediate_size=64, num_hidden_layers=1)
lora = LoraConfig(r=8, lora_alpha=8, lora_dropout=0.0, target_modules=["embed_tokens", "q_proj"])
base, again = (LlamaForCausalLM(config).to(torch.bfloat16) for _ in range(2))
get_peft_model(base, lora).save_pretrained("adapter")
model = PeftModel.from_pretrained(again, "adapter", is_trainable=False)
train = [name for name, one in model.named_parameters() if one.requires_grad]
print(f"loaded with is_trainable=False, {len(train)} parameters train: {', '.join(train)[:60]}")
sys.exit(bool(train))
