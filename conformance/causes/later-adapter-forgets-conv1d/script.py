# A second DEFT adapter on GPT-2, with a config of its own: is it merged as it was trained?
import peft, sys, torch
from transformers import GPT2Config, GPT2LMHeadModel

if not hasattr(peft, "DeftConfig"):
    sys.exit(125)
torch.manual_seed(0)
sizes = {"n_embd": 64, "n_layer": 2, "n_head": 4, "vocab_size": 100}
base = GPT2LMHeadModel(GPT2Config(bos_token_id=0, eos_token_id=0, **sizes)).eval()
model = peft.get_peft_model(base, peft.DeftConfig(r=8, target_modules=["attn.c_proj"]))
model.add_adapter("second", peft.DeftConfig(r=8, target_modules=["attn.c_proj"]))
model.set_adapter("second")
for parameter in (p for p in model.parameters() if p.requires_grad):
    parameter.data += 0.05 * torch.randn_like(parameter)
ids = torch.tensor([[5, 6, 7]])
before = model(ids).logits
off = (model.merge_and_unload()(ids).logits - before).abs().max()
print(f"merging the second adapter changes logits by {off:.2g}")
sys.exit(bool(off > 1e-4))
