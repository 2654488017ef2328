"""Signs of item results; those of verdicts stand in ``conformance.verdict``."""

from __future__ import annotations

from conformance.verdict import SIGNS

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
