# Marian after resize_token_embeddings: trainable tokens are put where nothing calls them.
import sys

import torch
from peft import LoraConfig, get_peft_model
from transformers import MarianConfig, MarianMTModel

sizes = dict(vocab_size=100, decoder_vocab_size=100, d_model=64, encoder_layers=1, decoder_layers=1)
ids, trained = torch.tensor([[3, 5, 7]]), []
for resize in (False, True):
    torch.manual_seed(0)
    model = MarianMTModel(MarianConfig(**sizes, pad_token_id=0, decoder_start_token_id=0))
    if resize:
        model.resize_token_embeddings(104)
    try:
        config = LoraConfig(r=8, target_modules=["q_proj"], trainable_token_indices=[5])
    except TypeError:
        sys.exit(125)
    model = get_peft_model(model, config)
    model(input_ids=ids, decoder_input_ids=ids, labels=ids).loss.backward()
    rows = [p for name, p in model.named_parameters() if "tokens_delta" in name]
    trained.append(all(p.grad is not None for p in rows))
print(f"trainable tokens have a gradient: {trained[0]}; in a resized model: {trained[1]}")
sys.exit(125 if not trained[0] else not trained[1])
