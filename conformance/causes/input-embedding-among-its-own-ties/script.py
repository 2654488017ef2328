# ensure_weight_tying on Marian, whose input embedding is among its own ties: LoRA is lost at load.
import copy, sys
from peft import LoraConfig, PeftModel, get_peft_model
from transformers import MarianConfig, MarianMTModel

if not hasattr(LoraConfig, "ensure_weight_tying"):
    sys.exit(125)
base = MarianMTModel(MarianConfig(d_model=64, encoder_layers=1, decoder_layers=1))
lora = LoraConfig(target_modules=["q_proj", "lm_head"], ensure_weight_tying=True)
try:
    model = get_peft_model(copy.deepcopy(base), lora)
except AttributeError as error:
    print(f"wrapping ends in AttributeError: {error}")
    sys.exit(1)
model.save_pretrained("adapter")
loaded = PeftModel.from_pretrained(base, "adapter")
lost = model.state_dict().keys() - loaded.state_dict().keys()
print(f"of {len(model.state_dict())} tensors the model with the loaded adapter lacks {len(lost)}")
sys.exit(bool(lost))
