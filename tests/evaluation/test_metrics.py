"""The metrics, by hand on small cases and against slow oracles."""

import math
from collections import Counter

import numpy as np
import pytest
import torch
from sklearn.manifold import trustworthiness

from kernelviz.evaluation.inference import embed
from kernelviz.evaluation.metrics import (
    MEANING,
    certainty_metrics,
    classification_metrics,
    evaluate_map,
    knn_accuracy,
    map_metrics,
    map_silhouette,
    map_trustworthiness,
    reconstruction_metrics,
    unimodal,
)
from kernelviz.layers import Grid
from kernelviz.layers.probe import Probe, gaussian_bump
from kernelviz.storage.embedding_map import COLUMNS, EmbeddingMap, load_map
from kernelviz.storage.weights import load_network

ALWAYS = {
    *("map_1nn", "map_5nn", "silhouette", "trustworthiness", "unimodal_share", "unplaced", "seconds_per_10000"),
    *("wrong_certain", "wrong_uncertain"),
}
RECONSTRUCTION = {"test_bce", "test_mse", "place_mse", "probe_round_trip"}

FORMS = {
    "one": ("....", ".##.", ".##.", True),
    "a corner": ("...#", "....", "....", True),
    "a ring": (".##.", ".#.#", ".###", True),
    "a snake": ("####", "...#", "####", True),
    "two": ("#...", "....", "...#", False),
    "touching only at a corner": (".#..", "..#.", "....", False),
    "across the edges": ("#..#", "....", "....", False),
    "across the rows": ("...#", "#...", "....", False),
    "none": ("....", "....", "....", False),
    "all": ("####", "####", "####", True),
}


def bump(*rows):
    return np.array([[0.3 if cell == "#" else 0.0 for cell in row] for row in rows], np.float32).ravel()


@pytest.mark.parametrize("form", FORMS.values(), ids=FORMS)
def test_unimodal_by_hand(form):
    *rows, expected = form
    assert unimodal(bump(*rows)[None], Grid(3, 4, 1.0)).tolist() == [expected]


def test_unimodal_of_many_does_not_join_them():
    together = np.stack([bump(*rows) for *rows, _ in FORMS.values()])
    expected = [answer for *_, answer in FORMS.values()]
    assert unimodal(together, Grid(3, 4, 1.0)).tolist() == expected
    assert unimodal(together[::-1], Grid(3, 4, 1.0)).tolist() == expected[::-1]


def test_wrong_predictions_are_counted_by_the_certainty_of_the_position():
    n = 20
    clarity = np.float32([np.nan, *range(1, n)])
    label = np.zeros(n, int)
    label[[1, 2, 15]] = 1  # predicted is 0; the least certain tenth are 1 and 2
    points = map_of(np.zeros((n, 2)), label)
    points = EmbeddingMap(**{name: getattr(points, name) for name in COLUMNS} | {"clarity": clarity})
    assert certainty_metrics(points) == {"wrong_certain": 0.1, "wrong_uncertain": 1.0}
    assert np.isnan(points.certainty[0]) and points.certainty[[1, -1]].tolist() == [1 / 19, 1.0]
    assert certainty_metrics(map_of(np.zeros((n, 2)), -np.ones(n, int))) == {}


def map_of(coordinates, labels):
    n = len(labels)
    whole = dict.fromkeys(COLUMNS, np.zeros(n)) | {"x": coordinates[:, 0], "y": coordinates[:, 1], "label": labels}
    return EmbeddingMap(**whole | {"index": np.arange(n)})


def test_map_metrics_against_an_oracle_with_unplaced_images_counted_as_wrong():
    random = np.random.default_rng(0)
    known, asked = (random.normal(size=(n, 2)).astype(np.float32) for n in (80, 40))
    known_labels, labels = np.where(known[:, 0] > 0, 4, 2), np.where(asked[:, 0] > 0, 4, 2)
    known[:7], known_labels[7:14] = np.nan, -1
    asked[:5], labels[5:9] = np.nan, -1
    usable = [at for at in range(80) if np.isfinite(known[at]).all() and known_labels[at] >= 0]
    right = {1: 0, 5: 0}
    for center, label in zip(asked, labels, strict=True):
        if label < 0 or np.isnan(center).any():
            continue
        nearest = sorted(usable, key=lambda at, center=center: math.dist(known[at], center))
        for k in right:
            votes = Counter(known_labels[nearest[:k]].tolist())
            right[k] += max(votes, key=votes.get) == label
    found = map_metrics(map_of(known, known_labels), asked, labels)
    assert found == {"map_1nn": right[1] / 36, "map_5nn": right[5] / 36}
    assert 0.5 < found["map_5nn"] <= 31 / 36


