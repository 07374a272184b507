"""New images on a map: their neighbours, how foreign they are, and the table that they come out in."""

import math
from collections import Counter
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from kernelviz.data.intake import Picture, Rejected
from kernelviz.landings import check_ending, land, land_files, usual_distance, write_table
from kernelviz.maps import load_map
from kernelviz.weights import load_network

COLUMNS = ["name", "x", "y", "prediction", "confidence", "nearest_index", "nearest_distance", "foreign"]


@pytest.fixture(scope="module")
def network(autoencoder):
    return load_network(autoencoder)


@pytest.fixture(scope="module")
def points(autoencoder):
    return load_map(autoencoder.folder)


@pytest.fixture(scope="module")
def landed(network, points, digits):
    """All test images as if they were new."""
    return land(network, points, digits.test_images)


def nearest_five(points, place):
    train = np.flatnonzero((points.split == 0) & points.placed)
    return sorted(train, key=lambda row: math.dist(points.places[row], place))[:5]


def test_the_neighbours_are_the_nearest_training_points(landed, points):
    for at in range(0, 297, 30):
        place = landed.embedded.places[at]
        expected = nearest_five(points, place)
        distances = [math.dist(points.places[row], place) for row in expected]
        found = [math.dist(points.places[row], place) for row in landed.nearest[at]]
        assert (points.split[landed.nearest[at]] == 0).all()
        assert found == pytest.approx(distances, abs=1e-6)
        assert landed.distance[at] == pytest.approx(distances[0], abs=1e-6)


def test_the_five_nearest_vote_for_the_label(landed, points):
    for at in range(0, 297, 30):
        votes = Counter(points.label[landed.nearest[at]].tolist())
        assert landed.prediction[at] == min(votes, key=lambda label: (-votes[label], label))
        assert landed.confidence[at] == pytest.approx(max(votes.values()) / 5)


def test_a_class_head_names_the_images_itself(classifier, digits):
    landings = land(load_network(classifier), load_map(classifier.folder), digits.test_images)
    np.testing.assert_array_equal(landings.prediction, landings.embedded.probabilities.argmax(1))
    np.testing.assert_array_equal(landings.confidence, landings.embedded.probabilities.max(1))
    assert (landings.prediction == digits.test_labels).mean() > 0.6


def test_one_test_image_in_a_hundred_is_foreign(landed, points):
    train = points.of_split("train").places
    nearest = [min(math.dist(place, other) for other in train) for place in points.of_split("test").places]
    assert usual_distance(points) == pytest.approx(np.percentile(nearest, 99), rel=1e-4)
    assert landed.foreign.sum() == 3  # of 297


def test_an_image_far_from_every_known_one_is_foreign(network, points, digits):
    shifted = replace(points, x=np.where(points.split == 2, points.x, points.x + 100), y=points.y)
    near_tests = replace(points, x=points.x + 100)
    assert land(network, near_tests, digits.test_images[:3]).foreign.all()
    assert not land(network, shifted, digits.test_images[:3]).foreign.any()  # every test image lies as far


def test_an_image_without_a_place_copes(dead_network, points, digits):
    landings = land(dead_network, points, digits.test_images[:2])
    assert np.isnan(landings.embedded.places).all() and np.isnan(landings.distance).all()
    assert landings.foreign.all()
    assert landings.prediction.tolist() == [-1, -1] and np.isnan(landings.confidence).all()
    table = landings.table(["a", "b"], points, tuple("0123456789"))
    assert table["prediction"].isna().all()
    assert table["nearest_index"].tolist() == [-1, -1]


def test_points_without_a_place_are_nobodys_neighbour(network, points, digits):
    nearest = land(network, points, digits.test_images[:1]).nearest[0]
    x = points.x.copy()
    x[nearest[:2]] = np.nan
    assert not set(land(network, replace(points, x=x), digits.test_images[:1]).nearest[0]) & set(nearest[:2])


def test_a_map_of_three_images_has_three_neighbours(network, points, digits):
    few = points.where(np.array([0, 1, 2, 1600]))
    landings = land(network, few, digits.test_images[:2])
    assert [sorted(rows) for rows in landings.nearest.tolist()] == [[0, 1, 2]] * 2


