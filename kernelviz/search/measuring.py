"""How good a map is while it is trained: its quality, and that of what is decoded from its positions."""

import numpy as np
import torch
from jaxtyping import Float

from kernelviz.data.batches import pixels
from kernelviz.data.images import ImageSet
from kernelviz.data.pictures import PictureSet, directions
from kernelviz.errors import UserError
from kernelviz.evaluation.inference import PART, embed_split
from kernelviz.evaluation.metrics import knn_accuracy, map_trustworthiness
from kernelviz.layers.probe import Probe, gaussian_bump
from kernelviz.networks import EmbeddingNetwork
from kernelviz.networks.devices import device_of, on_device
from kernelviz.training.loop import Training

NEAREST = 5  # neighbours that vote
KNOWN, ASKED = 5000, 2000  # images, at most: among which neighbours are sought, and that are judged
FEWEST = 20  # images that a judgement takes


def measure_of(images: ImageSet | PictureSet) -> str:
    """What says how good a map of some images is: "map_5nn", or "trustworthiness" where too few are labelled.

    A UserError says so where there are too few validation images for either.
    """
    known, asked = (images.split(split)[1] for split in ("train", "validation"))
    if len(asked) < FEWEST:
        raise UserError(
            f"settings are judged on validation images, and {images.name} has {len(asked)} of them; it takes at least "
            f"{FEWEST}: give more images"
        )
    return "map_5nn" if min((known >= 0).sum(), (asked >= 0).sum()) >= FEWEST else "trustworthiness"


@torch.inference_mode()
def measured(training: Training, measure: str, split: str = "validation") -> tuple[float, float]:
    """The quality of the map as it is now, and the error of what is decoded from positions (`place_mse`).

    Both are those of some images of a split, spread over it.
    """
    images, probe, network = training.task.data, training.task.probe, training.network
    learning = network.training
    network.eval()
    try:
        pictures, labels = images.split(split)
        rows = slice(None, None, -(-len(pictures) // ASKED))
        coordinates = embed_split(network, images, split, part=rows).coordinates
        error = position_error(network, probe, coordinates, pictures[rows])
        if measure == "map_5nn":
            known = embed_split(network, images, "train", part=slice(KNOWN)).coordinates
            known_labels = images.split("train")[1][:KNOWN]
            return knn_accuracy(known, known_labels, coordinates, labels[rows], NEAREST) or 0.0, error
        compared = pictures if images.features is None else directions(images.features[images.rows(split), :1])
        placed = np.isfinite(coordinates).all(1)
        return map_trustworthiness(compared[rows][placed], coordinates[placed]) or 0.0, error
    finally:
        network.train(learning)


def position_error(
    network: EmbeddingNetwork, probe: Probe, coordinates: Float[np.ndarray, "n 2"], pictures: np.ndarray
) -> float:
    """Mean error of images as decoded from their coordinates alone; NaN where none has any."""
    errors, device = [], device_of(network)
    for start in range(0, len(pictures), PART):
        centers = on_device(torch.from_numpy(coordinates[start : start + PART]), device)
        here = torch.isfinite(centers).all(1)
        decoded = network.decode(network.clip(gaussian_bump(centers[here], network.grid, probe)))
        errors.append(network.errors(decoded, pixels(pictures[start : start + PART], device)[here]).cpu().numpy())
    errors = np.concatenate(errors)
    return float(errors.mean()) if len(errors) else float("nan")
