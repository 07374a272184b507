"""The map: on disk, its neighbours and votes against slow oracles, and coordinates that depend on the image alone."""

import math
from collections import Counter

import numpy as np
import pyarrow as pa
import pytest
import torch
from pyarrow import parquet

from kernelviz.data.batches import pixels
from kernelviz.evaluation.inference import PART, coordinates_of, decode_probes, embed, make_map
from kernelviz.layers.probe import Probe, gaussian_bump
from kernelviz.storage.embedding_map import COLUMNS, EmbeddingMap, load_map, vote, voted
from kernelviz.storage.weights import load_network


def random_map(n=120, seed=0, unplaced=0.1, unlabelled=0.1):
    """Points of three classes in all splits, some without coordinates or a label."""
    random = np.random.default_rng(seed)
    split = random.integers(0, 3, n)
    coordinates = random.normal(size=(n, 2)).astype(np.float32)
    coordinates[random.random(n) < unplaced] = np.nan
    label = np.where(random.random(n) < unlabelled, -1, random.integers(0, 3, n))
    index = np.array([np.sum(split[:at] == split[at]) for at in range(n)])
    nothing = np.full(n, np.nan, np.float32)
    return EmbeddingMap(
        index, split, coordinates[:, 0], coordinates[:, 1], label, np.full(n, -1), nothing, nothing, nothing
    )


def by_distance(points, center, rows):
    """Rows of the points, nearest to a center first."""
    return sorted(rows, key=lambda row: math.dist(points.coordinates[row], center))


def test_a_map_comes_back_from_disk_as_it_was(tmp_path):
    points = random_map()
    points.save(tmp_path)
    back = load_map(tmp_path)
    for name, kind in COLUMNS.items():
        np.testing.assert_array_equal(getattr(back, name), getattr(points, name))
        assert getattr(back, name).dtype == kind
    assert np.isnan(back.x).sum() == np.isnan(points.x).sum() > 0
    assert [path.name for path in tmp_path.iterdir()] == ["map.parquet"]


SPOILT_MAPS = {
    "gone": lambda path: None,
    "garbage": lambda path: path.write_bytes(b"garbage" * 100),
    "a column is missing": lambda path: parquet.write_table(pa.table({"x": [1.0], "y": [2.0]}), path),
    "text in a column": lambda path: parquet.write_table(pa.table({name: ["a"] for name in COLUMNS}), path),
}


@pytest.mark.parametrize("spoil", SPOILT_MAPS.values(), ids=SPOILT_MAPS)
def test_a_file_that_is_no_map_is_refused(tmp_path, spoil):
    spoil(tmp_path / "map.parquet")
    with pytest.raises(ValueError, match="(?s)map.parquet is no map of a run .*; train the run again"):
        load_map(tmp_path)


def test_nearest_against_brute_force():
    points = random_map()
    coordinates = np.random.default_rng(1).normal(size=(30, 2)).astype(np.float32)
    distances, rows = points.nearest(coordinates, 7)
    placed = [row for row in range(len(points)) if np.isfinite(points.coordinates[row]).all()]
    for at, center in enumerate(coordinates):
        expected = by_distance(points, center, placed)[:7]
        assert rows[at].tolist() == expected
        np.testing.assert_allclose(
            distances[at], [math.dist(points.coordinates[row], center) for row in expected], rtol=1e-5
        )


def test_fewer_neighbours_than_asked_for_are_all_of_them():
    points = random_map().where(np.array([0, 1, 2]))
    assert points.placed.all()
    distances, rows = points.nearest(np.zeros((4, 2), np.float32), 5)
    assert distances.shape == rows.shape == (4, 3)


def test_splits_and_masks_choose_points():
    points = random_map()
    assert len(points.of_split("train")) == (points.split == 0).sum()
    assert (points.of_split("test").split == 2).all()
    np.testing.assert_array_equal(points.where(points.label == 1).index, points.index[points.label == 1])


