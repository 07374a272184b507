"""The metrics of a run, measured on its test images or ratings."""

import time
from collections.abc import Sequence

import numpy as np
import torch
from jaxtyping import Float, Int
from scipy import ndimage
from scipy.sparse import csr_matrix
from sklearn.metrics import silhouette_score
from sklearn.metrics.pairwise import euclidean_distances
from sklearn.neighbors import KNeighborsClassifier, NearestNeighbors
from torch.nn import functional

from kernelviz.data.batches import pixels
from kernelviz.data.images import ImageSet
from kernelviz.data.pictures import PictureSet, directions
from kernelviz.data.ratings import Ratings
from kernelviz.evaluation.inference import Embedded, at_a_time, embed_split, rows_at_a_time
from kernelviz.evaluation.quality import MEANING
from kernelviz.layers import Grid
from kernelviz.layers.probe import Probe, gaussian_bump
from kernelviz.networks import EmbeddingNetwork
from kernelviz.networks.devices import device_of, on_device
from kernelviz.networks.recommender import Recommender, rating_matrix, root_mean_square_error
from kernelviz.storage.embedding_map import EmbeddingMap
from kernelviz.storage.items import Items, fold_in

FEWEST = 5  # known images among which neighbours are sought
RETURNED = 512  # decoded images that are embedded again where this takes a backbone
TRUSTED, TRUSTED_NEIGHBOURS = 10_000, 5  # images of which trustworthiness is measured, and neighbours of each
UNCERTAIN = 0.1  # share of the images whose position is called uncertain
AT_ONCE = 256  # images whose distances to all others are in memory at a time


def evaluate_map(
    network: EmbeddingNetwork, probe: Probe, points: EmbeddingMap, images: ImageSet | PictureSet
) -> dict[str, float]:
    """Every metric of MEANING that applies to this network and these images; none where there are no test images."""
    pictures, labels = images.split("test")
    if not len(pictures):
        return {}
    started = time.perf_counter()
    embedded = embed_split(network, images, "test")
    seconds = time.perf_counter() - started
    placed = np.isfinite(embedded.coordinates).all(1)
    metrics = map_metrics(points.of_split("train"), embedded.coordinates, labels)
    metrics |= classification_metrics(embedded.probabilities, labels) if network.classifier else {}
    metrics["silhouette"] = map_silhouette(embedded.coordinates[placed], labels[placed])
    metrics |= reconstruction_metrics(network, probe, pictures, embedded) if network.decoder else {}
    compared = pictures if images.features is None else images.features[images.rows("test"), 0]
    compared = directions(compared[:, None]) if network.of_vectors else compared
    metrics["trustworthiness"] = map_trustworthiness(compared[placed], embedded.coordinates[placed])
    metrics |= certainty_metrics(points.of_split("test"))
    metrics["unimodal_share"] = float(unimodal(embedded.activation, network.grid).mean())
    metrics["unplaced"] = int((~placed).sum())
    if images.features is None:
        metrics["seconds_per_10000"] = 10_000 * seconds / len(pictures)
    else:
        metrics |= feature_metrics(images)
        metrics |= map_metrics(points.of_split("train"), embedded.coordinates, labels, ks=(15,))
    return {name: metrics[name] for name in MEANING if metrics.get(name) is not None}


@torch.no_grad()
def evaluate_recommender(
    network: Recommender, ratings: Ratings, parts: dict[str, np.ndarray], items: Items
) -> dict[str, float]:
    """The error on the test ratings, of known users and as if each user were new, and the cost of the network."""
    known, asked = (ratings.matrix(parts[name]) for name in ("train", "test"))
    device = device_of(network)
    wanted = rating_matrix(asked, device)
    error = root_mean_square_error(network(rating_matrix(known, device), wanted), wanted.values, ratings.range)
    metrics = {
        "test_rmse": error,
        "new_rmse": folded_error(items, known.T.tocsr(), asked.T.tocsr(), error**2, ratings.range),
        "parameters": sum(weight.numel() for weight in network.parameters()),
        "macs": network.macs(),
    }
    if network.gates:
        dead = float(np.mean([layer.dead() for layer in network.gates]))
        metrics |= {"density": network.density(), "dead_share": dead}
    return metrics


