"""Several processes train to the weights of one, and each goes on with what the other has begun."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

from kernelviz.disk import runs_folder
from kernelviz.errors import UserError
from kernelviz.training import checkpoint
from kernelviz.training.ranks import ALONE, BatchNormOfAll, Ranks
from kernelviz.training.session import new_training
from tests.training.two_processes import STOPPED_AT, recipe_of

SCRIPT = Path(__file__).with_name("two_processes.py")


@pytest.fixture
def small(tmp_path, digits):
    """The path of a set of 140 digits."""
    arrays = {
        "train_images": digits.train_images[:120],
        "train_labels": digits.train_labels[:120],
        "test_images": digits.test_images[:20],
        "test_labels": digits.test_labels[:20],
    }
    np.savez(tmp_path / "small.npz", **arrays)
    return str(tmp_path / "small.npz")


def new(path):
    recipe = recipe_of(path)
    return new_training(recipe, recipe.load_data(), 0, "cpu")


def finished(training):
    for _ in training.run():
        pass
    return {name: value for name, value in training.network.state_dict().items() if value.is_floating_point()}


@pytest.mark.slow
def test_two_processes_are_one_and_go_on_with_what_one_has_begun_and_it_with_theirs(small):
    whole = finished(new(small))
    training = new(small)
    for progress in training.run():
        if progress.step == STOPPED_AT:
            break
    (runs_folder() / "ended").mkdir(parents=True)
    checkpoint.save(training, runs_folder() / "ended")
    done = subprocess.run([sys.executable, SCRIPT, small], capture_output=True, text=True, timeout=100)
    assert done.returncode == 0, done.stderr
    training = new(small)
    checkpoint.resume(training, runs_folder() / "begun")
    assert training.progress.step == STOPPED_AT
    theirs = load_file(runs_folder() / "ended" / "weights.safetensors")
    for name, value in finished(training).items():
        torch.testing.assert_close(value, whole[name], rtol=0, atol=1e-5)
        torch.testing.assert_close(theirs[name], whole[name], rtol=0, atol=1e-5)


def test_rows_are_divided_in_turn():
    assert [list(range(7))[Ranks(rank, 3).own] for rank in range(3)] == [[0, 3, 6], [1, 4], [2, 5]]
    assert Ranks(1, 2).own_of([3, 0, 2]).tolist() == [1, 4]
    assert ALONE.own_of([3, 0, 2]).tolist() == [0, 1, 2, 3, 4]
    assert [Ranks(rank, 2).weight(own, 5) for rank, own in enumerate((3, 2))] == [1.2, 0.8]


def test_one_process_alone_waits_for_nobody():
    rows = torch.rand(3, 2)
    assert ALONE.rows_of_all(rows, 3) is rows and ALONE.told("what") == "what"
    with ALONE.first_alone():
        assert ALONE.average(torch.tensor(2.0, requires_grad=True), []).item() == 2


def test_more_processes_than_images_in_a_step_are_refused(small):
    recipe = recipe_of(small)
    with pytest.raises(UserError, match="44 processes are too many for steps of 3[0-9] images; start fewer"):
        new_training(recipe, recipe.load_data(), 0, "cpu", ranks=Ranks(0, 44))


def test_a_batch_norm_of_all_processes_is_torchs_where_it_does_not_learn():
    torchs = torch.nn.BatchNorm2d(3)
    torchs(torch.rand(8, 3, 4, 4))
    ours, images = BatchNormOfAll(torchs).eval(), torch.rand(2, 3, 4, 4)
    torch.testing.assert_close(ours(images), torchs.eval()(images))
    assert ours.state_dict().keys() == torchs.state_dict().keys()
