"""The graph of nearest neighbours: against distances sorted in plain Python, and stored on disk by content."""

import math

import numpy as np
import pytest

from kernelviz.data import neighbours
from kernelviz.data.neighbours import nearest_neighbours, neighbour_graph, oriented_gradients


def sorted_by_distance(features, k):
    """The k nearest others of each row, one pair at a time."""
    rows = features.reshape(len(features), -1).tolist()
    return [
        sorted((other for other in range(len(rows)) if other != row), key=lambda at: math.dist(rows[row], rows[at]))[:k]
        for row in range(len(rows))
    ]


@pytest.fixture
def features():
    return np.random.default_rng(0).normal(size=(60, 3)).astype(np.float32)


@pytest.fixture
def searched(monkeypatch):
    """Sets of any size are searched as large ones are, in blocks of 100."""
    monkeypatch.setattr(neighbours, "EXACT", 0)
    monkeypatch.setattr(neighbours, "BLOCK", 100)


def test_few_images_have_exactly_the_nearest(features):
    assert nearest_neighbours(features, 5).tolist() == sorted_by_distance(features, 5)


def test_images_count_by_their_pixels():
    images = np.random.default_rng(0).integers(0, 256, (30, 4, 5, 3), np.uint8)
    assert nearest_neighbours(images, 3).tolist() == sorted_by_distance(images, 3)


def test_of_many_nearly_all_are_found(searched, digits):
    images = digits.train_images
    found, exact = nearest_neighbours(images, 15), sorted_by_distance(images[:300], 15)
    assert found.shape == (1500, 15) and found.dtype == np.int32
    small = nearest_neighbours(images[:300], 15)
    assert np.mean([len(set(a) & set(b)) / 15 for a, b in zip(small.tolist(), exact, strict=True)]) > 0.97


@pytest.mark.parametrize("n", [40, 400])
def test_nothing_is_its_own_neighbour_even_among_doubles(searched, n):
    graph = nearest_neighbours(np.ones((n, 8), np.uint8), 5)
    assert not (graph == np.arange(n)[:, None]).any()
    assert ((graph >= 0) & (graph < n)).all()


def test_progress_runs_to_the_end(searched):
    seen = []
    nearest_neighbours(np.random.default_rng(0).random((250, 4)), 3, seen.append)
    assert seen == sorted(seen) and seen[-1] == 250 and len(seen) == 9


def test_what_progress_raises_ends_the_search(searched):
    seen = []

    def stop(done):
        seen.append(done)
        if done == 66:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        nearest_neighbours(np.random.default_rng(0).random((250, 4)), 3, stop)
    assert seen == [33, 66]


def test_what_is_found_in_components_is_compared_by_all_numbers(searched, monkeypatch):
    monkeypatch.setattr(neighbours, "COMPONENTS", 2)
    monkeypatch.setattr(neighbours, "COMPARED", 7)
    monkeypatch.setattr(neighbours, "FOUND", 8)  # of 5, 40: all the others
    rows = np.random.default_rng(0).normal(size=(30, 6))
    assert nearest_neighbours(rows, 5).tolist() == sorted_by_distance(rows, 5)


def test_too_few_images_are_an_error():
    with pytest.raises(ValueError, match="15 neighbours of each image need at least 16 images, not 15"):
        nearest_neighbours(np.zeros((15, 2)), 15)


def test_a_graph_of_few_images_has_all_the_others(features):
    assert neighbour_graph(features[:4], 15).shape == (4, 3)


@pytest.fixture
def made(monkeypatch):
    """How often a graph was made, not read."""
    calls = []
    real = neighbours.nearest_neighbours
    monkeypatch.setattr(neighbours, "nearest_neighbours", lambda *given: calls.append(given) or real(*given))
    return calls


@pytest.fixture
def own_data(tmp_path, monkeypatch):
    monkeypatch.setenv("KERNELVIZ_DATA", str(tmp_path / "data"))
    return tmp_path / "data"


def test_a_graph_is_made_once(features, made, own_data):
    first = neighbour_graph(features, 5)
    np.testing.assert_array_equal(neighbour_graph(features.copy(), 5), first)
    assert len(made) == 1
    assert len(list((own_data / "graphs").iterdir())) == 1


