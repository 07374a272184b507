"""Two-dimensional maps of MNIST by other tools, on the split and by the metrics of the runs."""

import os
import sys
import time
from collections.abc import Callable
from contextlib import redirect_stdout
from importlib import import_module
from importlib.metadata import version
from importlib.util import find_spec
from types import ModuleType

import numpy as np
import torch
from jaxtyping import Float, Int, UInt8
from scipy.stats import spearmanr

from kernelviz.data.images import load
from kernelviz.errors import UserError
from kernelviz.evaluation.measured_rows import store_rows
from kernelviz.evaluation.metrics import knn_accuracy, map_silhouette, map_trustworthiness
from kernelviz.evaluation.quality import PEERS_FILE
from kernelviz.storage.embedding_map import load_map
from kernelviz.storage.store import load_run

Pixels = Float[np.ndarray, "n d"]
Note = Callable[[str], None]
Fitted = tuple[np.ndarray, Callable[[Pixels], np.ndarray]]  # coordinates of what a tool was fitted to; it places others
OURS = ("mnist-neighbours", "mnist-autoencoder")
SEEDS = range(3)
SPREAD = ("map_1nn", "map_5nn")
PAIRS = 100_000  # of test images whose distances are compared


def report(note: Note) -> dict:
    """Fit each peer on the 50,000 training images, embed the 10,000 test images, and store the metrics for the app.

    Means over seeds, and the standard deviations of 1-NN and 5-NN; one seed of those of NEEDED. Runs of this package
    are measured beside them.
    """
    tools, missing = here()
    images = load("mnist")
    (train, labels), (test, test_labels) = images.split("train"), images.split("test")
    rows = []
    for name, tool in tools.items():
        each = []
        for seed in SEEDS[:1] if name in NEEDED else SEEDS:
            note(f"{name}: fitting {len(train):,} images, seed {seed}")
            started = time.perf_counter()
            known, place = PEERS[name](tool, pixels_of(train), seed)
            fitted = time.perf_counter()
            embedded = place(pixels_of(test))
            seconds = {"fit_seconds": fitted - started, "embed_seconds": time.perf_counter() - fitted}
            each.append(measures(known, labels, embedded, test_labels, pixels_of(test)) | seconds)
        means = {metric: float(np.mean([one[metric] for one in each])) for metric in each[0]}
        if len(each) > 1:
            means |= {f"{metric}_sd": float(np.std([one[metric] for one in each], ddof=1)) for metric in SPREAD}
        rows.append({"method": titled(name), **means})
    store_rows(PEERS_FILE, rows)
    for name in OURS:
        points = load_map(load_run(name).folder)
        parts = (points.of_split("train"), points.of_split("test"))
        (known, labels), (embedded, test_labels) = ((part.coordinates, part.label) for part in parts)
        rows.append({"method": name, **measures(known, labels, embedded, test_labels, pixels_of(test))})
    notes = [
        f"Measured on {os.cpu_count()} cores; the default settings of the others, {len(SEEDS)} seeds (umap-learn takes "
        f"none on several cores, so that each fit is another), one of {' and '.join(NEEDED)}. sd: standard deviation "
        "over the seeds.",
        *missing,
    ]
    return {"rows": rows, "notes": notes}


def measures(
    known: Float[np.ndarray, "m 2"],
    labels: Int[np.ndarray, " m"],
    embedded: Float[np.ndarray, "n 2"],
    test_labels: Int[np.ndarray, " n"],
    test: Pixels,
) -> dict[str, float | None]:
    """What is measured of a map: kNN from the training to the test images, and how it keeps what is near and far."""
    placed = np.isfinite(embedded).all(1)
    at, pictures = embedded[placed], test[placed]
    one, other = np.random.default_rng(0).integers(0, len(at), (2, PAIRS))
    lengths = [np.linalg.norm(rows[one] - rows[other], axis=1) for rows in (pictures, at)]
    return {
        **{f"map_{k}nn": knn_accuracy(known, labels, embedded, test_labels, k) for k in (1, 5, 10, 15, 50)},
        "trustworthiness": map_trustworthiness(pictures, at),
        "continuity": map_trustworthiness(at, pictures),
        "rank_correlation": float(spearmanr(*lengths).statistic),  # Shepard
        "silhouette": map_silhouette(at, test_labels[placed]),
    }


