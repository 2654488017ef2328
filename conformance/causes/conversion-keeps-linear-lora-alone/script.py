# Saving with path_initial_model_for_weight_conversion drops LoRA on an embedding.
import copy, sys, torch
from transformers import LlamaConfig, LlamaForCausalLM
from peft import LoraConfig, PeftModel, get_peft_model

torch.manual_seed(0)
size = dict(vocab_size=100, hidden_size=64, intermediate_size=128, num_hidden_layers=1)
base = LlamaForCausalLM(LlamaConfig(num_attention_heads=4, **size)).eval()
x, moved = torch.arange(32)[None], {}
for targets in (["q_proj"], ["q_proj", "embed_tokens"]):
    config = LoraConfig(r=8, lora_alpha=8, lora_dropout=0.0, target_modules=targets)
    model = get_peft_model(copy.deepcopy(base), config)
    model.save_pretrained("initial")
    optimizer = torch.optim.AdamW([p for p in model.parameters() if p.requires_grad], lr=1e-2)
    for _ in range(3):
        model(x, labels=x).loss.backward()
        optimizer.step()
    want = model.eval()(x).logits
    model.save_pretrained("lora", path_initial_model_for_weight_conversion="initial")
    loaded = PeftModel.from_pretrained(copy.deepcopy(base), "lora").eval()
    if loaded.peft_config["default"].r == 8:
        sys.exit(125)  # there is no conversion
    moved[targets[-1]] = round(float((loaded(x).logits - want).abs().max()), 6)
print("converting to LoRA moved the logits, where the last target is", moved)
sys.exit(moved["embed_tokens"] > 1e-3)
