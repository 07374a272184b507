"""Runs in the formats of others: a module for each, whose `write(run, path, pictures)` makes a file or a folder."""

from importlib import import_module
from pathlib import Path
from typing import NamedTuple

from kernelviz.errors import UserError
from kernelviz.storage.record import Run


class Format(NamedTuple):
    """How a run is written.

    Attributes:
        module: writes it.
        ending: of its file; "" for a folder.
        mark: by what in it a folder is known again, and may be written anew.
        says: words in that file, where its name is not enough.
    """

    module: str
    ending: str
    mark: str = ""
    says: bytes = b""


FORMATS: dict[str, Format] = {
    "onnx": Format("kernelviz.export.onnx", "", "embed.onnx"),
    "parquet": Format("kernelviz.export.parquet", ".parquet"),
    "csv": Format("kernelviz.export.csv", ".csv"),
    "tensorboard": Format("kernelviz.export.tensorboard", "", "projector_config.pbtxt"),
    "fiftyone": Format("kernelviz.export.fiftyone", "", "brain"),
    "hub": Format("kernelviz.export.hub", "", "README.md", b"\nkernelviz import "),
    "html": Format("kernelviz.ui.standalone", ".html"),
    "html-folder": Format("kernelviz.ui.standalone.folder", "", "data/points-*.bin"),
}


def write(run: Run, name: str, path: Path | None = None, pictures: bool = False) -> Path:
    """Write a run in a format; returns the path of the file or folder.

    Raises a UserError where there is no such format, the run has not what it needs, or something else has the path.

    Args:
        path: by default named after the run, in the current folder.
        pictures: whether the small pictures of its images go along, where the format can hold them.
    """
    if name not in FORMATS:
        raise UserError(f"there is no format {name!r}; there are {', '.join(['kernelviz', *FORMATS])}")
    form = FORMATS[name]
    path = path or Path(f"{run.name}{form.ending}" if form.ending else f"{run.name}-{name}")
    if path.is_dir() and form.ending:
        raise UserError(f"{path} is a folder; give the name of a file")
    if path.is_file() and not form.ending:
        raise UserError(f"{path} is a file; give the name of a folder")
    if path.is_dir() and any(path.iterdir()) and not _is_own(path, form):
        raise UserError(f"{path} has other files, of which some could be lost; give a new folder")
    return import_module(form.module).write(run, path, pictures)


def _is_own(folder: Path, form: Format) -> bool:
    return any(not form.says or form.says in one.read_bytes() for one in folder.glob(form.mark))
