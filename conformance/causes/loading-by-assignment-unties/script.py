# Loading an adapter with low_cpu_mem_usage=True takes embedding and head of a tied model apart.
import inspect, sys
from peft import LoraConfig, PeftModel, get_peft_model
from transformers import LlamaConfig, LlamaForCausalLM
if "low_cpu_mem_usage" not in inspect.signature(PeftModel.from_pretrained).parameters:
    sys.exit(125)
config = LlamaConfig(vocab_size=200, hidden_size=64, num_hidden_layers=1, tie_word_embeddings=True)
lora = LoraConfig(target_modules=["embed_tokens"])
get_peft_model(LlamaForCausalLM(config), lora).save_pretrained("adapter")
one = []
for low in (False, True):
    loaded = PeftModel.from_pretrained(LlamaForCausalLM(config), "adapter", low_cpu_mem_usage=low)
    one.append(loaded.get_output_embeddings().weight is loaded.get_input_embeddings().weight)
print(f"embedding and head are one parameter: {one[0]}, with low_cpu_mem_usage {one[1]}")
sys.exit(not one[1] if one[0] else 125)
