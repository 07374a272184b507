"""Where the pixels of images lie, found from how they go together (Le Roux, Bengio, Lamblin, Joliveau, Kegl 2007)."""

import numpy as np
from jaxtyping import Float32, UInt8
from sklearn.manifold import Isomap

NEAREST = 6  # pixels along which Isomap measures: the most for which its residual variance on MNIST is small
VARIES = 5.0  # grey levels: a pixel of a smaller standard deviation shows nothing
EXTENT = 0.9  # of the square [-1, 1]^2: how far out the found pixels lie


def pixel_positions(images: UInt8[np.ndarray, "n h w"], seed: int) -> Float32[np.ndarray, "pixels 2"]:
    """A place in [-1, 1]^2 for every pixel, up to turns and mirroring: those that go together lie together.

    Isomap of the angles between the pixels as vectors over the images, arccos(correlation); pixels that hardly vary lie
    at random. Knows nothing of the order of the pixels: it is the same, but for their order, when they are shuffled.
    """
    pixels = images.reshape(len(images), -1).astype(np.float32)
    varies = pixels.std(0) > VARIES
    angles = np.arccos(np.corrcoef(pixels[:, varies].T).clip(-1, 1))
    found = Isomap(n_neighbors=NEAREST, metric="precomputed").fit_transform(angles)
    found -= (found.max(0) + found.min(0)) / 2
    positions = np.random.default_rng(seed).uniform(-1, 1, (pixels.shape[1], 2)).astype(np.float32)
    positions[varies] = EXTENT * found / found.max(0)
    return positions
