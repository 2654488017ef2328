# T5 with a head of its own (T5 1.1, Flan-T5): trained tokens put the embedding's rows in the head.
import sys, torch
from peft import LoraConfig, get_peft_model
from transformers import T5Config, T5ForConditionalGeneration
if not hasattr(LoraConfig, "trainable_token_indices"):
    sys.exit(125)
torch.manual_seed(0)
t5 = T5ForConditionalGeneration(T5Config(d_model=8, num_layers=1, tie_word_embeddings=False)).eval()
t5.lm_head.weight = torch.nn.Parameter(torch.randn(32128, 8))  # as in these checkpoints
inputs = dict.fromkeys(["input_ids", "decoder_input_ids"], torch.tensor([[3, 5, 7]]))
before = t5(**inputs).logits
lora = LoraConfig(target_modules=["q", "v"], trainable_token_indices=[5])
moved = (get_peft_model(t5, lora)(**inputs).logits - before).abs().max().item()
print(f"wrapping, before any training, moved the logits by {moved:.2g} of {before.abs().max():.2g}")
sys.exit(moved > 1e-3)
