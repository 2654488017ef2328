# ensure_weight_tying with DoRA on T5: the magnitude that is put on `shared` never trains.
import sys

import torch
from peft import LoraConfig, get_peft_model
from transformers import T5Config, T5ForConditionalGeneration

torch.manual_seed(0)
sizes = {"d_model": 64, "d_kv": 16, "d_ff": 128, "num_layers": 1, "num_heads": 4}
base = T5ForConditionalGeneration(T5Config(vocab_size=200, decoder_start_token_id=0, **sizes))
try:
    lora = LoraConfig(r=8, target_modules=["lm_head"], use_dora=True, ensure_weight_tying=True)
    model = get_peft_model(base, lora).base_model.model
    one = model.shared.lora_magnitude_vector["default"].weight
    other = model.encoder.embed_tokens.lora_magnitude_vector["default"].weight
except (TypeError, AttributeError, ValueError):  # before 0.19 nothing is put on `shared`
    sys.exit(125)
ids = torch.arange(40)[None]
model(input_ids=ids, labels=ids).loss.backward()
size, control = [0.0 if m.grad is None else m.grad.abs().max().item() for m in (one, other)]
print(f"gradient of the magnitude: {size:.2g} on shared, {control:.2g} on the encoder's embedding")
sys.exit(125 if control == 0 else size == 0)
