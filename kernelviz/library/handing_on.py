"""A run as one file, to be handed on."""

import hashlib
import re
import zipfile
from pathlib import Path

import pyarrow as pa
from pyarrow import parquet

from kernelviz import __version__
from kernelviz.disk import replacing, scratch
from kernelviz.errors import UserError
from kernelviz.library.portable import (
    BACKBONE,
    ENDING,
    FILES,
    FORMAT,
    MANIFEST,
    NEEDED,
    ON_THE_HUB,
    PICTURES,
    WEIGHTS,
    Content,
    Manifest,
    without_paths,
)
from kernelviz.sources.listing import PATH
from kernelviz.storage import item_table, record
from kernelviz.storage.record import BrokenRun, Run

MADE = (1980, 1, 1, 0, 0, 0)  # the time of every file in a zip: the same run gives the same bytes


def export_run(run: Run, path: Path, with_pictures: bool = False) -> Path:
    """Write a run as one `.kernelviz` file, in one step; returns its path, with that ending.

    Raises a UserError or a BrokenRun where the run lacks something, an OSError where it cannot be written.

    Args:
        with_pictures: whether the small pictures and the table of the user's own data go along, without the paths of
            the original files.
    """
    path = path if path.suffix == ENDING else path.with_name(path.name + ENDING)
    if path.is_dir():
        raise UserError(f"{path} is a folder; give the name of a file")
    with scratch() as folder, replacing(path) as partial:
        contents = _pack(_files_of(run, folder, with_pictures), run.name, partial)
        if contents[WEIGHTS].sha256 != run.weights_sha256:
            raise BrokenRun(f"the weights of run {run.name!r} are not those of its record; train it again")
    return path


def packed(model: Path, folder: Path) -> Path:
    """A model folder (`export.hub`) as a `.kernelviz` file in another folder; a UserError where it is none."""
    files = {name: model / ON_THE_HUB.get(name, name) for name in FILES}
    files = {name: file for name, file in files.items() if file.is_file()}
    if lacking := [ON_THE_HUB[name] for name in ON_THE_HUB if name not in files]:
        raise UserError(f"{model} is no model folder of kernelviz: it has no {lacking[0]}")
    name = re.sub(r"[^A-Za-z0-9._-]", "-", model.resolve().name).lstrip("._-")[:64] or "model"
    _pack(files, name, folder / f"model{ENDING}")
    return folder / f"model{ENDING}"


def _pack(files: dict[str, Path], name: str, path: Path) -> dict[str, Content]:
    """Write a `.kernelviz` file; returns what is in it."""
    with zipfile.ZipFile(path, "w") as zipped:
        contents = {part: _add(zipped, part, file) for part, file in files.items()}
        manifest = Manifest(format=FORMAT, name=name, made_by=f"kernelviz {__version__}", files=contents)
        zipped.writestr(_info(MANIFEST), manifest.model_dump_json(indent=1))
    return contents


def size_of(run: Run, with_pictures: bool = False) -> int:
    """About how many bytes the file of a run has."""
    paths = [run.folder / name for name in FILES if with_pictures or name not in PICTURES]
    return sum(path.stat().st_size for path in paths if path.is_file())


def has_pictures(run: Run) -> bool:
    """Whether a run has small pictures or a table of its own, which go along where they are wanted."""
    return any((run.folder / name).is_file() for name in PICTURES)


def _files_of(run: Run, folder: Path, with_pictures: bool) -> dict[str, Path]:
    """The files that are handed on, by their names; what is not as on disk is written to a folder."""
    wanted = [name for name in FILES if with_pictures or name not in PICTURES]
    files = {name: run.folder / name for name in wanted if (run.folder / name).is_file()}
    for name in (WEIGHTS, *NEEDED.get(run.kind, ())):
        if name not in files:
            raise BrokenRun(f"the run {run.name!r} has no {name} in {run.folder}; train it again")
    without_paths(run).save_to(folder)
    files[record.FILE] = folder / record.FILE
    if item_table.FILE in files:
        files[item_table.FILE] = without_originals(files[item_table.FILE], folder / item_table.FILE)
    if getattr(run, "backbone", None) and BACKBONE not in files and _write_backbone(run, folder):
        files[BACKBONE] = folder / BACKBONE
    return files


def without_originals(table: Path, path: Path) -> Path:
    """Write a run's table without the paths of the original files; returns where it is then."""
    try:
        found = parquet.read_table(table)
        if PATH in found.column_names:
            empty = pa.array([""] * len(found), pa.string())
            found = found.set_column(found.column_names.index(PATH), PATH, empty)
        with replacing(path) as partial:
            parquet.write_table(found, partial)
    except pa.ArrowException as error:
        raise BrokenRun(f"{table} is no table of a run ({error}); delete it or train the run again") from None
    return path


def _write_backbone(run: Run, folder: Path) -> bool:
    """Write the backbone that another run has; False where every installation of kernelviz has it."""
    from kernelviz.storage.weights import is_packaged, load_backbone, write_backbone  # torch takes seconds to import

    if is_packaged(run):
        return False
    write_backbone(load_backbone(run), folder)
    return True


def _add(zipped: zipfile.ZipFile, name: str, file: Path) -> Content:
    """Add a file to a zip; returns what was written."""
    hashed, size = hashlib.sha256(), 0
    with file.open("rb") as source, zipped.open(_info(name), "w", force_zip64=True) as target:
        while part := source.read(1 << 20):
            target.write(part)
            hashed.update(part)
            size += len(part)
    return Content(size=size, sha256=hashed.hexdigest())


def _info(name: str) -> zipfile.ZipInfo:
    """How a file stands in the zip: JSON is compressed, the others are dense already."""
    info = zipfile.ZipInfo(name, MADE)
    info.compress_type = zipfile.ZIP_DEFLATED if name.endswith(".json") else zipfile.ZIP_STORED
    info.external_attr = 0o644 << 16
    return info
