# BART has `shared` beside the embeddings that it calls: LoRA on `shared` never trains.
import sys, torch
from peft import LoraConfig, get_peft_model
from transformers import BartConfig, BartForConditionalGeneration
config = BartConfig(vocab_size=100, d_model=64, encoder_layers=1, decoder_layers=1)
base = BartForConditionalGeneration(config)
if base.model.shared is base.model.encoder.embed_tokens:
    sys.exit(125)
lora = LoraConfig(lora_alpha=8, lora_dropout=0.0, target_modules=["shared", "q_proj"])
model = get_peft_model(base, lora)
ids = torch.tensor([[3, 5, 7]])
model(input_ids=ids, labels=ids).loss.backward()
idle = [name for name, p in model.named_parameters() if p.requires_grad and p.grad is None]
print(f"{len(idle)} trainable tensors have no gradient: {idle[:1]}")
sys.exit(bool(idle))
