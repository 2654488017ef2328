"""The manifest of a corpus: which lives it holds, who saved them and how far they got.

Plain JSON, and trusted for nothing: a case is parsed as literals, a folder is a plain name.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, TypeGuard

from conformance.core.case import Case, parse_case
from conformance.core.errors import UnusableInput
from conformance.core.grid import Stratum
from conformance.core.literals import CaseError
from conformance.core.observation import Snapshot, Trouble

FORMAT = 1
MANIFEST = "corpus.json"
EXPECTED = "expected.safetensors"
FOLDER = re.compile(r"[a-z0-9][a-z0-9-]*")


class CorpusError(UnusableInput):
    """A folder that cannot be judged as a corpus; the message is one sentence for the user."""


@dataclass(frozen=True)
class KeptLife:
    """One life as its saver left it.

    ``folder`` is empty where nothing was saved; ``lacks`` says what the saver did not have, and
    ``troubles`` what ended the life or its adapter's loading there. ``ties`` and ``flags`` are
    those of the stages ``base`` and ``merged``; ``own`` maps ordinary invariants to the saver's
    own verdict on this life.
    """

    case: Case
    folder: str = ""
    lacks: str = ""
    reached: tuple[str, ...] = ()
    own: Mapping[str, str] = field(default_factory=dict)
    troubles: tuple[Trouble, ...] = ()
    ties: Mapping[str, tuple[tuple[str, ...], ...]] = field(default_factory=dict)
    flags: Mapping[str, Mapping[str, bool | None]] = field(default_factory=dict)

    @property
    def stratum(self) -> str:
        """The id of its stratum."""
        case = self.case
        return Stratum(case.device, case.tied, case.ensure, case.placement).id

    def snapshot(self, stage: str) -> Snapshot:
        """What the manifest alone says of a stage."""
        ties = frozenset(frozenset(group) for group in self.ties.get(stage, ()))
        return Snapshot(shares=ties, flags=self.flags.get(stage, {}))


@dataclass(frozen=True)
class Corpus:
    """A corpus on disk: its folder, its saver's versions and its lives by case."""

    path: Path
    saver: Mapping[str, str]
    lives: Mapping[Case, KeptLife]

    @property
    def saved_by(self) -> str:
        """The saver's versions that decide a verdict."""
        return saved_by(self.saver)


def saved_by(saver: Mapping[str, str]) -> str:
    """A saver's versions that decide a verdict."""
    return f"peft {saver['peft']}, transformers {saver['transformers']}"


def write(path: Path, saver: Mapping[str, str], lives: list[KeptLife]) -> None:
    """Write the manifest: the last thing written, so that a broken-off corpus has none."""
    rows = [{**asdict(life), "case": repr(life.case)} for life in lives]
    text = json.dumps({"format": FORMAT, "saver": dict(saver), "lives": rows}, indent=1)
    (path / MANIFEST).write_text(text + "\n", encoding="utf-8")


