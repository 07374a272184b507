"""A backbone learns classes; a map on a backbone learns without changing it."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from kernelviz.data.batches import Jitter, pixels
from kernelviz.networks.backbones import normalised
from kernelviz.runs.record import read_run
from kernelviz.runs.weights import backbone_from, load_network
from kernelviz.tasks import embedding
from kernelviz.tasks.recipes import RECIPES, Recipe
from kernelviz.training import checkpoint
from kernelviz.training.loop import Training, new_optimizer

SHORT = Recipe(
    "coloured",
    makes="resnet32",
    objectives={"classify": 1.0},
    epochs=1,
    batch=64,
    rate=0.05,
    optimizer="sgd",
    jitter=Jitter(pixels=1, mirror=True),
    mixed=False,
)
HEAD = Recipe(
    "coloured",
    network={"encoder": (50,), "decoder": (), "grid": (15, 15)},
    objectives={"classify": 1.0},
    epochs=2,
    batch=64,
    mixed=False,
)


@pytest.fixture
def backbone(bottom):
    return backbone_from("resnet32", bottom.folder / "weights.safetensors", 11)


def trained(training, steps=None):
    for progress in training.run():
        if progress.step == steps:
            break
    return training


def same(one, other):
    pairs = zip(one.state_dict().values(), other.state_dict().values(), strict=True)
    return all(torch.equal(*pair) for pair in pairs)


def test_a_backbone_learns_and_its_record_has_no_map(bottom):
    assert not bottom.has_map and bottom.probe == {} and not (bottom.folder / "map.parquet").exists()
    assert bottom.network == {"name": "resnet32", "arguments": {"classes": 10}}
    assert bottom.metrics["test_accuracy"] > 0.4  # chance is 0.1
    assert bottom.history[0]["loss"] > bottom.history[-1]["loss"]
    assert bottom.history[-1]["validation_accuracy"] > 0.4


def test_the_loss_is_the_smoothed_cross_entropy_of_normalised_pixels(coloured):
    training = Training(replace(SHORT, smoothing=0.2, jitter=Jitter()), coloured, 0, "cpu")
    chosen = np.arange(6)
    loss = training.task.loss(chosen, None, torch.Generator())
    logits = training.network(normalised(pixels(coloured.train_images[:6]))).log_softmax(1).detach()
    own = logits[torch.arange(6), torch.from_numpy(coloured.train_labels[:6])]
    assert loss.item() == pytest.approx(-(0.8 * own + 0.2 * logits.mean(1)).mean().item(), rel=1e-4)


def test_without_a_validation_part_every_image_is_shown_and_nothing_is_validated(coloured):
    everything = replace(coloured, validation=0.0)
    training = Training(SHORT, everything, 0, "cpu")
    assert training.task.size == len(coloured.train_images) == 1500
    assert "validation_accuracy" not in trained(training).progress.history[0]
    assert coloured.n_validation == 250 and everything.n_validation == 0


def test_images_without_a_label_are_left_out_and_grey_ones_refused(coloured, digits):
    labels = coloured.train_labels.copy()
    labels[:100] = -1
    assert Training(SHORT, replace(coloured, train_labels=labels), 0, "cpu").task.size == 1150
    with pytest.raises(ValueError, match="resnet32 learns classes of RGB images"):
        Training(SHORT, digits, 0, "cpu")


def test_a_stopped_training_ends_with_the_same_weights(coloured, tmp_path):
    whole = trained(Training(SHORT, coloured, 3, "cpu"))
    checkpoint.save(trained(Training(SHORT, coloured, 3, "cpu"), steps=7), tmp_path)
    other = Training(SHORT, coloured, 3, "cpu")
    checkpoint.resume(other, tmp_path)
    assert other.progress.step == 7 and other.progress.probe is None
    assert same(trained(other).network, whole.network)


def test_only_matrices_of_layers_decay(coloured):
    training = Training(replace(SHORT, decay=0.1), coloured, 0, "cpu")
    matrices, others = new_optimizer(training.recipe, training.network).param_groups
    assert matrices["weight_decay"] == 0.1 and others["weight_decay"] == 0
    assert {weight.ndim for weight in matrices["params"]} == {2, 4}
    assert {weight.ndim for weight in others["params"]} == {1}
    head = Training(HEAD, coloured, 0, "cpu", None)
    assert any(
        weight is head.network.kernel_layer.u for weight in new_optimizer(HEAD, head.network).param_groups[1]["params"]
    )


def test_not_one_value_of_the_backbone_changes_while_a_map_learns(coloured, backbone):
    before = {name: value.clone() for name, value in backbone.part.state_dict().items()}
    training = trained(Training(replace(HEAD, jitter=Jitter(pixels=1)), coloured, 0, "cpu", backbone))
    lower = training.network.lower[1].state_dict()
    assert lower.keys() == before.keys() and all(torch.equal(lower[name], before[name]) for name in before)
    assert training.progress.history[-1]["loss"] < training.progress.history[0]["loss"]


def test_features_are_computed_once_where_nothing_moves(coloured, backbone, monkeypatch):
    seen = []
    kept = Training(HEAD, coloured, 0, "cpu", backbone, seen.append)
    assert len(kept.task.kept) == kept.task.size == seen[-1] == 1250
    monkeypatch.setattr(embedding, "CACHED", 1000)
    streamed = Training(HEAD, coloured, 0, "cpu", backbone)
    assert streamed.task.kept is None
    assert Training(replace(HEAD, jitter=Jitter(mirror=True)), coloured, 0, "cpu", backbone).task.kept is None
    for one, other in zip(
        trained(kept, 5).network.parameters(), trained(streamed, 5).network.parameters(), strict=True
    ):
        torch.testing.assert_close(one, other, rtol=1e-3, atol=1e-4)


def test_a_checkpoint_of_a_head_is_its_own_weights_only(coloured, backbone, tmp_path):
    recipe = replace(HEAD, epochs=1)
    whole = trained(Training(recipe, coloured, 0, "cpu", backbone))
    checkpoint.save(trained(Training(recipe, coloured, 0, "cpu", backbone), steps=4), tmp_path)
    other = Training(recipe, coloured, 0, "cpu", backbone)
    checkpoint.resume(other, tmp_path)
    assert same(trained(other).network, whole.network)
    assert (tmp_path / "checkpoint.safetensors").stat().st_size < 4 * 4 * 16 * 64 * 50


def test_a_head_takes_rgb_images_only(digits, backbone):
    with pytest.raises(ValueError, match="takes RGB images, and those of 'digits' are grey"):
        Training(HEAD, digits, 0, "cpu", backbone)


def test_the_map_of_a_deeper_cut_is_made_of_what_lies_below(heads):
    assert [head.arguments["backbone"]["layers"] for head in heads] == [11, 31]
    assert all(head.metrics["test_accuracy"] > 0.2 and "silhouette" in head.metrics for head in heads)  # chance is 0.1


def test_grids_take_square_grey_images_of_any_size(kernelviz):
    code, out, errors = kernelviz("train", "mnist-grids-found", "--data", "digits", "--epochs", "1", "--json")
    assert code == 0, errors
    run = read_run(Path(json.loads(out)["folder"]))
    assert run.network["arguments"]["side"] == 8 and run.metrics["test_accuracy"] > 0.2
    assert load_network(run).stages[0].u.shape == (64, 2)


def test_grids_refuse_images_that_are_not_square(digits):
    tall = replace(digits, preprocess=replace(digits.preprocess, height=6))
    with pytest.raises(ValueError, match="square images; those of 'digits' are 6 x 8"):
        Training(RECIPES["mnist-grids"], tall, 0, "cpu")
