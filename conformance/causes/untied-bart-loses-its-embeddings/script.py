# A BART whose head is its own: loaded, its encoder embeds with other weights than were saved.
import sys

import torch
from transformers import BartConfig, BartForConditionalGeneration

torch.manual_seed(0)
ends = {"encoder_layers": 1, "decoder_layers": 1, "encoder_ffn_dim": 64, "decoder_ffn_dim": 64}
sizes = {"vocab_size": 200, "d_model": 64, "encoder_attention_heads": 4}
config = BartConfig(decoder_attention_heads=4, tie_word_embeddings=False, **sizes, **ends)
base = BartForConditionalGeneration(config).eval()
base.save_pretrained("base")
loaded = BartForConditionalGeneration.from_pretrained("base").eval()
ids = torch.arange(4, 36)[None]
want, found = (one(input_ids=ids, decoder_input_ids=ids).logits for one in (base, loaded))
off = (want - found).abs().max().item()
print(f"saved and loaded, the logits are off by {off:.2g} of {want.abs().max().item():.2g}")
sys.exit(off > 1e-3)
