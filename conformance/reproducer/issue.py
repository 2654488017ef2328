"""The text of an issue about a user's configuration, ready to be pasted, and its script."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from conformance.core.versions import versions
from conformance.kinds.lifecycle.checks import INVARIANTS
from conformance.kinds.user_config.answer import CORRUPTS, when_told
from conformance.reproducer.user_config import SCRIPTS, own_script
from conformance.reproducer.writing import NotReproducible

if TYPE_CHECKING:
    from conformance.kinds.user_config.run import OwnLife


@dataclass(frozen=True)
class Issue:
    """``text`` is markdown; ``script`` is what it holds, or "" where there is none."""

    text: str
    script: str


def issue(life: OwnLife) -> Issue | None:
    """The issue about what this configuration loses first, or None where it loses nothing."""
    losses = list(dict.fromkeys(name for name, _ in life.answer.losses))
    if not losses:
        return None
    first = next((name for name in losses if name in SCRIPTS), losses[0])
    try:
        script, why = own_script(life.found, first), ""
    except NotReproducible as error:
        script, why = "", str(error)
    return Issue(_text(life, first, script, why), script)


def _text(life: OwnLife, first: str, script: str, why: str) -> str:
    found, answer = life.found, life.answer
    case, family = found.case.lived, found.model.family
    on = sorted(found.targets(found.arguments) & {family.embedding, *family.copies, family.head})
    touched = [*on, *found.arguments.get("modules_to_save", [])]
    tie = "tied" if case.tied else "untied"
    parts = ", ".join(touched) or "body modules"
    title = f"{family.model} ({tie}), {found.adapter.name} with {parts}"
    listed = "\n".join(f"- {name} {version}" for name, version in versions().items())
    observed = "\n".join(f"- `{name}`: {finding}" for name, finding in answer.losses[:6])
    heard = when_told(answer) or "never"
    known = [entry for entry in answer.known if entry.link != "unreported"]
    related = "\n".join(f"- {entry.link}: {entry.story}" for entry in known)
    code = f"```python\n{script}```" if script else f"There is no script: {why}."
    return "\n".join(
        [
            f"# {title}: {CORRUPTS[first]}",
            "",
            "## System info",
            listed,
            "",
            "## Reproduction",
            "No model is downloaded; the script exits 1 while this is broken:" if script else "",
            code,
            "",
            "## Observed",
            observed,
            f"- a warning about the tie: {heard}",
            "",
            "## Expected",
            INVARIANTS[first].promise,
            *(["", "## Related", related] if related else []),
            "",
        ]
    )
