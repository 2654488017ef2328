# Equal tokens of a tied BERT's embedding and head: tied under full names, apart under short ones.
import sys

import torch
from peft import LoraConfig, get_peft_model
from transformers import BertConfig, BertForMaskedLM

sizes = {"vocab_size": 200, "hidden_size": 64, "intermediate_size": 128, "num_hidden_layers": 1}
lora = {"r": 8, "lora_alpha": 8, "lora_dropout": 0.0, "target_modules": ["query"]}
ids, apart = torch.arange(32)[None], []
full = ["bert.embeddings.word_embeddings", "cls.predictions.decoder"]
for names in (full, ["word_embeddings", "decoder"]):
    base = BertForMaskedLM(BertConfig(num_attention_heads=4, **sizes))
    try:
        tokens = dict.fromkeys(names, [1, 2])
        model = get_peft_model(base, LoraConfig(trainable_token_indices=tokens, **lora))
    except (TypeError, AttributeError):  # AttributeError: a head could not be wrapped at all
        sys.exit(125)
    optimizer = torch.optim.AdamW([p for p in model.parameters() if p.requires_grad], lr=1e-2)
    model(input_ids=ids, labels=ids.flip(1)).loss.backward()
    optimizer.step()
    embedding, head = model.get_input_embeddings(), model.get_output_embeddings()
    apart.append((embedding.weight[1:3] - head.weight[1:3]).abs().max().item())
print(f"after a step the rows are apart by {apart[0]:.2g} (full names), {apart[1]:.2g} (short)")
sys.exit(125 if apart[0] > 1e-3 else apart[1] > 1e-3)
