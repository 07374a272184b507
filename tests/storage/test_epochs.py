"""The maps of a training's epochs: they come back, stay few, and a file that is none of them is refused."""

import json

import numpy as np
import pytest
from safetensors.numpy import load_file, save_file

from kernelviz.storage.epochs import FILE, MOST_FRAMES, MOST_POINTS, load_epochs, no_frames
from kernelviz.storage.record import BrokenRun

LABELS = np.array([1, -1, 0])


def film(n=1, decoded=None):
    maps = no_frames("validation", ("a", "b"), 4.0, 200, LABELS)
    for epoch in range(n):
        maps = maps.added(
            float(epoch), np.array([[epoch / 100, 1.0], [np.nan, np.nan], [-4, 4.0]], np.float32), decoded
        )
    return maps


def test_the_maps_come_back_to_a_hundredth_of_a_pixel(tmp_path):
    pictures = np.arange(2 * 4 * 4, dtype=np.uint8).reshape(2, 4, 4)
    film(3, pictures).save(tmp_path)
    found = load_epochs(tmp_path)
    assert (found.split, found.classes, found.extent, found.total, len(found)) == (
        "validation",
        ("a", "b"),
        4.0,
        200,
        3,
    )
    np.testing.assert_allclose(found.coordinates(2), [[0.02, 1.0], [np.nan, np.nan], [-4, 4]], atol=1e-4)
    np.testing.assert_array_equal(found.decoded, np.stack([pictures] * 3))
    points = found.points(2)
    assert points.placed.tolist() == [True, False, True] and points.label.tolist() == LABELS.tolist()
    assert set(points.split) == {1}


def test_a_long_training_keeps_its_first_its_last_and_some_evenly_between():
    maps = film(10 * MOST_FRAMES)
    assert len(maps) == MOST_FRAMES and maps.epochs[0] == 0 and maps.epochs[-1] == 10 * MOST_FRAMES - 1
    apart = np.diff(maps.epochs)
    assert apart.min() > 0 and apart.max() <= 2 * 10  # evenly they would be 10 apart
    assert len(no_frames("train", (), 4.0, 1, np.zeros(10**6, int)).index) == MOST_POINTS


def test_what_comes_after_the_checkpoint_is_left_out():
    assert film(5).until(2.0).epochs.tolist() == [0, 1, 2]


def test_no_file_is_no_film(tmp_path):
    assert load_epochs(tmp_path) is None


@pytest.mark.parametrize(
    "change",
    [
        {"at": np.zeros((2, 3, 2), np.uint16)},
        {"at": np.zeros((1, 3, 2), np.float32)},
        {"labels": np.array([1, 2, 0], np.int16)},
        {"index": np.array([-1, 0, 0], np.int32)},
        {"decoded": np.zeros((9, 1, 2, 2), np.uint8)},
        {"more": np.zeros(1, np.uint8)},
        {"facts": {"split": "elsewhere"}},
        {"facts": {"extent": float("nan")}},
        {"facts": {"classes": 3}},
    ],
    ids=str,
)
def test_a_file_that_does_not_fit_together_is_a_broken_run(tmp_path, change):
    film().save(tmp_path)
    facts = {"split": "validation", "classes": ["a", "b"], "extent": 4.0, "total": 200} | change.pop("facts", {})
    save_file(load_file(tmp_path / FILE) | change, tmp_path / FILE, {"epochs": json.dumps(facts)})
    with pytest.raises(BrokenRun, match=r"epochs\.safetensors"):
        load_epochs(tmp_path)


def test_damage_is_a_broken_run(tmp_path):
    (tmp_path / FILE).write_bytes(b"nothing of the kind")
    with pytest.raises(BrokenRun, match="delete it"):
        load_epochs(tmp_path)
