"""The form of a `.kernelviz` file: a zip with the files of one run, and a manifest that names each of them.

    manifest.json   format, the run's name, and of each other file its size and its SHA-256
    run.json        the record, without the paths of the machine on which it was trained
    ...             of the other files of a run (`storage.store`) those that it has

A head has the weights of its backbone in the file, too, wherever they lie beside it: it opens on another machine.
"""

import shlex
from dataclasses import replace
from pathlib import PurePosixPath, PureWindowsPath
from typing import Annotated, Any, Literal

from annotated_types import Ge, Len
from pydantic import BaseModel, ConfigDict, Field

from kernelviz.library import notes
from kernelviz.storage import calibration, epochs, item_table, items, record, thumbnails
from kernelviz.storage.record import Run

ENDING = ".kernelviz"
MANIFEST = "manifest.json"
FORMAT = 1
MAP, WEIGHTS, BACKBONE = "map.parquet", "weights.safetensors", "backbone.safetensors"
PICTURES = (item_table.FILE, thumbnails.FILE)  # only where they are wanted
FILES = (record.FILE, WEIGHTS, BACKBONE, MAP, calibration.FILE, items.FILE, notes.FILE, epochs.FILE, *PICTURES)
NEEDED = {"embedding": (MAP,), "recommender": (items.FILE,)}  # by the kind of a run, beside record and weights
ON_THE_HUB = {
    WEIGHTS: "model.safetensors",
    record.FILE: "config.json",
}  # names of files in a model folder (`export.hub`)
PATHS = ("data", "weights", "titles")  # settings that may be a path


class Content(BaseModel):
    """Size in bytes and hash of a file."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    size: Annotated[int, Ge(0)]
    sha256: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]


class Manifest(BaseModel):
    """What a `.kernelviz` file says of itself."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    format: Literal[1]
    name: str
    made_by: Annotated[str, Len(0, 100)] = ""
    files: dict[Literal[FILES], Content]


def without_paths(run: Run) -> Run:
    """A run whose record names no folder of a machine: of each path only its last part is left."""
    recipe = {key: _last(value) if key in PATHS else _relative(value) for key, value in run.recipe.items()}
    made_by = run.made_by | {"command": _words(run.made_by["command"])}
    return replace(run, recipe=recipe, data=run.data | {"name": _last(run.data["name"])}, made_by=made_by)


def _last(value: Any) -> Any:
    """The last part of a path; what is none stays."""
    return PureWindowsPath(value).name.lstrip("~") if isinstance(value, str) else value


def _relative(value: Any) -> Any:
    """The last part of an absolute path; other values stay."""
    absolute = isinstance(value, str) and (PurePosixPath(value).is_absolute() or PureWindowsPath(value).is_absolute())
    return _last(value) if absolute else value


def _words(command: str) -> str:
    """A command without its folders."""
    try:
        return shlex.join(_last(word) if {"/", "\\"} & set(word) else word for word in shlex.split(command))
    except ValueError:  # quotes that do not end
        return ""
