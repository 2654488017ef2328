# Tokens trained on T5's embed_tokens: merging writes them into `shared` and the head, tied to it.
import sys, torch
from peft import LoraConfig, get_peft_model
from transformers import T5Config, T5ForConditionalGeneration
if not hasattr(LoraConfig, "trainable_token_indices"):
    sys.exit(125)
torch.manual_seed(0)
base = T5ForConditionalGeneration(T5Config(vocab_size=100, d_model=64, num_layers=1)).eval()
lora = LoraConfig(target_modules=["q"], trainable_token_indices={"embed_tokens": [5]})
model = get_peft_model(base, lora)
base.encoder.embed_tokens.token_adapter.trainable_tokens_delta["default"].data.normal_()
inputs = dict.fromkeys(["input_ids", "decoder_input_ids"], torch.tensor([[3, 5, 7]]))
moved = model(**inputs).logits - model.merge_and_unload()(**inputs).logits
print(f"merging moved the logits by {moved.abs().max():.2g}")
sys.exit(moved.abs().max().item() > 1e-3)