def folded_error(
    items: Items, known: csr_matrix, asked: csr_matrix, noise: float, between: tuple[float, float]
) -> float:
    """RMSE of `fold_in` over matrices [users, items], as if every user were new and gave the known ratings."""
    errors = []
    for user in np.flatnonzero(np.diff(asked.indptr)):
        mine, theirs = known[user], asked[user]
        predicted, _ = fold_in(items, mine.indices, mine.data, noise)
        errors.append(predicted[theirs.indices].clip(*between) - theirs.data)
    return float(np.sqrt(np.mean(np.concatenate(errors) ** 2)))


def certainty_metrics(points: EmbeddingMap) -> dict[str, float]:
    """How often the prediction of an image is wrong with a certain position, and of one that has not."""
    judged = points.where((points.label >= 0) & (points.prediction >= 0) & np.isfinite(points.clarity))
    if not len(judged):
        return {}
    wrong, certainty = judged.prediction != judged.label, judged.certainty
    return {
        "wrong_certain": float(wrong[certainty >= np.median(certainty)].mean()),
        "wrong_uncertain": float(wrong[certainty <= np.quantile(certainty, UNCERTAIN)].mean()),
    }


def map_metrics(
    train: EmbeddingMap,
    coordinates: Float[np.ndarray, "n 2"],
    labels: Int[np.ndarray, " n"],
    ks: Sequence[int] = (1, 5),
) -> dict:
    """Accuracy of kNN, fitted on the training points, for each k; no metrics where there are no labels."""
    metrics = {f"map_{k}nn": knn_accuracy(train.coordinates, train.label, coordinates, labels, k) for k in ks}
    return {name: value for name, value in metrics.items() if value is not None}


def feature_metrics(images: PictureSet) -> dict:
    """Accuracy of kNN by the cosine of the features, fitted on the training pictures: what a map can hope for."""
    (known, known_labels), (asked, labels) = (
        (directions(images.features[images.rows(split), :1]), images.split(split)[1]) for split in ("train", "test")
    )
    metrics = {f"features_{k}nn": knn_accuracy(known, known_labels, asked, labels, k) for k in (1, 5, 15)}
    return {name: value for name, value in metrics.items() if value is not None}


def knn_accuracy(
    known: Float[np.ndarray, "m d"],
    known_labels: Int[np.ndarray, " m"],
    coordinates: Float[np.ndarray, "n d"],
    labels: Int[np.ndarray, " n"],
    k: int,
) -> float | None:
    """Share of the labelled images that the k nearest known ones on the map name rightly.

    An image without coordinates (NaN) counts as wrong. None where no image has a label, or too few known ones have.
    """
    use = np.isfinite(known).all(1) & (known_labels >= 0)
    asked = labels >= 0
    if use.sum() < max(k, FEWEST) or not asked.any():
        return None
    here = asked & np.isfinite(coordinates).all(1)
    if not here.any():
        return 0.0
    named = KNeighborsClassifier(k).fit(known[use], known_labels[use]).predict(coordinates[here])
    return float((named == labels[here]).sum() / asked.sum())


def classification_metrics(probabilities: Float[np.ndarray, "n classes"], labels: Int[np.ndarray, " n"]) -> dict:
    """Accuracy of the class head over the labelled images."""
    asked = labels >= 0
    return {"test_accuracy": float((probabilities.argmax(1) == labels)[asked].mean())} if asked.any() else {}


