"""What is usual for the images of a run: how the signals of novelty are spread over images that it was not trained on.

<folder>/novelty.safetensors   a spread for each signal and for their sum, and the Gaussians that the others need
"""

import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import Float, Shaped
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save_file

from kernelviz.disk import replacing
from kernelviz.storage.record import BrokenRun

FILE = "novelty.safetensors"
LEVELS = 200  # numbers that a spread is stored as
LOWEST = -20.0  # logarithm of the smallest share of images
FARTHEST = 5.0  # standard deviations: no number alone makes an image novel
RIDGE = 1e-3  # of the mean variance, added to each
MOST, EACH = 300, 20  # centers, at most, and values that each of them has in the mean, at least
Column = Float[np.ndarray, " n"]


@dataclass(frozen=True, eq=False)
class Spread:
    """How a number is spread over images.

    Args:
        values: rising; the k-th is surpassed by exp(`levels[k]`) of the images.
        n: how many images there were.
    """

    values: Float[np.ndarray, " levels"]
    n: int

    @property
    def levels(self) -> Float[np.ndarray, " levels"]:
        """Logarithm of the share of the images that surpass each of the values."""
        return -np.linspace(0, np.log(self.n + 1), len(self.values))

    def log_share(self, values: Column) -> Column:
        """Logarithm of the share of images that surpass each value, LOWEST to 0; NaN where there is no value.

        Beyond the largest value of all images the share is taken to fall off exponentially, as it does over the last
        tenth of them.
        """
        tenth, hundredth = np.interp(np.log([0.1, 0.01]), self.levels[::-1], self.values[::-1])
        scale = max((hundredth - tenth) / np.log(10), 1e-6 * abs(self.values[-1]), 1e-12)
        beyond = np.maximum(values - self.values[-1], 0) / scale
        return np.maximum(np.interp(values, self.values, self.levels) - beyond, LOWEST)


def spread_of(values: Shaped[np.ndarray, " n"]) -> Spread | None:
    """The spread of the finite ones of some numbers; None where there are none."""
    known = values[np.isfinite(values)]
    if not len(known):
        return None
    shares = np.exp(-np.linspace(0, np.log(len(known) + 1), LEVELS))
    return Spread(np.quantile(known.astype(np.float64), 1 - shares), len(known))


@dataclass(frozen=True, eq=False)
class Gaussians:
    """Gaussians of one covariance around many centers; those of Lee et al. 2018 (section 2.1) have one for each class.

    Args:
        scale: standard deviation of each number.
        whitening: makes numbers of unit deviation uncorrelated; lower triangular.
        centers: whitened.
    """

    scale: Float[np.ndarray, " d"]
    whitening: Float[np.ndarray, "d d"]
    centers: Float[np.ndarray, "centers d"]

    def distance(self, values: Float[np.ndarray, "n d"]) -> Column:
        """Mahalanobis distance to the nearest center; along each direction it counts up to FARTHEST."""
        whitened = values / self.scale @ self.whitening
        nearest = (np.square(self.centers).sum(1) - 2 * whitened @ self.centers.T).argmin(1)
        return np.sqrt(np.square(whitened - self.centers[nearest]).clip(max=FARTHEST**2).sum(1))


def fit_gaussians(values: Float[np.ndarray, "n d"]) -> Gaussians:
    """Gaussians with the covariance of all values, around the centers that k-means finds among them."""
    from sklearn.cluster import MiniBatchKMeans  # slow to import, and needed only here

    scale = values.std(0, dtype=np.float64) + 1e-6
    values = values / scale
    covariance = np.cov(values, rowvar=False)
    covariance += RIDGE * np.trace(covariance) / len(covariance) * np.eye(len(covariance))
    whitening = _halved(np.linalg.cholesky(np.linalg.inv(covariance)))
    whitened = values.astype(np.float32) @ whitening
    n = max(1, min(MOST, len(values) // EACH))
    means = MiniBatchKMeans(n, n_init=1, random_state=0, batch_size=2048, max_iter=20).fit(whitened)
    return Gaussians(scale.astype(np.float32), whitening, _halved(means.cluster_centers_))


def _halved(numbers: Shaped[np.ndarray, "..."]) -> Shaped[np.ndarray, "..."]:
    """Numbers as they come back from half precision, in which they are stored."""
    return numbers.astype(np.float16).astype(np.float32)


@dataclass(frozen=True, eq=False)
class Calibration:
    """The spreads of the signals of a run by their names, that of their sum under SUM, and Gaussians by signal."""

    spreads: dict[str, Spread]
    gaussians: dict[str, Gaussians]

    def save(self, folder: Path) -> None:
        """Write novelty.safetensors."""
        arrays = {f"spread.{name}": spread.values.astype(np.float32) for name, spread in self.spreads.items()}
        for name, one in self.gaussians.items():
            lower = one.whitening[np.tril_indices(len(one.scale))].astype(np.float16)
            centers = one.centers.astype(np.float16)
            arrays |= {f"scale.{name}": one.scale, f"whitening.{name}": lower, f"centers.{name}": centers}
        counts = {name: spread.n for name, spread in self.spreads.items()}
        with replacing(folder / FILE) as partial:
            save_file(arrays, partial, metadata={COUNTS: json.dumps(counts)})  # several keys would come in any order
            partial.chmod(0o644)  # safetensors makes a file that only its owner may read


SUM = "novelty"
COUNTS = "images"  # key of the file's metadata: of how many images each spread is


def load_calibration(folder: Path) -> Calibration | None:
    """The calibration in a run's folder; None where it has none. A BrokenRun says what is wrong with the file."""
    path = folder / FILE
    if not path.is_file():
        return None
    try:
        with safe_open(path, "numpy") as file:
            arrays = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118  it is no dictionary
            counts = json.loads((file.metadata() or {})[COUNTS])
        spreads = {name: _spread(arrays[f"spread.{name}"], int(n)) for name, n in counts.items()}
        names = [name.removeprefix("scale.") for name in arrays if name.startswith("scale.")]
        gaussians = {name: _gaussians(*(arrays[f"{of}.{name}"] for of in _PARTS)) for name in names}
        if SUM not in spreads or not all(np.isfinite(array).all() for array in arrays.values()):
            raise ValueError("it lacks a number")
        return Calibration(spreads, gaussians)
    except (OSError, SafetensorError, ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise BrokenRun(f"{path} does not say what is usual for the run ({error}); delete it") from None


_PARTS = ("scale", "whitening", "centers")


def _spread(values: np.ndarray, n: int) -> Spread:
    if values.ndim != 1 or len(values) < 2 or n < 1 or (np.diff(values) < 0).any():
        raise ValueError("a spread has rising values")
    return Spread(values.astype(np.float64), n)


def _gaussians(scale: np.ndarray, lower: np.ndarray, centers: np.ndarray) -> Gaussians:
    d = len(scale)
    if scale.ndim != 1 or centers.ndim != 2 or centers.shape[1] != d or lower.shape != (d * (d + 1) // 2,):
        raise ValueError("its Gaussians do not fit each other")
    whitening = np.zeros((d, d), np.float32)
    whitening[np.tril_indices(d)] = lower
    return Gaussians(scale.astype(np.float32), whitening, centers.astype(np.float32))
