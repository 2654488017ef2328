"""Settings of the environment that choose kernels: checked, told, and passed through tox."""

from __future__ import annotations

import configparser
import json
import re

import pytest
from stubbed_suite import ROOT, Suite

from conformance.reporting.results.read import read
from conformance.running.kernels import SETTINGS, KernelError, check, chosen

pytest_plugins = ["pytester"]

ONE = ("--stratum", "cpu-tied-default-target:head", "--invariant", "life-completes")
UNKNOWN = [
    ("ATEN_CPU_CAPABILITY", "AVX2", "accepts default, avx2, avx512, not 'AVX2'"),
    ("ATEN_CPU_CAPABILITY", "sse", "accepts default, avx2, avx512, not 'sse'"),
    ("MKL_CBWR", "AVX10", "with BRANCH= before or ,STRICT behind, not 'AVX10'"),
    ("MKL_CBWR", "avx2", "accepts AUTO, COMPATIBLE, "),
    ("MKL_CBWR", "STRICT", "not 'STRICT'"),
    ("MKL_CBWR", "AVX2, STRICT", "not 'AVX2, STRICT'"),
    ("MKL_CBWR", "AVX2,STRICT,STRICT", "not 'AVX2,STRICT,STRICT'"),
    ("OMP_NUM_THREADS", "0", "accepts a whole number from 1 on, not '0'"),
    ("OMP_NUM_THREADS", "-1", "not '-1'"),
    ("OMP_NUM_THREADS", "1.5", "not '1.5'"),
    ("OMP_NUM_THREADS", "two", "not 'two'"),
    ("OMP_NUM_THREADS", "9" * 5000, "accepts a whole number from 1 on"),
    ("OMP_NUM_THREADS", "²", "accepts a whole number from 1 on"),
]


@pytest.mark.parametrize(("name", "value", "said"), UNKNOWN, ids=lambda one: str(one)[:30])
def test_a_value_that_nobody_would_follow_is_one_sentence(name: str, value: str, said: str) -> None:
    with pytest.raises(KernelError) as caught:
        check({name: value})
    assert str(caught.value).startswith(f"{name} accepts ")
    assert said in str(caught.value)


def test_what_is_documented_is_accepted() -> None:
    branches = SETTINGS["MKL_CBWR"]
    written = [*branches, *(f"BRANCH={name}" for name in branches), "AUTO,STRICT"]
    for value in [*written, "BRANCH=AVX512,STRICT"]:
        check({"MKL_CBWR": value})
    for value in SETTINGS["ATEN_CPU_CAPABILITY"]:
        check({"ATEN_CPU_CAPABILITY": value})
    for value in ("1", "2", "64"):
        check({"OMP_NUM_THREADS": value})


def test_what_is_empty_or_of_no_concern_chooses_nothing() -> None:
    environ = {"MKL_CBWR": "", "HOME": "x", "OMP_NUM_THREADS": "2"}
    check(environ)
    assert chosen(environ) == {"OMP_NUM_THREADS": "2"}


@pytest.mark.parametrize("name", SETTINGS)
def test_an_unknown_one_ends_a_run_before_it_begins(
    suite: Suite, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.setenv(name, "none")
    done = suite.run(*ONE)
    assert done.ret == pytest.ExitCode.USAGE_ERROR
    said = [line for line in [*done.outlines, *done.errlines] if line.startswith("ERROR")]
    assert len(said) == 1
    assert said[0].startswith(f"ERROR: {name} accepts ")


def test_what_is_set_stands_in_both_headers(suite: Suite, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in SETTINGS:
        monkeypatch.delenv(name, raising=False)
    done, (head, *_) = suite.judge(*ONE, "--examples", "1")
    assert "conformance: kernels" not in done.stdout.str()
    assert "kernels" not in head
    monkeypatch.setenv("MKL_CBWR", "COMPATIBLE")
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    done, (head, *_) = suite.judge(*ONE, "--examples", "1", "-n", "1")
    (told,) = [line for line in done.outlines if "kernels" in line]
    assert told.startswith("conformance: kernels MKL_CBWR COMPATIBLE, OMP_NUM_THREADS 1")
    assert head["kernels"] == {"MKL_CBWR": "COMPATIBLE", "OMP_NUM_THREADS": "1"}
    assert read(suite.path / "results.jsonl").header == head
    schema = json.loads(
        (ROOT / "conformance/reporting/results/schema.json").read_text(encoding="utf-8")
    )
    jsonschema = pytest.importorskip("jsonschema", reason="jsonschema checks the schema")
    jsonschema.Draft202012Validator(schema).validate(head)


def test_torch_says_what_it_really_uses(suite: Suite, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ATEN_CPU_CAPABILITY", "default")
    done = suite.run(*ONE, "--collect-only", "-q", "-v", stub=False)
    (told,) = [line for line in done.outlines if line.startswith("conformance: kernels")]
    assert "ATEN_CPU_CAPABILITY default" in told
    assert re.search(r"; torch uses (DEFAULT|NO AVX)$", told)


def test_tox_passes_every_setting_to_every_environment() -> None:
    tox = configparser.ConfigParser(interpolation=None)
    tox.read(ROOT / "tox.ini", encoding="utf-8")
    passed = tox["testenv"]["pass_env"].split()
    threads = "OMP_NUM_THREADS = {env:OMP_NUM_THREADS:1}"
    assert threads in tox["testenv"]["set_env"].splitlines()
    assert {name for name in SETTINGS if name in passed} == set(SETTINGS) - {"OMP_NUM_THREADS"}
    others = [tox[name] for name in tox.sections() if name not in {"tox", "testenv"}]
    assert not [one.name for one in others if {"pass_env", "set_env"} & {*one}]
