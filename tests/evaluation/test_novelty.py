"""New images on a map: their neighbours, how novel they are, and the table that they come out in."""

import math
from collections import Counter
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from kernelviz.evaluation.novelty import doubtful_first, percentile, project, project_files
from kernelviz.ingest.files import Picture, RejectedFile
from kernelviz.storage.embedding_map import load_map
from kernelviz.storage.weights import load_network

COLUMNS = ["name", "x", "y", "prediction", "confidence", "novel"]
COLUMNS += ["distance", "distance_percentile", "error", "error_percentile", "nearest_index"]


@pytest.fixture(scope="module")
def network(autoencoder):
    return load_network(autoencoder)


@pytest.fixture(scope="module")
def points(autoencoder):
    return load_map(autoencoder.folder)


@pytest.fixture(scope="module")
def projected(network, points, digits):
    """All test images as if they were new."""
    return project(network, points, digits.test_images)


def nearest_five(points, center):
    train = np.flatnonzero((points.split == 0) & points.placed)
    return sorted(train, key=lambda row: math.dist(points.coordinates[row], center))[:5]


def test_the_neighbours_are_the_nearest_training_points(projected, points):
    for at in range(0, 297, 30):
        center = projected.embedded.coordinates[at]
        expected = nearest_five(points, center)
        distances = [math.dist(points.coordinates[row], center) for row in expected]
        found = [math.dist(points.coordinates[row], center) for row in projected.nearest[at]]
        assert (points.split[projected.nearest[at]] == 0).all()
        assert found == pytest.approx(distances, abs=1e-6)
        assert projected.distance[at] == pytest.approx(distances[-1], abs=1e-6)


def test_the_five_nearest_vote_for_the_label(projected, points):
    for at in range(0, 297, 30):
        votes = Counter(points.label[projected.nearest[at]].tolist())
        assert projected.prediction[at] == min(votes, key=lambda label: (-votes[label], label))
        assert projected.confidence[at] == pytest.approx(max(votes.values()) / 5)


def test_a_class_head_names_the_images_itself(classifier, digits):
    projection = project(load_network(classifier), load_map(classifier.folder), digits.test_images)
    np.testing.assert_array_equal(projection.prediction, projection.embedded.probabilities.argmax(1))
    np.testing.assert_array_equal(projection.confidence, projection.embedded.probabilities.max(1))
    assert (projection.prediction == digits.test_labels).mean() > 0.6


def test_percentiles_are_those_of_the_test_images(projected, points):
    test = points.of_split("test")
    distances = [math.dist(points.coordinates[nearest_five(points, center)[-1]], center) for center in test.coordinates]
    for at in range(0, 297, 30):
        assert projected.distance_percentile[at] == 100 * sum(d < distances[at] - 1e-9 for d in distances) / 297
        assert projected.error_percentile[at] == pytest.approx(100 * (test.error < test.error[at]).mean(), abs=0.4)
    assert projected.error == pytest.approx(test.error, abs=1e-6)


def test_a_percentile_by_hand():
    np.testing.assert_array_equal(
        percentile(np.array([0.5, 1.0, 2.5, 9.0, np.nan]), np.array([1.0, 2.0, 3.0, 4.0])), [0, 0, 50, 100, np.nan]
    )
    assert np.isnan(percentile(np.array([1.0]), np.array([]))).all()


def test_few_test_images_are_novel(projected):
    assert 1 <= projected.novel.sum() <= 6  # of 297: one in a hundred by its distance, one by its decoded image


def test_an_image_far_from_every_known_one_or_decoded_badly_is_novel(network, points, digits):
    images = digits.test_images[:3]
    assert project(network, replace(points, x=points.x + 100), images).distance_percentile.tolist() == [100] * 3
    assert project(network, replace(points, x=points.x + 100), images).novel.all()
    decoded_well = project(network, replace(points, error=np.full(len(points), 1e-6, np.float32)), images)
    assert decoded_well.error_percentile.tolist() == [100] * 3 and decoded_well.novel.all()
    far_tests = replace(points, x=np.where(points.split == 2, points.x, points.x + 100))
    assert not project(network, far_tests, images).novel.any()  # every test image lies as far


