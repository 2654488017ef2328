"""Making the record: cases are lived, and what each uses of PEFT is seen."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from conformance.core.grid import strata
from conformance.core.kind import Drawn, Kind, parse
from conformance.core.literals import CaseError
from conformance.core.options import RUN_SEED, Options
from conformance.core.versions import versions
from conformance.kinds import KINDS, kind_of
from conformance.kinds.heads.kind import HEADS
from conformance.kinds.lifecycle.kind import LIFECYCLE
from conformance.kinds.loading.case import KINDS as CHECKPOINTS
from conformance.kinds.programs.kind import PROGRAMS, PROGRAMS_A_LIFE
from conformance.kinds.tuners.kind import TUNERS
from conformance.reporting.surface.record import Place, Record, Row
from tiny_models.families import FAMILIES

if TYPE_CHECKING:
    from conformance.upstream.surface import Surface
    from conformance.upstream.uses import Use

ASKED: tuple[Kind[Any, Any], ...] = (LIFECYCLE, PROGRAMS, TUNERS, HEADS)
"""The kinds of test whose cases put adapters on models."""
AGAIN = "`python -m conformance surface --record` makes the record anew"
Used = dict[str, "Use"]


def uses(written: str, of: Surface) -> Used:
    """What a case uses; raises CaseError for one that cannot be read."""
    from conformance.upstream.uses import watching  # imports PEFT

    case = parse(written, KINDS)
    with watching(of) as seen:
        kind_of(case).observe(case)
    return {name: use for name, use in seen.found.items() if use.file}


def reads(written: str) -> bool:
    """Whether a recorded case is still one."""
    try:
        parse(written, KINDS)
    except CaseError:
        return False
    return True


def candidates(most: int, kinds: Sequence[str] = ()) -> Iterator[str]:
    """Cases of the default run on the CPU, at most so many of a stratum, the plainest last.

    Those of a tuner are one stratum; of programs there are as many more as in a run. ``kinds`` are
    the kinds of test that are looked through, all unless named.
    """
    from conformance.running.drawn import distinct  # imports Hypothesis

    for kind in (one for one in ASKED if most and one.name in (kinds or (one.name,))):
        found: dict[object, list[Any]] = {}
        options = _options(tuple(kind.checks))
        for test in kind.tests:
            for item in kind.items(test, options):
                if not isinstance(item.cases, Drawn):
                    for case in item.cases:
                        found.setdefault((test, kind.together(case)), []).append(case)
                elif (test, item.stratum) not in found:
                    met = sorted(distinct(item.cases), key=kind.simplicity, reverse=True)
                    found[test, item.stratum] = met
        share = most * (PROGRAMS_A_LIFE if kind is PROGRAMS else 1)
        for number in range(share):
            yield from (kind.written(one[number]) for one in found.values() if number < len(one))


def _options(checks: tuple[str, ...]) -> Options:
    """Those of a run without any, on the CPU."""
    return Options(
        devices=("cpu",),
        families=tuple(FAMILIES),
        invariants=checks,
        checkpoints=tuple(CHECKPOINTS),
        strata=tuple(strata(("cpu",))),
        profile="default",
        examples=None,
        case=None,
        user_config=None,
        issue=None,
        tables=(),
        use_known=True,
        strict_known=False,
        results=None,
        corpus=None,
        merger=None,
        seed=RUN_SEED,
        left_out=(),
        beyond_step=1,
    )


def cover(seen: Mapping[str, Used]) -> tuple[str, ...]:
    """Few of the cases that use together what all of them do: the one with most news first."""
    left = {name for used in seen.values() for name in used}
    found: list[str] = []
    while left:
        best = max(seen, key=lambda case: (len(left & seen[case].keys()), -len(case)))
        found.append(best)
        left -= seen[best].keys()
    return tuple(found)


def record(of: Surface, seen: Mapping[str, Used]) -> Record:
    """The rows of a surface, each with one of these cases: one where the suite calls it itself."""
    kept = {case: seen[case] for case in cover(seen)}

    def place(name: str) -> Place | None:
        having = [case for case in kept if name in kept[case]]
        if not having:
            return None
        case = min(having, key=lambda one: bool(kept[one][name].through))
        use = kept[case][name]
        return Place(case, use.file, use.function, use.through)

    rows = [Row(name, group, place(name)) for name, group in of.entries.items()]
    return Record(versions(), tuple(rows))


def differences(of: Surface, kept: Record, seen: Mapping[str, Used]) -> list[str]:
    """What of a record is not so, a sentence each: rows, and where they are exercised."""
    return [*_rows(of.entries, kept), *_places(kept.rows, seen)]


def _rows(entries: Iterable[str], kept: Record) -> Iterator[str]:
    known, here = dict.fromkeys(row.name for row in kept.rows), dict.fromkeys(entries)
    for name in (one for one in here if one not in known):
        yield (
            f"PEFT has {name}, which docs/surface.md lacks: exercise it in a case of the suite "
            "(`python -m conformance surface --record --case CASE`), or say in "
            "conformance/reporting/surface/reasons.toml why not, and record it"
        )
    for name in (one for one in known if one not in here):
        yield f"docs/surface.md has {name}, which PEFT lacks: {AGAIN}"


def _places(rows: Iterable[Row], seen: Mapping[str, Used]) -> Iterator[str]:
    for row in rows:
        if row.place is None or row.place.case not in seen:
            continue
        use = seen[row.place.case].get(row.name)
        if use is None:
            yield f"{row.place.case} does not use {row.name}: {AGAIN}"
        elif (use.file, use.function) != (row.place.file, row.place.function):
            claimed = f"{row.place.function} in {row.place.file}"
            yield f"{row.name} is used by {use.function} in {use.file}, not by {claimed}: {AGAIN}"
