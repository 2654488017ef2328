"""The answer as it is printed: words first, then why, then what to do; and the text of an item."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from textwrap import wrap
from typing import TYPE_CHECKING

from conformance.core.finding import Finding
from conformance.core.observation import Heard
from conformance.core.verdict import MEANINGS
from conformance.core.versions import one_line
from conformance.kinds.user_config.advice import Advice
from conformance.kinds.user_config.answer import Answer, when_told
from conformance.kinds.user_config.configuration import Configuration

if TYPE_CHECKING:
    from conformance.kinds.user_config.run import OwnLife

WIDTH = 88
SHOWN = 3


def answer_lines(life: OwnLife) -> list[str]:
    """All that is told of a user's configuration, in the order they need it."""
    found, answer = life.found, life.answer
    blocks: list[tuple[str, Iterable[str]]] = [
        ("VERDICT", [f"{answer.words}{'' if answer.safe else _as_stratum(answer)}"]),
        ("MODEL", _model(found)),
        ("ADAPTER", _adapter(found)),
        ("BREAKS", _breaks(answer)),
        ("TOLD", _told(answer)),
        ("KNOWN", [f"{entry.id}: {_link(entry.link)}" for entry in answer.known]),
        ("ARGUABLE", [f"{entry.id}: {entry.other_side}" for entry in answer.arguable]),
        ("INSTEAD", _advice(life.instead, answer, "before training")),
        ("TRAINED", _rescue(life)),
        ("ALSO", _also(answer)),
        ("READ", found.notes),
        ("WITH", [one_line()]),
    ]
    return [line for heading, lines in blocks for line in _block(heading, lines)]


def _block(heading: str, lines: Iterable[str]) -> Iterator[str]:
    for n, line in enumerate(lines):
        wrapped = wrap(line, WIDTH, subsequent_indent="  ", break_on_hyphens=False) or [""]
        for m, part in enumerate(wrapped):
            yield f"{heading if n == m == 0 else '':9} {part}"


def _as_stratum(answer: Answer) -> str:
    return f" ({answer.verdict}: {MEANINGS[answer.verdict]})"


def _model(found: Configuration) -> Iterator[str]:
    model, case = found.model, found.case.lived
    tie = "tied" if case.tied else "not tied"
    family = model.family
    yield (
        f"{model.model_class}, {family.embedding} and {family.head} {tie}; lived with "
        f"{model.layers} layers, width {model.width} and {model.tiny_rows} tokens in float32"
    )


def _adapter(found: Configuration) -> Iterator[str]:
    case, family = found.case.lived, found.model.family
    on = found.targets(found.arguments)
    named = [name for name in (family.embedding, *family.copies, family.head) if name in on]
    listed = f", among them {' and '.join(named)}" if named else ""
    listed += _beside(found)
    tie, ensure = "tied" if case.tied else "untied", "ensure" if case.ensure else "default"
    near = "near to" if found.case.mixed else "as in"
    whose = f"{found.adapter.tuner}-" * (found.adapter.kind != "LORA")
    yield (
        f"{found.adapter.name} on {len(on)} modules{listed}; {near} the stratum "
        f"{case.device}-{whose}{tie}-{ensure}-{case.placement}"
    )


def _beside(found: Configuration) -> str:
    """What the adapter does besides."""
    saved = found.arguments.get("modules_to_save", [])
    tokens = found.arguments.get("trainable_token_indices", {})
    where = " and ".join(tokens) if isinstance(tokens, dict) else found.model.family.embedding
    parts = [f"{' and '.join(saved)} trained whole"] if saved else []
    parts += [f"single tokens trained on {where}"] if tokens else []
    return "".join(f"; {part}" for part in parts)


def _breaks(answer: Answer) -> Iterator[str]:
    if answer.ended:
        yield answer.ended
    for name, finding in _first_of_each(answer.losses):
        yield f"{name}: {finding}"


def _first_of_each(
    losses: Sequence[tuple[str, Finding]],
) -> Iterator[tuple[str, Finding]]:
    for name in dict.fromkeys(name for name, _ in losses):
        yield next((one, finding) for one, finding in losses if one == name)


def _told(answer: Answer) -> Iterator[str]:
    if not answer.heard:
        if not answer.safe:
            yield "nothing of the tie, at any stage"
        return
    yield when_told(answer)
    texts: dict[str, Heard] = {}
    for heard in answer.heard:
        texts.setdefault(" ".join(heard.text.split()), heard)
    for text, heard in list(texts.items())[:SHOWN]:
        yield f"at {heard.stage}: {text}"


def _link(link: str) -> str:
    return "no upstream report was found" if link == "unreported" else link


def _advice(advice: Sequence[Advice], answer: Answer, when: str) -> Iterator[str]:
    if answer.safe or answer.verdict == "not run":
        return
    for one in advice:
        if not isinstance(one, Advice):
            raise TypeError("only advice that a life holds up is printed")
        yield f"- {one.text}"
    yield (
        f"({when}; each was lived here on this configuration, and holds)"
        if advice
        else (f"({when}: nothing that was tried holds)")
    )


def _rescue(life: OwnLife) -> Iterator[str]:
    if "trained" in life.seen.stages:  # else there is no adapter to be rescued
        yield from _advice(life.rescue, life.answer, "with an adapter that is trained already")


def _also(answer: Answer) -> Iterator[str]:
    if answer.others:
        yield f"these promises break too: {', '.join(answer.others)}"


def rerun(found: Configuration) -> str:
    """The command that judges this configuration."""
    return (
        f"pytest conformance --model-config {found.model.path} "
        f"--adapter-config {found.adapter.path}"
    )
