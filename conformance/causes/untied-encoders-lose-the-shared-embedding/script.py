# BART, and the encoder of UMT5, with tie_word_embeddings=False: is what is loaded what was saved?
import json
import sys
from pathlib import Path

import torch
from transformers import BartConfig, BartModel, UMT5Config, UMT5EncoderModel

torch.manual_seed(0)
heads = {"encoder_attention_heads": 4, "decoder_attention_heads": 4}
layers = {"encoder_layers": 1, "decoder_layers": 1, "encoder_ffn_dim": 64, "decoder_ffn_dim": 64}
bart = BartConfig(vocab_size=200, d_model=64, tie_word_embeddings=False, **heads, **layers)
umt5 = UMT5Config(vocab_size=200, d_model=64, d_kv=16, num_heads=4, num_layers=1)
off, ids = {}, torch.arange(4, 36)[None]
for model in (BartModel(bart), UMT5EncoderModel(umt5)):
    model.save_pretrained(name := type(model).__name__)
    config = json.loads(Path(name, "config.json").read_text())
    Path(name, "config.json").write_text(json.dumps({**config, "tie_word_embeddings": False}))
    loaded = type(model).from_pretrained(name).eval()
    off[name] = (model.eval()(ids)[0] - loaded(ids)[0]).abs().max().item()
print(f"saved and loaded, the outputs are off by {off}")
sys.exit(max(off.values()) > 1e-3)
