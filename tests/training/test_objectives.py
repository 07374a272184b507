"""The costs against sums written out, which images reach the decoder as probes, and what takes a gradient."""

import math

import pytest
import torch

from kernelviz.networks import EmbeddingNetwork
from kernelviz.probe import Probe, gaussian_bump
from kernelviz.training.objectives import Batch, classify, probes_at_centers, reconstruct

PROBE = Probe(1.5, 2.0)


@pytest.fixture
def network():
    return EmbeddingNetwork((1, 2, 3), encoder=(5,), decoder=(4,), grid=(6, 6), classes=3)


def batch_of(n, share=0.0, labels=None, seed=0):
    labels = torch.full((n,), -1) if labels is None else torch.tensor(labels)
    return Batch(torch.rand(n, 1, 2, 3), labels, PROBE, share, torch.Generator().manual_seed(seed))


def bernoulli_cost(logits, pixels):
    """Nats per pixel, pixel by pixel."""
    pairs = list(zip(logits.flatten().tolist(), pixels.flatten().tolist(), strict=True))
    on = [1 / (1 + math.exp(-logit)) for logit, _ in pairs]
    return -sum(y * math.log(p) + (1 - y) * math.log(1 - p) for p, (_, y) in zip(on, pairs, strict=True)) / len(pairs)


@pytest.mark.parametrize("share", [0.0, 1.0])
def test_reconstruct_is_the_cross_entropy_of_what_the_decoder_is_shown(network, share):
    batch = batch_of(7, share)
    activation = network.activation(torch.rand(7, 1, 2, 3))
    bumps = network.clip(gaussian_bump(network.place(activation), network.grid, PROBE))
    logits = network.pixel_logits(bumps if share else activation)
    assert reconstruct(network, activation, batch).item() == pytest.approx(bernoulli_cost(logits, batch.images), 1e-5)


def test_exactly_the_chosen_share_is_shown_as_probes(network):
    n, share = 2000, 0.4
    shown = []
    network.decoder.register_forward_pre_hook(lambda _, inputs: shown.append(inputs[0].detach()))
    activation = network.activation(torch.rand(n, 1, 2, 3)).detach()
    reconstruct(network, activation, batch_of(n, share, seed=5))
    chosen = torch.rand(n, generator=torch.Generator().manual_seed(5)) < share
    assert torch.equal(shown[0][~chosen], activation[~chosen])
    assert torch.equal(shown[0][chosen], probes_at_centers(network, activation, PROBE)[chosen])
    assert chosen.float().mean() == pytest.approx(share, abs=0.04)  # 3.6 standard deviations


def test_no_gradient_flows_through_the_center_of_mass(network):
    reconstruct(network, network.activation(torch.rand(8, 1, 2, 3)), batch_of(8, share=1.0)).backward()
    before = [*network.encoder.parameters(), *network.kernel_layer.parameters()]
    assert all(weight.grad is None or not weight.grad.any() for weight in before)
    assert all(weight.grad.any() for weight in network.decoder[-1].parameters())


def test_the_gradient_flows_through_the_activations_own_form(network):
    reconstruct(network, network.activation(torch.rand(8, 1, 2, 3)), batch_of(8, share=0.0)).backward()
    assert network.kernel_layer.u.grad.any() and network.kernel_layer.alpha.grad.any()


@pytest.mark.parametrize("kind", [torch.float32, torch.bfloat16])
def test_an_image_without_a_place_keeps_its_own_activation(network, kind):
    activation = network.activation(torch.rand(3, 1, 2, 3)).detach().to(kind)
    activation[1] = 0
    probes = probes_at_centers(network, activation, PROBE)
    assert probes.dtype == kind
    assert not probes[1].any()
    for row in (0, 2):
        center = network.place(activation[row : row + 1].float())
        expected = network.clip(gaussian_bump(center, network.grid, PROBE))[0]
        torch.testing.assert_close(probes[row], expected.to(kind))


def test_a_batch_with_an_unplaced_image_has_a_finite_cost_and_gradient(network):
    activation = network.activation(torch.rand(3, 1, 2, 3)) * torch.tensor([[1.0], [0.0], [1.0]])
    loss = reconstruct(network, activation, batch_of(3, share=1.0))
    loss.backward()
    assert loss.isfinite()
    assert all(weight.grad.isfinite().all() for weight in network.parameters() if weight.grad is not None)


def test_classify_is_the_cross_entropy_of_the_labelled_images(network):
    labels = [2, -1, 0, -1]
    activation = network.activation(torch.rand(4, 1, 2, 3))
    logits = network.class_logits(activation).tolist()
    costs = [math.log(sum(map(math.exp, logits[at]))) - logits[at][label] for at, label in ((0, 2), (2, 0))]
    found = classify(network, activation, batch_of(4, labels=labels))
    assert found.item() == pytest.approx(sum(costs) / 2, rel=1e-5)


def test_an_unlabelled_image_takes_no_part_in_classify(network):
    activation = network.activation(torch.rand(4, 1, 2, 3)).detach().requires_grad_()
    classify(network, activation, batch_of(4, labels=[2, -1, 0, -1])).backward()
    assert activation.grad.any(1).tolist() == [True, False, True, False]


def test_a_batch_without_a_label_costs_nothing_and_can_still_be_trained_on(network):
    loss = classify(network, network.activation(torch.rand(4, 1, 2, 3)), batch_of(4))
    assert loss.item() == 0
    loss.backward()
    assert all(weight.grad is None or not weight.grad.any() for weight in network.parameters())
