"""The loop: the same seed gives the same weights, it learns, its history says so, and it stops where it must."""

from contextlib import nullcontext
from dataclasses import replace

import numpy as np
import pytest
import torch

from kernelviz.data.batches import Jitter, jitter, pixels
from kernelviz.layers.probe import Probe, gaussian_bump
from kernelviz.networks.devices import mixed_precision
from kernelviz.tasks.embedding import EmbeddingRecipe
from kernelviz.tasks.objectives import OBJECTIVES, reconstruct
from kernelviz.training.loop import TrainingStopped, one_cycle
from kernelviz.training.session import new_training

SMALL = {"encoder": (30, 40), "decoder": (30,), "grid": (12, 12)}
SHORT = EmbeddingRecipe(data="digits", network=SMALL, epochs=2, batch=256, rate=5e-3, mixed=False)  # 5 steps an epoch


@pytest.fixture
def targets(monkeypatch):
    """The images of every batch, as its objective gets them."""
    seen = []

    def spy(network, activation, batch):
        seen.append(batch.images)
        return reconstruct(network, activation, batch)

    monkeypatch.setitem(OBJECTIVES, "reconstruct", spy)
    return seen


def rows(images):
    """Each image as something to put into a set."""
    return {tuple(image) for image in images.flatten(1).tolist()}


def trained(recipe, images, seed=0):
    training = new_training(recipe, images, seed, "cpu")
    for _ in training.run():
        pass
    return training


def same(one, other):
    """Bitwise."""
    pairs = zip(one.network.state_dict().values(), other.network.state_dict().values(), strict=True)
    return [torch.equal(a, b) for a, b in pairs]


@pytest.mark.parametrize("changes", [{}, {"jitter": Jitter(0.1)}, {"mixed": True}, {"bump_share": 1.0}], ids=str)
def test_the_same_seed_gives_bitwise_the_same_weights(digits, changes):
    recipe = replace(SHORT, **changes)
    first = trained(recipe, digits)
    torch.rand(1)  # what else asks for random numbers in between does not matter
    assert all(same(first, trained(recipe, digits)))


def test_another_seed_gives_other_weights_and_another_order(digits, targets):
    one, other = (new_training(SHORT, digits, seed, "cpu") for seed in (0, 1))
    assert not torch.equal(one.network.encoder[1].weight, other.network.encoder[1].weight)
    assert not torch.equal(one.network.kernel_layer.u, other.network.kernel_layer.u)
    next(one.run()), next(other.run())
    assert not torch.equal(*targets)


def test_training_leaves_torchs_own_generator_alone(digits):
    before = torch.get_rng_state()
    trained(replace(SHORT, epochs=1), digits)
    assert torch.equal(before, torch.get_rng_state())


def test_an_epoch_shows_every_training_image_once(digits, targets):
    training = trained(replace(SHORT, epochs=1), digits)
    shown = torch.cat(targets[: training.batches])  # the validation images come after them
    assert len(shown) == len(training.task.images) == 1250
    assert rows(shown) == rows(pixels(training.task.images))


def test_the_loss_falls_and_the_map_rises_from_where_it_started(autoencoder, digits, tiny):
    untrained = new_training(tiny, digits, 0, "cpu")._validate()
    history = autoencoder.history
    assert [row["epoch"] for row in history] == list(range(1, 9))
    assert history[0]["loss"] == pytest.approx(np.log(2), abs=0.02)  # a decoder that knows nothing
    assert history[-1]["loss"] < 0.4 and history[-1]["validation_loss"] < 0.4
    assert untrained["validation_5nn"] < 0.4
    assert history[-1]["validation_5nn"] > 0.55


def test_a_class_head_learns_the_labels(classifier):
    assert classifier.history[0]["validation_accuracy"] < classifier.history[-1]["validation_accuracy"]
    assert classifier.history[-1]["validation_accuracy"] > 0.6  # chance is 0.1