def test_knn_accuracy_counts_unplaced_and_ignores_unlabelled_images():
    known = np.array([[0, 0]] * 5 + [[9, 9]] * 5 + [[np.nan, 0]], np.float32)
    labels = np.array([3] * 5 + [4] * 5 + [4])
    asked = np.array([[1, 0], [8, 9], [8, 9], [np.nan, np.nan], [0, 0]], np.float32)
    truth = np.array([3, 4, 3, 3, -1])
    assert knn_accuracy(known, labels, asked, truth, k=5) == 2 / 4


def test_map_metrics_of_images_without_coordinates_are_zero():
    known = map_of(np.zeros((6, 2), np.float32), np.ones(6, int))
    nowhere = np.full((3, 2), np.nan, np.float32)
    assert map_metrics(known, nowhere, np.ones(3, int)) == {"map_1nn": 0, "map_5nn": 0}


@pytest.mark.parametrize("n_known, label", [(4, 1), (6, -1)], ids=["four known points", "no label asked for"])
def test_map_metrics_need_five_known_points_and_labels(n_known, label):
    known = map_of(np.zeros((n_known, 2), np.float32), np.ones(n_known, int))
    assert map_metrics(known, np.zeros((3, 2), np.float32), np.full(3, label)) == {}


def test_class_metrics_by_hand():
    probabilities = np.array([[0.9, 0.1], [0.2, 0.8], [0.6, 0.4], [0.5, 0.5]], np.float32)
    assert classification_metrics(probabilities, np.array([0, 0, 0, -1])) == {"test_accuracy": pytest.approx(2 / 3)}
    assert classification_metrics(probabilities, np.full(4, -1)) == {}


def image_by_image(network, probe, pictures):
    """Means of the first three reconstruction metrics and median of the last, one image at a time."""
    own_cost, own_error, position_error, back = [], [], [], []
    for picture in pictures:
        target = torch.from_numpy(picture).double() / 255
        activation = network.activation(target.float()[None, None])
        own = network.decoder(activation)[0].double().sigmoid().reshape(8, 8)
        own_cost.append(-(target * own.log() + (1 - target) * (1 - own).log()).mean().item())
        own_error.append((own - target).square().mean().item())
        coordinates = network.coordinates(activation)
        if coordinates.isfinite().all():
            bump = network.clip(gaussian_bump(coordinates, network.grid, probe))
            decoded = network.decoder(bump).sigmoid().reshape(8, 8)
            position_error.append((decoded.double() - target).square().mean().item())
            again = network.coordinates(network.activation(decoded[None, None]))
            back.append(math.dist(again[0].tolist(), coordinates[0].tolist()) / (8 / 19))  # 20 units over [-4, 4]
    means = [np.mean(values) if values else None for values in (own_cost, own_error, position_error)]
    return [*means, np.median(back) if back else None]


@pytest.fixture(scope="module")
def network(autoencoder):
    return load_network(autoencoder)


def test_reconstruction_metrics_against_a_direct_computation(network, autoencoder, digits):
    pictures = digits.test_images[:150]  # more than one part
    found = reconstruction_metrics(network, Probe(**autoencoder.probe), pictures, embed(network, pictures))
    assert found.keys() == RECONSTRUCTION
    expected = image_by_image(network, Probe(**autoencoder.probe), pictures)
    wanted = dict(zip(("test_bce", "test_mse", "place_mse", "probe_round_trip"), expected, strict=True))
    assert found == pytest.approx(wanted, rel=1e-3)


def test_reconstruction_metrics_of_images_without_coordinates_leave_the_probe_out(dead_network, autoencoder, digits):
    pictures = digits.test_images[:5]
    found = reconstruction_metrics(dead_network, Probe(**autoencoder.probe), pictures, embed(dead_network, pictures))
    expected = image_by_image(dead_network, Probe(**autoencoder.probe), pictures)[:2]
    assert [found["test_bce"], found["test_mse"]] == pytest.approx(expected, rel=1e-5)
    assert found["place_mse"] is None and found["probe_round_trip"] is None


