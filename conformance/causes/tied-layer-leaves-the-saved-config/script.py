# ensure_weight_tying on GPT-2's lm_head: the saved config names wte alone; the head's LoRA is lost.
import copy, sys
from peft import LoraConfig, PeftModel, get_peft_model
from transformers import GPT2Config, GPT2LMHeadModel

if not hasattr(LoraConfig, "ensure_weight_tying"):
    sys.exit(125)
base = GPT2LMHeadModel(GPT2Config(vocab_size=200, n_embd=64, n_layer=1, n_head=4))
lora = LoraConfig(target_modules=["lm_head"], ensure_weight_tying=True)
model = get_peft_model(copy.deepcopy(base), lora)
model.save_pretrained("adapter")
loaded = PeftModel.from_pretrained(base, "adapter")
lost = model.state_dict().keys() - loaded.state_dict().keys()
print(f"of {len(model.state_dict())} tensors the model with the loaded adapter lacks {len(lost)}")
sys.exit(bool(lost))
