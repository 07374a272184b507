"""The folders of runs: the user's own in `runs_folder()`, the shipped ones beside the package.

    <folder>/run.json             its network, its data, its training and its metrics (`storage.record`)
    <folder>/weights.safetensors  the network's weights (`storage.weights`)
    <folder>/map.parquet          coordinates and prediction of every image (`storage.embedding_map`)
    <folder>/thumbnails.parquet   small pictures of a user's own images (`storage.thumbnails`)
    <folder>/table.parquet        a user's own table (`storage.item_table`)
    <folder>/epochs.safetensors   where some of its images lay as it was trained (`storage.epochs`)
    <folder>/items.parquet        of a recommender: the items (`storage.items`)
    <folder>/notes.json           tags and a note (`library.notes`)

A user's run hides a shipped one of the same name.
"""

import re
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar

from filelock import FileLock, Timeout

from kernelviz.disk import own_file, runs_folder
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
    run = load_run(name)
    if not isinstance(run, EmbeddingRun):
        raise UserError(f"the run {name!r} is a {run.kind} and has no map of images; choose another run, or train one")
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
    shipped, own = ([p.parent.name for p in sorted(f.glob(f"*/{FILE}"))] for f in reversed(_folders()))
    return [name for name in dict.fromkeys(shipped + own) if NAME.fullmatch(name)]


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


def is_held(one: FileLock) -> bool:
    """Whether a process holds a lock."""
    try:
        with one.acquire(timeout=0):
            return False
    except Timeout:
        return True


def lock(name: str) -> FileLock:
    """A lock among the user's runs, beside their folders, which may be moved or deleted while it is held."""
    folder = runs_folder() / ".locks"
    folder.mkdir(parents=True, exist_ok=True)
    return FileLock(folder / name)


def _folders() -> tuple[Path, Path]:
    return runs_folder(), own_file("pretrained")