def test_a_row_of_the_history_is_the_mean_of_its_steps(digits):
    training = new_training(SHORT, digits, 0, "cpu")
    before, losses = 0.0, []
    for progress in training.run():
        if progress.step % training.batches:
            losses.append(progress.loss_sum - before)
            before = progress.loss_sum
        elif progress.step == training.batches:
            break
    row = training.progress.history[0]
    assert row["loss"] * training.batches > sum(losses)  # the last step is in it too
    assert row["loss"] == pytest.approx(np.mean(losses), abs=0.02)
    assert row["images_per_second"] == pytest.approx(1250 / row["seconds"])
    assert (training.progress.loss_sum, training.progress.seconds) == (0, 0)


def test_the_validation_metrics_are_those_of_the_validation_images(digits):
    broad = replace(SHORT, bump_share=0.0, network=SMALL | {"sparsity": 0.7})  # broad bumps: no equal coordinates
    training = new_training(broad, digits, 0, "cpu")
    found = training._validate()
    pictures, labels = digits.split("validation")
    with torch.no_grad():
        network = training.network.eval()
        activation = network.activation(pixels(pictures))
        logits = network.pixel_logits(activation)
        loss = torch.nn.functional.binary_cross_entropy_with_logits(logits, pixels(pictures))
        known, asked = (network.coordinates(network.activation(pixels(p))) for p in (training.task.images, pictures))
    nearest = torch.cdist(asked.double(), known.double()).topk(5, largest=False).indices
    votes = [np.bincount(training.task.labels[row]).argmax() for row in nearest.numpy()]
    assert found["validation_loss"] == pytest.approx(loss.item(), rel=1e-5)
    assert found["validation_5nn"] == np.mean(votes == labels)


def test_after_an_epoch_the_network_is_still_in_training_mode(digits):
    training = new_training(SHORT, digits, 0, "cpu")
    training._validate()
    assert training.network.training


def test_images_without_labels_are_trained_on_without_a_5nn_metric(digits):
    unlabelled = replace(digits, classes=(), train_labels=np.full(1500, -1), test_labels=np.full(297, -1))
    row = trained(replace(SHORT, epochs=1), unlabelled).progress.history[0]
    assert "validation_loss" in row and "validation_5nn" not in row


def test_to_classify_images_without_labels_is_refused(digits):
    unlabelled = replace(digits, classes=(), train_labels=np.full(1500, -1), test_labels=np.full(297, -1))
    with pytest.raises(ValueError, match="'digits' has no labels to classify"):
        new_training(replace(SHORT, objectives={"classify": 1.0}), unlabelled, 0, "cpu")


def test_five_images_have_no_validation_part_and_can_be_trained_on(digits):
    few = replace(digits, train_images=digits.train_images[:5], train_labels=digits.train_labels[:5])
    row = trained(replace(SHORT, epochs=1), few).progress.history[0]
    assert "loss" in row and "validation_loss" not in row


def test_one_cycle_at_its_start_its_peak_and_its_end():
    rates = [one_cycle(step, 100, 0.5) for step in range(101)]
    assert rates[0] == pytest.approx(0.5 / 25)
    assert rates[15] == pytest.approx(0.5 * (0.04 + 0.96 / 2))  # halfway up
    assert rates[30] == pytest.approx(0.5, rel=2e-4)
    assert rates[65] == pytest.approx(0.25, rel=3e-4)  # halfway down
    assert rates[100] == pytest.approx(0.5e-4)
    assert rates[:31] == sorted(rates[:31]) and rates[30:] == sorted(rates[30:], reverse=True)


def test_every_step_has_the_rate_of_the_cycle(digits):
    training = new_training(SHORT, digits, 0, "cpu")
    for progress in training.run():
        wanted = one_cycle(progress.step - 1, 10, SHORT.rate)
        assert [group["lr"] for group in training.optimizer.param_groups] == 2 * [wanted]


