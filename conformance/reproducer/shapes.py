"""What goes into a model and which class loads it, by the shape of its family."""

from __future__ import annotations

from conformance.core.case import Case
from conformance.core.versions import minor
from conformance.reproducer.code import literal
from tiny_models.families import FAMILIES, Family
from tiny_models.families.family import AUTO_CLASSES
from tiny_models.families.multimodal import PICTURE, SIDE
from tiny_models.magnitudes import seed_from

# Families whose positions are computed when a model is made, and never trained.
COMPUTED_POSITIONS = ("marian", "pegasus", "whisper")
# Of these, those whose positions no file holds: loading makes them, in the precision asked for.
POSITIONS_AT_LOAD = ("marian",)
# Families whose get_input_embeddings() gives the encoder's: a list of tokens is not for shared.
ENCODER_IS_INPUT = ("marian",)
# Families that add a bias to the logits that is a buffer, which a checkpoint holds.
LOGITS_BIAS = ("bart", "mbart", "marian", "pegasus")
# Families whose config says in transformers 5 that they are tied, whatever it is asked.
ALWAYS_SAY_TIED = ("t5", "t5-gated", "umt5", "mt5", "longt5")

# What is no token among the inputs, by shape: it comes in the precision of the model.
MEASURED = {"speech": "input_features", "image-text": "pixel_values"}

_TEXT = '"input_ids": IDS, "attention_mask": torch.ones_like(IDS)'


def inputs(case: Case) -> dict[str, str]:
    """Constants that hold what the model is called with, ``INPUTS`` the last of them."""
    family, last = FAMILIES[case.family], case.vocab - 1
    rows = [[2, 0, 1, last, 5, 2, 7], [last, 6, 0, 3, 3, 1, last - 1]]
    sizes = family.sizes.fixed
    if family.shape == "image-text":
        rows = [[int(str(sizes["image_token_index"]))] * PICTURE + row for row in rows]
    found = {"IDS": f"torch.tensor({rows})"}
    if family.shape == "speech":
        bins, positions = int(str(sizes["num_mel_bins"])), int(str(sizes["max_source_positions"]))
        found["SOUND"] = noise(case, "input features", len(rows), bins, 2 * positions)
        found["INPUTS"] = '{"input_features": SOUND, "decoder_input_ids": IDS}'
    elif family.shape == "encoder-decoder":
        found["INPUTS"] = f'{{{_TEXT}, "decoder_input_ids": IDS.flip(1)}}'
    elif family.shape == "image-text":
        image = literal(sizes["image_token_index"])
        found["PICTURE"] = noise(case, "picture", len(rows), 3, SIDE, SIDE)
        kinds = f', "token_type_ids": (IDS == {image}).long()' if family.told_of_pictures else ""
        found["INPUTS"] = f'{{\n    {_TEXT},\n    "pixel_values": PICTURE{kinds},\n}}'
    else:
        found["INPUTS"] = f"{{{_TEXT}}}"
    return found


def noise(case: Case, name: str, *shape: int) -> str:
    """The values of a name, as code."""
    made = (
        f"torch.randn({', '.join(map(str, shape))}, "
        f"generator=torch.Generator().manual_seed({seed_from(case.seed, name)}))"
    )
    return made if case.dtype == "float32" else f"{made}.to(torch.{case.dtype})"


def labels(family: Family) -> str:
    """Which of the inputs are the labels in training."""
    decodes = family.shape in ("encoder-decoder", "speech")
    return "decoder_input_ids" if decodes else "input_ids"


def auto_class(family: Family, transformers: str) -> str:
    """The Auto class of this transformers that loads the family, or the family's own class."""
    name = AUTO_CLASSES.get(family.shape, "")
    came_later = name == "AutoModelForImageTextToText" and (4,) < minor(transformers) < (4, 46)
    return family.model if came_later or not name else name


def path(family: Family, role: str, transformers: str) -> str:
    """Full path of a module that holds the matrix, in the installed transformers.

    GPT-NeoX's head got its common name in 5; models beside a vision tower moved in 4.52.
    """
    found = family.matrices[role]
    release = minor(transformers)
    if family.name == "gpt-neox" and role == "head" and (4,) < release < (5,):
        return "embed_out"
    if family.shape == "image-text" and (4,) < release < (4, 52):
        return f"language_model.{found.replace('.language_model', '')}"
    return found
