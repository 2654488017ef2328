import sys

import torch
from peft import LoraConfig, get_peft_model
from transformers import MarianConfig, MarianMTModel

torch.manual_seed(0)
sizes = dict(vocab_size=100, decoder_vocab_size=100, d_model=64, encoder_layers=1, decoder_layers=1)
model = MarianMTModel(MarianConfig(**sizes, pad_token_id=0, decoder_start_token_id=0)).eval()
model.resize_token_embeddings(104)
rows, said = model.lm_head.weight.shape[0], model.lm_head.out_features
lora = dict(r=8, lora_alpha=8, lora_dropout=0.0)
wrapped = get_peft_model(model, LoraConfig(**lora, target_modules=["lm_head"]))
ids = torch.tensor([[3, 5, 7]])
try:
    wrapped(input_ids=ids, decoder_input_ids=ids)
    failed = "works"
except RuntimeError as error:
    failed = f"fails: {error}"
print(f"lm_head.weight has {rows} rows, lm_head.out_features is {said}; LoRA on it {failed}")
sys.exit(rows != said)
