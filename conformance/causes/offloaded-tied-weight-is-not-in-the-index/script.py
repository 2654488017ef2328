# Loading an adapter onto a tied base that is offloaded to the disk.
import os, sys, torch
from transformers import LlamaConfig, LlamaForCausalLM
from peft import LoraConfig, PeftModel, get_peft_model

torch.manual_seed(0)
x, off, place = torch.arange(10)[None], {}, dict(max_memory={"cpu": 1}, offload_folder="offload")
for tied in (False, True):
    config = LlamaConfig(vocab_size=100, hidden_size=64, intermediate_size=64, num_hidden_layers=1,
                         num_attention_heads=4, tie_word_embeddings=tied)
    LlamaForCausalLM(config).save_pretrained("base")
    model = LlamaForCausalLM.from_pretrained("base")
    trained = get_peft_model(model, LoraConfig(target_modules=["q_proj"], init_lora_weights=False))
    trained.save_pretrained("adapter")
    base = LlamaForCausalLM.from_pretrained(os.path.abspath("base"), device_map="auto", **place)
    loaded = PeftModel.from_pretrained(base, "adapter", **place)
    with torch.no_grad():
        try:
            off[tied] = (loaded(x).logits - trained.eval()(x).logits).abs().max().item()
        except KeyError as error:
            off[tied] = f"KeyError {error}"
print(f"logits on an offloaded base are off by {off[False]} untied, {off[True]} tied")
sys.exit(not isinstance(off[True], float) or off[True] > 1e-3)