def test_without_a_decoder_nothing_is_decoded_badly(classifier, digits):
    projection = project(load_network(classifier), load_map(classifier.folder), digits.test_images[:9])
    assert np.isnan(projection.error).all() and np.isnan(projection.error_percentile).all()
    assert not projection.novel.all()


def test_the_doubtful_come_first():
    table = pd.DataFrame({"novel": [False, True, False, True, False], "confidence": [0.9, 0.8, 0.5, np.nan, 0.9]})
    assert doubtful_first(table).index.tolist() == [3, 1, 2, 0, 4]


def test_an_image_without_coordinates_is_novel(dead_network, points, digits):
    projection = project(dead_network, points, digits.test_images[:2])
    assert np.isnan(projection.embedded.coordinates).all() and np.isnan(projection.distance).all()
    assert projection.novel.all()
    assert projection.prediction.tolist() == [-1, -1] and np.isnan(projection.confidence).all()
    table = projection.table(["a", "b"], points, tuple("0123456789"))
    assert table["prediction"].isna().all()
    assert table["nearest_index"].tolist() == [-1, -1]


def test_points_without_coordinates_are_nobodys_neighbour(network, points, digits):
    nearest = project(network, points, digits.test_images[:1]).nearest[0]
    x = points.x.copy()
    x[nearest[:2]] = np.nan
    assert not set(project(network, replace(points, x=x), digits.test_images[:1]).nearest[0]) & set(nearest[:2])


def test_a_map_of_three_images_has_three_neighbours(network, points, digits):
    few = points.where(np.array([0, 1, 2, 1600]))
    projection = project(network, few, digits.test_images[:2])
    assert [sorted(rows) for rows in projection.nearest.tolist()] == [[0, 1, 2]] * 2


def test_a_map_without_labels_names_nothing(network, points, digits):
    unlabelled = replace(points, label=np.full(len(points), -1, np.int16))
    projection = project(network, unlabelled, digits.test_images[:2])
    assert projection.prediction.tolist() == [-1, -1] and np.isnan(projection.confidence).all()
    assert projection.table(["a", "b"], unlabelled, ())["prediction"].isna().all()


def test_the_table_has_a_row_for_each_image(projected, points):
    names = [f"{at}.png" for at in range(297)]
    table = projected.table(names, points, tuple("abcdefghij"))
    assert table.columns.tolist() == COLUMNS
    assert table["name"].tolist() == names
    np.testing.assert_array_equal(table[["x", "y"]], projected.embedded.coordinates)
    assert table["prediction"].tolist() == ["abcdefghij"[at] for at in projected.prediction]
    np.testing.assert_array_equal(table["nearest_index"], points.index[projected.nearest[:, 0]])
    np.testing.assert_array_equal(table["distance"], projected.distance)
    assert table["novel"].tolist() == projected.novel.tolist()


def test_files_go_through_in_parts_and_the_bad_ones_aside(network, points, digits, projected):
    def files():
        for at, pixels in enumerate(digits.test_images):
            yield Picture(f"{at}.png", pixels)
            if at in (1, 260):
                yield RejectedFile(f"bad {at}", "no picture")

    done = []
    table, rejected = project_files(network, points, tuple("0123456789"), files(), done.append)
    assert table["name"].tolist() == [f"{at}.png" for at in range(297)]
    np.testing.assert_allclose(table[["x", "y"]], projected.embedded.coordinates, atol=1e-5 * 4)
    assert [one.name for one in rejected] == ["bad 1", "bad 260"]
    assert done[-1] == 299 and done == sorted(done)


@pytest.mark.parametrize("files", [[], [RejectedFile("a", "b")]])
def test_no_picture_at_all_is_an_empty_table(network, points, files):
    table, rejected = project_files(network, points, (), files, lambda _: None)
    assert len(table) == 0 and rejected == files
