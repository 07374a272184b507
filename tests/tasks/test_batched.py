"""Networks that are trained at once learn what each would learn alone."""

import numpy as np
import pytest
import torch

from kernelviz.layers.kernels import DotProduct, Gaussian, Polynomial
from kernelviz.networks.kernelized import KernelizedNetwork
from kernelviz.tasks.batched import BatchedNetworks, BatchedTask
from kernelviz.training.loop import Training, one_cycle
from kernelviz.training.task import Schedule


def networks(n, kernel=None, dim=3):
    torch.manual_seed(0)
    return [KernelizedNetwork((64, 12, 10), 4, kernel or Gaussian(), dim) for _ in range(n)]


@pytest.fixture
def blobs():
    """Four clouds of 8 x 8 images, and which cloud each is of."""
    generator = torch.Generator().manual_seed(1)
    labels = torch.arange(400) % 4
    middles = torch.rand(4, 1, 8, 8, generator=generator)
    return middles[labels] + 0.2 * torch.randn(400, 1, 8, 8, generator=generator), labels


def learn(some, blobs, epochs=2, rate=0.01, l2=1e-4):
    task = BatchedTask(some, *blobs, Schedule(epochs=epochs, batch=20, rate=rate, mixed=False), l2, seed=2)
    for _ in Training(task, 0, "cpu").run():
        pass
    return task


def test_batched_networks_give_what_each_gives_alone(blobs):
    alone = networks(3)
    images = blobs[0][:30].unflatten(0, (3, 10))
    for said, network, own in zip(BatchedNetworks(alone)(images), alone, images, strict=True):
        torch.testing.assert_close(said, network(own))


def test_the_only_one_learns_as_adam_with_a_penalty_has_it(blobs):
    (network,) = networks(1)
    task = learn([network], blobs)
    optimizer = torch.optim.Adam(network.parameters(), weight_decay=1e-4)
    for step in range(40):
        epoch, position = divmod(step, 20)
        order = np.array_split(np.random.default_rng((0, epoch)).permutation(400), 20)[position]
        chosen = task.orders[0][torch.from_numpy(order)]
        optimizer.param_groups[0]["lr"] = one_cycle(step, 40, 0.01)
        optimizer.zero_grad()
        torch.nn.functional.cross_entropy(network(blobs[0][chosen]), blobs[1][chosen]).backward()
        optimizer.step()
    for stacked, weights in zip(task.network.stacked, network.parameters(), strict=True):
        torch.testing.assert_close(stacked[0], weights, atol=2e-5, rtol=2e-4)


def test_each_has_its_own_order(blobs):
    task = learn(networks(2), blobs, epochs=1)
    assert not torch.equal(*task.orders) and [order.sort().values.tolist() for order in task.orders] == 2 * [
        [*range(400)]
    ]


@pytest.mark.parametrize("kernel", [DotProduct(), Polynomial(2), Gaussian()], ids=lambda kernel: type(kernel).__name__)
@pytest.mark.parametrize("dim", [1, 5, 50])
def test_every_kernel_learns_in_every_dimension(kernel, dim, blobs):
    accuracies = learn(networks(2, kernel, dim), blobs, epochs=10, rate=0.02).accuracies(*blobs)
    assert len(accuracies) == 2 and min(accuracies) > 0.4  # chance is 0.25


def test_at_the_start_units_vary_by_one():
    for kernel in (DotProduct(), Polynomial(2), Gaussian()):
        for dim in (1, 2, 10, 50):
            torch.manual_seed(dim)
            layer = KernelizedNetwork((400, 300), 2, kernel, dim).layers[1]
            out = layer(torch.randn(200, 400))
            assert 0.6 < (out - out.mean(1, keepdim=True)).std() < 1.6
