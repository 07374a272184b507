"""The costs against sums written out, which images reach the decoder as probes, and what takes a gradient."""

import math
from dataclasses import replace

import pytest
import torch

from kernelviz.layers.probe import Probe, gaussian_bump, probes_at_centers
from kernelviz.networks import EmbeddingNetwork
from kernelviz.tasks.objectives import (
    Batch,
    Company,
    cauchy,
    classify,
    neighbour_cost,
    neighbours,
    reconstruct,
    round_trip,
    supervised_neighbours,
)
from kernelviz.training.ranks import ALONE

PROBE = Probe(1.5, 2.0)


@pytest.fixture
def network():
    return EmbeddingNetwork((1, 2, 3), encoder=(5,), decoder=(4,), grid=(6, 6), classes=3)


def batch_of(n, share=0.0, labels=None, seed=0, **others):
    nothing = {name: torch.zeros(0, 36) for name in ("partners", "known", "decoded")}
    nothing |= {"known_labels": torch.zeros(0, dtype=int), "probes": torch.zeros(0, 2)}
    labels = torch.full((n,), -1) if labels is None else torch.tensor(labels)
    return Batch(
        images=torch.rand(n, 1, 2, 3),
        n=n,
        labels=labels,
        labelled=torch.nonzero(labels >= 0)[:, 0],
        n_labelled=int((labels >= 0).sum()),
        scale=15.0,
        probe=PROBE,
        bump_share=share,
        bend=0.0,
        smoothing=0.0,
        generator=torch.Generator().manual_seed(seed),
        ranks=ALONE,
        **nothing | others,
    )


def bernoulli_cost(logits, pixels):
    """Nats per pixel, pixel by pixel."""
    pairs = list(zip(logits.flatten().tolist(), pixels.flatten().tolist(), strict=True))
    on = [1 / (1 + math.exp(-logit)) for logit, _ in pairs]
    return -sum(y * math.log(p) + (1 - y) * math.log(1 - p) for p, (_, y) in zip(on, pairs, strict=True)) / len(pairs)


@pytest.mark.parametrize("share", [0.0, 1.0])
def test_reconstruct_is_the_cross_entropy_of_what_the_decoder_is_shown(network, share):
    batch = batch_of(7, share)
    activation = network.activation(torch.rand(7, 1, 2, 3))
    bumps = network.clip(gaussian_bump(network.coordinates(activation), network.grid, PROBE))
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
    assert torch.equal(shown[0][chosen], probes_at_centers(activation, network.grid, network.clip, PROBE)[chosen])
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
def test_an_image_without_coordinates_keeps_its_own_activation(network, kind):
    activation = network.activation(torch.rand(3, 1, 2, 3)).detach().to(kind)
    activation[1] = 0
    probes = probes_at_centers(activation, network.grid, network.clip, PROBE)
    assert probes.dtype == kind
    assert not probes[1].any()
    for row in (0, 2):
        center = network.coordinates(activation[row : row + 1].float())
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


def similarity(a, b):
    return 1 / (1 + math.dist(a, b) ** 2)


def contrast(z):
    """The mean of -log(q(a, p) / sum of q(a, b)) over all points, the n images first and then their n partners."""
    n, costs = len(z) // 2, []
    for at, point in enumerate(z):
        others = [similarity(point, other) for row, other in enumerate(z) if row != at]
        costs.append(-math.log(similarity(point, z[(at + n) % (2 * n)]) / sum(others)))
    return sum(costs) / len(costs)


def test_neighbours_is_the_cost_written_out_pair_by_pair(network):
    activation, partners = network.activation(torch.rand(10, 1, 2, 3)).chunk(2)
    z = (network.coordinates(torch.cat([activation, partners])) * 15 / network.grid.extent).tolist()
    found = neighbours(network, activation, batch_of(5, partners=partners))
    assert found.item() == pytest.approx(contrast(z), rel=1e-4)


def test_cauchy_of_far_points_and_of_doubles():
    q = cauchy(torch.tensor([[60.0, 60.0], [60.0, 60.0], [-60.0, -60.0]]))
    assert q.diagonal().tolist() == [0, 0, 0]
    assert q[0, 1].item() == pytest.approx(1, abs=5e-3)
    assert q[0, 2].item() == pytest.approx(1 / 28801, rel=1e-3)


