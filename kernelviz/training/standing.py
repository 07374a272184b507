"""How far a training is, for others to see: progress.json; and what others ask of it: the file `asked`."""

import contextlib
import json
import time
from dataclasses import asdict, dataclass
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Literal

from annotated_types import Ge, Le
from pydantic import ConfigDict, TypeAdapter

from kernelviz.disk import replacing

FILE, ASKED = "progress.json", "asked"
EVERY = 0.5  # seconds between two writes
LOOK = 0.2  # seconds between two looks at what is asked


class Ask(StrEnum):
    """What may be asked of a training: to stop with its checkpoint, to finish with the weights it has, to go away."""

    pause = "pause"
    finish = "finish"
    cancel = "cancel"


STOPPING = (Ask.pause, Ask.cancel)


@dataclass(frozen=True)
class Standing:
    """How far a training is.

    Args:
        stage: what it does.
        share: of the stage that is done, in [0, 1].
        note: one line for a person.
        epoch, loss, per_second, seconds_left: of the stage "train": epochs done with their fraction, mean loss of this
            epoch so far, images (or items) per second, and the seconds to the end of the stage.
    """

    __pydantic_config__ = ConfigDict(allow_inf_nan=False)

    stage: Literal["data", "prepare", "search", "train", "map"]
    share: Annotated[float, Ge(0), Le(1)]
    note: str = ""
    epoch: float = 0.0
    loss: float | None = None
    per_second: float | None = None
    seconds_left: float | None = None


def load_standing(folder: Path) -> Standing | None:
    """What a training wrote last into its folder; None where it has not written yet, or the file says nothing."""
    with contextlib.suppress(OSError, ValueError):
        return TypeAdapter(Standing).validate_json((folder / FILE).read_bytes())
    return None


class Board:
    """Where a training writes how far it is, and reads what is asked of it."""

    def __init__(self, folder: Path):
        self.folder = folder
        self._written = self._looked = -EVERY
        self._asked: Ask | None = None

    def write(self, standing: Standing) -> None:
        """Write how far the training is, unless it was written just now; what cannot be written is left out."""
        if time.monotonic() - self._written >= EVERY or standing.share >= 1:
            self._written = time.monotonic()
            with contextlib.suppress(OSError), replacing(self.folder / FILE) as partial:
                partial.write_text(json.dumps(asdict(standing)), encoding="utf-8")

    @property
    def asked(self) -> Ask | None:
        """What is asked of the training, if anything."""
        if time.monotonic() - self._looked >= LOOK:
            self._looked, self._asked = time.monotonic(), asked(self.folder)
        return self._asked


def asked(folder: Path) -> Ask | None:
    """What is asked of the training in a folder, if anything."""
    with contextlib.suppress(OSError, ValueError):
        return Ask((folder / ASKED).read_text(encoding="utf-8"))
    return None


def ask(folder: Path, what: Ask | None) -> None:
    """Ask something of the training in a folder; None: nothing any more."""
    if what is None:
        (folder / ASKED).unlink(missing_ok=True)
        return
    with replacing(folder / ASKED) as partial:
        partial.write_text(what, encoding="utf-8")
