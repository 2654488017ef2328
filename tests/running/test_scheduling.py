"""Which files a profile runs, and which items xdist keeps together."""

from __future__ import annotations

from stubbed_suite import ROOT, Suite

from conformance.running.options import LEFT_OUT

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
        "; without test_tuners.py, test_sequences.py, test_causes.py, unless named"
    )