def test_cauchy_and_its_gradient_are_the_same_under_autocast():
    z = (40 + torch.rand(50, 2)).requires_grad_()
    gradients = []
    for mixed in (False, True):
        with torch.autocast("cpu", torch.bfloat16, enabled=mixed):
            q = cauchy(z)
        gradients.append(torch.autograd.grad(q.sum(), z)[0])
        assert q.dtype == torch.float32
    assert torch.equal(*gradients)


@pytest.mark.parametrize("mixed", [False, True])
def test_the_company_of_points_and_its_gradient_are_those_of_all_pairs(mixed):
    z, w = (8 * torch.randn(30, 2, dtype=torch.float64)).requires_grad_(), (torch.rand(30) < 0.8).double()
    assert torch.autograd.gradcheck(lambda z: Company.apply(z, w), z)
    assert Company.apply(z, w).tolist() == pytest.approx((cauchy(z) * w).sum(1).tolist())
    z = (40 + z).detach().float().requires_grad_()
    pairs = torch.cat([z, z + torch.rand_like(z)])
    with torch.autocast("cpu", torch.bfloat16, enabled=mixed):
        cost = neighbour_cost(pairs)
    q = 1 / (1 + (pairs[:, None] - pairs).square().sum(2)) - torch.eye(60)
    written_out = (q.sum(1).log().sum() + 2 * torch.log1p((pairs[:30] - pairs[30:]).square().sum(1)).sum()) / 60
    gradients = [torch.autograd.grad(each, z, retain_graph=True)[0] for each in (cost, written_out)]
    torch.testing.assert_close(*gradients, rtol=1e-3, atol=1e-5)


def test_a_pair_without_coordinates_takes_no_part_in_neighbours(network):
    activation, partners = (part.detach().clone() for part in network.activation(torch.rand(8, 1, 2, 3)).chunk(2))
    activation[1], partners[2] = 0, 0
    whole = neighbours(network, activation, batch_of(4, partners=partners))
    rest = [0, 3]
    few = neighbours(network, activation[rest], batch_of(2, partners=partners[rest]))
    assert whole.item() == pytest.approx(few.item())


def test_a_batch_without_any_coordinates_costs_nothing_and_can_still_be_trained_on(network):
    nothing = torch.zeros(4, 36, requires_grad=True)
    loss = neighbours(network, nothing, batch_of(4, partners=torch.zeros(4, 36)))
    loss.backward()
    assert loss.item() == 0 and not nothing.grad.any()


def test_supervised_neighbours_is_the_cost_written_out_pair_by_pair(network):
    labels = [0, 1, 0, 2, 1, 0]  # the 2 has no company
    known = network.activation(torch.rand(6, 1, 2, 3))
    z = (network.coordinates(known) * 15 / network.grid.extent).tolist()
    costs = []
    for at, label in enumerate(labels):
        others = [(labels[row], similarity(z[at], z[row])) for row in range(6) if row != at]
        if same := sum(q for other, q in others if other == label):
            costs.append(-math.log(same / sum(q for _, q in others)))
    assert len(costs) == 5
    found = supervised_neighbours(network, known, batch_of(6, known=known, known_labels=torch.tensor(labels)))
    assert found.item() == pytest.approx(sum(costs) / 5, rel=1e-4)


@pytest.mark.parametrize("labels", [[], [3], [0, 1, 2]], ids=str)
def test_supervised_neighbours_costs_nothing_without_two_of_one_class(network, labels):
    known = network.activation(torch.rand(4, 1, 2, 3))[: len(labels)]
    activation = network.activation(torch.rand(4, 1, 2, 3))
    loss = supervised_neighbours(
        network, activation, batch_of(4, known=known, known_labels=torch.tensor(labels, dtype=int))
    )
    loss.backward()
    assert loss.item() == 0
    assert all(weight.grad is None or not weight.grad.any() for weight in network.parameters())


