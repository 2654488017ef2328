import sys

from peft import LoraConfig, get_peft_model
from transformers import PhiConfig, PhiForCausalLM

sizes = dict(hidden_size=64, intermediate_size=128, num_hidden_layers=1, num_attention_heads=4)
base = PhiForCausalLM(PhiConfig(vocab_size=100, **sizes))
config = LoraConfig(r=8, lora_alpha=8, lora_dropout=0.0, target_modules=["q_proj"], bias="all")
model = get_peft_model(base, config)
before = base.lm_head.bias.requires_grad
model.resize_token_embeddings(104)
after = base.lm_head.bias.requires_grad
print(f"lm_head.bias is to train: {before}; after resize_token_embeddings: {after}")
sys.exit(before and not after)
