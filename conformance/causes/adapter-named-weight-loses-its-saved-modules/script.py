# An adapter named "weight": its modules_to_save are saved under a key that loading does not find.
import copy, sys, torch
from transformers import LlamaConfig, LlamaForCausalLM
from peft import LoraConfig, PeftModel, get_peft_model
torch.manual_seed(0)
size = dict(vocab_size=100, hidden_size=64, intermediate_size=128, num_hidden_layers=1)
base = LlamaForCausalLM(LlamaConfig(num_attention_heads=4, **size)).eval()
x, seen = torch.arange(32)[None], {}
for name in ("my_weight", "weight"):
    config = LoraConfig(target_modules=["q_proj"], modules_to_save=["lm_head"])
    try:
        model = get_peft_model(copy.deepcopy(base), config, adapter_name=name)
    except TypeError:
        sys.exit(125)  # adapters have no names
    optimizer = torch.optim.AdamW([p for p in model.parameters() if p.requires_grad], lr=1e-2)
    model(x, labels=x).loss.backward()
    optimizer.step()
    model.save_pretrained("adapter")
    try:
        loaded = PeftModel.from_pretrained(copy.deepcopy(base), f"adapter/{name}").eval()
        seen[name] = float((loaded(x).logits - model.eval()(x).logits).abs().max())
    except KeyError as error:
        seen[name] = f"KeyError: {error}"
print("saved and loaded, the logits are off, by the adapter's name:", seen)
sys.exit(seen["weight"] != 0)