def test_jitter_shifts_by_at_most_the_share():
    dot = torch.zeros(500, 1, 21, 21)
    dot[:, 0, 10, 10] = 1
    moved = jitter(dot, Jitter(shift=0.2), torch.Generator().manual_seed(0))[:, 0]
    axis = torch.arange(21.0) - 10
    shift = torch.stack([moved.sum(1) @ axis, moved.sum(2) @ axis], 1) / moved.sum((1, 2))[:, None]
    assert shift.abs().max() <= 0.2 * 21 + 1e-3
    assert (shift.abs().amax(0) > 0.19 * 21).all() and (shift.mean(0).abs() < 0.4).all()  # all of it is used


def test_whole_pixels_and_mirrors_are_cut_out_of_a_black_surround():
    images = torch.rand(400, 3, 6, 5)
    moved = jitter(images, Jitter(pixels=2, mirror=True), torch.Generator().manual_seed(0))
    padded = torch.nn.functional.pad(images, (2, 2, 2, 2))
    found = set()
    for one, of in zip(moved, padded, strict=True):
        cuts = {
            (top, left, mirrored): cut.flip(-1) if mirrored else cut
            for top in range(5)
            for left in range(5)
            for mirrored in (False, True)
            for cut in [of[:, top : top + 6, left : left + 5]]
        }
        shifts = [shift for shift, cut in cuts.items() if torch.equal(one, cut)]
        assert len(shifts) == 1
        found |= set(shifts)
    assert len(found) == 50  # every shift, mirrored or not


def test_a_jitter_in_pixels_is_a_whole_number_from_nothing_on():
    with pytest.raises(ValueError, match="whole pixels from 0"):
        Jitter(pixels=-1)


def test_no_jitter_is_no_change():
    images = torch.rand(3, 1, 5, 5)
    assert jitter(images, Jitter(), torch.Generator()) is images


def test_jitter_leaves_the_target_alone(digits, targets):
    seen = []
    training = new_training(replace(SHORT, jitter=Jitter(0.2)), digits, 0, "cpu")
    training.network.encoder.register_forward_pre_hook(lambda _, inputs: seen.append(inputs[0]))
    next(training.run())
    originals = rows(pixels(training.task.images))
    assert rows(targets[0]) <= originals
    assert not rows(seen[0]) & originals


@pytest.mark.parametrize("wanted", [True, False])
@pytest.mark.parametrize("has_it", [True, False])
def test_mixed_precision_only_when_wanted_and_there(monkeypatch, wanted, has_it):
    monkeypatch.setattr(torch.cpu, "_is_avx512_bf16_supported", lambda: has_it)
    monkeypatch.setattr(torch.cpu, "_is_amx_tile_supported", lambda: False)
    context = mixed_precision(wanted, "cpu")
    assert isinstance(context, torch.autocast if wanted and has_it else nullcontext)
    with context:
        kind = (torch.ones(2, 2) @ torch.ones(2, 2)).dtype
    assert kind == (torch.bfloat16 if wanted and has_it else torch.float32)


def test_a_loss_that_is_not_finite_stops_with_epoch_step_and_checkpoint(digits):
    training = new_training(SHORT, digits, 0, "cpu")
    with pytest.raises(TrainingStopped) as stopped:
        for progress in training.run():
            if progress.step == 7:  # 5 steps an epoch
                training.network.kernel_layer.alpha.data[0] = torch.nan
    assert str(stopped.value) == (
        "the loss became nan in epoch 2, step 3 of 5; the checkpoint after epoch 1 is kept. "
        "Train again with a lower rate than 0.005"
    )
    assert training.progress.step == 7


def test_before_the_first_epoch_ends_there_is_no_checkpoint_to_name(digits):
    training = new_training(SHORT, digits, 0, "cpu")
    training.network.kernel_layer.alpha.data[0] = torch.inf
    with pytest.raises(TrainingStopped, match="in epoch 1, step 1 of 5; there was no checkpoint yet"):
        next(training.run())


def test_a_rate_far_too_high_stops_too(digits):
    with pytest.raises(TrainingStopped, match="in epoch 1, step 5 of 5; .* lower rate than 1000000"):
        trained(replace(SHORT, rate=1e6), digits)


