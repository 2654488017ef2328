"""Comparing: every tolerance of the suite, with its derivation.

Two ways of computing the same logits (adapted or merged, plain or wrapped) round at different
places. A forward pass of L blocks rounds about n = 4 + 14 L results between input and logits
(embedding, final norm, head, and in each block two norms, two residual sums and about ten results
of projections, scores, softmax, activation and gate). A decoder that also looks at an encoder
counts as two blocks beside the encoder's one, and a vision tower as one more. Each rounding moves
a result by at most the unit roundoff u = eps / 2 of its size, independently of the others. In
float32 and float64 the sums inside its 7 L + 1 products round too: the partial sums of K terms, K
the width, grow to the size of the result, and their roundings together weigh as much as K / 2 of
it (in half precision the CPU's and CUDA's kernels sum in float32). So n grows by (7 L + 1) K / 2,
two paths differ by about sqrt(2 n) u of the size of what was added, and the largest of some
hundred entries lies within 4 standard deviations:

    4 sqrt(2 n) u size

The size is the largest magnitude among the logits compared and those of the base, since
cancellation between base and delta leaves the rounding errors of both behind.

That takes every layer to pass relative errors on as they are. A model with sharp attention or
parts that compute in float32 whatever they are given passes on more, so each life also measures
how far its own plain model moves when every weight is moved by one eps, up or down by chance
(the stages ``NUDGED``), which is more than merging does to a weight. The root mean square of
three such movements stands for a standard deviation, and in half precision of eight: there they
may differ eightfold from each other, and three came out too small in one life of ten thousand.
Four standard deviations are counted here too. What rounding is expected to do is the larger of
the two. Nothing here depends on the family.

Expected is not certain: other kernels sum in another order, and gradients, Fourier transforms and
sharp attention pass on more. Measured over many runs and kernel settings (docs/gap.md), what holds
came to 1.4 times the expected and what breaks began at 1800 times. So in float32 and float64 the
allowance is ``MARGIN`` times what is expected, in the middle of that gap; an adapter must move
logits by ``VISIBLE`` allowances, or losing it might go unseen. In half precision what breaks may
begin where rounding ends: below expected / ``DOUBT`` is what holds, above expected * ``DOUBT`` what
breaks, and in between a life is not judged.

Bits are promised of what is copied: weights, buffers, files. What is computed from equal bits need
not be equal: MKL's float64 products depend on how their operands lie to 64 bytes, and a tensor
mapped from a file lies where the file puts it.

Two devices compute with functions of their own: CUDA's exp, tanh, sine and inverse root err by up
to 2 units in the last place, the CPU's by up to 1 (CUDA C++ Programming Guide, Mathematical
Functions; SLEEF). So logits of two devices may lie twice as far apart, and as far as those of
float32: rotary angles, norms and a softmax are computed in it whatever the model is in.

The movement is that of the model the adapter defines. Where PEFT computes another one, that one
may be ten times as sensitive, and nothing has measured it (``strays``).

Now and then a model in half precision is so sensitive that rounding moves its logits as much as
the adapter does: then they prove nothing, and promises that compare them are not judged
(``drowned``).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

from conformance.core.bits import distance
from conformance.core.comparison import Allowance
from conformance.core.observation import FEW, NUDGED, Observation
from tiny_models.families import FAMILIES

if TYPE_CHECKING:
    from torch import Tensor

    from conformance.core.case import Case
    from tiny_models.spec import ModelSpec


EPS = {"float64": 2.0**-52, "float32": 2.0**-23, "float16": 2.0**-10, "bfloat16": 2.0**-7}
NUDGES = 4.0  # standard deviations, as above
SUMMED_IN_THEMSELVES = ("float64", "float32")
ACROSS = 2.0  # what passes on two devices differ by, in terms of passes on one
MARGIN = 32.0  # of what rounding is expected to do, in float32 and float64
DOUBT = 2.0  # the same in half precision, both ways
VISIBLE = 10.0  # an adapter must move the logits by this many allowances to prove anything


def nudges(dtype: str) -> tuple[str, ...]:
    """The stages at which a model in this precision has its weights moved."""
    return FEW if dtype in SUMMED_IN_THEMSELVES else NUDGED


def coarsest(*dtypes: str) -> str:
    """The dtype of the largest eps."""
    return max(dtypes, key=EPS.__getitem__)


def size(*tensors: Tensor | None) -> float:
    """The largest magnitude in the given tensors."""
    return max((float(t.abs().max()) for t in tensors if t is not None and t.numel()), default=0.0)


def roundings(dtype: str, layers: int, hidden: int) -> float:
    """What is derived in the module's text, in eps of the size of what was added."""
    results = 4 + 14 * layers
    if dtype in SUMMED_IN_THEMSELVES:
        results += (7 * layers + 1) * hidden // 2
    return 4 * math.sqrt(2 * results) / 2


