"""The hooks of a run that judges: import check, header, scheduling, records and summary.

``plugin`` registers them. Imports neither torch, transformers nor PEFT at module level.
"""

from __future__ import annotations

import gc
import os
import random
import sys
from collections.abc import Generator, Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, cast

import pytest

from conformance.causes.read import CauseError
from conformance.causes.remedies import Remedied, RemedyError
from conformance.core.options import OptionError
from conformance.core.record import KEY, Record, unjudgeable
from conformance.core.versions import commit, versions
from conformance.kinds.corpus.manifest import saved_by
from conformance.reporting.results_file import Results
from conformance.reporting.summary import summary_lines
from conformance.running import kernels, remedied
from conformance.running.answer import ANSWER, answered
from conformance.running.arguments import profile_of
from conformance.running.context import Context, import_problem
from conformance.running.options import leaves_out
from conformance.running.outcome import ITEM_RECORD, rewrite_report
from conformance.running.run_header import header
from conformance.running.scheduling import scheduler

CONTEXT: pytest.StashKey[Context] = pytest.StashKey()
RECORDS: pytest.StashKey[list[Record]] = pytest.StashKey()
RESULTS: pytest.StashKey[Results] = pytest.StashKey()
EXIT: pytest.StashKey[int] = pytest.StashKey()
SHARED: pytest.StashKey[Path] = pytest.StashKey()
REMEDIED: pytest.StashKey[Remedied | None] = pytest.StashKey()
ANSWERED: pytest.StashKey[dict[str, Any]] = pytest.StashKey()


def begin(config: pytest.Config) -> None:
    """Check options and imports; usage errors are one sentence."""
    config.stash[RECORDS] = []
    _set_seed(config)
    _share(config)
    try:
        kernels.check(os.environ)
        done = config.stash[REMEDIED] = _remedied(config)
        applied = done.applied if done else ()
        context = config.stash[CONTEXT] = Context.of(config, config.stash[SHARED], applied)
    except (OptionError, kernels.KernelError, CauseError, RemedyError) as error:
        raise pytest.UsageError(str(error)) from None
    is_worker = hasattr(config, "workerinput")
    if not is_worker:
        os.environ.setdefault("HF_HUB_OFFLINE", "1")
        if context.options.results:
            head = {**_header(config), "commit": commit()}
            config.stash[RESULTS] = Results(context.options.results, head)
        problem = import_problem()
        if problem:
            if RESULTS in config.stash:
                row = unjudgeable(problem)
                config.stash[RECORDS].append(row)
                config.stash[RESULTS].write_item(row)
            raise pytest.UsageError(problem)
    try:
        context.prepare()
    except OptionError as error:
        raise pytest.UsageError(str(error)) from None


def _set_seed(config: pytest.Config) -> None:
    """A random seed for ``explore``, one for all workers."""
    if hasattr(config, "workerinput"):
        config.conformance_seed = config.workerinput["conformance_seed"]  # type: ignore[attr-defined]
    elif profile_of(config) == "explore":
        config.conformance_seed = random.SystemRandom().randrange(2**32)  # type: ignore[attr-defined]


def _share(config: pytest.Config) -> None:
    """A folder that all processes of the run have in common."""
    if hasattr(config, "workerinput"):
        config.stash[SHARED] = Path(config.workerinput["conformance_shared"])
        return
    folder = TemporaryDirectory(prefix="conformance-")
    config.add_cleanup(folder.cleanup)
    config.stash[SHARED] = Path(folder.name)


def _remedied(config: pytest.Config) -> Remedied | None:
    """What became of the remedies where they are asked for; workers have it of the controller."""
    if not config.getoption("--remedied"):
        return None
    if hasattr(config, "workerinput"):
        remedied.put_first(config.stash[SHARED])
        return Remedied(tuple(config.workerinput["conformance_remedied"]), {})
    return remedied.use(config.stash[SHARED])


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node: Any) -> None:
    """Give the workers of xdist the controller's seed and folder."""
    if CONTEXT in node.config.stash:
        node.workerinput["conformance_seed"] = node.config.stash[CONTEXT].options.seed
    else:
        node.workerinput["conformance_seed"] = 0
    node.workerinput["conformance_shared"] = str(node.config.stash[SHARED])
    done = node.config.stash[REMEDIED]
    node.workerinput["conformance_remedied"] = list(done.applied) if done else []


def _header(config: pytest.Config) -> dict[str, Any]:
    context = config.stash[CONTEXT]
    return header(context.options, versions(), context.saver, kernels.chosen(os.environ))


def pytest_report_header(config: pytest.Config) -> list[str]:
    """Versions, devices, profile and seed, and the kernels where somebody chose them."""
    if CONTEXT not in config.stash:
        return []
    head = _header(config)
    listed = ", ".join(f"{name} {version}" for name, version in head["versions"].items())
    saver = config.stash[CONTEXT].saver
    saved = f"; saved by {saved_by(saver)}" if saver else ""
    merged = f"; merged by {head['merger']}" if "merger" in head else ""
    left_out = config.stash[CONTEXT].options.left_out
    without = f"; without {', '.join(left_out)}, unless named" if left_out else ""
    return [
        f"conformance: {listed}{saved}{merged}",
        (
            f"conformance: devices {', '.join(head['devices'])}; profile {head['profile']}, "
            f"{head['examples']} lives a stratum; seed {head['seed']}{without}"
        ),
        *_kernels_line(head.get("kernels", {})),
        *_remedies_lines(config.stash[REMEDIED]),
    ]


