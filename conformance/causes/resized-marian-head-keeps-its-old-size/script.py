# Marian after resize_token_embeddings: the head still says its old size, and LoRA goes by that.
import sys
from transformers import MarianConfig, MarianMTModel

model = MarianMTModel(MarianConfig(d_model=64, encoder_layers=1, decoder_layers=1))
model.resize_token_embeddings(60000)
rows, said = model.lm_head.weight.shape[0], model.lm_head.out_features
print(f"lm_head.weight has {rows} rows, lm_head.out_features is {said}")
sys.exit(rows != said)
