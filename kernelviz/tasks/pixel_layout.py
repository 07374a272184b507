"""Positions of the pixels of images, found from their correlations (Le Roux, Bengio, Lamblin, Joliveau, Kegl 2007)."""

import numpy as np
from jaxtyping import Float32, UInt8
from sklearn.manifold import Isomap

NEAREST = 6  # pixels along which Isomap measures: the most for which its residual variance on MNIST is small
VARIES = 5.0  # grey levels: a pixel of a smaller standard deviation hardly varies
EXTENT = 0.9  # of the square [-1, 1]^2: how far out the found pixels lie


def pixel_positions(images: UInt8[np.ndarray, "n h w"], seed: int) -> Float32[np.ndarray, "pixels 2"]:
    """A position in [-1, 1]^2 for every pixel, up to turns and mirroring: pixels that are correlated lie together.

    Isomap of the angles between the pixels as vectors over the images, arccos(correlation); pixels that hardly vary lie
    at random. The order of the pixels does not matter: shuffled pixels have shuffled positions.
    """
    pixels = images.reshape(len(images), -1).astype(np.float32)
    varies = pixels.std(0) > VARIES
    angles = np.arccos(np.corrcoef(pixels[:, varies].T).clip(-1, 1))
    found = Isomap(n_neighbors=NEAREST, metric="precomputed").fit_transform(angles)
    found -= (found.max(0) + found.min(0)) / 2
    positions = np.random.default_rng(seed).uniform(-1, 1, (pixels.shape[1], 2)).astype(np.float32)
    positions[varies] = EXTENT * found / found.max(0)
    return positions
