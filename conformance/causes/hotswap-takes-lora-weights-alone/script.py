# hotswap_adapter swaps the weights of LoRA, and fails with whatever else an adapter has.
import copy, sys, torch
from transformers import LlamaConfig, LlamaForCausalLM
from peft import LoraConfig, get_peft_model
try:
    from peft.utils.hotswap import hotswap_adapter
except ImportError:
    sys.exit(125)
torch.manual_seed(0)
size = dict(vocab_size=100, hidden_size=64, intermediate_size=64, num_hidden_layers=1)
base = LlamaForCausalLM(LlamaConfig(num_attention_heads=4, attention_bias=True, **size)).eval()
x, failed = torch.arange(10)[None], []
for more in ({"bias": "none"}, {"bias": "lora_only"}, {"modules_to_save": ["lm_head"]},
             {"trainable_token_indices": [1, 2]}, {"target_modules": ["q_proj", "lm_head"]}):
    config = LoraConfig(r=8, **{"target_modules": ["q_proj"], **more})
    trained, other = (get_peft_model(copy.deepcopy(base), copy.deepcopy(config)) for _ in "ab")
    trained(x, labels=x).loss.backward()
    torch.optim.SGD([p for p in trained.parameters() if p.grad is not None], lr=1.0).step()
    trained.save_pretrained("adapter")
    try:
        hotswap_adapter(other.eval(), "adapter", adapter_name="default", torch_device="cpu")
        failed += [more] * ((other(x).logits - trained.eval()(x).logits).abs().max() > 1e-4)
    except KeyError:
        failed.append(more)
sys.exit(print(f"hotswap_adapter failed on {len(failed)} of 5 adapters: {failed}") or bool(failed))
