"""What is usual for a run, measured on images that it was not trained on."""

import numpy as np
from jaxtyping import Int

from kernelviz.data.images import ImageSet
from kernelviz.data.pictures import PictureSet
from kernelviz.evaluation.inference import AT_ONCE, Embedded, Images, embed, embed_rows
from kernelviz.evaluation.signals import distances, numbers_of, signals_of, summed
from kernelviz.networks import EmbeddingNetwork
from kernelviz.storage.calibration import SUM, Calibration, fit_gaussians, spread_of
from kernelviz.storage.embedding_map import EmbeddingMap

FITTED, SPREAD = 10_000, 10_000  # images, at most: for the Gaussians, and for the spreads
FEWEST = 50  # images for either


def calibrate(network: EmbeddingNetwork, points: EmbeddingMap, images: ImageSet | PictureSet) -> Calibration | None:
    """How the signals of novelty are spread over the images of `held_out`; None where there are too few images."""
    split, rows = held_out(images)
    values = _of_training(network, images)
    if min(len(rows), *map(len, values.values())) < FEWEST:
        return None
    gaussians = {name: fit_gaussians(part) for name, part in values.items() if part.shape[1] > 1}
    unseen, shown = embedded_rows(network, images, split, rows)
    away, _ = distances(points.of_split("train"), unseen.coordinates)
    signals = signals_of(network, unseen, shown, away[:, -1], Calibration({}, gaussians))
    spreads = {name: spread for name, values in signals.items() if (spread := spread_of(values))}
    total = summed({name: spread.log_share(signals[name]) for name, spread in spreads.items()})
    return Calibration(spreads | {SUM: spread_of(total)}, gaussians)


def _of_training(network: EmbeddingNetwork, images: ImageSet | PictureSet) -> dict[str, np.ndarray]:
    """The numbers [n, d] of training images for each signal that has Gaussians, a part of the images at a time.

    Of the pictures whose features are computed once there are only small copies, which the stages of a backbone do not
    take for the pictures themselves.
    """
    names = ("pixels", "features" if not network.backbone else "stages" if images.features is None else "backbone")
    rows, parts = _spaced(len(images.split("train")[0]), FITTED), []
    for some in np.array_split(rows, max(1, -(-len(rows) // AT_ONCE))):
        known, seen = embedded_rows(network, images, "train", some)
        parts.append(numbers_of(network, known, seen, names))
    return {name: np.concatenate([part[name] for part in parts]) for name in names}


def held_out(images: ImageSet | PictureSet) -> tuple[str, Int[np.ndarray, " n"]]:
    """A split and rows of it that say what is usual: the validation part, else every second test image."""
    n_validation, n_test = (len(images.split(split)[0]) for split in ("validation", "test"))
    if n_validation >= FEWEST:
        return "validation", _spaced(n_validation, SPREAD)
    return "test", _spaced(n_test, SPREAD)[::2]


def _spaced(n: int, most: int) -> Int[np.ndarray, " m"]:
    """Rows spread evenly over n, at most so many."""
    return np.unique(np.linspace(0, n - 1, min(n, most)).astype(int)) if n else np.zeros(0, int)


def embedded_rows(
    network: EmbeddingNetwork, images: ImageSet | PictureSet, split: str, rows: Int[np.ndarray, " n"]
) -> tuple[Embedded, Images]:
    """Some rows of a split of a run's own images, embedded, and their images."""
    shown = images.split(split)[0][rows]
    if images.features is None:
        return embed(network, shown), shown
    return embed_rows(network, images.features[images.rows(split), 0][rows]), shown
