"""Runs in the formats of others: a module for each, whose `write(run, path, pictures)` makes a file or a folder."""

from importlib import import_module
from pathlib import Path
from typing import NamedTuple

from kernelviz.errors import UserError
from kernelviz.storage.record import Run


class Format(NamedTuple):
    """Attributes: the module that writes it, the ending of its file ("" for a folder), what it is for."""

    module: str
    ending: str
    purpose: str


FORMATS: dict[str, Format] = {
    "html": Format("kernelviz.ui.standalone", ".html", "a page without a server, which opens from disk"),
    "html-folder": Format("kernelviz.ui.standalone.folder", "", "the same as a folder, for a static host"),
}


def write(run: Run, name: str, path: Path | None = None, pictures: bool = False) -> Path:
    """Write a run in a format; returns the path of the file or folder.

    Raises a UserError where the run has not what the format needs, or the path is taken by something else.

    Args:
        path: by default named after the run, in the current folder.
        pictures: whether the small pictures of its images go along, where the format can hold them.
    """
    form = FORMATS[name]
    path = path or Path(f"{run.name}{form.ending}" if form.ending else f"{run.name}-{name}")
    if path.is_dir() and form.ending:
        raise UserError(f"{path} is a folder; give the name of a file")
    if path.is_file() and not form.ending:
        raise UserError(f"{path} is a file; give the name of a folder")
    return import_module(form.module).write(run, path, pictures)
