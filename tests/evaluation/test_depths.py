"""Maps of one network at several depths: which belong together, how they are laid over each other, and overlaps."""

from dataclasses import replace

import numpy as np
import pytest

from kernelviz.evaluation.depths import (
    closest_pairs,
    confusions,
    depth_of,
    families,
    laid_over,
    overlaps,
    placed_by,
    reach_of,
)
from kernelviz.storage.embedding_map import EmbeddingMap


def map_of(coordinates, label=0, prediction=0):
    n = len(coordinates)
    return EmbeddingMap(
        index=np.arange(n),
        split=np.full(n, 2),
        x=np.float32(coordinates)[:, 0],
        y=np.float32(coordinates)[:, 1],
        label=np.broadcast_to(np.int16(label), n),
        prediction=np.broadcast_to(np.int16(prediction), n),
        confidence=np.ones(n, np.float32),
        error=np.full(n, np.nan, np.float32),
        clarity=np.full(n, np.nan, np.float32),
    )


@pytest.fixture
def coordinates():
    return np.random.default_rng(0).normal(size=(60, 2))


def turned(coordinates, degrees, mirrored, shift):
    angle = np.radians(degrees)
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    return coordinates @ turn.T * ([-1, 1] if mirrored else [1, 1]) + shift


@pytest.mark.parametrize("mirrored", [False, True])
@pytest.mark.parametrize("degrees", [0, 40, 200])
def test_a_map_that_is_only_turned_mirrored_and_shifted_is_laid_over_exactly(coordinates, degrees, mirrored):
    moved = turned(coordinates, degrees, mirrored, [0.5, -2])
    first, last = laid_over([map_of(moved), map_of(coordinates)])
    np.testing.assert_array_equal(last, np.eye(2, 3))  # the deepest stays as it is
    np.testing.assert_allclose(placed_by(first, moved), coordinates, atol=1e-5)


def test_a_chain_of_maps_is_laid_over_one_by_one(coordinates):
    chain = [turned(coordinates, 90, True, [1, 0]), turned(coordinates, 30, False, [0, 3]), coordinates]
    for points, how in zip(chain, laid_over([map_of(one) for one in chain]), strict=True):
        np.testing.assert_allclose(placed_by(how, points), coordinates, atol=1e-5)


def test_nothing_is_stretched_and_images_without_coordinates_do_not_count(coordinates):
    wide = 3 * coordinates
    wide[0] = np.nan
    how, _ = laid_over([map_of(wide), map_of(coordinates)])
    np.testing.assert_allclose(how[:, :2] @ how[:, :2].T, np.eye(2), atol=1e-6)
    np.testing.assert_allclose(how[:, :2], np.eye(2), atol=1e-6)


def test_maps_without_a_common_image_stay_where_they_are(coordinates):
    nowhere = np.full_like(coordinates, np.nan)
    for how in laid_over([map_of(nowhere), map_of(coordinates)]):
        np.testing.assert_array_equal(how, np.eye(2, 3))
    assert reach_of([map_of(nowhere)], [np.eye(2, 3)]) == 1.0


def test_the_reach_holds_every_point_where_it_is_laid():
    shifted = np.array([[1.0, 0, 10], [0, 1, 0]])
    assert reach_of([map_of([[1, 2], [-3, 0]])] * 2, [np.eye(2, 3), shifted]) == pytest.approx(11)


def test_overlaps_are_the_shares_among_the_nearest():
    apart = map_of([[x, 0] for x in range(16)] + [[1000 + x, 0] for x in range(16)], [0] * 16 + [1] * 16)
    np.testing.assert_allclose(overlaps(apart, 3), [[1, 0, 0], [0, 1, 0], [0, 0, 0]])
    assert closest_pairs(apart, 3) == []
    mixed = map_of(np.random.default_rng(1).normal(size=(300, 2)), np.arange(300) % 2)
    assert overlaps(mixed, 2).sum(1) == pytest.approx([1, 1])
    ((a, b, share),) = closest_pairs(mixed, 2)
    assert (a, b) == (0, 1) and share == pytest.approx(0.5, abs=0.05)


def test_overlaps_are_those_of_a_slow_count(coordinates):
    points = map_of(coordinates, np.arange(60) % 3)
    counts = np.zeros((3, 3))
    for i, center in enumerate(coordinates.astype(np.float32)):
        order = np.argsort(((coordinates.astype(np.float32) - center) ** 2).sum(1))
        for j in order[1:16]:
            counts[i % 3, j % 3] += 1
    np.testing.assert_allclose(overlaps(points, 3), counts / counts.sum(1, keepdims=True))
    shares = {(a, b): (counts[a, b] + counts[b, a]) / 300 / 2 for a, b in [(0, 1), (0, 2), (1, 2)]}
    assert [(a, b) for a, b, _ in closest_pairs(points, 3)] == sorted(shares, key=shares.get, reverse=True)
    assert [share for *_, share in closest_pairs(points, 3, most=2)] == pytest.approx(sorted(shares.values())[:0:-1])


def test_confusions_count_rows_by_label_and_leave_the_unknown_out():
    points = map_of(np.zeros((5, 2)), [0, 0, 1, -1, 2], [0, 2, 1, 1, -1])
    np.testing.assert_array_equal(confusions(points, 3), [[1, 0, 1], [0, 1, 0], [0, 0, 0]])


def test_runs_on_one_network_and_one_set_belong_together(heads, bottom, autoencoder):
    assert families([autoencoder, bottom]) == {}
    arguments = heads[0].arguments | {"backbone": heads[0].backbone | {"sha256": "f" * 64}}
    other = replace(heads[0], network=heads[0].network | {"arguments": arguments})
    found = families([autoencoder, heads[1], bottom, heads[0], other])
    assert list(found) == ["resnet32 on coloured", "resnet32 on coloured (ffffff)"]
    assert [run.name for run in found["resnet32 on coloured"]] == ["at11", "at31"]  # the shallowest first
    assert [depth_of(run) for run in heads] == ["11 layers", "31 layers"]


def test_a_named_depth_is_told_with_its_number_of_layers(heads):
    arguments = heads[0].arguments | {"backbone": heads[0].backbone | {"kept": "layer1"}}
    named = replace(heads[0], network=heads[0].network | {"arguments": arguments})
    assert depth_of(named) == "layer1 (11 layers)"
