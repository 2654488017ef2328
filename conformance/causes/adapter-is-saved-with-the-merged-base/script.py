import sys, torch
from transformers import LlamaConfig, LlamaForCausalLM
from peft import LoraConfig, get_peft_model

torch.manual_seed(0)
size = dict(vocab_size=100, hidden_size=64, intermediate_size=128, num_hidden_layers=1)
base = LlamaForCausalLM(LlamaConfig(num_attention_heads=4, **size))
config = LoraConfig(r=8, lora_alpha=8, lora_dropout=0.0, target_modules=["q_proj", "lm_head"])
model = get_peft_model(base, config).eval()
x = torch.arange(32)[None]
optimizer = torch.optim.AdamW([p for p in model.parameters() if p.requires_grad], lr=1e-2)
for _ in range(3):
    model(x, labels=x).loss.backward()
    optimizer.step()
want, off = model(x).logits, {}
for merged in (False, True):
    if merged:
        model.merge_adapter()
    model.save_pretrained(str(merged))
    if merged:
        model.unmerge_adapter()
    model.load_adapter(str(merged), adapter_name=f"merged={merged}")
    off[f"merged={merged}"] = round(float((model(x).logits - want).abs().max()), 6)
print("loading what was saved moved the logits of the adapter that is there by", off)
sys.exit(off["merged=True"] > 1e-3)
