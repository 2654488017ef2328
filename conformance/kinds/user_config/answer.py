"""The answer to a user: what becomes of their model, read off one observation."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from conformance.core.declared import Declared, Entry
from conformance.core.documented_errors import documented
from conformance.core.finding import Finding
from conformance.core.invariant import Judgement
from conformance.core.kind import Argues
from conformance.core.observation import Heard, Observation
from conformance.kinds.lifecycle.checks import INVARIANTS
from conformance.kinds.lifecycle.checks.warnings import EARLY, never
from conformance.kinds.lifecycle.verdict import verdict_of
from conformance.kinds.tuners.case import TunerCase
from conformance.kinds.tuners.kind import tuner_verdict
from conformance.kinds.user_config.case import OwnCase
from conformance.kinds.user_config.tuners import promises_of

LOST = {
    "definition": "computes something else than is defined",
    "adapter": "corrupts when the adapter is saved and loaded",
    "merge": "corrupts at merge",
    "reload": "corrupts at reload",
    "reader": "corrupts for converters",
    "config": "corrupts for converters",
}
"""What is said of a loss, by where it is met, in the order of a life."""
CORRUPTS = {
    name: words for place, words in LOST.items() for name in INVARIANTS.having("lost_at", place)
}
"""What a user loses, by the promise that is broken, in the order of a life."""
OF_THE_BASE = "misleads converters, with or without the adapter: the base's config does"
LONGEST = 300  # characters of an upstream error that are told
WARNED = INVARIANTS.having("decides", "warning")
"""What is no loss of its own: that nobody told of one."""


@dataclass(frozen=True)
class Answer:
    """What is told: ``words`` first, then what broke, what was heard, and what is known of it.

    ``verdict`` is the suite's word for a life, as in its table. ``arguable`` are the entries of
    what can be seen and counts in nothing of this.
    """

    words: str
    verdict: str
    broken: tuple[tuple[str, Finding], ...] = ()
    heard: tuple[Heard, ...] = ()
    ended: str = ""
    known: tuple[Entry, ...] = ()
    arguable: tuple[Entry, ...] = ()

    @property
    def safe(self) -> bool:
        """Whether logits, and what the config says, survive."""
        return self.verdict == "holds" and not self.losses

    @property
    def losses(self) -> tuple[tuple[str, Finding], ...]:
        """What was broken of the promises that a user loses their model with."""
        return tuple((name, finding) for name, finding in self.broken if name in CORRUPTS)

    @property
    def others(self) -> tuple[str, ...]:
        """The other promises that were broken."""
        names = dict.fromkeys(name for name, _ in self.broken if name not in CORRUPTS)
        return tuple(name for name in names if name not in WARNED)


def judged(seen: Observation, own: OwnCase) -> dict[str, Judgement]:
    """What each promise says of a user's run."""
    why = "no placement of the grid is that of this adapter"
    found = {
        name: one.judge(seen)
        if not (own.mixed and one.by_placement)
        else Judgement("not applicable", reason=why)
        for name, one in promises_of(seen).items()
    }
    if '"vision_config"' in own.model_json:
        unseen = "the tiny model is shown no picture, so nothing calls its vision tower"
        found["adapter-takes-part"] = Judgement("not applicable", reason=unseen)
    if "config-wraps-what-it-names" not in found:  # of a tuner
        return found
    wraps = found["config-wraps-what-it-names"]
    asked = tuple(finding for finding in wraps.findings if not _of_experts(finding, seen))
    if asked != wraps.findings:
        verdict = "breaks" if asked else "holds"
        found["config-wraps-what-it-names"] = replace(wraps, verdict=verdict, findings=asked)
    return found


def _of_experts(finding: Finding, seen: Observation) -> bool:
    """Whether it is that all-linear took what is no linear module: experts, which once were."""
    kind = seen.stages["base"].modules.get(finding.subject, "")
    once_linear = seen.case.writing == "all-linear" and not kind.endswith((".Linear", ".Conv1D"))
    return once_linear and finding.subject not in seen.targets


def answer(seen: Observation, known: Declared, own: OwnCase) -> Answer:
    """Read the answer off what was seen."""
    found = tuple(_broken(judged(seen, own)))
    argued = {
        entry.id: entry
        for name, finding in found
        for entry in known.covering(name, finding, seen)
        if entry.arguable
    }
    broken = tuple((name, one) for name, one in found if not known.argues(name, one, seen))
    verdict = verdict_of_own(seen, known.argues)
    told = tuple({(h.stage, h.text): h for h in seen.heard if h.about_tying}.values())
    declared = {
        entry.id: entry
        for name, finding in broken
        for entry in known.covering(name, finding, seen)
        if name in CORRUPTS or name in WARNED
    }
    return Answer(
        words=_words(seen, verdict, broken),
        verdict=verdict,
        broken=broken,
        heard=told,
        ended=_ended(seen),
        known=tuple(declared.values()),
        arguable=tuple(argued.values()),
    )


def verdict_of_own(seen: Observation, argues: Argues = never) -> str:
    """The suite's word for the life, of the kind of adapter that it is."""
    judge = tuner_verdict if isinstance(seen.case, TunerCase) else verdict_of
    return judge(seen, argues)


def _broken(found: dict[str, Judgement]) -> Iterator[tuple[str, Finding]]:
    order = [*CORRUPTS, *(name for name in found if name not in CORRUPTS)]
    for name in order:
        for finding in found[name].findings:
            yield name, finding


def _words(seen: Observation, verdict: str, broken: Sequence[tuple[str, Finding]]) -> str:
    if verdict == "not applicable":
        return f"not judged: {seen.lacks}"
    if verdict == "refused":
        return "refused when the adapter is put on"
    names = [name for name, _ in broken]
    lost = list(dict.fromkeys(CORRUPTS[name] for name in CORRUPTS if name in names))
    if any(one.stage == "base" and one.kind == "wrong-flag" for _, one in broken):
        lost = [words.replace("corrupts for converters", OF_THE_BASE) for words in lost]
    if lost:
        return " and ".join([lost[0], *(words.removeprefix("corrupts ") for words in lost[1:])])
    ended = seen.ended_at()
    if ended is not None:
        meant = ended.deliberate and ended.origin in {"peft", "transformers"}
        what = "refused" if meant else "not judged further: an error ended the life"
        return f"{what} at the stage {ended.stage!r}"
    told = any(heard.about_tying for heard in seen.heard_at(*EARLY))
    return "safe but announced" if told else "safe"


def _ended(seen: Observation) -> str:
    ended = seen.ended_at()
    if ended is None:
        return ""
    meant = " (documented)" if documented(seen.case, ended) else ""
    text = " ".join(ended.message.split())
    text = text if len(text) <= LONGEST else f"{text[:LONGEST]}..."
    return f"at {ended.stage}, {ended.type} from {ended.origin}{meant}: {text}"


def when_told(answer: Answer) -> str:
    """When the user hears of the tie, in words; "" where they never do."""
    stages = {heard.stage for heard in answer.heard}
    if stages & set(EARLY):
        return "before training, when the adapter is put on"
    return "only after training" if stages else ""
