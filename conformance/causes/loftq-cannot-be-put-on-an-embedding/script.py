# LoftQ on an embedding; where it is to work, it needs bitsandbytes and an accelerator.
import sys

import torch
from peft import LoraConfig, get_peft_model
from transformers import LlamaConfig, LlamaForCausalLM

try:
    from peft import LoftQConfig
except ImportError:
    sys.exit(125)
torch.manual_seed(0)
sizes = {"vocab_size": 200, "hidden_size": 64, "intermediate_size": 128, "num_hidden_layers": 1}
base = LlamaForCausalLM(LlamaConfig(num_attention_heads=4, **sizes)).eval()
lora = {"r": 8, "lora_alpha": 8, "lora_dropout": 0.0, "init_lora_weights": "loftq"}
try:
    config = LoraConfig(target_modules=["embed_tokens"], loftq_config=LoftQConfig(), **lora)
    get_peft_model(base, config)(torch.arange(32)[None])
except (TypeError, AttributeError) as error:
    print(f"{type(error).__name__}: {error}")
    sys.exit(1)
except (ImportError, ValueError, RuntimeError, AssertionError):
    sys.exit(125)  # one of the two is missing
print("wrapped")
