"""What is usual for a run: spreads and Gaussians, on disk and by hand."""

import json

import numpy as np
import pytest
from safetensors.numpy import load_file, save_file

from kernelviz.storage.calibration import (
    FILE,
    LOWEST,
    SUM,
    Calibration,
    fit_gaussians,
    load_calibration,
    spread_of,
)
from kernelviz.storage.record import BrokenRun


@pytest.fixture
def calibration():
    random = np.random.default_rng(0)
    values = random.normal(size=(200, 3))
    gaussians = {"pixels": fit_gaussians(values)}
    return Calibration({SUM: spread_of(values[:, 0]), "map": spread_of(values[:, 1])}, gaussians)


def test_a_spread_says_how_many_surpass_a_number():
    spread = spread_of(np.append(np.arange(1000.0), np.nan))
    shares = np.exp(spread.log_share(np.array([-5.0, 499.5, 899.0, 989.0, np.nan])))
    np.testing.assert_allclose(shares, [1, 0.5, 0.1, 0.01, np.nan], rtol=0.06)
    beyond = spread.log_share(np.array([999.0, 1050.0, 1100.0, 1e9]))
    assert (np.diff(beyond) < 0).all() and beyond[-1] == LOWEST  # farther is rarer, also where no image was
    assert spread_of(np.array([np.nan])) is None


def test_a_spread_of_one_number_leaves_nothing_beyond_it():
    assert spread_of(np.full(9, 2.0)).log_share(np.array([1.9, 2.1])).tolist() == [0.0, LOWEST]


def test_the_distance_is_that_of_mahalanobis_to_the_nearest_center():
    random = np.random.default_rng(1)
    values = random.normal(size=(1000, 3)) @ random.normal(size=(3, 3))
    gaussians = fit_gaussians(values)
    inverse = np.linalg.inv(np.cov(values, rowvar=False))
    centers = np.linalg.solve(gaussians.whitening.T.astype(float), gaussians.centers.T).T * gaussians.scale
    expected = [min(np.sqrt((v - m) @ inverse @ (v - m)) for m in centers) for v in values[:50]]
    assert len(centers) == 50
    np.testing.assert_allclose(gaussians.distance(values[:50]), expected, rtol=0.05, atol=0.02)  # half precision


def test_a_value_between_two_clusters_is_far_though_it_is_the_mean():
    values = np.random.default_rng(0).normal(size=(400, 2)) + np.repeat([[-9, 0], [9, 0]], 200, axis=0)
    between, within = fit_gaussians(values).distance(np.array([[0.0, 0.0], [9.0, 0.0]]))
    assert between > 3 * within


def test_few_values_have_one_center():
    assert len(fit_gaussians(np.random.default_rng(0).normal(size=(30, 2))).centers) == 1


def test_a_calibration_comes_back_from_disk(calibration, tmp_path):
    calibration.save(tmp_path)
    again = load_calibration(tmp_path)
    asked, values = np.linspace(-3, 9, 20), np.random.default_rng(2).normal(size=(5, 3))
    for name, spread in calibration.spreads.items():
        np.testing.assert_allclose(again.spreads[name].log_share(asked), spread.log_share(asked), rtol=1e-3, atol=1e-3)
    np.testing.assert_allclose(
        again.gaussians["pixels"].distance(values), calibration.gaussians["pixels"].distance(values), rtol=1e-5
    )
    assert [path.name for path in tmp_path.iterdir()] == [FILE]


def test_a_run_without_a_calibration_has_none(tmp_path):
    assert load_calibration(tmp_path) is None


@pytest.mark.parametrize(
    "change",
    [
        {"spread.map": np.zeros((2, 2), np.float32)},
        {"spread.map": np.array([2, 1], np.float32)},
        {"spread.map": np.array([1, np.nan], np.float32)},
        {"whitening.pixels": np.zeros(3, np.float16)},
        {"centers.pixels": np.zeros((1, 2), np.float32)},
        {"spread.map": None},
        {"scale.pixels": None},
        {f"spread.{SUM}": None},
    ],
    ids=lambda change: f"{[*change][0]} {np.shape([*change.values()][0])}",
)
def test_a_damaged_calibration_is_said_to_be_so(calibration, tmp_path, change):
    calibration.save(tmp_path)
    arrays = {name: array for name, array in (load_file(tmp_path / FILE) | change).items() if array is not None}
    save_file(arrays, tmp_path / FILE, {"images": json.dumps({"map": 200, SUM: 200})})
    if "scale.pixels" in change:
        assert load_calibration(tmp_path).gaussians == {}
        return
    with pytest.raises(BrokenRun, match=FILE):
        load_calibration(tmp_path)


def test_no_calibration_at_all_is_said_to_be_so(tmp_path):
    (tmp_path / FILE).write_bytes(b"torn")
    with pytest.raises(BrokenRun, match="delete it"):
        load_calibration(tmp_path)
