# ensure_weight_tying on T5: the tied embeddings of encoder and decoder get adapters of their own.
import sys
from peft import LoraConfig, get_peft_model
from transformers import T5Config, T5ForConditionalGeneration

config = T5Config(vocab_size=200, d_model=64, num_layers=1)
try:
    lora = LoraConfig(target_modules=["lm_head"], ensure_weight_tying=True)
    model = get_peft_model(T5ForConditionalGeneration(config), lora).base_model.model
    layers = (model.shared, model.encoder.embed_tokens, model.decoder.embed_tokens)
    factors = {layer.lora_embedding_A["default"].data_ptr() for layer in layers}
except (TypeError, AttributeError):  # before 0.19 it does not tie what target_modules names
    sys.exit(125)
print(f"LoRA of 3 tied embeddings is {len(factors)} separate tensors")
sys.exit(len(factors) > 1)