def test_a_map_without_labels_names_nothing(network, points, digits):
    unlabelled = replace(points, label=np.full(len(points), -1, np.int16))
    landings = land(network, unlabelled, digits.test_images[:2])
    assert landings.prediction.tolist() == [-1, -1] and np.isnan(landings.confidence).all()
    assert landings.table(["a", "b"], unlabelled, ())["prediction"].isna().all()


def test_the_table_has_a_row_for_each_image(landed, points):
    names = [f"{at}.png" for at in range(297)]
    table = landed.table(names, points, tuple("abcdefghij"))
    assert table.columns.tolist() == COLUMNS
    assert table["name"].tolist() == names
    np.testing.assert_array_equal(table[["x", "y"]], landed.embedded.places)
    assert table["prediction"].tolist() == ["abcdefghij"[at] for at in landed.prediction]
    np.testing.assert_array_equal(table["nearest_index"], points.index[landed.nearest[:, 0]])
    np.testing.assert_array_equal(table["nearest_distance"], landed.distance)
    assert table["foreign"].tolist() == landed.foreign.tolist()


def test_files_go_through_in_parts_and_the_bad_ones_aside(network, points, digits, landed):
    def files():
        for at, pixels in enumerate(digits.test_images):
            yield Picture(f"{at}.png", Image.fromarray(pixels), pixels, "")
            if at in (1, 260):
                yield Rejected(f"bad {at}", "no picture")

    done = []
    table, refused = land_files(network, points, tuple("0123456789"), files(), done.append)
    assert table["name"].tolist() == [f"{at}.png" for at in range(297)]
    np.testing.assert_allclose(table[["x", "y"]], landed.embedded.places, atol=1e-5 * 4)
    assert [one.name for one in refused] == ["bad 1", "bad 260"]
    assert done[-1] == 299 and done == sorted(done)


@pytest.mark.parametrize("files", [[], [Rejected("a", "b")]])
def test_no_picture_at_all_is_an_empty_table(network, points, files):
    table, refused = land_files(network, points, (), files, lambda _: None)
    assert len(table) == 0 and refused == files


READERS = {
    ".csv": lambda path: pd.read_csv(path, dtype={"prediction": str}),
    ".parquet": pd.read_parquet,
    ".npz": lambda path: pd.DataFrame(dict(np.load(path, allow_pickle=False))),
}


@pytest.mark.parametrize("ending", READERS)
def test_a_table_comes_back_from_disk(tmp_path, landed, points, ending):
    path = tmp_path / f"table{ending}"
    table = landed.table([f"{at}.png" for at in range(297)], points, tuple("0123456789"))
    write_table(table, path)
    back = READERS[ending](path)
    assert back.columns.tolist() == COLUMNS
    for name in COLUMNS:
        if table[name].dtype.kind == "f":
            np.testing.assert_allclose(back[name], table[name], rtol=1e-6)
        else:
            assert back[name].tolist() == table[name].tolist()
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("ending", READERS)
def test_an_image_without_a_place_comes_back_as_one(tmp_path, dead_network, points, digits, ending):
    path = tmp_path / f"table{ending}"
    write_table(land(dead_network, points, digits.test_images[:1]).table(["a"], points, tuple("0123456789")), path)
    row = READERS[ending](path).iloc[0]
    assert np.isnan(row["x"]) and np.isnan(row["nearest_distance"]) and row["foreign"]
    assert row["prediction"] in ("", None) or np.isnan(row["prediction"])


@pytest.mark.parametrize("name", ["table.xlsx", "table", "table.csv.gz", "table.CSV", ".csv"])
def test_another_ending_is_refused_with_the_allowed_ones(tmp_path, name):
    path = tmp_path / name
    for refuse in (lambda: check_ending(path), lambda: write_table(pd.DataFrame({"a": [1]}), path)):
        with pytest.raises(ValueError, match="a table can be written as .csv, .parquet, .npz"):
            refuse()
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("ending", READERS)
def test_a_full_disk_leaves_the_old_table(tmp_path, full_disk, ending):
    path = tmp_path / f"table{ending}"
    path.write_bytes(b"old")
    large = pd.DataFrame({"prediction": ["a"] * 5000, "x": np.random.default_rng(0).random(5000)})
    with full_disk(), pytest.raises(OSError):
        write_table(large, path)
    assert path.read_bytes() == b"old" and list(tmp_path.iterdir()) == [path]
