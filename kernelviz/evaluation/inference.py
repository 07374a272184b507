"""A network in use: it embeds images, and decodes activations and probes into images."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import torch
from jaxtyping import Float, Float32, UInt8
from torch import Tensor, nn
from torch.nn import functional

from kernelviz.data.batches import pixels, stored
from kernelviz.data.images import ImageSet
from kernelviz.data.pictures import PictureSet
from kernelviz.ingest.files import Item, Result, torch_on_all_cores
from kernelviz.layers.probe import Probe, gaussian_bump
from kernelviz.networks import EmbeddingNetwork
from kernelviz.networks.backbones import normalised
from kernelviz.networks.devices import device_of, full_precision, memory_of, on_device
from kernelviz.sources import listing
from kernelviz.storage.embedding_map import COLUMNS, EmbeddingMap, voted

Images = UInt8[np.ndarray, "n h w *c"] | Float32[np.ndarray, "n 1 d"]  # pixels, or vectors
PART, MOST_PIXELS = 64, 2**17  # in every forward pass; of large images fewer at a time, so that one alone is fast
ON_GPU, MEMORY = 16, 5e8  # times as many of both, at most, and bytes of the GPU's memory for each of these times
AT_ONCE = 16 * PART  # images whose activations are in memory at a time
CPU = torch.device("cpu")
DIRECTION = 128  # numbers that the direction of an image's features is projected on


@dataclass(frozen=True, eq=False)
class Embedded:
    """The results of a network for some images.

    Args:
        coordinates: (x, y) in the units of the grid; NaN where the activation is zero everywhere.
        activation: the bump of each image on the grid.
        clarity: how far the top of the field of the kernel layer rises above its mean: of the images that a map places
            wrongly, most are unclear (assets/docs/results.md).
        probabilities: one column for each class; without a class head, no columns.
        energy: -log sum exp of the class head's output; NaN without one.
        direction: of the features of the backbone, without one of those that the kernel layer takes, at unit length,
            projected at random (`random_projection`).
    """

    coordinates: Float32[np.ndarray, "n 2"]
    activation: Float32[np.ndarray, "n units"]
    clarity: Float32[np.ndarray, " n"]
    probabilities: Float32[np.ndarray, "n classes"]
    energy: Float32[np.ndarray, " n"]
    direction: Float32[np.ndarray, "n k"]


def embed(network: EmbeddingNetwork, images: Images) -> Embedded:
    """Embed images, each by itself: a pure function of one image, whatever else is in the batch.

    It is computed where the network is, as is everything here; what is returned is in the CPU's memory.

    Args:
        images: uint8 pixels, preprocessed for this network, or vectors.
    """
    return _embedded(network, len(images), lambda rows: features_of(network, images[rows]))


@full_precision()
@torch.inference_mode()
def features_of(network: EmbeddingNetwork, images: Images) -> Float[Tensor, "n ..."]:
    """What the encoder takes of images, each by itself: the features of the backbone, else their pixels."""
    device = device_of(network)
    passed = at_a_time(images.shape[1:3], device)
    parts = pixels(images, device).split(passed)
    return torch.cat([network.features(_filled(part, passed)) for part in parts])[: len(images)]


def rows_at_a_time(device: torch.device) -> int:
    """How many images pass through the layers after a backbone together: on a small GPU fewer."""
    if device.type == "cpu":
        return PART
    return PART * max(1, int(min(ON_GPU, memory_of(device) // MEMORY)))


def at_a_time(size: Sequence[int], device: torch.device) -> int:
    """How many images of a height and a width pass through a network together."""
    rows = rows_at_a_time(device)
    return max(1, min(rows, rows // PART * MOST_PIXELS // int(np.prod(size))))


def embed_split(
    network: EmbeddingNetwork,
    images: ImageSet | PictureSet,
    split: str,
    part: slice = slice(None),
) -> Embedded:
    """Embed the images of a split, or a part of them, from their features where the set has them."""
    if images.features is None:
        return embed(network, images.split(split)[0][part])
    return embed_rows(network, images.features[images.rows(split), 0][part])


def embed_rows(network: EmbeddingNetwork, features: Float[np.ndarray, "n d"]) -> Embedded:
    """Embed images by the features of their backbone."""
    device = device_of(network)
    return _embedded(network, len(features), lambda rows: on_device(torch.from_numpy(features[rows]), device).float())


@full_precision()
@torch.inference_mode()
def _embedded(network: EmbeddingNetwork, n: int, features: Callable[[slice], Tensor]) -> Embedded:
    """Embed n images from the features of some of their rows.

    On a device every pass has exactly as many rows, the last one filled up: matrix products round differently for
    another number of rows, and the clip, which leaves the top of the field only, would magnify that.
    """
    parts: list[tuple[Tensor, ...]] = []
    passed = rows_at_a_time(device_of(network))
    for start in range(0, max(1, n), passed):
        done = min(start + passed, n)
        found = _passed(network, _filled(features(slice(start, done)), passed))
        parts.append(tuple(part[: done - start] for part in found))
    return Embedded(*(torch.cat(part).cpu().numpy() for part in zip(*parts, strict=True)))


def _passed(network: EmbeddingNetwork, features: Float[Tensor, "n ..."]) -> tuple[Tensor, ...]:
    """The fields of `Embedded` for the features of some images."""
    encoded = network.encoder(features)
    field = network.kernel_layer(encoded)
    activation, clarity = network.clip(field), field.amax(1) - field.mean(1)
    scores = (
        network.class_logits(activation) if network.classifier else activation.new_full((len(activation), 1), torch.nan)
    )
    told = (features.flatten(1) if network.backbone else encoded).float()
    direction = functional.normalize(told, dim=1) @ random_projection(told.shape[1], told.device)
    probabilities = scores.softmax(1) if network.classifier else scores[:, :0]
    return network.coordinates(activation), activation, clarity, probabilities, -scores.logsumexp(1), direction


@lru_cache(maxsize=8)
def random_projection(d: int, device: torch.device = CPU) -> Float[Tensor, "d k"]:
    """Random signs, which keep angles (Johnson and Lindenstrauss 1984); NumPy promises this stream for ever."""
    if d <= DIRECTION:
        return torch.eye(d, device=device)
    signs = torch.from_numpy(2 * np.random.RandomState(0).randint(0, 2, (d, DIRECTION)) - 1)
    return on_device(signs.float() / DIRECTION**0.5, device)


def _filled(part: Float[Tensor, "n ..."], n: int) -> Float[Tensor, "m ..."]:
    """At most n rows, filled up with zeros to n of them."""
    return torch.cat([part, part.new_zeros(n - len(part), *part.shape[1:])])


@torch.inference_mode()
def decode(
    network: EmbeddingNetwork, activation: Float[Tensor, "n units"]
) -> UInt8[np.ndarray, "n h w *c"] | Float32[np.ndarray, "n d"]:
    """What a network decodes from activations: images, uint8, grey [n, h, w] or RGB [n, h, w, 3]; or vectors."""
    device = device_of(network)
    parts = (network.decode(on_device(part, device)) for part in activation.split(rows_at_a_time(device)))
    if network.of_vectors:
        return torch.cat([part.flatten(1) for part in parts]).cpu().numpy()
    return np.concatenate([stored(part) for part in parts])


def decode_probes(
    network: EmbeddingNetwork, centers: Float[np.ndarray, "n 2"], probe: Probe
) -> UInt8[np.ndarray, "n h w *c"] | Float32[np.ndarray, "n d"]:
    """What a network decodes (`decode`) from probes at centers (x, y) in the units of the grid."""
    field = gaussian_bump(torch.from_numpy(centers.astype(np.float32)), network.grid, probe)
    return decode(network, network.clip(field))


@torch.inference_mode()
def reconstruction_errors(network: EmbeddingNetwork, embedded: Embedded, images: Images) -> Float32[np.ndarray, " n"]:
    """Error (`EmbeddingNetwork.errors`) of each image as decoded from its code; NaN without a decoder."""
    if not network.decoder:
        return np.full(len(images), np.nan, np.float32)
    device = device_of(network)
    passed, errors = rows_at_a_time(device), [torch.zeros(0, device=device)]
    for start in range(0, len(images), passed):
        part = slice(start, start + passed)
        decoded = network.decode(network.code(on_device(torch.from_numpy(embedded.activation[part]), device)))
        errors.append(network.errors(decoded, pixels(images[part], device)))
    return torch.cat(errors).cpu().numpy()


@torch.no_grad()
def class_probabilities(network: nn.Module, images: UInt8[np.ndarray, "n h w *c"]) -> Float32[np.ndarray, "n classes"]:
    """The class probabilities of images by a classifier without a map."""
    device = device_of(network)
    passed = rows_at_a_time(device)
    starts = range(0, len(images), passed)
    parts = [network(normalised(pixels(images[start : start + passed], device))).float() for start in starts]
    return torch.cat(parts).softmax(1).cpu().numpy()


def coordinates_of(network: EmbeddingNetwork, images: Images) -> Float32[np.ndarray, "n 2"]:
    """The coordinates of `embed`, and nothing else of it."""
    passed = rows_at_a_time(device_of(network))
    parts = [images[start : start + passed] for start in range(0, max(1, len(images)), passed)]
    return np.concatenate([*on_each_core(network, lambda part: embed(network, part).coordinates, parts)])


def on_each_core(network: nn.Module, function: Callable[[Item], Result], items: Iterable[Item]) -> Iterable[Result]:
    """The results of a function that computes with a network, in order; on a CPU a core has an item to itself."""
    return (torch_on_all_cores if device_of(network).type == "cpu" else map)(function, items)


def make_map(
    network: EmbeddingNetwork, images: ImageSet | PictureSet, progress: Callable[[int], None] | None = None
) -> EmbeddingMap:
    """Embed every image of a set. Without a class head, the nearest training images on the map vote for each label.

    Args:
        progress: called with the number of images done so far.
    """
    wanted = [
        (split, slice(start, start + AT_ONCE))
        for split in listing.SPLITS
        for start in range(0, len(images.split(split)[1]), AT_ONCE)
    ]
    parts = []
    for part in on_each_core(network, lambda one: _part_of_map(network, images, *one), wanted):
        parts.append(part)
        if progress:
            progress(sum(map(len, parts)))
    whole = EmbeddingMap(**{name: np.concatenate([getattr(part, name) for part in parts]) for name in COLUMNS})
    return whole if network.classifier else voted(whole)


def _part_of_map(network: EmbeddingNetwork, images: ImageSet | PictureSet, split: str, part: slice) -> EmbeddingMap:
    pictures, labels = (of_split[part] for of_split in images.split(split))
    embedded, n = embed_split(network, images, split, part), len(labels)
    probabilities = embedded.probabilities if network.classifier else np.zeros((n, 1), np.float32)
    return EmbeddingMap(
        index=np.arange(part.start, part.start + n),
        split=np.full(n, listing.SPLITS.index(split)),
        x=embedded.coordinates[:, 0],
        y=embedded.coordinates[:, 1],
        label=labels,
        prediction=probabilities.argmax(1) if network.classifier else np.full(n, -1),
        confidence=probabilities.max(1) if network.classifier else np.full(n, np.nan, np.float32),
        error=reconstruction_errors(network, embedded, pictures),
        clarity=embedded.clarity,
    )
