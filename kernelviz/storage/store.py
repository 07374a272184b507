"""The folders of runs: the user's own in `runs_folders()`, the shipped ones beside the package.

    <folder>/run.json             its network, its data, its training and its metrics (`storage.record`)
    <folder>/weights.safetensors  the network's weights (`storage.weights`)
    <folder>/map.parquet          coordinates and prediction of every image (`storage.embedding_map`)
    <folder>/thumbnails.parquet   small pictures of a user's own images (`storage.thumbnails`)
    <folder>/table.parquet        a user's own table (`storage.item_table`)
    <folder>/epochs.safetensors   where some of its images lay as it was trained (`storage.epochs`)
    <folder>/items.parquet        of a recommender: the items (`storage.items`)
    <folder>/notes.json           tags and a note (`library.notes`)

A name in several folders means the run in the first; a user's run hides a shipped one. New runs go to the first folder.
"""

import os
import re
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from itertools import chain
from pathlib import Path
from typing import TypeVar

from filelock import FileLock, Timeout

from kernelviz.disk import lock, own_file, runs_folder, runs_folders
from kernelviz.errors import NotFound, UserError
from kernelviz.storage.record import FILE, ClassifierRun, EmbeddingRun, Run, read_run

NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
Kind = TypeVar("Kind", bound=Run)


def load_run(name: str) -> Run:
    """The run of that name; NotFound lists the runs that there are, BrokenRun says what is wrong with it."""
    for folder in _folders():
        if NAME.fullmatch(name) and (folder / name / FILE).exists():
            return read_run(folder / name)
    have = ", ".join(run_names()) or "none yet: train one with `kernelviz train digits-autoencoder`"
    raise NotFound(f"no run {name!r}; there is {have}")


def load_mapped(name: str) -> EmbeddingRun:
    """The run of that name, which must be one with a map; else a UserError."""
    return mapped(load_run(name))


def mapped(run: Run) -> EmbeddingRun:
    """The run, which must be one with a map; else a UserError."""
    if not isinstance(run, EmbeddingRun):
        raise UserError(
            f"the run {run.name!r} is a {run.kind} and has no map of images; choose another run, or train one"
        )
    return run


def load_classifier(name: str) -> ClassifierRun:
    """The run of that name, which must be a classifier without a map; else a UserError."""
    run = load_run(name)
    if not isinstance(run, ClassifierRun):
        raise UserError(
            f"the run {name!r} is no classifier (it is of the kind {run.kind}), and only classifiers are backbones; "
            "give a classifier, or the --backbone that it was trained on itself"
        )
    return run


def readable_runs() -> tuple[list[Run], list[str]]:
    """The runs that can be read, and a sentence for each of the others that says what is wrong with it."""
    runs, broken = [], []
    for name in run_names():
        try:
            runs.append(load_run(name))
        except UserError as error:
            broken.append(str(error))
    return runs, broken


def of_kind(runs: Iterable[Run], kind: type[Kind]) -> list[Kind]:
    """The runs of one kind."""
    return [run for run in runs if isinstance(run, kind)]


def run_names() -> list[str]:
    """Names of all runs, the shipped ones first."""
    *own, shipped = map(_names_in, _folders())
    return list(dict.fromkeys(chain(shipped, *own)))


def hidden_runs() -> list[str]:
    """A sentence for each run that a run of the same name in an earlier folder of the user's hides."""
    first: dict[str, Path] = {}
    hidden = []
    for folder in dict.fromkeys(runs_folders()):
        for name in _names_in(folder):
            if first.setdefault(name, folder) != folder:
                hidden.append(f"the run {name!r} is in {first[name]} and in {folder}: the first is shown")
    return hidden


def use_runs(folders: Sequence[Path]) -> None:
    """Take runs from these folders from now on, in the processes that this one starts too; none changes nothing.

    Raises a UserError where one is no folder; the first, to which new runs are written, may be yet to be made.
    """
    for at, folder in enumerate(folders):
        if os.pathsep in str(folder):
            raise UserError(f"--runs {folder} has a {os.pathsep!r} in it, which separates folders; rename it")
        if not folder.expanduser().is_dir() and (at or folder.expanduser().exists()):
            raise UserError(f"--runs {folder} is no folder; give one that is there")
    if folders:
        os.environ["KERNELVIZ_RUNS"] = os.pathsep.join(str(folder.expanduser().absolute()) for folder in folders)


def new_folder(name: str) -> Path:
    """The folder for a new run of that name, made if needed; a UserError says which names are allowed."""
    check_name(name)
    folder = runs_folder() / name
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OSError(f"cannot make {folder} ({error.strerror}); set KERNELVIZ_RUNS to another folder") from None
    return folder


def check_name(name: str) -> None:
    """Raise a UserError that says which names are allowed, if this one is not."""
    if not NAME.fullmatch(name):
        raise UserError(f"{name!r} is no name for a run; use letters, digits, '.', '_' and '-', at most 64 of them")


def is_shipped(run: Run) -> bool:
    """Whether a run travels with kernelviz."""
    return run.folder.parent == own_file("pretrained")


@contextmanager
def claimed(name: str) -> Iterator[None]:
    """Have the folder of a user's run for oneself; a UserError says that another process trains or changes it."""
    try:
        with run_lock(name).acquire(timeout=1):
            yield
    except Timeout:
        raise UserError(f"another process trains or changes {name}; wait for it, or choose another name") from None


def run_lock(name: str) -> FileLock:
    """Held by the process that trains or changes the run of that name."""
    check_name(name)
    return lock(f"{name}.run")


def _names_in(folder: Path) -> list[str]:
    found = [path.parent.name for path in sorted(folder.glob(f"*/{FILE}"))]
    return [name for name in found if NAME.fullmatch(name)]


def _folders() -> tuple[Path, ...]:
    return *runs_folders(), own_file("pretrained")
