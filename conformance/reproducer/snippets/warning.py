"""The script about warnings: trouble is told while it can still be avoided."""

from __future__ import annotations

from textwrap import indent

from conformance.reproducer.code import text
from conformance.reproducer.snippets.chain import promises
from conformance.reproducer.snippets.pieces import ADAPTER_PARTS, wrap_and_hear
from conformance.reproducer.snippets.snippet import snippet
from conformance.reproducer.writing import Writing


@snippet("tie-warnings-are-true")
def tie_warnings_are_true(w: Writing) -> str:
    return text(
        w.base,
        wrap_and_hear(w),
        ADAPTER_PARTS,
        """
        members = {name.removesuffix(".weight") for name in MEMBERS}
        ties = [[re.split(parts, n)[0] for n in g if re.search(parts, n)] for g in shared(model)]
        one = any(len({*owners} & members) > 1 for owners in ties)
        told = [text for text in told if "no tied modules" in text.lower()]
        check("no warning says that nothing is tied where adapters are", not (one and told), told)
        """,
    )


@snippet("trouble-is-announced-early")
def trouble_is_announced_early(w: Writing) -> str:
    heard = " or bool(told)" if w.case.tied else ""
    if w.sides_are_one:
        heard = " or bool(told and any(len(g & set(MEMBERS)) > 1 for g in shared(base)))"
    return text(
        w.base,
        wrap_and_hear(w),
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
