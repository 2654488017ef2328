"""Runs scripts of causes, each in a process of its own that has imported everything already.

``python -m conformance.causes.runner`` reads lines ``{"script": ..., "folder": ...}`` from standard
input and answers each with a line ``{"status": ..., "output": ...}``: how the script ended, None
where it ran too long, and the last line that it printed. A script that ends in an error shows
nothing, and one that writes outside its folder is ended: each has a status of ours. A line may name
a folder under ``first`` that is to come first on the path, where ``without`` as an argument keeps
PEFT from being imported for all.
"""

from __future__ import annotations

import json
import os
import runpy
import subprocess
import sys
import tempfile
import time
import traceback
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import Any

LONGEST = 60
"""Seconds that a script may take."""
CRASHED, OUTSIDE = 70, 71
"""Exit statuses of ours: the script ended in an error, or wrote where it may not."""
WRITES = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_TRUNC
CHANGES = {
    "os.mkdir": (0,),
    "os.remove": (0,),
    "os.rmdir": (0,),
    "os.rename": (0, 1),
    "os.link": (0, 1),
    "os.symlink": (1,),
    "os.truncate": (0,),
    "shutil.rmtree": (0,),
}
"""Audit events that change files, and which of their arguments are paths."""
SINKS = ("/dev/null", "nul")


WITHOUT = "without"
SHARED = ("torch", "accelerate", "transformers.models.llama.modeling_llama")


def preload(*more: str) -> None:
    """Import what scripts import; what cannot be is the scripts' to find."""
    os.environ.setdefault("HF_HUB_OFFLINE", "1")
    os.environ["OMP_NUM_THREADS"] = "1"  # a fork of a process with threads may wait forever
    for name in (*SHARED, *more):
        try:
            import_module(name)
        except (ImportError, AttributeError, RuntimeError):
            continue


def guard(folder: Path) -> Callable[[str, tuple[Any, ...]], None]:
    """An audit hook that ends the process where it writes outside a folder."""

    def hook(event: str, arguments: tuple[Any, ...]) -> None:
        if event == "open":
            path, mode, flags = arguments
            writing = (mode and set(mode) & set("wax+")) or (flags or 0) & WRITES
            paths = [path] if writing else []
        else:
            paths = [arguments[index] for index in CHANGES.get(event, ())]
        for path in paths:
            if not isinstance(path, (str, bytes, os.PathLike)):
                continue  # a file that is open already
            found = Path(os.path.realpath(os.fsdecode(path)))
            if str(found) not in SINKS and not found.is_relative_to(folder):
                os.write(1, f"\n{found}\n".encode())
                os._exit(OUTSIDE)

    return hook


def become(script: Path, folder: Path, output: Path, first: str = "") -> None:
    """Run the script in this process, in its folder, and end with its status; never returns."""
    sys.path[:0] = [first] * bool(first)
    log = os.open(output, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
    os.dup2(log, 1)
    os.dup2(log, 2)
    os.chdir(folder)
    os.environ["TMPDIR"] = tempfile.tempdir = str(folder)
    # what torch compiles for a script is no writing outside of its folder
    os.environ["TORCHINDUCTOR_CACHE_DIR"] = os.environ["TORCH_EXTENSIONS_DIR"] = str(folder)
    sys.dont_write_bytecode = True
    sys.argv = [str(script)]
    sys.addaudithook(guard(folder))
    status: Any = 0
    try:
        runpy.run_path(str(script), run_name="__main__")
    except SystemExit as ended:
        status = ended.code or 0
    except BaseException:  # noqa: BLE001  whatever it is, the script did not come to an answer
        traceback.print_exc()
        status = CRASHED
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(status if isinstance(status, int) else CRASHED)


def forked(script: Path, folder: Path, output: Path, first: str = "") -> int | None:
    """The exit status of a script in a fork of this process; None where it ran too long."""
    child = os.fork()
    if child == 0:
        become(script, folder, output, first)
    until = time.monotonic() + LONGEST
    while time.monotonic() < until:
        ended, status = os.waitpid(child, os.WNOHANG)
        if ended:
            return os.waitstatus_to_exitcode(status)
        time.sleep(0.01)
    os.kill(child, 9)
    os.waitpid(child, 0)
    return None


def spawned(script: Path, folder: Path, output: Path, first: str = "") -> int | None:
    """The same in a new interpreter, where no process can be forked."""
    paths = ", ".join(f"Path({str(path)!r})" for path in (script, folder, output))
    code = (
        "from pathlib import Path; from conformance.causes.runner import become; "
        f"become({paths}, {first!r})"
    )
    try:
        return subprocess.run([sys.executable, "-c", code], timeout=LONGEST, check=False).returncode
    except subprocess.TimeoutExpired:
        return None


def answer(script: Path, folder: Path, first: str = "") -> dict[str, Any]:
    """How a script ended, and the last line that it printed."""
    inner, output = folder / "folder", folder / "output.txt"
    inner.mkdir(parents=True, exist_ok=True)
    run = forked if hasattr(os, "fork") else spawned
    status = run(script, inner.resolve(), output, first)
    lines = output.read_text(encoding="utf-8", errors="replace").split("\n")
    told = next((line.strip() for line in reversed(lines) if line.strip()), "")
    return {"status": status, "output": told}


def main() -> None:
    """Answer one script after another."""
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)  # what a package prints when it is imported is no answer
    preload(*([] if WITHOUT in sys.argv[1:] else ["peft"]))
    for line in sys.stdin:
        asked = json.loads(line)
        told = answer(Path(asked["script"]), Path(asked["folder"]), asked.get("first", ""))
        answers.write(json.dumps(told) + "\n")
        answers.flush()


if __name__ == "__main__":
    main()
