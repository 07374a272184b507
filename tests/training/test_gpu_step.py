"""A step of a training on a GPU waits for nothing; its losses are read a few steps later."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from kernelviz.data.batches import Jitter
from kernelviz.tasks.classifier import ClassifierRecipe
from kernelviz.tasks.embedding import EmbeddingRecipe
from kernelviz.tasks.objectives import OBJECTIVES
from kernelviz.training import checkpoint, loop
from kernelviz.training.loop import TrainingStopped
from kernelviz.training.optimizers import OPTIMIZERS
from kernelviz.training.session import new_training
from tests.fake_gpu import GPU, fake_gpu

MOVED = Jitter(0.05, 10.0, 0.1, 0.02, pixels=1, mirror=True)
NETWORK = {"encoder": (20,), "decoder": (20,), "grid": (6, 6), "noise": 0.1, "dropout": 0.1, "convolutions": (4,)}
EVERYTHING = EmbeddingRecipe(
    data="digits", network=NETWORK, objectives=dict.fromkeys(OBJECTIVES, 1.0), jitter=MOVED, labels=0.5, batch=100
)
RECIPES = {
    "every objective": EVERYTHING,
    "a canonical decoder": replace(EVERYTHING, network=NETWORK | {"canonical": 0.5}, bend=1.0),
    "gradients": replace(EVERYTHING, network=NETWORK | {"gradients": True}),
    "grids": ClassifierRecipe(
        data="digits",
        makes="grids",
        network={"maps": (4,), "sides": (4,), "widths": (2.0,), "dropouts": (0.3,)},
        epochs=1,
        batch=100,
        jitter=MOVED,
    ),
}


@pytest.fixture
def few(digits):
    """The first 200 of the digits."""
    return replace(digits, train_images=digits.train_images[:200], train_labels=digits.train_labels[:200])


@pytest.mark.parametrize("recipe", RECIPES.values(), ids=RECIPES)
def test_a_step_asks_the_gpu_for_nothing(few, recipe, monkeypatch):
    # the fused one knows no such device
    monkeypatch.setitem(OPTIMIZERS, "adam", lambda schedule, groups, weights: torch.optim.AdamW(groups))
    training = new_training(recipe, few, 0, GPU)
    with fake_gpu() as watch:
        loss = training._step()
    assert loss.device.type == GPU and watch.read == 0


def test_the_features_of_a_set_go_to_the_gpu_step_by_step(few):
    recipe = replace(
        EVERYTHING, objectives={"reconstruct": 1.0}, jitter=Jitter(), network=NETWORK | {"convolutions": ()}
    )
    training = new_training(recipe, few, 0, GPU)
    training.task.cache = torch.zeros(len(training.task.images), 2, 64, dtype=torch.float16)
    with fake_gpu() as watch:
        rows, generator = np.arange(10), torch.Generator()
        assert training.task.loss(rows, generator, training.ranks).device.type == GPU and watch.read == 0


@pytest.mark.filterwarnings("ignore:.*no-op")  # no values can be copied to such a device
def test_a_training_goes_on_on_another_device(few, tmp_path, monkeypatch):
    monkeypatch.setitem(OPTIMIZERS, "adam", lambda schedule, groups, weights: torch.optim.AdamW(groups))
    here, there = (new_training(EVERYTHING, few, 0, device) for device in ("cpu", GPU))
    next(here.run())
    checkpoint.save(here, tmp_path)
    checkpoint.resume(there, tmp_path)
    assert there.progress.step == 1
    with fake_gpu() as watch:
        assert there._step().device.type == GPU and watch.read == 0


@pytest.fixture
def unread(few, monkeypatch):
    """A training of 2 epochs of 5 steps whose losses are read after 3 steps at most, as on a GPU."""
    monkeypatch.setattr(loop, "UNREAD", 3)
    training = new_training(replace(EVERYTHING, batch=40, epochs=2, mixed=False), few, 0, "cpu")
    training.device = "a GPU"
    monkeypatch.setattr(loop, "mixed_precision", lambda *_: torch.autocast("cpu", enabled=False))
    return training


def test_losses_are_read_every_few_steps_and_at_the_end_of_an_epoch(few, unread):
    seen = [progress.step for progress in unread.run()]
    whole = new_training(unread.schedule, few, 0, "cpu")
    assert [progress.step for progress in whole.run()] == list(range(1, whole.steps + 1))
    assert unread.batches == 5 and seen == [3, 5, 6, 9, 10]
    assert [row["loss"] for row in unread.progress.history] == [row["loss"] for row in whole.progress.history]


def test_a_loss_that_is_read_later_is_told_with_its_own_step(unread):
    progress = unread.run()
    next(progress)
    unread.network.kernel_layer.alpha.data[0] = torch.nan
    with pytest.raises(TrainingStopped, match="the loss became nan in epoch 1, step 4 of 5"):
        next(progress)
    assert unread.progress.step == 3
