# DoRA on an embedding: merging adds the delta of LoRA alone, without the magnitude of DoRA.
import sys, torch
from peft import LoraConfig, get_peft_model
from transformers import LlamaConfig, LlamaForCausalLM
torch.manual_seed(0)
base = LlamaForCausalLM(LlamaConfig(vocab_size=200, hidden_size=64, num_hidden_layers=1))
try:
    model = get_peft_model(base, LoraConfig(target_modules=["embed_tokens"], use_dora=True))
except (TypeError, ValueError, AttributeError):  # no DoRA, or not for an embedding
    sys.exit(125)
model(ids := torch.arange(32)[None], labels=ids).loss.backward()
torch.optim.AdamW(model.parameters(), lr=0.1).step()
moved = (model(ids).logits - model.merge_and_unload()(ids).logits).abs().max().item()
print(f"merging moved the logits by {moved:.2g}")
sys.exit(moved > 1e-3)
