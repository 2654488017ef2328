# LoftQ on an embedding; where it is to work, it needs bitsandbytes and an accelerator.
import peft, sys, torch
from transformers import LlamaConfig, LlamaForCausalLM
if not hasattr(peft, "LoftQConfig"):
    sys.exit(125)
base = LlamaForCausalLM(LlamaConfig(vocab_size=200, hidden_size=64, num_hidden_layers=1))
lora = dict(init_lora_weights="loftq", loftq_config=peft.LoftQConfig())
try:
    config = peft.LoraConfig(target_modules=["embed_tokens"], **lora)
    peft.get_peft_model(base, config)(torch.arange(32)[None])
except (TypeError, AttributeError) as error:
    sys.exit(print(f"{type(error).__name__}: {error}") or 1)
except (ImportError, ValueError, RuntimeError, AssertionError):
    sys.exit(125)  # one of the two is missing
print("wrapped")
