# OSF with PEFT's own default targets for GPT-2, which are Conv1D: is there anything to train?
import sys

from peft import get_peft_model
from transformers import GPT2Config, GPT2LMHeadModel

try:
    from peft import OSFConfig
except ImportError:
    sys.exit(125)
base = GPT2LMHeadModel(GPT2Config(vocab_size=200, n_embd=64, n_layer=1, n_head=4))
try:
    model = get_peft_model(base, OSFConfig(task_type="CAUSAL_LM"))
except (TypeError, ValueError) as error:
    print(f"refused when wrapping: {error}")
    sys.exit(0)
trained = sum(one.numel() for one in model.parameters() if one.requires_grad)
print(f"wrapped without an error, with {trained} trainable parameters")
sys.exit(trained == 0)
