"""New images on a map: their neighbours, how novel they are, and the table that they come out in."""

import math
from collections import Counter
from dataclasses import replace

import numpy as np
import pytest
import torch

from kernelviz.evaluation.calibrating import calibrate, held_out
from kernelviz.evaluation.novelty import GRADES, project, project_files
from kernelviz.ingest.files import Picture, RejectedFile
from kernelviz.storage.embedding_map import load_map
from kernelviz.storage.weights import load_network

COLUMNS = ["name", "x", "y", "prediction", "confidence", "novelty", "grade", "reasons", "novel"]
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


def test_without_a_calibration_percentiles_are_those_of_the_test_images(projected, points):
    test = points.of_split("test")
    distances = [math.dist(points.coordinates[nearest_five(points, center)[-1]], center) for center in test.coordinates]
    for at in range(0, 297, 30):
        nearer = 100 * sum(d < distances[at] - 1e-9 for d in distances) / 297
        better = 100 * (test.error < test.error[at]).mean()
        assert projected.percentile("map")[at] == pytest.approx(nearer, abs=1.5)  # a spread keeps LEVELS numbers
        assert projected.percentile("decoded")[at] == pytest.approx(better, abs=1.5)
    assert projected.error == pytest.approx(test.error, abs=1e-6)


def test_few_test_images_are_novel(projected):
    assert 1 <= projected.novel.sum() <= 6  # of 297
    assert 6 <= (projected.grade >= 1).sum() <= 18


def test_an_image_far_from_every_known_one_or_decoded_badly_is_novel(network, points, digits):
    images = digits.test_images[:3]
    far = project(network, replace(points, x=points.x + 100), images)
    assert far.novel.all() and far.percentile("map") == pytest.approx([100] * 3)
    assert [far.reasons(at)[0] for at in range(3)] == ["position on the map"] * 3
    decoded_well = project(network, replace(points, error=np.full(len(points), 1e-6, np.float32)), images)
    assert decoded_well.novel.all() and decoded_well.reasons(0)[0] == "reconstruction"
    far_tests = replace(points, x=np.where(points.split == 2, points.x, points.x + 100))
    assert not project(network, far_tests, images).novel.any()  # every test image lies as far


def test_without_a_decoder_nothing_is_decoded_badly(classifier, digits):
    projection = project(load_network(classifier), load_map(classifier.folder), digits.test_images[:9])
    assert np.isnan(projection.error).all() and np.isnan(projection.percentile("decoded")).all()
    assert not projection.novel.all()


def test_a_calibrated_run_knows_noise_and_letters_from_digits(network, points, digits):
    calibration = calibrate(network, points, digits)
    usual = project(network, points, digits.test_images, calibration)
    assert (usual.grade >= 1).mean() < 0.1 and usual.percentiles.keys() == {"map", "features", "decoded", "pixels"}
    noise = np.random.default_rng(0).integers(0, 256, (50, 8, 8), np.uint8)
    novel = project(network, points, noise, calibration)
    assert (novel.grade == GRADES.index("novel")).mean() > 0.9 and "pixels" in novel.reasons(0)
    assert novel.table([""] * 50, points, tuple("0123456789"))["reasons"][0].split(", ") == novel.reasons(0)


def test_the_class_head_tells_by_its_energy(classifier, digits):
    network, points = load_network(classifier), load_map(classifier.folder)
    projection = project(network, points, digits.test_images[:9], calibrate(network, points, digits))
    scores = network.class_logits(torch.from_numpy(projection.embedded.activation)).numpy()
    np.testing.assert_allclose(projection.embedded.energy, -np.log(np.exp(scores).sum(1)), rtol=1e-4)
    assert "classes" in projection.percentiles and "decoded" not in projection.percentiles


def test_a_picture_of_one_colour_is_blank_and_has_no_prediction(network, points):
    projection = project(network, points, np.stack([np.full((8, 8), 90, np.uint8), np.eye(8, dtype=np.uint8) * 255]))
    assert projection.blank.tolist() == [True, False] and GRADES[projection.grade[0]] == "blank"
    assert projection.prediction[0] == -1 and np.isnan(projection.confidence[0]) and projection.novelty[0] == 100
    assert projection.reasons(0) == [] and projection.prediction[1] >= 0


def test_what_is_usual_is_measured_on_images_that_were_not_trained_on(digits):
    split, rows = held_out(digits)
    assert split == "validation" and rows.tolist() == list(range(250))
    split, rows = held_out(replace(digits, validation=0.0))
    assert split == "test" and rows.tolist() == list(range(0, 297, 2))  # the others stay unseen


def test_too_few_images_say_nothing_of_what_is_usual(network, points, digits):
    few = replace(digits, test_images=digits.test_images[:60], test_labels=digits.test_labels[:60], validation=0.0)
    assert calibrate(network, points, few) is None


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

    done, threads = [], torch.get_num_threads()
    table, rejected = project_files(network, points, tuple("0123456789"), files(), done.append)
    assert table["name"].tolist() == [f"{at}.png" for at in range(297)]
    np.testing.assert_allclose(table[["x", "y"]], projected.embedded.coordinates, atol=1e-5 * 4)
    assert [one.name for one in rejected] == ["bad 1", "bad 260"]
    assert done[-1] == 299 and done == sorted(done) and torch.get_num_threads() == threads


@pytest.mark.parametrize("files", [[], [RejectedFile("a", "b")]])
def test_no_picture_at_all_is_an_empty_table(network, points, files):
    table, rejected = project_files(network, points, (), files, lambda _: None)
    assert len(table) == 0 and rejected == files
