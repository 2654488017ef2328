# Equal tokens of a tied BERT's embedding and head: tied under full names, apart under short ones.
import sys
from peft import LoraConfig, get_peft_model
from transformers import BertConfig, BertForMaskedLM
full, trained = ["bert.embeddings.word_embeddings", "cls.predictions.decoder"], []
for names in (full, ["word_embeddings", "decoder"]):
    base = BertForMaskedLM(BertConfig(vocab_size=200, hidden_size=48, num_hidden_layers=1))
    try:
        tokens = dict.fromkeys(names, [1, 2])
        get_peft_model(base, LoraConfig(target_modules=["query"], trainable_token_indices=tokens))
    except (TypeError, AttributeError):  # AttributeError: a head could not be wrapped at all
        sys.exit(125)
    trained.append(sum("tokens_delta" in name for name, _ in base.named_parameters()))
print(f"trained copies of the rows: {trained[0]} under full names, {trained[1]} under short ones")
sys.exit(125 if trained[0] > 1 else trained[1] > 1)
