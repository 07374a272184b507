"""Tests of weights in 8 bits: about as good, half as large, and refused where scales and matrices do not fit."""

from dataclasses import replace

import pytest
import torch
from safetensors.torch import load_file, save_file

from kernelviz.disk import runs_folder
from kernelviz.library.checks import NotImported
from kernelviz.library.handing_on import export_run
from kernelviz.library.importing import import_run
from kernelviz.storage.eight_bits import LARGE, from_eight_bits, in_eight_bits
from kernelviz.storage.record import BrokenRun
from kernelviz.storage.store import load_run
from kernelviz.storage.weights import load_network, own_weights, save_weights

NAME = "decoder.0.weight"


def test_a_weight_is_off_by_half_a_step_of_its_row_at_most():
    weights = {"large": torch.randn(100, 120) * torch.logspace(-3, 3, 100)[:, None], "small": torch.randn(9, 9)}
    weights["large"][3] = 0
    stored = in_eight_bits(weights)
    assert stored["large"].dtype == torch.int8 and stored["large"].shape == (100, 120) and LARGE <= 12_000
    back = from_eight_bits(stored)
    assert back.keys() == weights.keys() and torch.equal(back["small"], weights["small"])
    most = weights["large"].abs().amax(1, keepdim=True)
    assert ((back["large"] - weights["large"]).abs() <= most / 127 / 2 * 1.001).all()
    torch.testing.assert_close(back["large"].abs().amax(1, keepdim=True), most)


@pytest.fixture
def small(autoencoder):
    """A run of the user's with its matrices in 8 bits."""
    folder = runs_folder() / "small"
    folder.mkdir(parents=True)
    for path in autoencoder.folder.iterdir():
        (folder / path.name).write_bytes(path.read_bytes())
    sha256 = save_weights(load_network(autoencoder), folder, eight_bits=True)
    replace(autoencoder, folder=folder, weights_sha256=sha256).save()
    return load_run("small")


def test_a_run_in_eight_bits_is_small_opens_and_is_handed_on(small, autoencoder, tmp_path):
    sizes = [(run.folder / "weights.safetensors").stat().st_size for run in (small, autoencoder)]
    assert sizes[0] < 0.8 * sizes[1]  # only one of its matrices is large
    one, two = (own_weights(load_network(run)) for run in (small, autoencoder))
    assert all((one[name] - two[name]).abs().max() <= two[name].abs().max() / 250 for name in two)
    back = import_run(export_run(small, tmp_path / "small"), "back")
    assert torch.equal(own_weights(load_network(back))[NAME], one[NAME])


DAMAGES = {
    "a matrix without scales": lambda weights: weights.pop(f"{NAME}:scale"),
    "scales without a matrix": lambda weights: weights.pop(NAME),
    "scales of another matrix": lambda weights: weights.update({f"{NAME}:scale": torch.ones(3)}),
    "scales in float16": lambda weights: weights.update({f"{NAME}:scale": weights[f"{NAME}:scale"].half()}),
    "a scale that is no number": lambda weights: weights[f"{NAME}:scale"].__setitem__(0, torch.nan),
    "a scale below 0": lambda weights: weights[f"{NAME}:scale"].__setitem__(0, -1.0),
    "scales of a matrix of numbers": lambda weights: weights.update({NAME: weights[NAME].half()}),
}


@pytest.mark.parametrize("damage", DAMAGES.values(), ids=DAMAGES)
def test_matrices_and_scales_that_do_not_fit_are_told(damage, small, tmp_path):
    path = small.folder / "weights.safetensors"
    weights = load_file(path)
    damage(weights)
    save_file(weights, path)
    damaged = replace(small, weights_sha256="")
    damaged.save()
    with pytest.raises(BrokenRun, match="do not load"):
        load_network(damaged)
    from kernelviz.library.fitting import check_network

    with pytest.raises(NotImported, match="8 bits|not those of the network"):
        check_network(damaged)