def _umap(umap: ModuleType, train: Pixels, seed: int) -> Fitted:
    """UMAP on pixels; with a seed it would use one core only, so it takes none."""
    mapper = umap.UMAP().fit(train)
    return mapper.embedding_, mapper.transform


def _tsne(tsne: ModuleType, train: Pixels, seed: int) -> Fitted:
    """t-SNE on the first 50 principal components."""
    from sklearn.decomposition import PCA  # takes a second to import

    components = PCA(50, random_state=0).fit(train)
    known = tsne.TSNE(n_jobs=-1, random_state=seed).fit(components.transform(train))
    return np.asarray(known), lambda test: np.asarray(known.transform(components.transform(test)))


def _pacmap(pacmap: ModuleType, train: Pixels, seed: int) -> Fitted:
    """PaCMAP on pixels."""
    mapper = pacmap.PaCMAP(random_state=seed, save_tree=True)
    return mapper.fit_transform(train), mapper.transform


def _parametric_umap(umap: ModuleType, train: Pixels, seed: int) -> Fitted:
    """UMAP by a network, on pixels."""
    mapper = umap.ParametricUMAP(random_state=seed, keras_fit_kwargs={"verbose": 0}).fit(train)
    return mapper.embedding_, mapper.transform


def _contrastive(cne: ModuleType, train: Pixels, seed: int) -> Fitted:
    """Contrastive neighbour embedding by a network, on pixels, by Adam, which its README has for networks."""
    torch.manual_seed(seed)  # its own seed is set when the network is already made
    mapper = cne.CNE(parametric=True, optimizer="adam", seed=seed)
    with redirect_stdout(sys.stderr):  # it prints what it does
        known = mapper.fit_transform(train, init=train)  # 0.4.0 fails without, and takes the number of images from it
    return known, mapper.transform


PEERS = {
    "umap-learn": _umap,
    "openTSNE": _tsne,
    "pacmap": _pacmap,
    "parametric UMAP": _parametric_umap,
    "contrastive-ne": _contrastive,
}
MODULES = {
    "umap-learn": "umap",
    "openTSNE": "openTSNE",
    "pacmap": "pacmap",
    "parametric UMAP": "umap.parametric_umap",
    "contrastive-ne": "cne",
}
PACKAGES = {"parametric UMAP": "umap-learn"}  # of those that are named otherwise
NEEDED = {"parametric UMAP": "tensorflow", "contrastive-ne": "cne"}  # modules of slow networks, which no extra brings


def here() -> tuple[dict[str, ModuleType], list[str]]:
    """The modules of PEERS, and a line for each of NEEDED that is left out, since what it needs is not installed."""
    missing = [name for name in PEERS if name in NEEDED and not find_spec(NEEDED[name])]
    lines = [f"Without {name}, which needs the module {NEEDED[name]}." for name in missing]
    return {name: installed(name) for name in PEERS if name not in missing}, lines


def installed(name: str) -> ModuleType:
    """The module of one of PEERS; a UserError says how to install it."""
    import_module("torchvision")  # umap imports TensorFlow where that is installed; after it, torch's Triton crashes
    try:
        return import_module(MODULES[name])
    except ImportError as error:
        raise UserError(f"{name} is not installed ({error}); `pip install {name}`") from None


def titled(name: str) -> str:
    """One of PEERS with its version."""
    return f"{name} {version(PACKAGES.get(name, name))}"


def pixels_of(images: UInt8[np.ndarray, "n h w"]) -> Pixels:
    return images.reshape(len(images), -1).astype(np.float32) / 255
