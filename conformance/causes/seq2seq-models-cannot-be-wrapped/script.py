# task_type="SEQ_2_SEQ_LM": get_peft_model asks T5 for a method that newer transformers do not have.
import sys
from peft import LoraConfig, get_peft_model
from transformers import T5Config, T5ForConditionalGeneration

base = T5ForConditionalGeneration(T5Config(vocab_size=200, d_model=64, num_layers=1))
lora = dict(lora_alpha=8, lora_dropout=0.0, target_modules=["q", "v"])
try:
    get_peft_model(base, LoraConfig(task_type="SEQ_2_SEQ_LM", **lora))
except AttributeError as error:
    print(f"get_peft_model ends in AttributeError: {error}")
    sys.exit(1)
print("the model is wrapped")
