# OSF on GPT-2, whose layers are Conv1D: it passes over all of them in silence.
import peft, sys
from transformers import GPT2Config, GPT2LMHeadModel

if not hasattr(peft, "OSFConfig"):
    sys.exit(125)
base = GPT2LMHeadModel(GPT2Config(vocab_size=200, n_embd=64, n_layer=1, n_head=4))
try:
    model = peft.get_peft_model(base, peft.OSFConfig(task_type="CAUSAL_LM"))
except (TypeError, ValueError) as error:
    print(f"refused when wrapping: {error}")
    sys.exit(0)
trained = sum(one.numel() for one in model.parameters() if one.requires_grad)
print(f"wrapped without an error, with {trained} trainable parameters")
sys.exit(trained == 0)