@pytest.mark.parametrize(
    "labels, winner, share",
    [
        ([2, 2, 1, 0, 2], 2, 3 / 5),
        ([3, 1, 3, 1, 0], 1, 2 / 5),  # a tie: the smallest
        ([4, 3, 2, 1, 0], 0, 1 / 5),
        ([-1, -1, -1, 5, -1], 5, 1 / 5),  # no label is no vote
        ([-1, -1, -1, -1, -1], -1, 0),
    ],
)
def test_vote_by_hand(labels, winner, share):
    found, shares = vote(np.array([labels, [7, 7, 7, 7, 7]]))
    assert found.tolist() == [winner, 7]
    assert shares.tolist() == pytest.approx([share, 1])


@pytest.mark.parametrize("seed", range(3))
def test_voted_against_an_oracle_that_leaves_the_point_itself_out(seed):
    points = random_map(seed=seed)
    train = np.flatnonzero((points.split == 0) & (points.label >= 0) & points.placed)
    found = voted(points)
    for row in range(len(points)):
        if not points.placed[row]:
            assert found.prediction[row] == -1 and np.isnan(found.confidence[row])
            continue
        nearest = by_distance(points, points.coordinates[row], [other for other in train if other != row])[:5]
        votes = Counter(points.label[nearest].tolist())
        assert found.prediction[row] == min(votes, key=lambda label: (-votes[label], label))
        assert found.confidence[row] == pytest.approx(max(votes.values()) / 5)
    for name in ("index", "split", "x", "y", "label"):
        np.testing.assert_array_equal(getattr(found, name), getattr(points, name))


def test_points_with_equal_coordinates_do_not_vote_for_themselves():
    n = 8  # all coincide: the neighbours that are found need not hold the point itself
    label = np.array([1, 0, 0, 0, 0, 0, 0, 0])
    zeros = np.zeros(n, np.float32)
    points = EmbeddingMap(np.arange(n), np.zeros(n, int), zeros, zeros, label, np.full(n, -1), zeros, zeros, zeros)
    assert voted(points).prediction.tolist() == [0] * n


def test_too_few_labelled_points_do_not_vote():
    points = random_map(unplaced=0, unlabelled=0)
    five = points.where(np.concatenate([np.flatnonzero(points.split == 0)[:5], np.flatnonzero(points.split == 2)]))
    assert (voted(five).prediction == -1).all()


def test_an_image_has_the_same_coordinates_alone_and_in_a_batch_of_a_thousand(autoencoder, digits):
    network = load_network(autoencoder)
    together = embed(network, digits.train_images[:1000])
    assert together.coordinates.shape == (1000, 2) and together.activation.shape == (1000, 400)
    for at in (0, 255, 256, 500, 999):
        alone = embed(network, digits.train_images[at : at + 1]).coordinates[0]
        np.testing.assert_allclose(alone, together.coordinates[at], atol=1e-5 * network.grid.extent)


@pytest.mark.parametrize("n", [0, 1, PART, 3 * PART + 5])
def test_coordinates_alone_are_those_of_embed(autoencoder, digits, n):
    network, images = load_network(autoencoder), digits.train_images[:n]
    np.testing.assert_array_equal(coordinates_of(network, images), embed(network, images).coordinates)


def test_embed_of_no_images_has_no_rows(autoencoder, digits):
    empty = embed(load_network(autoencoder), digits.test_images[:0])
    assert empty.coordinates.shape == (0, 2) and empty.probabilities.shape == (0, 0)


def test_probabilities_are_those_of_the_class_head(classifier, digits):
    network = load_network(classifier)
    embedded = embed(network, digits.test_images)
    np.testing.assert_allclose(embedded.probabilities.sum(1), 1, rtol=1e-5)
    logits = network.class_logits(torch.from_numpy(embedded.activation))
    np.testing.assert_array_equal(embedded.probabilities.argmax(1), logits.argmax(1))


