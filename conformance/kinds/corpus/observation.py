"""An arrival: the plain facts of files that one cell saved and another loads."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from conformance.core.observation import Observation


@dataclass(frozen=True)
class Arrival(Observation):
    """What was seen when the files of a life were loaded here.

    The stages ``base``, ``trained``, ``defined``, the nudged ones and ``merged`` are the
    saver's; ``base-loaded``, ``reloaded`` and ``adapter-reloaded`` are what was loaded here. By
    key of the merged file, ``restored`` holds what each tensor became here and ``meant`` what the
    saver wrote it for. All other names are those of transformers 5. ``saver`` are its versions,
    ``own`` its verdicts on the same life; ``unpromised`` says that the adapter is newer than the
    PEFT that reads it.
    """

    saver: Mapping[str, str] = field(default_factory=dict)
    own: Mapping[str, str] = field(default_factory=dict)
    unpromised: str = ""
