"""The image sets known by name: the paths of their files, and their download through torchvision."""

import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor, wait
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from kernelviz.disk import data_folder, scratch
from kernelviz.errors import NotFound, UserError
from kernelviz.ingest.preprocessing import Preprocess

Progress = Callable[[float, str], None]  # fraction done in [0, 1], one line for a person

DIGITS = tuple("0123456789")
CLOTHES = ("T-shirt", "trouser", "pullover", "dress", "coat", "sandal", "shirt", "sneaker", "bag", "ankle boot")
THINGS = ("airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck")


@dataclass(frozen=True)
class NamedSet:
    """What is known of a set before it is read; `source` is torchvision's class, "" for scikit-learn's digits."""

    classes: tuple[str, ...]
    preprocess: Preprocess
    source: str = ""
    download_bytes: int = 0


SETS = {
    "digits": NamedSet(DIGITS, Preprocess("digit", 8, 8, 1, box=8)),
    "mnist": NamedSet(DIGITS, Preprocess("digit", 28, 28, 1, box=20), "MNIST", 11_594_722),
    "fashion_mnist": NamedSet(CLOTHES, Preprocess("resize", 28, 28, 1), "FashionMNIST", 30_878_645),
    "cifar10": NamedSet(THINGS, Preprocess("crop", 32, 32, 3), "CIFAR10", 170_498_071),
}

SHAPES = "shapes"  # pictures of any size that `data.shapes` paints: a listing, never arrays


def file_of(name: str) -> Path:
    """The path of the arrays of a downloaded set: `<data folder>/<name>.npz`."""
    return data_folder() / f"{name}.npz"


def is_local(source: str) -> bool:
    """Whether `images.load(source)` has what it needs on this machine."""
    if source in SETS:
        return not SETS[source].source or file_of(source).is_file()
    return source != SHAPES and Path(source).expanduser().exists()


def absent(name: str) -> NotFound:
    """The error for a set that is not on this machine; it says how to put it there or to download it."""
    return NotFound(
        f"the image set {name!r} is not on this machine; put a file with the arrays train_images, train_labels, "
        f"test_images and test_labels at {file_of(name)}, or connect to the internet and run again to download it"
    )


def download(name: str, progress: Progress | None = None) -> Path:
    """Download a named set through torchvision and return its new .npz file.

    `progress` is called in the caller's own thread. Raises a UserError for a name that cannot be downloaded, NotFound
    where the download fails.
    """
    known = [other for other, named in SETS.items() if named.source]
    if name not in known:
        raise UserError(f"{name!r} cannot be downloaded; choose one of {', '.join(known)}")
    try:
        data_folder().mkdir(parents=True, exist_ok=True)
        with scratch(data_folder()) as folder:
            return _write(file_of(name), _fetch_watched(name, folder, progress), folder)
    except (OSError, RuntimeError) as error:
        raise absent(name) from error


def _fetch_watched(name: str, folder: Path, progress: Progress | None) -> dict[str, np.ndarray]:
    """Fetch in a second thread, while this one reports how much of the archives has arrived."""
    with ThreadPoolExecutor(1) as pool:
        arrays = pool.submit(_fetch, SETS[name].source, folder)
        while progress and wait([arrays], timeout=0.2).not_done:
            fraction = min(_archive_bytes(folder) / SETS[name].download_bytes, 1.0)
            megabytes = SETS[name].download_bytes / 1e6
            progress(fraction, f"downloading {name}: {100 * fraction:.0f} % of {megabytes:.0f} MB")
        return arrays.result()


def _archive_bytes(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.rglob("*.gz") if path.is_file())


def _fetch(source: str, folder: Path) -> dict[str, np.ndarray]:
    import torchvision  # seconds to import, and needed only here

    arrays = {}
    for part in ("train", "test"):
        fetched = getattr(torchvision.datasets, source)(folder, train=part == "train", download=True)
        arrays[f"{part}_images"] = np.asarray(fetched.data)
        arrays[f"{part}_labels"] = np.asarray(fetched.targets)
    return arrays


def _write(path: Path, arrays: dict[str, np.ndarray], folder: Path) -> Path:
    """Write in another folder first, so that a killed process never leaves half a file."""
    np.savez(folder / path.name, **arrays)
    os.replace(folder / path.name, path)
    return path