def expected(derived: float, moved: float) -> float:
    """What rounding is expected to do: what is derived, or more where a nudge moves more."""
    return max(derived, NUDGES * moved)


def margin(dtype: str) -> float:
    """How many times what rounding is expected to do is more than it does."""
    return MARGIN if dtype in SUMMED_IN_THEMSELVES else DOUBT


def allow(noise: float, dtype: str) -> Allowance:
    """The allowance for results in this precision that rounding moves apart by ``noise``."""
    breaks = margin(dtype) * noise
    return Allowance(breaks if dtype in SUMMED_IN_THEMSELVES else noise / DOUBT, breaks, dtype)


def visible_from(allowed: Allowance) -> float:
    """How far an adapter must move what is compared, or else losing it might go unseen.

    In half precision that is as far as nobody takes for rounding.
    """
    return allowed.breaks * (VISIBLE if allowed.dtype in SUMMED_IN_THEMSELVES else 1.0)


def logits_allowance(
    seen: Observation, *tensors: Tensor | None, dtype: str = "", across: bool = False
) -> Allowance:
    """Absolute allowance between two forward passes of one life; see the module's text.

    ``dtype`` is the coarsest precision involved, ``precision`` where nothing else is said;
    ``across`` says that the passes were made on two devices.
    """
    dtype = dtype or precision(seen)
    eps = EPS[dtype]
    if across:
        dtype = coarsest(dtype, "float32")
        eps = ACROSS * EPS[dtype]
    base = seen.stages["base"].logits
    own, each = seen.case.dtype, roundings(seen.case.dtype, blocks(seen.case), seen.case.hidden)
    moved = _movement(seen) * eps / EPS[own]
    return allow(expected(each * eps * size(base, *tensors), moved), dtype)


def conversion_allowance(seen: Observation, *tensors: Tensor | None) -> Allowance:
    """The same between an adapter and the LoRA that PEFT makes of it by singular values.

    It keeps as many as their energies, summed up in float32, need to reach the whole: what is less
    than the rounding of that sum is dropped, the root of ``hidden`` eps of the delta. ``tensors``
    are the logits of the base, of the adapter and of the LoRA.
    """
    base, adapter = tensors[:2]
    assert base is not None
    assert adapter is not None
    dtype = coarsest(precision(seen), "float32")
    usual = logits_allowance(seen, *tensors, dtype=dtype)
    dropped = math.sqrt(seen.case.hidden * EPS["float32"]) * distance(base, adapter)
    return Allowance(usual.holds + VISIBLE * dropped, usual.breaks + VISIBLE * dropped, dtype)


def outputs_allowance(spec: ModelSpec, *outputs: Tensor | None, moved: float = 0.0) -> Allowance:
    """Absolute allowance between two forward passes of a plain model.

    ``moved`` is how far moving all its weights by one eps moves what it gives, where that was
    measured.
    """
    each = roundings(spec.dtype, blocks(spec), spec.hidden) * EPS[spec.dtype]
    return allow(expected(each * size(*outputs), moved), spec.dtype)


def blocks(model: Case | ModelSpec) -> int:
    """How many blocks lie between input and logits; see the module's text."""
    shape = FAMILIES[model.family].shape
    if shape in ("encoder-decoder", "speech"):
        return 3 * model.layers
    return model.layers + (shape == "image-text")