def test_other_content_or_another_k_has_a_graph_of_its_own(features, made, own_data):
    changed = features.copy()
    changed[7, 1] += 1
    for given in ((features, 5), (changed, 5), (features, 6), (features.astype(np.float64), 5)):
        neighbour_graph(*given)
    assert len(made) == len(list((own_data / "graphs").iterdir())) == 4


SPOILT = {
    "garbage": lambda path: path.write_bytes(b"garbage"),
    "empty": lambda path: path.write_bytes(b""),
    "of another size": lambda path: np.save(path, np.zeros((3, 5), np.int32)),
    "rows that are not there": lambda path: np.save(path, np.full((60, 5), 60, np.int32)),
    "below zero": lambda path: np.save(path, np.full((60, 5), -1, np.int32)),
    "objects": lambda path: np.save(path, np.full((60, 5), None), allow_pickle=True),
}


@pytest.mark.parametrize("spoil", SPOILT.values(), ids=SPOILT)
def test_a_spoilt_graph_is_made_anew(features, made, own_data, spoil):
    first = neighbour_graph(features, 5)
    (path,) = (own_data / "graphs").iterdir()
    spoil(path)
    np.testing.assert_array_equal(neighbour_graph(features, 5), first)
    np.testing.assert_array_equal(np.load(path), first)
    assert len(made) == 2


def test_where_nothing_can_be_stored_there_is_a_graph_all_the_same(features, own_data):
    own_data.write_text("a file where the folder should be")
    assert neighbour_graph(features, 5).tolist() == sorted_by_distance(features, 5)


def ramp(degrees, side=28):
    """An image that becomes brighter in one direction, counted from x towards y, which points down."""
    x, y = np.meshgrid(np.arange(side), np.arange(side))
    angle = math.radians(degrees)
    return (100 + 2 * (x * math.cos(angle) + y * math.sin(angle))).round().astype(np.uint8)


@pytest.mark.parametrize("direction", range(8))
def test_a_gradient_counts_in_the_bin_of_its_direction(direction):
    counts = oriented_gradients(ramp(45 * direction)[None]).reshape(8, 7, 7) ** 2
    assert (counts[direction] > 0).all() and counts[direction].sum() > 0.9 * counts.sum()


def test_a_gradient_counts_in_the_cell_where_it_is():
    image = np.zeros((1, 28, 28), np.uint8)
    image[0, 5:7, 21:23] = 200
    count = oriented_gradients(image).reshape(8, 7, 7).sum(0)
    assert np.unravel_index(count.argmax(), count.shape) == (1, 5)
    assert not count[4:].any() and not count[:, :3].any()


def test_light_and_contrast_do_not_count_and_one_colour_is_zero():
    image = np.random.default_rng(0).integers(0, 100, (1, 12, 12), np.uint8)
    np.testing.assert_allclose(oriented_gradients(image), oriented_gradients(2 * image + 20), atol=1e-5)
    assert not oriented_gradients(np.full((2, 12, 12, 3), 80, np.uint8)).any()


@pytest.mark.parametrize(
    "shape, d", [((28, 28), 392), ((8, 8), 392), ((3, 4), 96), ((1, 1), 8), ((64, 5, 3), 280)], ids=str
)
def test_oriented_gradients_of_any_size_have_length_1(shape, d):
    found = oriented_gradients(np.random.default_rng(0).integers(0, 256, (9, *shape), np.uint8))
    assert found.shape == (9, d) and found.dtype == np.float32
    if shape != (1, 1):
        np.testing.assert_allclose(np.linalg.norm(found, axis=1), 1, rtol=1e-5)
    assert oriented_gradients(np.zeros((0, *shape), np.uint8)).shape == (0, d)


def test_a_grey_image_in_colour_has_the_same_gradients(digits):
    grey = digits.train_images[:20]
    np.testing.assert_array_equal(oriented_gradients(np.stack([grey] * 3, -1)), oriented_gradients(grey))


def test_neighbours_by_gradients_are_more_often_of_one_class_than_by_pixels(digits):
    images, labels = digits.split("train")
    shares = [
        (labels[nearest_neighbours(features, 15)] == labels[:, None]).mean()
        for features in (images, oriented_gradients(images))
    ]
    assert shares[1] > shares[0] + 0.01
