# modules_to_save on a tied model: merging unties the layers, and the config still says tied.
import sys, torch
from peft import LoraConfig, get_peft_model
from transformers import LlamaConfig, LlamaForCausalLM
torch.manual_seed(0)
config = LlamaConfig(vocab_size=200, hidden_size=64, num_hidden_layers=1, tie_word_embeddings=True)
lora = dict(lora_alpha=8, lora_dropout=0.0, modules_to_save=["embed_tokens", "lm_head"])
model = get_peft_model(LlamaForCausalLM(config), LoraConfig(target_modules=["q_proj"], **lora))
ids = torch.arange(32)[None]
model(ids, labels=ids).loss.backward()
torch.optim.AdamW(model.parameters(), lr=1e-2).step()
merged = model.merge_and_unload()
apart = (merged.lm_head.weight - merged.model.embed_tokens.weight).abs().max().item()
print(f"head and embedding differ by {apart:.2g}, tied: {merged.config.tie_word_embeddings}")
sys.exit(merged.config.tie_word_embeddings and apart > 1e-3)
