# BART with modules_to_save=["lm_head"], merged, saved and loaded; untied as a control, and tied.
import sys

import torch
from peft import LoraConfig, get_peft_model
from transformers import BartConfig, BartForConditionalGeneration

torch.manual_seed(0)
sizes = {"d_model": 64, "encoder_layers": 1, "decoder_layers": 1, "vocab_size": 200}
ids = torch.arange(4, 36)[None]
lora = {"r": 8, "lora_alpha": 8, "lora_dropout": 0.0, "target_modules": ["q_proj"]}
off = []
for tied in (False, True):
    base = BartForConditionalGeneration(BartConfig(tie_word_embeddings=tied, **sizes))
    model = get_peft_model(base, LoraConfig(modules_to_save=["lm_head"], **lora))
    optimizer = torch.optim.AdamW([p for p in model.parameters() if p.requires_grad], lr=1e-2)
    model(input_ids=ids, labels=ids).loss.backward()
    optimizer.step()
    merged = model.merge_and_unload().eval()
    merged.save_pretrained(f"merged-{tied}")
    again = BartForConditionalGeneration.from_pretrained(f"merged-{tied}").eval()
    logits = [one(input_ids=ids, decoder_input_ids=ids).logits for one in (merged, again)]
    off.append((logits[0] - logits[1]).abs().max().item())
print(f"loading moved the logits of an untied base by {off[0]:.2g}, of a tied one by {off[1]:.2g}")
sys.exit(125 if off[0] > 1e-3 or merged.config.tie_word_embeddings else off[1] > 1e-3)
