"""Spectra by hand and by plain linear algebra."""

import numpy as np
import pytest
import torch

from kernelviz.layers import KernelLinear
from kernelviz.layers.kernels import KERNELS, DotProduct, Gaussian, Polynomial, Tanh
from kernelviz.layers.spectra import break_even, effective_rank, gram_spectrum, singular_values, stored


@pytest.fixture
def locations():
    return torch.randn(60, 2, generator=torch.Generator().manual_seed(0))


@pytest.mark.parametrize("name", KERNELS)
def test_a_kernel_that_says_so_has_no_negative_eigenvalue(name, locations):
    kernel = KERNELS[name]()
    if kernel.positive_semidefinite:
        assert gram_spectrum(kernel, locations).positive_semidefinite


def test_tanh_has_negative_eigenvalues(locations):
    spectrum = gram_spectrum(Tanh(), 2 * locations)
    assert spectrum.values[-1] < -0.01 and not spectrum.positive_semidefinite
    assert spectrum.values.tolist() == sorted(spectrum.values, reverse=True)


def test_dimensions_of_feature_space(locations):
    assert gram_spectrum(DotProduct(), locations).dimensions == 2
    assert gram_spectrum(Polynomial(2), locations).dimensions == 6  # (d + 1)(d + 2) / 2
    assert gram_spectrum(Gaussian(), locations).dimensions > 40


def test_singular_values_are_those_of_the_weight():
    torch.manual_seed(0)
    layer = KernelLinear(12, 9, 2, Gaussian())
    np.testing.assert_allclose(singular_values(layer), np.linalg.svd(layer.weight().detach().numpy())[1], rtol=1e-4)


def test_effective_rank_by_hand():
    assert effective_rank(np.array([10.0, 1.0, 0.1])) == 1  # 100 of 101.01 is 0.99 of it, rounded up
    assert effective_rank(np.array([3.0, 3.0, 3.0])) == 3
    assert effective_rank(np.array([1.0, 0.0, 0.0])) == 1


def test_what_it_takes_to_store_a_layer():
    assert stored(2500, 1600, 2) == (8200, 4_000_000)
    assert break_even(2500, 1600) == pytest.approx(975.6, abs=0.1)
    few, many = stored(30, 20, int(break_even(30, 20)))
    assert few <= many
