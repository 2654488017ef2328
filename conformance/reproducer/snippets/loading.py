"""Scripts about what loading reports."""

from __future__ import annotations

from conformance.reproducer.code import text
from conformance.reproducer.snippets.snippet import snippet
from conformance.reproducer.writing import Writing


@snippet("load-report-is-clean")
def load_report_is_clean(w: Writing) -> str:
    return text(
        w.trained,
        f"merged = {w.merge()}",
        w.save("merged", "merged"),
        f"""
        with logged() as lines:
            _, report = {w.reload(", output_loading_info=True")}
        for kind, keys in report.items():
            if kind.endswith(("_keys", "_msgs")):
                check(f"the load report has no {{kind}}", not keys, sorted(map(str, keys)))
        told = re.compile("newly initialized|MISSING|UNEXPECTED|MISMATCH", re.IGNORECASE)
        said = [line.strip() for line in lines if told.search(line)]
        check("loading warns of no key", not said, said[:1])
        """,
    )


@snippet("base-load-tells-the-truth")
def base_load_tells_the_truth(w: Writing) -> str:
    model = w.family.model
    untied = w.case.base == "loaded-untied"
    return text(
        """
        saved = build()
        saved.save_pretrained(work / "base")
        """,
        f'config = {w.family.config}.from_pretrained(work / "base")' if untied else "",
        w.set_tie("False") if untied else "",
        f"""
        model, report = {model}.from_pretrained(
            work / "base", {"config=config, " if untied else ""}{w.dtype}, output_loading_info=True
        )
        was, now = weights(saved), weights(model)
        restored = {{name for name in now if torch.equal(was[name].to(now[name].dtype), now[name])}}
        said, done = set(report["missing_keys"]), set(now) - restored
        check("called missing but restored: none", said <= done, sorted(said - done))
        check("newly initialised and not reported: none", done <= said, sorted(done - said))
        for kind in ("unexpected_keys", "mismatched_keys", "error_msgs"):
            keys = sorted(map(str, report[kind]))
            check(f"the load report has no {{kind}}", not keys, keys)
        """,
    )
