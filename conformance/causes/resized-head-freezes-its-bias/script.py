# bias="all" on a head that has a bias (Phi): resize_token_embeddings freezes it.
import sys
from peft import LoraConfig, get_peft_model
from transformers import PhiConfig, PhiForCausalLM

phi = PhiForCausalLM(PhiConfig(vocab_size=100, hidden_size=64, num_hidden_layers=1, pad_token_id=0))
lora = LoraConfig(lora_alpha=8, lora_dropout=0.0, target_modules=["fc1"], bias="all")
model = get_peft_model(phi, lora)
before = phi.lm_head.bias.requires_grad
model.resize_token_embeddings(104)
after = phi.lm_head.bias.requires_grad
print(f"lm_head.bias is to train: {before}; after resize_token_embeddings: {after}")
sys.exit(before and not after)
