"""The recommender: sparse products are dense ones, costs and counts are the paper's, and its start is the author's."""

import numpy as np
import pytest
import torch
from scipy import sparse
from torch.nn import functional

from kernelviz.networks.recommender import KINDS, Recommender, rating_matrix, root_mean_square_error

USERS, ITEMS = 7, 5


@pytest.fixture
def ratings():
    generator = np.random.default_rng(0)
    values = generator.integers(1, 6, (ITEMS, USERS)) * (generator.random((ITEMS, USERS)) < 0.5)
    values[2] = 0  # an item that nobody rated
    return sparse.csr_matrix(values.astype(np.float32))


def dense(network, values):
    """h(r) by the book: Eq. (13)."""
    hidden = values
    for at, (layer, weight) in enumerate(zip(network.layers, network.weights(), strict=True)):
        hidden = hidden @ weight + layer.bias
        hidden = hidden if at == len(network.layers) - 1 else torch.sigmoid(hidden)
    return hidden


def new(kind, hidden=(4, 3)):
    torch.manual_seed(1)
    network = Recommender(USERS, kind, hidden)
    for layer in network.layers:  # away from the start, where all gates are open and every bias is zero
        torch.nn.init.normal_(layer.bias)
        if kind == "sparse-fc":
            torch.nn.init.normal_(layer.u, std=0.3)
    return network


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("hidden", [(4,), (4, 3)], ids=str)
def test_predictions_and_gradients_are_those_of_the_dense_network(kind, hidden, ratings):
    network, given = new(kind, hidden), torch.from_numpy(ratings.toarray())
    wanted = dense(network, given)
    errors = (wanted - given)[given > 0]
    gradients = torch.autograd.grad(errors.square().sum(), network.parameters())
    shown = rating_matrix(ratings)
    predicted = network(shown, shown)
    torch.testing.assert_close(predicted, wanted[given > 0])
    ours = torch.autograd.grad((predicted - shown.values).square().sum(), network.parameters())
    for own, other in zip(ours, gradients, strict=True):
        torch.testing.assert_close(own, other, rtol=1e-4, atol=1e-5)


def test_other_entries_than_the_given_ones_can_be_asked_for(ratings):
    network = new("autorec")
    asked = sparse.csr_matrix((np.ones(2, np.float32), ([2, 4], [6, 0])), shape=ratings.shape)
    wanted = dense(network, torch.from_numpy(ratings.toarray()))
    torch.testing.assert_close(network(rating_matrix(ratings), rating_matrix(asked)), wanted[[2, 4], [6, 0]])


def test_the_transpose_has_the_same_ratings(ratings):
    shown = rating_matrix(ratings)
    assert torch.equal(shown.transpose.to_dense(), shown.matrix.to_dense().T)
    doubled = shown.with_values(2 * shown.values)
    assert torch.equal(doubled.transpose.to_dense(), 2 * shown.matrix.to_dense().T)


def test_the_penalty_has_the_halves_of_the_authors_code():
    network = new("sparse-fc", (4,))
    wanted = sum(0.3 * layer.alpha.square().sum() + 0.05 * layer.gate().square().sum() for layer in network.layers)
    torch.testing.assert_close(network.penalty(network.weights(), 0.6, 0.1), wanted)
    for kind in ("autorec", "kernelnet"):
        network = new(kind, (4,))
        wanted = sum(0.3 * weight.square().sum() for weight in network.weights())
        torch.testing.assert_close(network.penalty(network.weights(), 0.6, 0.1), wanted)


@pytest.mark.parametrize(
    "kind, layers, parameters, macs",
    [
        ("autorec", 1, 6.05e6, 3.03e6),
        ("autorec", 2, 6.30e6, 3.28e6),
        ("kernelnet", 1, 0.67e6, 3.03e6),
        ("kernelnet", 2, 0.72e6, 3.28e6),
    ],
)
def test_parameters_and_macs_are_counted_as_table_4_does(kind, layers, parameters, macs):
    network = Recommender(6040, kind, (500,) * layers)
    assert sum(weight.numel() for weight in network.parameters()) == pytest.approx(parameters, abs=5.1e3)
    assert network.macs() == pytest.approx(macs, abs=5.1e3)


def test_closed_gates_cost_nothing():
    network = Recommender(100, "sparse-fc", (10,))
    assert network.density() == 1.0 and network.macs() == 10 * 10 + 10 * 100
    with torch.no_grad():
        network.layers[1].v[:25] += 5  # out of reach of every hidden unit
    assert network.density() == pytest.approx(0.875)
    assert network.macs() == 10 * 10 + 10 * 75
    assert network.layers[1].dead() == pytest.approx(25 / 110)


def test_a_gated_layer_as_a_sparse_matrix_does_the_same():
    layer = new("sparse-fc").layers[0]
    with torch.no_grad():
        layer.u[:3] += 5
    x = torch.rand(6, USERS)
    matrix = layer.to_sparse()
    assert len(matrix.values()) == round(layer.density() * USERS * 4) < USERS * 4
    torch.testing.assert_close((matrix @ x.T).T + layer.bias, functional.linear(x, layer.weight().T, layer.bias))


def test_the_error_is_that_of_predictions_within_the_range():
    predicted, given = torch.tensor([0.0, 3.0, 9.0]), torch.tensor([1.0, 5.0, 5.0])
    assert root_mean_square_error(predicted, given, (1.0, 5.0)) == pytest.approx((4 / 3) ** 0.5)


def test_an_unknown_kind_is_refused():
    with pytest.raises(ValueError, match="one of autorec, kernelnet, sparse-fc, not 'dense'"):
        Recommender(5, "dense")
