"""Which files a profile runs, and which items xdist keeps together."""

from __future__ import annotations

from itertools import pairwise

from stubbed_suite import ROOT, Suite

from conformance.known_failures.read import KnownFailures
from conformance.running.options import LEFT_OUT
from conformance.running.scheduling import scope_of_item, scopes_of_witnesses

pytest_plugins = ["pytester"]
DEV = ("--hypothesis-profile", "dev", "--device", "cpu", "--collect-only", "-q")


def collected(suite: Suite, *options: str) -> set[str]:
    """Names of the files that items were collected from."""
    done = suite.run(*DEV, *options)
    return {line.split("::")[0].rsplit("/", 1)[-1] for line in done.outlines if "::" in line}


def test_dev_leaves_out_files_unless_they_are_named(suite: Suite) -> None:
    tuners, sequences, witnesses = LEFT_OUT["dev"]
    met = collected(suite)
    assert not met & {tuners, sequences, witnesses}
    assert "test_invariants.py" in met
    met = collected(suite, str(ROOT / "conformance" / tuners))
    assert tuners in met
    assert sequences not in met


def test_the_header_says_what_is_left_out(suite: Suite) -> None:
    told = [
        line for line in suite.run(*DEV[:-1]).outlines if line.startswith("conformance: devices")
    ]
    assert told
    assert told[0].endswith(
        "; without test_tuners.py, test_sequences.py, test_known_failures.py, unless named"
    )


def test_entries_with_one_witness_are_one_scope() -> None:
    known = KnownFailures.load()
    scopes = scopes_of_witnesses(known)
    assert set(scopes) == {
        scope_of_item(f"conformance/test_known_failures.py::test_witness[{one.id}-{name}]")
        for one in known.entries
        for name in one.invariant
    }
    assert len(set(scopes.values())) == len({one.witness for one in known.entries})


def test_entries_with_one_witness_are_neighbours() -> None:
    known = KnownFailures.load()
    witnesses = [one.witness for one in known.by_witness]
    changes = sum(one != other for one, other in pairwise(witnesses))
    assert changes + 1 == len(set(witnesses)) < len(witnesses)
    assert sorted(one.id for one in known.by_witness) == sorted(one.id for one in known.entries)
