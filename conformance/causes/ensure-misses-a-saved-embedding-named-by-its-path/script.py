# ensure_weight_tying ties the head to a saved "embed_tokens", but not to "model.embed_tokens".
import sys
from peft import LoraConfig, get_peft_model
from transformers import LlamaConfig, LlamaForCausalLM
if not hasattr(LoraConfig, "ensure_weight_tying"):
    sys.exit(125)
config = LlamaConfig(vocab_size=200, hidden_size=64, num_hidden_layers=1, tie_word_embeddings=True)
one = {}
for name in ("embed_tokens", "model.embed_tokens"):
    base = LlamaForCausalLM(config)
    lora = LoraConfig(target_modules=["q_proj"], modules_to_save=[name], ensure_weight_tying=True)
    get_peft_model(base, lora)
    one[name] = base.get_input_embeddings().weight is base.get_output_embeddings().weight
print(f"embedding and head are one parameter, by what is saved: {one}")
sys.exit(not one["model.embed_tokens"])
