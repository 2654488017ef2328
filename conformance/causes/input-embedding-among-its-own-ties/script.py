import sys

import torch
from peft import LoraConfig, PeftModel, get_peft_model
from transformers import MarianConfig, MarianMTModel

torch.manual_seed(0)
sizes = dict(vocab_size=100, decoder_vocab_size=100, d_model=64, encoder_layers=1, decoder_layers=1)
base = MarianMTModel(MarianConfig(**sizes, pad_token_id=0, decoder_start_token_id=0))
base.save_pretrained("base")
try:
    config = LoraConfig(r=8, target_modules=["q_proj", "lm_head"], ensure_weight_tying=True)
except TypeError:
    sys.exit(125)
model = get_peft_model(base, config)
inputs = dict.fromkeys(["input_ids", "decoder_input_ids", "labels"], torch.tensor([[3, 5, 7]]))
optimizer = torch.optim.AdamW([p for p in model.parameters() if p.requires_grad], lr=0.01)
model(**inputs).loss.backward()
optimizer.step()
model.save_pretrained("adapter")
want = model.eval()(**inputs).logits
got = PeftModel.from_pretrained(MarianMTModel.from_pretrained("base"), "adapter")(**inputs).logits
moved = (got - want).abs().max().item()
print(f"loading the saved adapter moved the logits by {moved:.2g} of {want.abs().max():.2g}")
sys.exit(moved > 1e-3)
