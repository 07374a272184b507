"""Whether an installation is sound: versions, folders, runs that cannot be opened, and what is cached."""

import os
import platform
import shutil
from contextlib import suppress
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import torch

from kernelviz.data.pictures.content_cache import FILE as PICTURES
from kernelviz.disk import data_folder, runs_folders
from kernelviz.errors import UserError
from kernelviz.networks.devices import best_device
from kernelviz.storage.calibration import load_calibration
from kernelviz.storage.embedding_map import load_map
from kernelviz.storage.items import load_items
from kernelviz.storage.record import BrokenRun, EmbeddingRun, RecommenderRun, Run
from kernelviz.storage.store import of_kind, readable_runs
from kernelviz.storage.weights import load_network

PACKAGES = ("kernelviz", "torch", "streamlit", "numpy", "pandas", "pyarrow", "pillow", "safetensors", "timm")
CACHES = {  # names in the data folder of what is made again when it is needed: what that is
    "graphs": "neighbour graphs",
    "maps": "pictures of maps",
    "sheets": "sheets of small pictures",
    f"*-{PICTURES}*": "features of pictures, and small pictures",
}


@dataclass(frozen=True)
class Folder:
    """A folder that kernelviz works in.

    Args:
        what: what it is for.
        writable: whether something can be written there, or the folder be made.
        free: bytes of free space; None where nobody knows.
    """

    what: str
    path: str
    writable: bool
    free: int | None


@dataclass(frozen=True)
class Cached:
    """Something in the data folder that costs only time to make again."""

    what: str
    paths: tuple[str, ...]
    size: int  # bytes


def versions() -> dict[str, str]:
    """Of Python, the system, and the packages that matter; "missing" for one that is not installed."""
    found = {"python": platform.python_version(), "system": platform.platform()}
    for name in PACKAGES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            found[name] = "missing"
    return found


def device() -> str:
    """Where networks compute, in words."""
    name = best_device()
    if name == "cpu":
        return f"cpu with {os.cpu_count()} cores"
    return torch.cuda.get_device_name(name) if name.startswith("cuda") else name


def folders() -> list[Folder]:
    """The folders of runs, the first of which takes new ones, and the data folder."""
    named = [("new runs" if at == 0 else "runs", path) for at, path in enumerate(runs_folders())]
    return [_folder(what, path) for what, path in [*named, ("data", data_folder())]]


def broken_runs() -> list[str]:
    """A sentence for each run that cannot be opened, with what is wrong and what to do.

    All of each run is read: its record, weights, map or items, and calibration.
    """
    runs, broken = readable_runs()
    for run in runs:
        try:
            _open(run)
        except UserError as error:
            broken.append(str(error))
    return broken


def cached() -> list[Cached]:
    """What is cached in the data folder."""
    found = []
    for name, what in CACHES.items():
        paths = sorted(data_folder().glob(name))
        if paths:
            found.append(Cached(what, tuple(map(str, paths)), sum(map(_size, paths))))
    return found


def remove_caches() -> int:
    """Remove what is cached; returns how many bytes. No training may run, for it would miss what it has computed."""
    total = 0
    for one in cached():
        for path in map(Path, one.paths):
            size = _size(path)
            with suppress(OSError):
                shutil.rmtree(path) if path.is_dir() else path.unlink()
                total += size
    return total


def _open(run: Run) -> None:
    if of_kind([run], EmbeddingRun):
        load_map(run.folder)
        load_calibration(run.folder)
    if of_kind([run], RecommenderRun):
        load_items(run.folder)
    network = load_network(run)
    if not all(weight.isfinite().all() for weight in network.state_dict().values()):
        raise BrokenRun(f"the weights of run {run.name!r} have values that are no numbers; train it again")


def _folder(what: str, path: Path) -> Folder:
    there = next(one for one in (path, *path.absolute().parents) if one.exists())
    try:
        free = shutil.disk_usage(there).free
    except OSError:
        free = None
    return Folder(what, str(path), there.is_dir() and os.access(there, os.W_OK | os.X_OK), free)


def _size(path: Path) -> int:
    files = path.rglob("*") if path.is_dir() else [path]
    total = 0
    for file in files:
        with suppress(OSError):
            total += file.lstat().st_size
    return total