def test_the_metrics_of_positions_are_means_over_the_images_that_have_one(network, autoencoder, digits):
    pictures = digits.test_images[:3]
    embedded = embed(network, pictures)
    embedded.coordinates[1], embedded.activation[1] = np.nan, 0
    two = [
        reconstruction_metrics(network, Probe(**autoencoder.probe), p, embed(network, p))
        for p in pictures[[0, 2], None]
    ]
    found = reconstruction_metrics(network, Probe(**autoencoder.probe), pictures, embedded)
    for name in ("place_mse", "probe_round_trip"):
        assert found[name] == pytest.approx((two[0][name] + two[1][name]) / 2, rel=1e-4)


def test_trustworthiness_is_one_where_the_map_keeps_the_pixels_neighbours_and_less_where_not():
    random = np.random.default_rng(0)
    coordinates = random.integers(0, 256, (60, 2)).astype(np.uint8)
    pictures = coordinates.reshape(60, 1, 2)
    assert map_trustworthiness(pictures, coordinates.astype(np.float32)) == 1
    assert map_trustworthiness(pictures, random.normal(size=(60, 2)).astype(np.float32)) < 0.7
    assert map_trustworthiness(pictures[:11], coordinates[:11].astype(np.float32)) is None


def test_trustworthiness_is_that_of_scikit_learn():
    random = np.random.default_rng(0)
    features = random.normal(size=(700, 9)).astype(np.float32)
    coordinates = (features[:, :2] + 0.3 * random.normal(size=(700, 2))).astype(np.float32)
    assert map_trustworthiness(features, coordinates) == pytest.approx(
        trustworthiness(features, coordinates), abs=1e-12
    )


def test_an_autoencoder_has_the_metrics_of_its_map_and_its_decoded_images(autoencoder, digits):
    assert autoencoder.metrics.keys() == ALWAYS | RECONSTRUCTION
    metrics = evaluate_map(load_network(autoencoder), Probe(**autoencoder.probe), load_map(autoencoder.folder), digits)
    timing = "seconds_per_10000"
    assert {k: v for k, v in metrics.items() if k != timing} == pytest.approx(
        {k: v for k, v in autoencoder.metrics.items() if k != timing}, rel=1e-6
    )
    assert metrics["map_5nn"] > 0.5 and metrics["test_bce"] < 0.4 and metrics["unplaced"] == 0


def test_a_classifier_has_an_accuracy_and_no_decoded_images(classifier):
    assert classifier.metrics.keys() == ALWAYS | {"test_accuracy"}
    assert classifier.metrics["test_accuracy"] > 0.6


def test_a_network_without_activations_has_metrics_all_the_same(dead_network, autoencoder, digits):
    metrics = evaluate_map(dead_network, Probe(**autoencoder.probe), load_map(autoencoder.folder), digits)
    assert metrics["unplaced"] == 297
    assert (metrics["map_1nn"], metrics["map_5nn"], metrics["unimodal_share"]) == (0, 0, 0)
    assert not {"place_mse", "probe_round_trip", "trustworthiness"} & metrics.keys()


def test_every_metric_has_a_meaning(autoencoder, classifier, recommender):
    assert list(autoencoder.metrics) == [name for name in MEANING if name in autoencoder.metrics]
    of_features = {"map_15nn", "features_1nn", "features_5nn", "features_15nn"}  # tests/tasks/test_pictures.py
    assert (
        MEANING.keys() - of_features
        == autoencoder.metrics.keys() | classifier.metrics.keys() | recommender.metrics.keys()
    )


def test_a_decoder_of_coordinates_has_no_error_from_activations(neighbourly, autoencoder, digits):
    metrics = neighbourly.metrics
    assert "test_mse" not in metrics and {"place_mse", "test_bce", "probe_round_trip"} <= set(metrics)
    error = load_map(neighbourly.folder).of_split("test").error
    assert metrics["place_mse"] == pytest.approx(error.mean(), rel=1e-4)
    assert "test_mse" in autoencoder.metrics


def test_the_silhouette_is_that_of_the_labelled_images():
    coordinates = np.array([[0, 0], [0, 1], [10, 0], [10, 1], [5, 5]], np.float32)
    labels = np.array([0, 0, 1, 1, -1])
    b = (10 + math.sqrt(101)) / 2  # of each: 1 to its own, b to the others on average
    assert map_silhouette(coordinates, labels) == pytest.approx(1 - 1 / b)
    assert (
        map_silhouette(coordinates, np.zeros(5, int)) is None
        and map_silhouette(coordinates[:2], labels[[0, 2]]) is None
    )