def test_the_map_of_a_set_has_the_coordinates_of_every_image(autoencoder, digits):
    done = []
    points = make_map(load_network(autoencoder), digits, done.append)
    assert done == [1024, 1250, 1500, 1797] and len(points) == 1797
    assert np.bincount(points.split).tolist() == [1250, 250, 297]
    for split in ("train", "validation", "test"):
        part, (pictures, labels) = points.of_split(split), digits.split(split)
        np.testing.assert_array_equal(part.index, np.arange(len(labels)))
        np.testing.assert_array_equal(part.label, labels)
        np.testing.assert_array_equal(part.coordinates, embed(load_network(autoencoder), pictures).coordinates)
    stored = load_map(autoencoder.folder)
    for name in COLUMNS:
        np.testing.assert_array_equal(getattr(stored, name), getattr(points, name))


def test_the_map_of_a_classifier_has_its_own_predictions(classifier, digits):
    test = load_map(classifier.folder).of_split("test")
    probabilities = embed(load_network(classifier), digits.test_images).probabilities
    np.testing.assert_array_equal(test.prediction, probabilities.argmax(1))
    np.testing.assert_allclose(test.confidence, probabilities.max(1))


def test_a_network_without_activations_makes_a_map_without_coordinates(dead_network, digits):
    points = make_map(dead_network, digits)
    assert not points.placed.any() and (points.prediction == -1).all() and np.isnan(points.confidence).all()


def test_a_decoded_probe_is_what_the_decoder_makes_of_the_clipped_bump(autoencoder):
    network, probe = load_network(autoencoder), Probe(0.6, 2.0)
    centers = np.array([[0.5, -1.0], [3.0, 3.0]])
    decoded = decode_probes(network, centers, probe)
    assert decoded.shape == (2, 8, 8) and decoded.dtype == np.uint8
    bumps = network.clip(gaussian_bump(torch.from_numpy(centers).float(), network.grid, probe))
    wanted = 255 * torch.sigmoid(network.decoder(bumps)).reshape(2, 8, 8).numpy()
    np.testing.assert_allclose(decoded, wanted, atol=0.501)


def test_an_older_map_without_the_column_of_errors_loads(tmp_path):
    points = random_map()
    points.save(tmp_path)
    path = tmp_path / "map.parquet"
    parquet.write_table(parquet.read_table(path).drop_columns("error"), path)
    back = load_map(tmp_path)
    np.testing.assert_array_equal(back.x, points.x)
    assert back.error.dtype == np.float32 and np.isnan(back.error).all()


def test_agreement_is_the_share_of_the_15_nearest_labelled_others_with_the_same_label():
    points = random_map(200)
    labelled = [row for row in range(200) if points.placed[row] and points.label[row] >= 0]
    for row in range(200):
        if row not in labelled:
            assert np.isnan(points.agreement[row])
            continue
        near = by_distance(points, points.coordinates[row], [other for other in labelled if other != row])[:15]
        assert points.agreement[row] == pytest.approx(np.mean([points.label[at] == points.label[row] for at in near]))


def test_agreement_of_few_points_and_of_many_that_coincide():
    few = random_map(4, unplaced=0, unlabelled=0)
    for row in range(4):
        others = [at for at in range(4) if at != row]
        assert few.agreement[row] == pytest.approx(np.mean(few.label[others] == few.label[row]))
    n = 40
    zeros = np.zeros(n, np.float32)
    coincident = EmbeddingMap(np.arange(n), zeros, zeros, zeros, np.zeros(n, int), zeros, zeros, zeros, zeros)
    assert (coincident.agreement == 1).all()


def test_agreement_needs_labels():
    points = random_map(30, unlabelled=1)
    assert np.isnan(points.agreement).all()
    alone = random_map(1, unplaced=0, unlabelled=0)
    assert np.isnan(alone.agreement).all()


def test_the_map_of_a_network_has_the_error_of_every_decoded_image(autoencoder, classifier, digits):
    network, points = load_network(autoencoder), load_map(autoencoder.folder).of_split("test")
    decoded = network.decode(network.activation(pixels(digits.test_images[:40])))
    expected = (decoded - pixels(digits.test_images[:40])).square().mean((1, 2, 3))
    np.testing.assert_allclose(points.error[:40], expected, rtol=1e-3)
    assert np.isnan(load_map(classifier.folder).error).all()
