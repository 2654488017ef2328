# LoRA, DoRA and LoRA with a bias, trained and saved as plain LoRA: is it what was trained?
import copy, peft, sys, torch
from transformers import LlamaConfig, LlamaForCausalLM

if not hasattr(peft, "save_as_lora"):
    sys.exit(125)
torch.manual_seed(0)
sizes = {"vocab_size": 100, "hidden_size": 64, "intermediate_size": 64, "num_hidden_layers": 1}
base = LlamaForCausalLM(LlamaConfig(attention_bias=True, **sizes)).eval()
ids, off = torch.arange(10)[None], {}
for kind in ("init_lora_weights", "use_dora", "lora_bias"):
    config = peft.LoraConfig(target_modules=["q_proj", "v_proj"], **{kind: True})
    model = peft.get_peft_model(copy.deepcopy(base), config)
    optimizer = torch.optim.AdamW([p for p in model.parameters() if p.requires_grad], lr=1e-2)
    for _ in range(3):
        model(ids, labels=ids).loss.backward()
        optimizer.step()
    try:
        peft.save_as_lora(kind, model.eval(), rank=64)
    except (TypeError, ValueError) as refusal:
        print(refusal)
        continue
    loaded = peft.PeftModel.from_pretrained(copy.deepcopy(base), kind).eval()
    off[kind] = (loaded(ids).logits - model(ids).logits).abs().max().item()
sys.exit(print(f"saved as LoRA, logits are off by {off}") or max(off.values()) > 1e-3)
