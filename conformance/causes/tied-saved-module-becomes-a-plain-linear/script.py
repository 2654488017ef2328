# With ensure_weight_tying, modules_to_save replaces BART's tied embeddings by Linear layers.
import sys

import torch
from peft import LoraConfig, get_peft_model
from transformers import BartConfig, BartForConditionalGeneration

torch.manual_seed(0)
sizes = {"d_model": 64, "encoder_layers": 1, "decoder_layers": 1, "vocab_size": 200}
base = BartForConditionalGeneration(BartConfig(**sizes)).eval()
ids = torch.arange(4, 36)[None]
before = base(input_ids=ids, decoder_input_ids=ids).logits
lora = {"r": 8, "lora_alpha": 8, "lora_dropout": 0.0, "target_modules": ["q_proj"]}
try:
    config = LoraConfig(modules_to_save=["lm_head"], ensure_weight_tying=True, **lora)
except TypeError:
    sys.exit(125)
try:
    after = get_peft_model(base, config).eval()(input_ids=ids, decoder_input_ids=ids).logits
except RuntimeError as error:
    sys.exit(print(f"the first forward pass ends in RuntimeError: {error}") or 1)
moved = (after - before).abs().max().item()
print(f"wrapping moved the logits by {moved:.2g}")
sys.exit(moved > 1e-3)
