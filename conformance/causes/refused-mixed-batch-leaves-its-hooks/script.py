# A batch with adapter_names is refused while one is merged: later calls compute with its names.
import sys
import torch
from peft import LoraConfig, get_peft_model
from transformers import LlamaConfig, LlamaForCausalLM
torch.manual_seed(0)
base = LlamaForCausalLM(LlamaConfig(vocab_size=200, hidden_size=64, num_hidden_layers=1))
lora = {"lora_alpha": 8, "lora_dropout": 0.0, "init_lora_weights": False}
lora["target_modules"] = ["q_proj"]
model = get_peft_model(base, LoraConfig(task_type="CAUSAL_LM", **lora)).eval()
ids = torch.arange(8).reshape(2, 4)
with torch.no_grad():
    before = model(input_ids=ids).logits
    model.merge_adapter()
    try:
        model(input_ids=ids, adapter_names=["__base__", "default"])
        sys.exit(125)
    except TypeError:  # before 0.9 it knows no adapter_names
        sys.exit(125)
    except ValueError as refusal:
        print(refusal)
    model.unmerge_adapter()
    off = (model(input_ids=ids).logits - before).abs().amax(dim=(1, 2))
print(f"after the refusal and unmerge_adapter() the rows of a plain call are off by {off.tolist()}")
sys.exit(bool(off[0] > 1e-5 > off[1]))
