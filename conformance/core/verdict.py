"""Verdicts for people, results of items: their words and signs."""

from __future__ import annotations

# worst first; the sign is what a report shows beside the word
SIGNS = {
    "silent": "✗✗",
    "late": "✗",
    "announced": "!",
    "refused": "⊘",
    "holds": "✓",
    "not applicable": "–",
    "not run": "?",
    "error": "E",
}
VERDICTS = tuple(SIGNS)
MEANINGS = {
    "silent": "a promise of logits or config breaks, and nobody said so",
    "late": "one breaks, and the warning came only when merging, saving or loading, after training",
    "announced": "one breaks, and a warning about the tie was given when the adapter was put on",
    "refused": "PEFT refused with a clear error when the adapter was put on",
    "holds": "everything promised of logits and configs was kept",
    "not applicable": "the installed versions cannot do this",
    "not run": "the life ended early, or what differs may be rounding: nothing could be judged",
    "error": "the suite itself went wrong",
}


def worst(verdicts: dict[str, int]) -> str:
    """The worst verdict that was met."""
    return next((name for name in VERDICTS if verdicts.get(name)), "not run")


# worst first; a word that is a verdict too keeps its sign
RESULT_SIGNS = {
    "fails": "⊗",
    "known": "◐",
    "arguable": "◌",
    "fixed here": "★",
    "holds": SIGNS["holds"],
    "not applicable": SIGNS["not applicable"],
    "not judged": "≈",
    "not run": SIGNS["not run"],
    "error": SIGNS["error"],
    "skipped": "↷",
}
RESULT_MEANINGS = {
    "fails": "the promise breaks, and nobody has declared it",
    "known": "the promise breaks as a known failure declares",
    "arguable": "the promise breaks in a way that is not agreed to be wrong",
    "fixed here": "a development version has fixed a known failure, or an arguable one is gone",
    "holds": "the promise was kept in every life that was judged",
    "not applicable": "the promise says nothing about these lives, or the versions cannot do this",
    "not judged": "in half precision, what differs may be rounding or a fault: nobody can tell",
    "not run": "the lives ended before the promise could be judged",
    "error": "the suite itself went wrong",
    "skipped": "the device is not there",
}
EVERY = {**SIGNS, **RESULT_SIGNS}
