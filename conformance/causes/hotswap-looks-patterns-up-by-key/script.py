# hotswap_adapter with rank_pattern or alpha_pattern: layers get the scaling of lora_alpha and r.
import copy, sys, torch
from transformers import LlamaConfig, LlamaForCausalLM
from peft import LoraConfig, get_peft_model
try:
    from peft.utils.hotswap import hotswap_adapter
except ImportError:
    sys.exit(125)

torch.manual_seed(0)
size = dict(vocab_size=100, hidden_size=64, intermediate_size=64, num_hidden_layers=1)
base, x = LlamaForCausalLM(LlamaConfig(num_attention_heads=4, **size)).eval(), torch.arange(9)[None]
off = {}
for name, more in {"none": {}, "rank_pattern": {"rank_pattern": {"q_proj": 2}},
                   "alpha_pattern": {"alpha_pattern": {"v_proj": 64}}}.items():
    config = LoraConfig(r=8, target_modules=["q_proj", "v_proj"], init_lora_weights=False, **more)
    trained, other = (get_peft_model(copy.deepcopy(base), config).eval() for _ in "ab")
    trained.save_pretrained("adapter")
    hotswap_adapter(other, "adapter", adapter_name="default", torch_device="cpu")
    with torch.no_grad():
        off[name] = (other(x).logits - trained(x).logits).abs().max().item()
print("hotswap_adapter moved the logits by", {name: f"{by:.1g}" for name, by in off.items()})
sys.exit(max(off.values()) > 1e-3)
