# merge_adapter() and then merge_and_unload(): OSF adds its delta twice, where LoRA adds it once.
import peft, sys, torch
from transformers import LlamaConfig, LlamaForCausalLM
if not hasattr(peft, "OSFConfig"):
    sys.exit(125)
torch.manual_seed(0)
base = LlamaForCausalLM(LlamaConfig(vocab_size=200, hidden_size=64, num_hidden_layers=1))
model = peft.get_peft_model(base, peft.OSFConfig(target_modules=["q_proj"]))
ids = torch.arange(32)[None]
model(ids, labels=ids).loss.backward()
torch.optim.AdamW(model.parameters(), lr=0.1).step()
model.merge_adapter()
off = (model(ids).logits - model.merge_and_unload()(ids).logits).abs().max().item()
print(f"merging again moves the logits by {off:.2g}")
sys.exit(off > 1e-3)
