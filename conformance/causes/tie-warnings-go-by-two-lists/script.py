# Tokens of a tied layer under ensure_weight_tying: they are tied; is something else said?
import sys, warnings
from peft import LoraConfig, get_peft_model
from transformers import LlamaConfig, LlamaForCausalLM

sizes = {"vocab_size": 200, "hidden_size": 64, "intermediate_size": 64, "num_hidden_layers": 1}
base = LlamaForCausalLM(LlamaConfig(tie_word_embeddings=True, **sizes))
lora = {"target_modules": ["q_proj"], "trainable_token_indices": [0]}
try:
    config = LoraConfig(ensure_weight_tying=True, **lora)
except TypeError:
    sys.exit(125)
with warnings.catch_warnings(record=True) as heard:
    warnings.simplefilter("always")
    model = get_peft_model(base, config)
ends = [model.get_input_embeddings(), model.get_output_embeddings()]
deltas = {end.token_adapter.trainable_tokens_delta["default"].data_ptr() for end in ends}
told = [str(one.message) for one in heard if "no tied modules" in str(one.message)]
print(f"embedding and head train {len(deltas)} set of tokens; {told[:1]}")
sys.exit(bool(len(deltas) == 1 and told))
