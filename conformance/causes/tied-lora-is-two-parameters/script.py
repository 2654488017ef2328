# ensure_weight_tying: the tied LoRA weights are two parameters over one storage: each is stepped.
import sys
from peft import LoraConfig, get_peft_model
from transformers import LlamaConfig, LlamaForCausalLM
config = LlamaConfig(vocab_size=200, hidden_size=64, num_hidden_layers=1, tie_word_embeddings=True)
base = LlamaForCausalLM(config)
try:
    get_peft_model(base, LoraConfig(target_modules=["lm_head"], ensure_weight_tying=True))
    base.model.embed_tokens.lora_embedding_A
except (TypeError, AttributeError):  # before 0.19 it does not tie what target_modules names
    sys.exit(125)
trained = [parameter for parameter in base.parameters() if parameter.requires_grad]
storages = {parameter.data_ptr() for parameter in trained}
print(f"an optimizer steps {len(trained)} parameters, which are {len(storages)} tensors in memory")
sys.exit(len(storages) < len(trained))
