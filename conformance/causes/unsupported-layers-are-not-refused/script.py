# Tuners on an embedding, which they do not support: another error in place of the refusal.
import sys

import peft
from transformers import LlamaConfig, LlamaForCausalLM

sizes = {"vocab_size": 200, "hidden_size": 64, "intermediate_size": 128, "num_hidden_layers": 1}
options = {"C3A": {"block_size": 8}, "Delora": {"r": 8}, "LoHa": {"r": 8}, "LoKr": {"r": 8}}
options["AdaLora"] = {"init_r": 8, "target_r": 4, "total_step": 100, "lora_dropout": 0.1}
ended = {}
for name, option in options.items():
    if not hasattr(peft, f"{name}Config"):
        continue
    base = LlamaForCausalLM(LlamaConfig(num_attention_heads=4, **sizes))
    config = getattr(peft, f"{name}Config")(target_modules=["q_proj", "embed_tokens"], **option)
    try:
        peft.get_peft_model(base, config)
    except (AttributeError, NameError, NotImplementedError, TypeError, ValueError) as error:
        if "not supported" not in str(error):
            ended[name] = f"{type(error).__name__} {error}"
print(f"LoRA's like on an embedding ended in: {ended or 'a refusal'}")
sys.exit(bool(ended))