def _remedies_lines(done: Remedied | None) -> list[str]:
    """How many remedies are in force, and why others are not."""
    if done is None:
        return []
    left = [f"conformance: left out is {name}: {why}" for name, why in done.left_out.items()]
    return [f"conformance: remedied: {len(done.applied)} remedies are in force", *left]


def _kernels_line(chosen: Mapping[str, str]) -> list[str]:
    """What was set, and what torch makes of it on this processor, where torch is loaded anyway."""
    if not chosen:
        return []
    listed = ", ".join(f"{name} {value}" for name, value in chosen.items())
    torch = sys.modules.get("torch")
    used = f"; torch uses {torch.backends.cpu.get_cpu_capability()}" if torch else ""
    return [f"conformance: kernels {listed}{used}"]


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """Keep all invariants of a stratum, or of a recorded case, where its lives are cached."""
    return scheduler(config, log) if CONTEXT in config.stash else None


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """Leave out the files that the profile leaves out, where they are not named."""
    judging = CONTEXT in config.stash
    return (judging and leaves_out(config.stash[CONTEXT].options, collection_path)) or None


@pytest.fixture(scope="session")
def context(pytestconfig: pytest.Config) -> Context:
    """What the items of this run share."""
    found = pytestconfig.stash[CONTEXT]
    if "emulated" in found.options.devices:
        # autograd counts the devices at its first backward pass: none may come after it
        found.device_absent("emulated")
    return found


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Print a violation as its own text, and send the item's record with its report."""
    report = yield
    if ITEM_RECORD in item.stash and report.when == "call":
        record = rewrite_report(report, item, call)
        record.worker = os.environ.get("PYTEST_XDIST_WORKER", "main")
        report.user_properties.append((KEY, record.as_json()))
    return report


def pytest_runtest_setup() -> None:
    """Leave what the libraries made at import out of every later collection of garbage.

    They are imported by the first life. A collection would go through all of it again: a tenth of
    a run.
    """
    if not _SETTLED and "peft" in sys.modules:
        _SETTLED.append(True)
        gc.freeze()


_SETTLED: list[bool] = []


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    """On the controller: keep the record, and write it at once."""
    # under xdist this runs in the workers too, whose config has no results
    for name, value in report.user_properties:
        if name == ANSWER and report.when == "call" and _CONTROLLER:
            _CONTROLLER[0].stash[ANSWERED] = cast("dict[str, Any]", value)
        if name == KEY and report.when == "call" and _CONTROLLER:
            config = _CONTROLLER[0]
            record = Record(**cast("dict[str, Any]", value))
            if record.violations and not any(one.violations for one in config.stash[RECORDS]):
                _tell_at_once(config, report.nodeid, record)
            config.stash[RECORDS].append(record)
            if RESULTS in config.stash:
                config.stash[RESULTS].write_item(record)


def _tell_at_once(config: pytest.Config, nodeid: str, record: Record) -> None:
    """Print the first undeclared finding in short; the whole text stands at the end of the run."""
    terminal = config.pluginmanager.get_plugin("terminalreporter")
    if terminal is not None:
        first = record.violations[0]
        terminal.write_line("")  # after the dots, of which it knows nothing
        terminal.write_line(f"first undeclared finding: {first['finding']}")
        terminal.write_line(f"  {nodeid}")
        terminal.write_line(f"  {first['case']}")


_CONTROLLER: list[pytest.Config] = []


def pytest_sessionstart(session: pytest.Session) -> None:
    """Remember the controller's config for reports."""
    if not hasattr(session.config, "workerinput"):
        _CONTROLLER[:] = [session.config]


def pytest_terminal_summary(terminalreporter: Any, config: pytest.Config) -> None:
    """The closing summary."""
    records = config.stash.get(RECORDS, [])
    if ANSWERED in config.stash:
        terminalreporter.section("verdict")
        told: dict[str, Any] = config.stash[ANSWERED]
        for line in answered(told, config.stash[CONTEXT].options.issue):
            terminalreporter.write_line(line)
    if records:
        terminalreporter.section("conformance")
        causes = {cause.id: cause for cause in config.stash[CONTEXT].known.causes}
        whole = config.get_verbosity() > 0
        for line in summary_lines(records, causes, whole=whole):
            terminalreporter.write_line(line)


def pytest_sessionfinish(session: pytest.Session, exitstatus: int) -> None:
    """Keep the exit status for the footer: 2 tells of a run that was interrupted."""
    session.config.stash[EXIT] = int(exitstatus)


def pytest_unconfigure(config: pytest.Config) -> None:
    """Close the results file; an interrupted run gets its footer here too."""
    if CONTEXT in config.stash:
        config.stash[CONTEXT].known.outcomes.close()
    if RESULTS in config.stash:
        status = config.stash.get(EXIT, int(pytest.ExitCode.USAGE_ERROR))
        records = config.stash[RECORDS]
        config.stash[RESULTS].close(records, status)
        del config.stash[RESULTS]