def read(path: Path) -> Corpus:
    """Read and check a corpus; raises CorpusError with one sentence."""
    file = path / MANIFEST
    try:
        raw = json.loads(file.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise CorpusError(f"{path} holds no {MANIFEST}, which save-corpus writes last") from None
    except OSError as error:
        raise CorpusError(f"{file} cannot be read: {error.strerror}") from None
    except (ValueError, RecursionError):
        raise CorpusError(f"{file} is not JSON") from None
    if not isinstance(raw, dict) or raw.get("format") != FORMAT:
        found = raw.get("format") if isinstance(raw, dict) else None
        raise CorpusError(f"{file} has format {found!r:.20}; this suite reads format {FORMAT}")
    saver, rows = raw.get("saver"), raw.get("lives")
    if not _is_text_map(saver) or not {"peft", "transformers"} <= set(saver):
        raise CorpusError(f"{file}: 'saver' must name the versions of peft and transformers")
    if not isinstance(rows, list) or not rows:
        raise CorpusError(f"{file}: 'lives' must be a list with at least one life")
    lives: dict[Case, KeptLife] = {}
    for number, row in enumerate(rows):
        try:
            life = _life(row)
            if life.case in lives:
                raise CorpusError("its case is there twice")  # noqa: TRY301  told with its place
            _check_files(path, life)
        except (CorpusError, CaseError) as error:
            raise CorpusError(f"{file}, life {number}: {error}") from None
        lives[life.case] = life
    return Corpus(path, saver, lives)


def _life(row: Any) -> KeptLife:
    if not isinstance(row, dict) or set(row) != set(SHAPES):
        raise CorpusError(f"it must have exactly the fields {', '.join(SHAPES)}")
    wrong = [name for name, fits in SHAPES.items() if not fits(row[name])]
    if wrong:
        raise CorpusError(f"{', '.join(wrong)} has a value of the wrong kind")
    return KeptLife(
        case=parse_case(row["case"]),
        folder=row["folder"],
        lacks=row["lacks"],
        reached=tuple(row["reached"]),
        own=row["own"],
        troubles=tuple(Trouble(**told) for told in row["troubles"]),
        ties={stage: tuple(map(tuple, groups)) for stage, groups in row["ties"].items()},
        flags=row["flags"],
    )


def _is_map(value: Any, fits: Callable[[Any], bool]) -> bool:
    return isinstance(value, dict) and all(map(fits, value.values()))


def _is_texts(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(item, str) for item in value)


def _is_text_map(value: Any) -> TypeGuard[dict[str, str]]:
    return _is_map(value, lambda item: isinstance(item, str))


def _is_trouble(value: Any) -> bool:
    if not isinstance(value, dict) or set(value) != set(Trouble.__dataclass_fields__):
        return False
    return all(isinstance(value[name], bool if name == "deliberate" else str) for name in value)


def _are_ties(value: Any) -> bool:
    return _is_map(value, lambda groups: isinstance(groups, list) and all(map(_is_texts, groups)))


def _are_flags(value: Any) -> bool:
    return _is_map(value, lambda flags: _is_map(flags, lambda flag: flag in (True, False, None)))


def _is_text(value: Any) -> bool:
    return isinstance(value, str)


def _is_folder(value: Any) -> bool:
    return _is_text(value) and (not value or FOLDER.fullmatch(value) is not None)


SHAPES: dict[str, Callable[[Any], bool]] = {
    "case": _is_text,
    "folder": _is_folder,
    "lacks": _is_text,
    "reached": _is_texts,
    "own": _is_text_map,
    "troubles": lambda value: isinstance(value, list) and all(map(_is_trouble, value)),
    "ties": _are_ties,
    "flags": _are_flags,
}
"""The fields of a kept life in the manifest, and what each may hold."""


def _check_files(path: Path, life: KeptLife) -> None:
    """What was reached must lie there, and ask for no code of its own."""
    if not life.folder:
        return
    folder = path / life.folder
    wanted = {"base": "base/config.json", "adapter-saved": "adapter/adapter_config.json"}
    wanted |= {"saved": "merged/config.json"}
    for name in (EXPECTED, *(file for stage, file in wanted.items() if stage in life.reached)):
        if not (folder / name).is_file():
            raise CorpusError(f"{life.folder}/{name} is missing")
    for file in sorted(folder.glob("*/*.json")):
        _check_harmless(file, f"{life.folder}/{file.parent.name}/{file.name}")


# Fields that make transformers or PEFT import a module that the file names.
ASKS_FOR_CODE = (
    "auto_map",
    "auto_mapping",
    "custom_pipelines",
    "megatron_config",
    "quantization_config",
    "attn_implementation",  # may name a kernel to be fetched
    "_attn_implementation",
)


def _check_harmless(file: Path, name: str) -> None:
    try:
        config = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError):
        raise CorpusError(f"{name} is not JSON") from None
    asks = [key for key in ASKS_FOR_CODE if isinstance(config, dict) and config.get(key)]
    if asks:
        raise CorpusError(f"{name} sets {asks[0]}, which names code; none of that is run")
