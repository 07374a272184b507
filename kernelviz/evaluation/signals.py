"""The signals of novelty: numbers of an image that are large where it is unlike the training images.

| signal | large where |
|---|---|
| map | the image lies far from the training images on the map |
| features | the direction of its features before the kernel layer is unusual; there is no backbone |
| backbone | its pixel statistics and the direction of the features of its backbone are unusual, taken together |
| stages | its pixel statistics and those of the stages of its backbone (`stage_statistics`) are unusual together |
| decoded | it is decoded badly |
| classes | the class head finds no class: its energy -log sum exp of the class scores (Liu et al. 2020) |
| pixels | its own brightness, edges and colours are unusual (`pixel_statistics`) |
"""

from collections.abc import Collection

import numpy as np
from jaxtyping import Bool, Float, Float32

from kernelviz.data.batches import pixels
from kernelviz.evaluation.inference import PART, Embedded, Images, reconstruction_errors
from kernelviz.evaluation.pixel_statistics import pixel_statistics
from kernelviz.evaluation.stage_statistics import stage_statistics
from kernelviz.networks import EmbeddingNetwork
from kernelviz.storage.calibration import SUM, Calibration
from kernelviz.storage.embedding_map import EmbeddingMap

WEIGHTS = {"map": 1, "features": 1, "backbone": 6, "stages": 6, "decoded": 1, "classes": 1, "pixels": 3}  # in the sum
NEAREST = 5  # training images that an image is compared with on the map
SMALLEST = 3  # pixels: side of the smallest images that have statistics
BLANK = 2.0  # standard deviation of the brightness, of 255, below which there is nothing in an image
Column = Float[np.ndarray, " n"]


def signals_of(
    network: EmbeddingNetwork, embedded: Embedded, images: Images, distance: Column, calibration: Calibration | None
) -> dict[str, Column]:
    """Each signal that there is, for each image; NaN where an image has none.

    Args:
        distance: to the farthest of its NEAREST training images on the map.
        calibration: has the Gaussians that the signals of `numbers_of` need; without it there are none of these.
    """
    signals = {"map": distance, "decoded": reconstruction_errors(network, embedded, images)}
    if network.classifier:
        signals["classes"] = embedded.energy
    gaussians = calibration.gaussians if calibration else {}
    numbers = numbers_of(network, embedded, images, gaussians)
    signals |= {name: gaussians[name].distance(numbers[name]) for name in numbers}
    return {name: signals[name].astype(np.float64) for name in WEIGHTS if name in signals}


def numbers_of(
    network: EmbeddingNetwork, embedded: Embedded, images: Images, names: Collection[str]
) -> dict[str, Float32[np.ndarray, "n _"]]:
    """The numbers that some signals have Gaussians of."""
    if not names:
        return {}
    numbers = {"features": embedded.direction, "pixels": statistics_of(network, images)}
    numbers["backbone"] = np.hstack([numbers["pixels"], embedded.direction])
    if "stages" in names:
        numbers["stages"] = np.hstack([numbers["pixels"], stage_statistics(network, images)])
    return {name: numbers[name] for name in names}


def statistics_of(network: EmbeddingNetwork, images: Images) -> Float32[np.ndarray, "n statistics"]:
    """The `pixel_statistics` of images in the size that the decoder makes; no columns where they have none."""
    if network.of_vectors or min(network.decoded_shape[1:]) < SMALLEST:
        return np.zeros((len(images), 0), np.float32)
    parts = []
    for start in range(0, max(1, len(images)), PART):
        part = images[start : start + PART]
        if part.shape[1:3] != network.decoded_shape[1:]:
            shown = network.targets(pixels(part)).mul(255).round().byte().permute(0, 2, 3, 1).numpy()
            part = shown if shown.shape[3] > 1 else shown[..., 0]
        parts.append(pixel_statistics(part))
    return np.concatenate(parts)


def distances(train: EmbeddingMap, coordinates: Float32[np.ndarray, "n 2"]) -> tuple[np.ndarray, np.ndarray]:
    """Distances [n, k] to the nearest of some points, and their rows; NaN and 0 where there are no coordinates."""
    placed = np.isfinite(coordinates).all(1)
    away = np.full((len(coordinates), min(NEAREST, int(train.placed.sum()))), np.nan)
    rows = np.zeros(away.shape, int)
    if placed.any() and away.shape[1]:
        away[placed], rows[placed] = train.nearest(coordinates[placed], NEAREST)
    return away, rows


def summed(log_shares: dict[str, Column]) -> Column:
    """The weighted sum of the logarithms, as Fisher combines tests; large where an image is novel."""
    terms = [-WEIGHTS[name] * np.nan_to_num(share) for name, share in log_shares.items()]
    return np.sum(terms, axis=0)


def novelty_of(signals: dict[str, Column], calibration: Calibration) -> tuple[dict[str, Column], Column]:
    """Percent of the usual images that each image surpasses, in each signal and in their sum; NaN without a signal."""
    shares = {
        name: calibration.spreads[name].log_share(signals[name]) for name in signals if name in calibration.spreads
    }
    if not shares:
        return {}, np.full(len(next(iter(signals.values()))), np.nan)
    both = calibration.spreads[SUM].log_share(summed(shares))
    return {name: _percent(share) for name, share in shares.items()}, _percent(both)


def _percent(log_share: Column) -> Column:
    return 100 * (1 - np.exp(log_share))


def blank(images: Images) -> Bool[np.ndarray, " n"]:
    """Which images have nothing in them: all pixels are nearly alike."""
    if images.dtype != np.uint8:
        return np.zeros(len(images), bool)
    return images.std(axis=tuple(range(1, images.ndim)), dtype=np.float32) < BLANK
