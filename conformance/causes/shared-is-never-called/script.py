import sys

import torch
from peft import LoraConfig, get_peft_model
from transformers import BartConfig, BartForConditionalGeneration

torch.manual_seed(0)
sizes = dict(encoder_layers=1, decoder_layers=1, encoder_ffn_dim=128, decoder_ffn_dim=128)
heads = dict(encoder_attention_heads=4, decoder_attention_heads=4)
base = BartForConditionalGeneration(BartConfig(vocab_size=100, d_model=64, **sizes, **heads))
if base.model.shared is base.model.encoder.embed_tokens:
    sys.exit(125)
lora = dict(r=8, lora_alpha=8, lora_dropout=0.0)
model = get_peft_model(base, LoraConfig(**lora, target_modules=["shared", "q_proj"]))
ids = torch.tensor([[3, 5, 7]])
model(input_ids=ids, decoder_input_ids=ids, labels=ids).loss.backward()
trained = [(n, p.grad is not None) for n, p in model.named_parameters() if p.requires_grad]
idle = [name for name, has_gradient in trained if not has_gradient]
print(f"{len(idle)} of {len(trained)} trainable tensors have no gradient: {idle[:1]}")
sys.exit(bool(idle))