def test_an_image_without_coordinates_takes_no_part_in_supervised_neighbours(network):
    known, labels = network.activation(torch.rand(5, 1, 2, 3)).detach().clone(), torch.tensor([0, 0, 1, 1, 0])
    known[1] = 0
    rest = [0, 2, 3, 4]
    whole = supervised_neighbours(network, known, batch_of(5, known=known, known_labels=labels))
    few = supervised_neighbours(network, known[rest], batch_of(4, known=known[rest], known_labels=labels[rest]))
    assert whole.item() == pytest.approx(few.item())


def test_round_trip_is_how_far_from_the_probes_the_decoded_images_are_embedded(network):
    decoded, probes = network.activation(torch.rand(6, 1, 2, 3)), torch.rand(6, 2)
    found_at = network.coordinates(decoded).tolist()
    costs = [math.log(1 + (15 / 4 * math.dist(a, b)) ** 2) for a, b in zip(found_at, probes.tolist(), strict=True)]
    found = round_trip(network, decoded, batch_of(6, decoded=decoded, probes=probes))
    assert found.item() == pytest.approx(sum(costs) / 6, rel=1e-4)


def test_a_decoded_image_without_coordinates_takes_no_part_in_round_trip(network):
    decoded, probes = network.activation(torch.rand(4, 1, 2, 3)).detach().clone(), torch.rand(4, 2)
    decoded[2] = 0
    rest = [0, 1, 3]
    whole = round_trip(network, decoded, batch_of(4, decoded=decoded, probes=probes))
    few = round_trip(network, decoded, batch_of(3, decoded=decoded[rest], probes=probes[rest]))
    assert whole.item() == pytest.approx(few.item())
    nothing = torch.zeros(4, 36, requires_grad=True)
    loss = round_trip(network, nothing, batch_of(4, decoded=nothing, probes=probes))
    loss.backward()
    assert loss.item() == 0 and not nothing.grad.any()


@pytest.fixture
def canonical():
    """A network whose decoder takes canonical bumps."""
    return EmbeddingNetwork((1, 2, 3), encoder=(5,), decoder=(4,), grid=(6, 6), canonical=0.9)


def test_with_a_canonical_bump_the_decoder_sees_only_that(canonical):
    activation = canonical.activation(torch.rand(7, 1, 2, 3))
    bumps = canonical.clip(gaussian_bump(canonical.coordinates(activation), canonical.grid, Probe(0.9, 1.0)))
    torch.testing.assert_close(canonical.code(activation), bumps)
    batch = batch_of(7, share=0.0)
    expected = bernoulli_cost(canonical.pixel_logits(bumps), batch.images)
    assert reconstruct(canonical, activation, batch).item() == pytest.approx(expected, 1e-5)


def test_a_decoder_of_canonical_bumps_does_not_bend_the_map(canonical):
    reconstruct(canonical, canonical.activation(torch.rand(8, 1, 2, 3)), batch_of(8)).backward()
    assert all(weight.grad is None or not weight.grad.any() for weight in canonical.encoder.parameters())
    assert canonical.kernel_layer.u.grad is None and canonical.decoder[0].weight.grad.any()


def test_a_decoder_of_canonical_bumps_bends_the_map_as_far_as_it_is_told(canonical):
    images = torch.rand(8, 1, 2, 3)
    bent = {}
    for bend in (1.0, 3.0):
        canonical.zero_grad()
        batch = replace(batch_of(8), images=images, bend=bend)
        reconstruct(canonical.eval(), canonical.activation(images), batch).backward()
        bent[bend] = (canonical.kernel_layer.u.grad.clone(), canonical.decoder[0].weight.grad.clone())
    assert bent[1.0][0].any()
    torch.testing.assert_close(bent[3.0][0], 3 * bent[1.0][0])
    torch.testing.assert_close(bent[3.0][1], bent[1.0][1])


def test_an_activation_of_zeros_does_not_spoil_the_gradient_of_the_others(canonical):
    activation = canonical.eval().activation(torch.rand(4, 1, 2, 3)).detach()
    activation[1] = 0
    activation.requires_grad_()
    reconstruct(canonical, activation, replace(batch_of(4), bend=1.0)).backward()
    assert activation.grad.isfinite().all() and activation.grad[0].any() and not activation.grad[1].any()