@torch.inference_mode()
def reconstruction_metrics(network: EmbeddingNetwork, probe: Probe, pictures: np.ndarray, embedded: Embedded) -> dict:
    """Errors of images decoded from their activations and from their coordinates, and of the way back to the map."""
    sums, returns = np.zeros(3), []
    device = device_of(network)
    passed = rows_at_a_time(device)
    for start in range(0, len(pictures), passed):
        part = slice(start, start + passed)
        images = pixels(pictures[part], device)
        target = network.targets(images)
        logits = network.pixel_logits(network.code(on_device(torch.from_numpy(embedded.activation[part]), device)))
        centers = on_device(torch.from_numpy(embedded.coordinates[part]), device)
        here = centers.isfinite().all(1)
        centers = centers[here]
        decoded = network.decode(network.clip(gaussian_bump(centers, network.grid, probe)))
        if start < RETURNED or not network.backbone:
            few = decoded.split(at_a_time(network.arguments["image_shape"][1:], device))
            returned = torch.cat([network.coordinates(network.activation(some)) for some in few])
            returns.append((returned - centers).norm(dim=1).cpu().numpy() / network.grid.step)
        sums[2] += network.errors(decoded, images[here]).sum().item()
        if not network.of_vectors:
            share = len(target) / len(pictures)
            sums[0] += share * functional.binary_cross_entropy_with_logits(logits, target).item()
            sums[1] += share * functional.mse_loss(logits.sigmoid(), target).item()
    placed = int(np.isfinite(embedded.coordinates).all(1).sum())
    return {
        "test_bce": None if network.of_vectors else float(sums[0]),
        # a canonical decoder takes no activation
        "test_mse": None if network.of_vectors or network.canonical else float(sums[1]),
        "place_mse": float(sums[2] / placed) if placed else None,
        "probe_round_trip": float(np.nanmedian(np.concatenate(returns))) if placed else None,
    }


def map_trustworthiness(pictures: np.ndarray, coordinates: Float[np.ndarray, "n d"]) -> float | None:
    """Trustworthiness of the first TRUSTED images, by pixels or features; None for fewer than 12 images.

    With both exchanged it is the continuity of the map.

    That of scikit-learn, without the distances between all images at once: how far those that are nearest on the map
    are from being the nearest by their pixels (Venna and Kaski 2001).
    """
    n = min(len(pictures), TRUSTED)
    if n < 12:
        return None
    rows = pictures[:n].reshape(n, -1)
    rows = rows / np.float32(255) if rows.dtype == np.uint8 else rows
    near = NearestNeighbors(n_neighbors=TRUSTED_NEIGHBOURS).fit(coordinates[:n]).kneighbors(return_distance=False)
    too_far = 0
    for start in range(0, n, AT_ONCE):
        part = np.arange(start, min(start + AT_ONCE, n))
        distances = euclidean_distances(rows[part], rows, squared=True)
        distances[np.arange(len(part)), part] = np.inf
        theirs = np.take_along_axis(distances, near[part], 1)
        ranks = np.stack([(distances < one[:, None]).sum(1) + 1 for one in theirs.T])
        too_far += int(np.clip(ranks - TRUSTED_NEIGHBOURS, 0, None).sum())
    most = n * TRUSTED_NEIGHBOURS * (2 * n - 3 * TRUSTED_NEIGHBOURS - 1) / 2
    return 1 - too_far / most


def map_silhouette(coordinates: Float[np.ndarray, "n 2"], labels: Int[np.ndarray, " n"]) -> float | None:
    """Mean silhouette of the labelled images, each class a cluster; None without two classes that have neighbours."""
    coordinates, labels = coordinates[labels >= 0], labels[labels >= 0]
    if not 2 <= len(np.unique(labels)) < len(labels):
        return None
    return float(silhouette_score(coordinates, labels))


def unimodal(activation: Float[np.ndarray, "n units"], grid: Grid) -> np.ndarray:
    """Which activations are one connected bump on the grid (units that share a side are connected), bool [n]."""
    on = activation.reshape(-1, grid.rows, grid.columns) > 0
    within_an_image = ndimage.generate_binary_structure(3, 1)
    within_an_image[[0, 2]] = False
    bumps, _ = ndimage.label(on, within_an_image)
    # labels count up image by image: an image has one bump when its largest label is its smallest
    smallest = np.where(on, bumps, np.iinfo(bumps.dtype).max).min(axis=(1, 2))
    return bumps.max(axis=(1, 2)) == smallest
