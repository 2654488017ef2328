# ensure_weight_tying with both tied layers in modules_to_save: their copies are not tied.
import sys
from peft import LoraConfig, get_peft_model
from transformers import LlamaConfig, LlamaForCausalLM

if not hasattr(LoraConfig, "ensure_weight_tying"):
    sys.exit(125)
config = LlamaConfig(vocab_size=200, hidden_size=64, num_hidden_layers=1, tie_word_embeddings=True)
base = LlamaForCausalLM(config)
lora = dict(target_modules=["q_proj"], modules_to_save=["embed_tokens", "lm_head"])
get_peft_model(base, LoraConfig(ensure_weight_tying=True, **lora))
embedding, head = base.get_input_embeddings().weight, base.get_output_embeddings().weight
one = embedding.data_ptr() == head.data_ptr()
print(f"the copies that train are one tensor in memory: {one}")
sys.exit(not one)
