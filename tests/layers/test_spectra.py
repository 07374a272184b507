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


@pytest.mark.parametrize("name", [name for name, kernel in KERNELS.items() if kernel.positive_semidefinite])
def test_a_kernel_that_says_so_has_no_negative_eigenvalue(name, locations):
    spectrum = gram_spectrum(KERNELS[name](), locations)
    assert spectrum.positive_semidefinite and spectrum.values[-1] > -1e-9 * spectrum.values[0]
    own = [KERNELS[name]()(one[None], one[None]).item() for one in locations.double()]
    assert spectrum.values.sum() == pytest.approx(sum(own))  # the trace: K(u, u) of each location


def test_tanh_has_negative_eigenvalues(locations):
    spectrum = gram_spectrum(Tanh(), 2 * locations)
    assert spectrum.values[-1] < -0.01 and not spectrum.positive_semidefinite
    assert spectrum.values.tolist() == sorted(spectrum.values, reverse=True)


def test_dimensions_of_feature_space(locations):
    assert gram_spectrum(DotProduct(), locations).dimensions == 2
    assert gram_spectrum(Polynomial(2), locations).dimensions == 6  # (d + 1)(d + 2) / 2
    assert gram_spectrum(Gaussian(), locations).dimensions > 40


def test_singular_values_by_hand():
    u, v = torch.tensor([[3.0, 0.0], [0.0, 4.0]]), torch.tensor([[2.0, 0.0], [0.0, 0.0], [0.0, -5.0]])
    layer = KernelLinear(2, 3, 2, DotProduct(), u=u, v=v, learn_alpha=False)  # weight [[6, 0, 0], [0, 0, -20]]
    np.testing.assert_allclose(singular_values(layer), [20, 6], rtol=1e-6)


def test_effective_rank_by_hand():
    assert effective_rank(np.array([10.0, 1.0, 0.1])) == 1  # 100 of 101.01 is 0.99 of it, rounded up
    assert effective_rank(np.array([3.0, 3.0, 3.0])) == 3
    assert effective_rank(np.array([1.0, 0.0, 0.0])) == 1


def test_what_it_takes_to_store_a_layer():
    assert stored(2500, 1600, 2) == (8200, 4_000_000)
    assert break_even(2500, 1600) == pytest.approx(975.6, abs=0.1)
    assert break_even(30, 20) == 12
    assert [stored(30, 20, dim)[0] for dim in (11, 12, 13)] == [550, 600, 650] and stored(30, 20, 12)[1] == 600