NEAR = replace(
    SHORT,
    network=SMALL | {"canonical": 0.9, "sparsity": 0.5},
    objectives={"neighbours": 1.0, "reconstruct": 1.0},
    scale=15.0,
)


def test_with_neighbours_the_same_seed_gives_bitwise_the_same_weights(digits):
    recipe = replace(NEAR, jitter=Jitter(0.05, 10.0, 0.1))
    assert all(same(trained(recipe, digits), trained(recipe, digits)))


def test_a_partner_is_a_neighbour_or_the_image_itself(digits):
    training = new_training(NEAR, digits, 0, "cpu")
    part, chosen = training.task.train, np.arange(200)
    seen = [part.rows(chosen, torch.Generator().manual_seed(seed))[1] for seed in range(100)]
    for row in (0, 7, 199):
        assert {int(partners[row]) for partners in seen} == {row, *part.graph[row].tolist()}


def test_only_the_partner_is_jittered(digits):
    seen = []
    training = new_training(replace(NEAR, jitter=Jitter(0.2)), digits, 0, "cpu")
    training.network.encoder.register_forward_pre_hook(lambda _, inputs: seen.append(inputs[0]))
    next(training.run())
    originals = rows(pixels(training.task.images))
    shown, partners = seen[0].chunk(2)
    assert rows(shown) <= originals and not rows(partners) & originals


def test_no_validation_or_test_image_is_a_partner(digits):
    training = new_training(NEAR, digits, 0, "cpu")
    for part, n in ((training.task.train, 1250), (training.task.validation, 250)):
        assert part.graph.shape == (n, 15) and part.graph.max() < n


def test_without_neighbours_and_supervised_neighbours_nothing_is_looked_for(digits):
    chosen, partners, known = new_training(SHORT, digits, 0, "cpu").task.train.rows(np.arange(9), torch.Generator())
    assert chosen.tolist() == list(range(9)) and len(partners) == len(known) == 0


@pytest.mark.parametrize("share", [0.0, 0.1, 1.0])
def test_objectives_see_the_share_of_the_labels_and_no_others(digits, share):
    recipe = replace(SHORT, objectives={"supervised_neighbours": 1.0, "reconstruct": 1.0}, labels=share)
    training = new_training(recipe, digits, 0, "cpu")
    part, truth = training.task.train, training.task.labels
    shown = part.labels >= 0
    assert shown.mean() == pytest.approx(share, abs=0.03)
    np.testing.assert_array_equal(part.labels[shown], truth[shown])
    _, _, known = part.rows(np.arange(5), torch.Generator().manual_seed(0))
    assert len(known) == len(set(known.tolist())) == min(256, shown.sum())
    assert shown[known].all()
    assert (training.task.validation.labels == digits.split("validation")[1]).all()


def test_a_few_labels_help_the_map(digits):
    recipe = replace(NEAR, epochs=6, batch=128)
    helped = replace(recipe, objectives=recipe.objectives | {"supervised_neighbours": 1.0}, labels=0.2)
    alone, with_labels = (trained(one, digits).progress.history[-1]["validation_5nn"] for one in (recipe, helped))
    assert with_labels > alone + 0.02


def test_the_probe_of_a_decoder_of_canonical_bumps_stays_that_bump(digits):
    assert trained(replace(NEAR, epochs=1), digits).task.probe == Probe(0.9, 1.0)


def test_neighbours_come_together(digits):
    history = trained(replace(NEAR, epochs=10, batch=128), digits).progress.history
    assert history[-1]["validation_5nn"] > 0.7 and history[-1]["validation_loss"] < history[0]["validation_loss"] - 0.5


TURNED = {"turn": Jitter(turn=30.0), "zoom": Jitter(zoom=0.5)}


