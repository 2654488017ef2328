# T5 with modules_to_save on its encoder's embedding: is the file what the merged config says?
import sys

import torch
from peft import LoraConfig, get_peft_model
from safetensors.torch import load_file
from transformers import T5Config, T5ForConditionalGeneration

torch.manual_seed(0)
sizes = {"d_model": 64, "d_kv": 16, "num_heads": 4, "num_layers": 1, "vocab_size": 200}
base = T5ForConditionalGeneration(T5Config(decoder_start_token_id=0, **sizes))
ids = torch.arange(4, 36)[None]
lora = {"r": 8, "lora_alpha": 8, "lora_dropout": 0.0, "target_modules": ["q"]}
model = get_peft_model(base, LoraConfig(modules_to_save=["encoder.embed_tokens"], **lora))
optimizer = torch.optim.AdamW([p for p in model.parameters() if p.requires_grad], lr=1e-2)
model(input_ids=ids, labels=ids).loss.backward()
optimizer.step()
merged = model.merge_and_unload().eval()
merged.save_pretrained("merged")
plain = T5ForConditionalGeneration(T5Config.from_pretrained("merged")).eval()
plain.load_state_dict(load_file("merged/model.safetensors"), strict=False)
want, found = [t5(input_ids=ids, decoder_input_ids=ids).logits for t5 in (merged, plain)]
off = (want - found).abs().max().item()
print(f"a model made from the merged config, with the weights of the file, is off by {off:.2g}")
sys.exit(125 if merged.encoder.embed_tokens.weight is merged.shared.weight else off > 1e-3)
