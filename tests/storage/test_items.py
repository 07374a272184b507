"""The items of a recommender: their covariance is that of its predictions, and fold_in is a Gaussian process."""

import numpy as np
import pytest

from kernelviz.storage.items import FILE, Items, fold_in, item_factors, load_items

N, UNITS, USERS = 6, 3, 40
GENERATOR = np.random.default_rng(0)
CODES = GENERATOR.random((N, UNITS))
WEIGHT = GENERATOR.normal(size=(UNITS, USERS))
BIAS = GENERATOR.normal(size=USERS)


@pytest.fixture
def items():
    mean, factors = item_factors(CODES, WEIGHT, BIAS)
    return Items(np.arange(10, 10 + N), np.arange(N), mean, factors, np.zeros((N, 2), np.float32))


def test_mean_and_covariance_are_those_of_all_predictions(items):
    predicted = CODES @ WEIGHT + BIAS
    np.testing.assert_allclose(items.mean, predicted.mean(1), rtol=1e-5)
    np.testing.assert_allclose(items.factors @ items.factors.T, np.cov(predicted, ddof=0), rtol=1e-4, atol=1e-5)


def test_fold_in_is_the_mean_of_a_gaussian_process(items):
    rows, given, noise = np.array([4, 1]), np.array([5.0, 2.0]), 0.7
    covariance = items.factors.astype(float) @ items.factors.T
    inverse = np.linalg.inv(covariance[np.ix_(rows, rows)] + noise * np.eye(2))
    wanted = items.mean + covariance[:, rows] @ inverse @ (given - items.mean[rows])
    predicted, added = fold_in(items, rows, given, noise)
    np.testing.assert_allclose(predicted, wanted, rtol=1e-5)
    np.testing.assert_allclose(items.mean + added.sum(1), predicted)
    again, _ = fold_in(items, rows, np.array([5.0, items.mean[1]]), noise)  # a rating as expected adds nothing
    np.testing.assert_allclose(again, items.mean + added[:, 0], rtol=1e-5)


def test_without_ratings_the_prediction_is_the_mean(items):
    predicted, added = fold_in(items, np.zeros(0, int), np.zeros(0), 0.7)
    np.testing.assert_allclose(predicted, items.mean)
    assert added.shape == (N, 0)


def test_a_rating_pulls_its_own_item_towards_it_the_more_the_less_noise_there_is(items):
    off = [abs(fold_in(items, np.array([2]), np.array([9.0]), noise)[0][2] - 9) for noise in (0.01, 0.1, 1.0)]
    assert off == sorted(off) and off[0] < 0.2


def test_items_come_back_as_they_were_saved(items, tmp_path):
    items.save(tmp_path)
    back = load_items(tmp_path)
    for name in ("item", "count", "mean", "factors", "coordinates"):
        np.testing.assert_array_equal(getattr(back, name), getattr(items, name))


def test_titles_come_back(items, tmp_path):
    titled = Items(**{**vars(items), "title": np.array(["Dune", "", *"abcd"], object)})
    titled.save(tmp_path)
    assert load_items(tmp_path).title.tolist() == ["Dune", "", *"abcd"]
    items.save(tmp_path)
    assert load_items(tmp_path).title is None


def test_broken_items_are_an_error(items, tmp_path):
    with pytest.raises(ValueError, match="is no table of items"):
        load_items(tmp_path)
    (tmp_path / FILE).write_bytes(b"PAR1")
    with pytest.raises(ValueError, match="is no table of items"):
        load_items(tmp_path)
    items.factors[0, 0] = np.nan
    items.save(tmp_path)
    with pytest.raises(ValueError, match="not finite"):
        load_items(tmp_path)
