"""The script about warnings: trouble is told while it can still be avoided."""

from __future__ import annotations

from textwrap import indent

from conformance.reproducer.code import text
from conformance.reproducer.snippets.chain import promises
from conformance.reproducer.snippets.snippet import snippet
from conformance.reproducer.writing import Writing


@snippet("trouble-is-announced-early")
def trouble_is_announced_early(w: Writing) -> str:
    heard = " or bool(told)" if w.case.tied else ""
    if w.sides_are_one:
        heard = " or bool(told and any(len(g & set(MEMBERS)) > 1 for g in shared(base)))"
    return text(
        w.base,
        f"""
        with warnings.catch_warnings(record=True) as heard:
            warnings.simplefilter("always")
            model = {w.wrap}
        told = about_the_tie(heard)
        """,
        w.train,
        f"try:\n{indent(promises(w), '    ')}",
        f"""
        finally:
            broken = len(BROKEN)
            BROKEN.clear()  # what counts here is whether the user was told
            kept = not broken{heard}
            check(f"{{broken}} broken promises were told of at wrapping", kept, told[:1])
        """,
    )
