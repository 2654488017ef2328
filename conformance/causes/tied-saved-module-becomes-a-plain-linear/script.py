# With ensure_weight_tying, modules_to_save replaces BART's tied embeddings by Linear layers.
import sys, torch
from peft import LoraConfig, get_peft_model
from transformers import BartConfig, BartForConditionalGeneration

if not hasattr(LoraConfig, "ensure_weight_tying"):
    sys.exit(125)
config = BartConfig(vocab_size=200, d_model=64, encoder_layers=1, decoder_layers=1)
base = BartForConditionalGeneration(config)
lora = dict(target_modules=["q_proj"], modules_to_save=["lm_head"], ensure_weight_tying=True)
get_peft_model(base, LoraConfig(**lora))
saved = base.get_encoder().embed_tokens.modules_to_save["default"]
print(f"the copy of the encoder's embedding is a {type(saved).__name__}")
sys.exit(not isinstance(saved, torch.nn.Embedding))
