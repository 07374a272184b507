"""A backbone learns classes; a map on a backbone learns without changing it."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from kernelviz.data.batches import Jitter, pixels
from kernelviz.errors import UserError
from kernelviz.networks.backbones import normalised
from kernelviz.storage.record import ClassifierRun, read_run
from kernelviz.storage.weights import load_network, pretrained_backbone
from kernelviz.tasks import embedding
from kernelviz.tasks.classifier import ClassifierRecipe
from kernelviz.tasks.embedding import EmbeddingRecipe
from kernelviz.tasks.recipes import RECIPES
from kernelviz.training import checkpoint
from kernelviz.training.loop import new_optimizer
from kernelviz.training.ranks import ALONE
from kernelviz.training.session import new_training

SHORT = ClassifierRecipe(
    data="coloured",
    makes="resnet32",
    epochs=1,
    batch=64,
    rate=0.05,
    optimizer="sgd",
    jitter=Jitter(pixels=1, mirror=True),
    mixed=False,
)
HEAD = EmbeddingRecipe(
    data="coloured",
    network={"encoder": (50,), "decoder": (), "grid": (15, 15)},
    objectives={"classify": 1.0},
    epochs=2,
    batch=64,
    mixed=False,
)


@pytest.fixture
def on_bottom(bottom):
    """The recipe of a head on 11 layers of the run "bottom"."""
    return replace(HEAD, backbone="resnet32", weights=str(bottom.folder / "weights.safetensors"), depth=11)


def trained(training, steps=None):
    for progress in training.run():
        if progress.step == steps:
            break
    return training


def same(one, other):
    pairs = zip(one.state_dict().values(), other.state_dict().values(), strict=True)
    return all(torch.equal(*pair) for pair in pairs)


def test_a_backbone_learns_and_its_record_has_no_map(bottom):
    assert isinstance(bottom, ClassifierRun) and not (bottom.folder / "map.parquet").exists()
    assert bottom.network == {"name": "resnet32", "arguments": {"classes": 10}}
    assert bottom.metrics["test_accuracy"] > 0.4  # chance is 0.1
    assert bottom.history[0]["loss"] > bottom.history[-1]["loss"]
    assert bottom.history[-1]["validation_accuracy"] > 0.4


def test_the_loss_is_the_smoothed_cross_entropy_of_normalised_pixels(coloured):
    training = new_training(replace(SHORT, smoothing=0.2, jitter=Jitter()), coloured, 0, "cpu")
    chosen = np.arange(6)
    loss = training.task.loss(chosen, torch.Generator(), ALONE)
    logits = training.network(normalised(pixels(coloured.train_images[:6]))).log_softmax(1).detach()
    own = logits[torch.arange(6), torch.from_numpy(coloured.train_labels[:6])]
    assert loss.item() == pytest.approx(-(0.8 * own + 0.2 * logits.mean(1)).mean().item(), rel=1e-4)


def test_without_a_validation_part_every_image_is_shown_and_nothing_is_validated(coloured):
    everything = replace(coloured, validation=0.0)
    training = new_training(SHORT, everything, 0, "cpu")
    assert training.task.size == len(coloured.train_images) == 1500
    assert "validation_accuracy" not in trained(training).progress.history[0]
    assert 200 < coloured.n_validation < 300 and everything.n_validation == 0


def test_images_without_a_label_are_left_out_and_grey_ones_rejected(coloured, digits):
    labels = coloured.train_labels.copy()
    labels[:100] = -1
    assert (
        new_training(SHORT, replace(coloured, train_labels=labels), 0, "cpu").task.size
        == len(coloured.split("train")[1]) - 100
    )
    with pytest.raises(ValueError, match="resnet32 learns classes of RGB images"):
        new_training(SHORT, digits, 0, "cpu")


def test_a_stopped_training_ends_with_the_same_weights(coloured, tmp_path):
    whole = trained(new_training(SHORT, coloured, 3, "cpu"))
    checkpoint.save(trained(new_training(SHORT, coloured, 3, "cpu"), steps=7), tmp_path)
    other = new_training(SHORT, coloured, 3, "cpu")
    checkpoint.resume(other, tmp_path)
    assert other.progress.step == 7
    assert same(trained(other).network, whole.network)


def test_only_matrices_of_layers_decay(coloured):
    training = new_training(replace(SHORT, decay=0.1), coloured, 0, "cpu")
    matrices, others = new_optimizer(training.schedule, training.network).param_groups
    assert matrices["weight_decay"] == 0.1 and others["weight_decay"] == 0
    assert {weight.ndim for weight in matrices["params"]} == {2, 4}
    assert {weight.ndim for weight in others["params"]} == {1}
    head = new_training(HEAD, coloured, 0, "cpu")
    assert any(
        weight is head.network.kernel_layer.u for weight in new_optimizer(HEAD, head.network).param_groups[1]["params"]
    )


def test_not_one_value_of_the_backbone_changes_while_a_map_learns(coloured, on_bottom):
    recipe = replace(on_bottom, jitter=Jitter(pixels=1))
    before = pretrained_backbone("resnet32", recipe.weights, 11).module.state_dict()
    training = trained(new_training(recipe, coloured, 0, "cpu"))
    after = training.network.backbone[1].state_dict()
    assert after.keys() == before.keys() and all(torch.equal(after[name], before[name]) for name in before)
    assert training.progress.history[-1]["loss"] < training.progress.history[0]["loss"]


def test_features_are_computed_once_where_nothing_moves(coloured, on_bottom, monkeypatch):
    seen = []
    cached = new_training(on_bottom, coloured, 0, "cpu", seen.append)
    assert len(cached.task.cache) == cached.task.size == seen[-1] == len(coloured.split("train")[1])
    monkeypatch.setattr(embedding, "CACHED", 1000)
    streamed = new_training(on_bottom, coloured, 0, "cpu")
    assert streamed.task.cache is None
    assert new_training(replace(on_bottom, jitter=Jitter(mirror=True)), coloured, 0, "cpu").task.cache is None
    for one, other in zip(
        trained(cached, 5).network.parameters(), trained(streamed, 5).network.parameters(), strict=True
    ):
        torch.testing.assert_close(one, other, rtol=1e-3, atol=1e-4)


def test_a_checkpoint_of_a_head_is_its_own_weights_only(coloured, on_bottom, tmp_path):
    recipe = replace(on_bottom, epochs=1)
    whole = trained(new_training(recipe, coloured, 0, "cpu"))
    checkpoint.save(trained(new_training(recipe, coloured, 0, "cpu"), steps=4), tmp_path)
    other = new_training(recipe, coloured, 0, "cpu")
    checkpoint.resume(other, tmp_path)
    assert same(trained(other).network, whole.network)
    assert (tmp_path / "checkpoint.safetensors").stat().st_size < 4 * 4 * 16 * 64 * 50


def test_a_checkpoint_on_another_backbone_is_refused(coloured, on_bottom, tmp_path):
    checkpoint.save(new_training(on_bottom, coloured, 0, "cpu"), tmp_path)
    other = new_training(on_bottom, coloured, 0, "cpu")
    other.task.backbone = replace(other.task.backbone, sha256="0" * 64)
    with pytest.raises(UserError, match="it belongs to another backbone. Train without --resume"):
        checkpoint.resume(other, tmp_path)


def test_a_head_takes_grey_images_as_the_rgb_ones_that_look_alike(coloured, on_bottom):
    arrays = {name: getattr(coloured, name)[..., 0] for name in ("train_images", "test_images")}
    alike = replace(coloured, **arrays, preprocess=replace(coloured.preprocess, channels=1))
    grey, rgb = (new_training(on_bottom, images, 0, "cpu").task.cache for images in (alike, coloured))
    torch.testing.assert_close(grey, rgb)


def test_maps_at_two_depths_know_their_number_of_layers(heads):
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
        new_training(RECIPES["mnist-grids"], tall, 0, "cpu")
