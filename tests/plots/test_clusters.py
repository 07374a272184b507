"""The clusters of a map without labels, and their names."""

import numpy as np
import pandas as pd
import pytest

from kernelviz.plots.clusters import CLUSTER, cluster_column, clusters, names_of
from kernelviz.plots.colours import UNKNOWN
from kernelviz.storage.embedding_map import COLUMNS, EmbeddingMap


@pytest.fixture
def blobs():
    """Coordinates of 600, 300 and 200 points around three positions, and of 5 far from all."""
    rng = np.random.default_rng(0)
    parts = [rng.normal(at, 0.3, (n, 2)) for at, n in (((2, -2), 600), ((-2, 2), 300), ((-2.5, -2.5), 200))]
    return np.concatenate([*parts, rng.normal((3.5, 3.5), 0.02, (5, 2))])


def points_at(coordinates, **columns):
    n = len(coordinates)
    known = {"index": np.arange(n), "split": np.zeros(n), "x": coordinates[:, 0], "y": coordinates[:, 1]}
    known |= {name: np.full(n, -1) for name in COLUMNS if name not in known} | columns
    return EmbeddingMap(**{name: values.astype(COLUMNS[name]) for name, values in known.items()})


def test_a_cluster_is_a_peak_of_the_density(blobs):
    found = clusters(blobs, 4.0)
    assert found.tolist() == np.repeat([0, 1, 2, -1], [600, 300, 200, 5]).tolist()
    order = np.random.default_rng(1).permutation(len(blobs))
    assert (clusters(blobs[order], 4.0) == found[order]).all()
    assert (clusters(5 * blobs, 20.0) == found).all()


def test_peaks_without_a_valley_between_them_are_one_cluster():
    rng = np.random.default_rng(0)
    ring = rng.uniform(0, 2 * np.pi, 4000)
    assert set(clusters(2 * np.stack([np.cos(ring), np.sin(ring)], 1), 4.0)) == {0}
    assert set(clusters(rng.uniform(-4, 4, (20_000, 2)), 4.0)) == {0}


def test_points_without_coordinates_or_beyond_the_border_have_no_cluster_or_the_one_there():
    coordinates = np.array([[np.nan, np.nan]] * 3 + [[9.0, 0.0]] * 50 + [[-4.0, -4.0]] * 40)
    assert clusters(coordinates, 4.0).tolist() == [-1] * 3 + [0] * 50 + [1] * 40
    assert clusters(coordinates[:3], 4.0).tolist() == [-1] * 3 and not len(clusters(coordinates[:0], 4.0))


def test_a_cluster_has_the_word_that_most_of_its_images_share_and_few_others_have():
    cluster = np.repeat([0, 1, 2, 3, -1], [40, 30, 20, 10, 5])
    files = ["beach_IMG_{}.jpg", "2024/New York/beach{}.jpg", "photo/{}.jpg", "x/{}.beach.png", "{}.jpg"]
    table = pd.DataFrame({"name": [files[at].format(row) for row, at in enumerate(cluster)], "file": "/home/beach"})
    assert names_of(cluster, table) == ["IMG", "New York", "photo", "cluster 4"]
    table["kind"] = np.where(cluster == 0, "Golden retriever", "dog")
    table["seen"] = cluster == 3  # no text
    assert names_of(cluster, table) == ["Golden retriever", "New York", "photo", "cluster 4"]


@pytest.mark.parametrize("share, name", [(0.4, "cluster 1"), (0.6, "cat")])
def test_a_word_of_a_minority_is_no_name(share, name):
    cluster = np.repeat([0, 1], 100)
    names = [f"{'cat' if row < 100 * share else ''}{row}.png" for row in range(200)]
    assert names_of(cluster, pd.DataFrame({"name": names}))[0] == name


def test_names_differ_and_without_words_they_are_numbers():
    cluster = np.repeat([0, 1, 2], [10, 9, 80])
    named = pd.DataFrame({"name": ["Cat1.jpg"] * 10 + ["cat.2.jpg"] * 9 + ["", "/", "..", ".jpg"] * 20})
    assert names_of(cluster, named) == ["Cat", "Cat 2", "cluster 3"]
    assert names_of(cluster, pd.DataFrame({"x": np.zeros(99)})) == ["cluster 1", "cluster 2", "cluster 3"]


def test_clusters_colour_a_map_without_labels(blobs):
    points = points_at(blobs)
    column = cluster_column(points, 4.0, pd.DataFrame({"x": points.x}))
    assert (column.key, column.name, column.form) == (CLUSTER, CLUSTER, "category")
    assert [name for name, _ in column.groups] == ["cluster 1", "cluster 2", "cluster 3", "no cluster"]
    assert column.groups[-1][1] == UNKNOWN and column.values[0] == 0 and column.values[-1] == -1
    for known in ("label", "prediction"):
        assert cluster_column(points_at(blobs, **{known: np.arange(len(blobs))}), 4.0, pd.DataFrame()) is None
    assert cluster_column(points.where(np.arange(600)), 4.0, pd.DataFrame()) is None  # one cluster is none