def precision(seen: Observation) -> str:
    """The coarser dtype of the base and its adapter, whose parameters have a space in their names.

    PEFT keeps the adapter in float32 over a base in float64 up to 0.6; some tuners compute in
    float32 whatever the model is in.
    """
    trained = seen.stages.get("trained")
    weights = trained.weights if trained else {}
    kinds = {str(tensor.dtype) for name, tensor in weights.items() if " " in name}
    own = seen.case.computes_in
    return coarsest(seen.case.dtype, own, *(kind.removeprefix("torch.") for kind in kinds))


def _movement(seen: Observation) -> float:
    """How far moving all weights by one eps moves the logits, as a root mean square."""
    defined = seen.stages.get("defined", seen.stages.get("base"))
    nudged = [seen.stages[stage].logits for stage in NUDGED if stage in seen.stages]
    if defined is None or defined.logits is None:
        return 0.0
    return movement(defined.logits, [logits for logits in nudged if logits is not None])


def movement(logits: Tensor, nudged: Sequence[Tensor]) -> float:
    """How far logits move when all weights move by one eps, as a root mean square."""
    moved = [distance(logits, other) for other in nudged]
    return math.sqrt(sum(m * m for m in moved) / len(moved)) if moved else 0.0


def visible(seen: Observation) -> tuple[float, float]:
    """How far the adapter moves the logits, and how far it must to prove anything."""
    base, trained = seen.stages["base"].logits, seen.stages["trained"].logits
    assert base is not None
    assert trained is not None
    return distance(base, trained), visible_from(logits_allowance(seen, base, trained))


def drowned(seen: Observation) -> str | None:
    """Why the logits of this life prove nothing, or None; half precision only.

    In float32 and float64 an adapter that rounding hides is an error of the suite.
    """
    if seen.case.dtype in SUMMED_IN_THEMSELVES or "trained" not in seen.stages:
        return None
    moved, least = visible(seen)
    if moved > least:
        return None
    return f"in {seen.case.dtype} rounding moves these logits as much as the adapter does"


def strays(seen: Observation) -> bool:
    """Whether the trained model is not the defined one, whose movement the allowance rests on.

    Half precision only: in float32 and float64 rounding is far below what a fault does.
    """
    defined, trained = seen.stages.get("defined"), seen.stages["trained"].logits
    if seen.case.dtype in SUMMED_IN_THEMSELVES or defined is None or trained is None:
        return False
    if defined.logits is None:
        return False
    allowed = logits_allowance(seen, defined.logits, trained)
    return distance(defined.logits, trained) > allowed.holds


def weight_allowance(dtype: str, rank: int, *tensors: Tensor | None, cycles: int = 1) -> Allowance:
    """Absolute allowance between two ways of adding a delta to a weight.

    The delta is a sum of ``rank`` products, is scaled and added; DoRA takes a norm, a ratio and
    a product; taking it off again divides and subtracts: eight roundings and ``rank`` more. The
    delta is no larger than the sum of the sizes of what is there before and after, but for DoRA's,
    which is to be given. Where it is added and taken off again in several ``cycles``, the roundings
    of each are those of the first, and where they all point one way they add up.
    """
    each = (8 + rank) * EPS[dtype] / 2 * sum(size(tensor) for tensor in tensors)
    return allow(cycles * each, dtype)


def program_allowance(
    dtype: str, case: Case, moved: float, largest: float, *, precision: str, writes: int
) -> Allowance:
    """Absolute allowance between a model that has gone through a program and its reference.

    ``moved`` is how far nudging the reference moves what is compared, ``largest`` the size of what
    was added, ``precision`` the coarsest that the program has been in. Each merge and unmerge,
    and each load in another precision, rounds the weights once more by at most half an eps of
    the largest that they have been, which is what nudging moves them by, twice over. Roundings of
    ``writes`` such steps are independent of each other, so they add up as their root does.
    """
    derived = roundings(dtype, case.layers, case.hidden) * EPS[precision] * largest
    return allow(expected(derived, moved) * math.sqrt(1 + writes), precision)


def gradient_allowance(dtype: str, case: Case, moved: float, largest: float) -> Allowance:
    """Absolute allowance between two ways of computing one gradient.

    The way back takes two products for each one on the way there: three times the roundings.
    """
    derived = math.sqrt(3) * roundings(dtype, case.layers, case.hidden) * EPS[dtype] * largest
    return allow(expected(derived, moved), dtype)
