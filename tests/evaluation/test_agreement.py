"""Two maps compared: which of their images are the same, and how far the maps agree on them."""

from dataclasses import replace

import numpy as np
import pytest
from test_depths import map_of

from kernelviz.evaluation.agreement import matched, outcomes, same_images, shared_neighbours
from kernelviz.storage.embedding_map import load_map
from kernelviz.storage.thumbnails import save_thumbnails


@pytest.mark.parametrize(
    "left, right, pairs",
    [
        ("abc", "cab", [(0, 1), (1, 2), (2, 0)]),
        ("abc", "xbz", [(1, 1)]),
        ("aab", "baa", [(0, 1), (1, 2), (2, 0)]),  # the n-th with the n-th
        ("aaa", "a", [(0, 0)]),
        ("", "a", []),
        (["", "b"], ["", "b"], [(1, 1)]),  # of the first nothing is known
    ],
)
def test_equal_keys_are_matched(left, right, pairs):
    found = matched(left, right)
    assert [*zip(*(rows.tolist() for rows in found), strict=True)] == pairs


def test_runs_of_one_set_show_the_same_images(autoencoder, classifier):
    runs = [autoencoder, classifier]
    maps = [load_map(run.folder) for run in runs]
    left, right = same_images(runs, maps, "test")
    assert left.tolist() == right.tolist() == [*range(297)]
    relabelled = replace(maps[1], label=maps[1].label[::-1])
    fewer = maps[1].where(np.arange(len(maps[1]) - 1))
    for other in (relabelled, fewer):
        assert [len(rows) for rows in same_images(runs, [maps[0], other], "test")] == [0, 0]


def test_runs_of_other_data_show_other_images(autoencoder, heads):
    runs = [autoencoder, heads[0]]
    assert len(same_images(runs, [load_map(run.folder) for run in runs], "test")[0]) == 0


def with_hashes(run, folder, hashes):
    """The run in another folder, whose images have these hashes."""
    folder.mkdir()
    save_thumbnails(folder, ((digest, b"") for digest in hashes))
    return replace(run, folder=folder)


def test_images_are_the_same_by_their_content(tmp_path, autoencoder):
    points = load_map(autoencoder.folder)
    n = len(points)
    hashes = [bytes(f"image {row}", "ascii") for row in range(n)]
    left = with_hashes(autoencoder, tmp_path / "left", hashes)
    right = with_hashes(autoencoder, tmp_path / "right", [*hashes[:-100], *[b"another"] * 90, *reversed(hashes[-10:])])
    others = with_hashes(autoencoder, tmp_path / "others", [b"", *[digest + b"!" for digest in hashes[1:]]])
    rows = same_images([left, right], [points, points], "test")  # the test images are the last 297
    assert rows[0].tolist() == [*range(197), *range(287, 297)]
    assert rows[1].tolist() == [*range(197), *reversed(range(287, 297))]
    assert len(same_images([left, others], [points, points], "test")[0]) == 0


def test_shared_neighbours_are_those_of_both_maps():
    rng = np.random.default_rng(0)
    maps = [map_of(rng.normal(size=(40, 2))) for _ in range(2)]
    maps[0].x[7] = maps[1].y[9] = np.nan
    known = [row for row in range(40) if row not in (7, 9)]
    near = []
    for points in maps:
        distances = np.linalg.norm(points.coordinates[:, None] - points.coordinates[None], axis=2)
        distances[~np.isin(np.arange(40), known)] = distances[:, ~np.isin(np.arange(40), known)] = np.inf
        near.append([set(np.argsort(row)[1:6].tolist()) for row in distances])
    share = shared_neighbours(*maps, k=5)
    wanted = [len(one & other) / 5 for one, other in zip(*near, strict=True)]
    np.testing.assert_allclose(share[known], np.array(wanted)[known])
    assert np.isnan(share[[7, 9]]).all()


@pytest.mark.parametrize("n", [0, 1, 2, 30])
def test_a_map_shares_all_neighbours_with_itself(n):
    points = map_of(np.random.default_rng(0).normal(size=(n, 2)))
    share = shared_neighbours(points, points)
    assert (share == 1).all() if n > 1 else np.isnan(share).all()
    heap = map_of(np.zeros((n, 2)))
    assert ((shared_neighbours(heap, points) <= 1) | (n < 2)).all()


def test_outcomes_say_which_map_is_right():
    somewhere = np.zeros((6, 2))
    left = map_of(somewhere, label=[0, 0, 0, 0, -1, 0], prediction=[0, 0, 1, 1, 0, -1])
    right = map_of(somewhere, label=[0, 0, 0, 0, -1, 0], prediction=[0, 1, 0, 2, 0, 0])
    assert outcomes(left, right).tolist() == [0, 1, 2, 3, -1, -1]