@pytest.mark.parametrize("most", TURNED.values(), ids=TURNED)
def test_jitter_turns_and_zooms_about_the_middle_by_at_most_that(most):
    dot = torch.zeros(400, 1, 41, 41)
    dot[:, 0, 19:22, 29:32] = 1  # ten to the right of the middle
    moved = jitter(dot, most, torch.Generator().manual_seed(0))[:, 0]
    axis = torch.arange(41.0) - 20
    x, y = (moved.sum(1) @ axis, moved.sum(2) @ axis)
    x, y = x / moved.sum((1, 2)), y / moved.sum((1, 2))
    angle, distance = torch.atan2(y, x).rad2deg(), torch.hypot(x, y)
    if most.turn:
        assert 28 < angle.abs().max() < 31 and angle.min() < -28
        assert (distance - 10).abs().max() < 0.3
    else:
        assert angle.abs().max() < 1
        assert 14.5 < distance.max() < 15.2 and 6.5 < distance.min() < 7


def test_a_warp_is_interpolated_bicubically():
    """Of a ramp from left to right, and one from top to bottom, each pixel says where it was taken from."""
    side, warp = 21, 0.02
    across = torch.linspace(-1, 1, 2 * side + 1)[1::2]
    ramps = torch.stack([across.expand(side, side), across[:, None].expand(side, side)])[None]
    moved = jitter(ramps, Jitter(warp=warp), torch.Generator().manual_seed(0))
    generator = torch.Generator().manual_seed(0)
    torch.rand(4, 1, generator=generator)
    shifts = 2 * warp * torch.randn(1, 2, 4, 4, generator=generator)
    wanted = (moved - ramps)[..., 3:-3, 3:-3]  # away from the edges, beyond which there is nothing
    smooth = torch.nn.functional.interpolate(shifts, (side, side), mode="bicubic")[..., 3:-3, 3:-3]
    torch.testing.assert_close(wanted, smooth, rtol=0, atol=1e-5)


def test_a_warp_shifts_the_parts_of_an_image_smoothly_and_apart():
    x, y = torch.meshgrid(torch.linspace(0, 1, 40), torch.linspace(0, 1, 40), indexing="xy")
    ramps = torch.stack([x, y])[:, None].repeat_interleave(300, 0)
    moved = jitter(ramps, Jitter(warp=0.02), torch.Generator().manual_seed(0))
    shift = ((moved - ramps) * 39 / 40)[..., 8:-8, 8:-8]  # as a share of the side, where nothing comes from outside
    assert 0.01 < shift.std() < 0.03 and shift.mean().abs() < 2e-3
    assert shift.std((2, 3)).mean() > 0.006
    assert shift.diff(dim=3).abs().max() < 0.02


def test_a_jitter_out_of_range_is_an_error():
    for wrong in (
        {"warp": 1.1},
        {"shift": -0.1},
        {"shift": 1.5},
        {"turn": 200.0},
        {"zoom": 1.0},
        {"zoom": float("nan")},
    ):
        with pytest.raises(ValueError, match="a jitter has a shift of 0 to 1"):
            Jitter(**wrong)


def test_decoded_images_are_embedded_near_their_probes(digits):
    with_it = replace(NEAR, epochs=8, batch=128, objectives=NEAR.objectives | {"round_trip": 0.3})
    off = {}
    for name, recipe in (("without", replace(NEAR, epochs=8, batch=128)), ("with", with_it)):
        network = trained(recipe, digits).network.eval().requires_grad_(False)
        probes = 3 * (2 * torch.rand(200, 2, generator=torch.Generator().manual_seed(0)) - 1)
        decoded = network.decode(network.clip(gaussian_bump(probes, network.grid, network.canonical)))
        off[name] = (network.coordinates(network.activation(decoded)) - probes).norm(dim=1).median().item()
    assert off["with"] < 0.7 * off["without"]


def test_the_decoder_learns_nothing_from_its_round_trip(digits):
    training = new_training(replace(NEAR, objectives={"reconstruct": 0.0, "round_trip": 1.0}), digits, 0, "cpu")
    next(training.run())
    assert not any(weight.grad.any() for weight in training.network.decoder.parameters())
    assert training.network.encoder[1].weight.grad.any()
